//! The loop of a connector: fold what follows, hand out snapshots, write checkpoints.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use spanledger_component::{Clock, Connector, Error, Position, Retry, Rows};
use spanledger_faults::{Fault, Point};
use spanledger_wal::{Checkpoint, Condition, Control, Counts, DeadLetter, Wal};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::branch::{Ask, Progress};
use crate::building::Resuming;
use crate::checkpoints;
use crate::dead_letters;
use crate::delivering::{self, Backoff};
use crate::files;
use crate::random::Random;
use crate::reader::{Next, Reader, dead};
use crate::snapshots::Snapshot;
use crate::window::Window;

/// How often snapshots are handed out while rows come.
const EMIT_EVERY: Duration = Duration::from_secs(1);
/// How often, and after how many bytes, the state is written while rows come.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(10);
const CHECKPOINT_BYTES: usize = 64 << 20;
/// How often while the log is nearly full: what is in no checkpoint keeps segments from being deleted.
const TIGHT_CHECKPOINT_EVERY: Duration = Duration::from_secs(1);

/// How often log time is marked at most, while something waits for it and nothing arrives.
const MARK_EVERY: Duration = Duration::from_secs(1);

/// One connector, its place in the log, and when it last handed out and wrote its state.
pub(crate) struct Folding {
    connector: Box<dyn Connector>,
    /// Its state without anything.
    empty: Vec<u8>,
    progress: Arc<Progress>,
    reader: Arc<Reader>,
    wal: Wal,
    clock: Arc<dyn Clock>,
    /// How often in a row it could not go on.
    setback: Backoff,
    out: watch::Sender<Option<Snapshot>>,
    stop: CancellationToken,
    wanted: watch::Receiver<Position>,
    /// Everything before it is folded.
    next: Position,
    /// Records before it are folded one by one: one of them cannot be.
    suspect_until: Position,
    /// What is before it was folded before, and is folded again because its checkpoint is lost.
    again: Option<Again>,
    /// What was durable at the start: nothing is handed out before it is folded, so that no counter steps back.
    caught_up_at: Position,
    counts: Counts,
    emitted: Emitted,
    checkpointed: Checkpointed,
    /// The last time mark; `None` when the log has none.
    mark: Option<Mark>,
    /// When the next one may be tried.
    mark_again_at: Instant,
    /// Dead letters that are in the state, and in no checkpoint yet.
    replayed: Vec<DeadLetter>,
}

/// What is folded again.
struct Again {
    /// Where the branch was, and what it was done with there.
    by_log: (Position, Counts),
}

/// Log time has come to this while nothing arrived.
struct Mark {
    unix_ns: u64,
    /// What stands before it has to be folded first; what stands behind it arrived later.
    until: Position,
    /// The connector knows.
    is_told: bool,
}

struct Emitted {
    at: Instant,
    /// Time that it was told has passed since.
    is_outdated: bool,
    /// Everything before it was in the last snapshot; `None` before the first.
    next: Option<Position>,
}

struct Checkpointed {
    at: Instant,
    next: Position,
    counts: Counts,
    state: Vec<u8>,
    bytes_since: usize,
    /// The files that are there, newest first.
    files: Vec<String>,
}

enum Event {
    Stop,
    Emit,
    Checkpoint,
    Letter,
    Mark,
    Data,
}

impl Folding {
    /// With a connector that has its state back.
    #[expect(clippy::too_many_arguments, reason = "the parts of a branch, each named once by the engine")]
    pub(crate) fn new(
        connector: Resuming,
        progress: Arc<Progress>,
        reader: Arc<Reader>,
        wal: Wal,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        out: watch::Sender<Option<Snapshot>>,
        stop: CancellationToken,
    ) -> Self {
        let Resuming { connector, empty, resumed } = connector;
        let (next, counts) = progress.done();
        let by_log = resumed.by_log;
        let again = (next < by_log.0).then_some(Again { by_log });
        let caught_up_at =
            if Fault::ScrapeBeforeCatchUp.is_planted() { next } else { Position(wal.data_end().0) };
        let (at, state) = (Instant::now(), connector.snapshot());
        // What was handed out before may have known of it.
        let unix_ns = wal.state().time_mark_unix_ns;
        let mark = Mark { unix_ns, until: caught_up_at, is_told: false };
        Self {
            connector,
            empty,
            wanted: progress.wanted(),
            progress,
            reader,
            wal,
            clock,
            setback: Backoff::new(random),
            out,
            stop,
            next,
            suspect_until: next,
            again,
            caught_up_at,
            counts,
            emitted: Emitted { at, is_outdated: false, next: None },
            checkpointed: Checkpointed { at, next, counts, state, bytes_since: 0, files: resumed.files },
            mark: (unix_ns > 0).then_some(mark),
            mark_again_at: at,
            replayed: Vec::new(),
        }
    }

    /// Runs until stop, then writes the state.
    pub(crate) async fn run(mut self) -> Result<(), Error> {
        self.emit_when_caught_up();
        loop {
            match self.next_event().await {
                Event::Stop => break,
                Event::Emit => self.emit(),
                Event::Checkpoint => self.checkpoint().await,
                Event::Letter => self.next_letter().await,
                Event::Mark => self.mark_time().await,
                Event::Data => self.fold_next().await,
            }
        }
        if self.checkpointed.next < self.next && self.again.is_none() {
            self.checkpoint().await;
        }
        Ok(())
    }

    async fn next_event(&mut self) -> Event {
        let emit_due = self.emit_due();
        let checkpoint_due = self.checkpoint_due();
        let mark_due = self.mark_due();
        // One at a time, and not while it looks for a record to blame: it may go back to its last checkpoint then.
        let is_settled = self.replayed.is_empty() && self.next >= self.suspect_until.max(self.caught_up_at);
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Event::Stop,
            () = until(emit_due) => Event::Emit,
            () = until(checkpoint_due) => Event::Checkpoint,
            () = self.progress.letter_asked(), if is_settled => Event::Letter,
            () = until(mark_due) => Event::Mark,
            () = self.reader.wait(self.next, &mut self.wanted) => Event::Data,
        }
    }

    fn emit_due(&self) -> Option<Instant> {
        let last = self.emitted.next?;
        let wanted = *self.wanted.borrow();
        match last < self.next {
            true if wanted > last && wanted <= self.next => Some(Instant::now()),
            true => Some(self.emitted.at + EMIT_EVERY),
            // Not while it is behind what was handed out, as it is after it went back to its last checkpoint.
            false if self.emitted.is_outdated && last == self.next => Some(self.emitted.at + EMIT_EVERY),
            false => None,
        }
    }

    /// When log time has come so far that something is due which waits in the connector. While something is to be read,
    /// that lets time go on.
    fn mark_due(&self) -> Option<Instant> {
        if self.again.is_some() || self.emitted.next.is_none() || self.next.0 < self.wal.data_end().0 {
            return None;
        }
        let due = self.connector.due()?.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let wait = due.saturating_sub(Duration::from_nanos(self.wal.time_unix_ns()));
        Some((Instant::now() + wait).max(self.mark_again_at))
    }

    /// Marks the time in the log, so that what is handed out then is handed out after a restart as well.
    async fn mark_time(&mut self) {
        let (unix_ns, noted) = self.wal.mark_time();
        match noted.await {
            Ok(_) => {
                let until = Position(self.wal.data_end().0);
                self.mark = Some(Mark { unix_ns, until, is_told: false });
                self.tell_time();
                delivering::recovered(&self.progress, 1);
            }
            Err(error) => {
                if self.progress.fail(&error.to_string(), false) {
                    warn!(branch = %self.progress.id, %error, "mark of the time failed, will try again");
                }
            }
        }
        self.mark_again_at = Instant::now() + MARK_EVERY;
    }

    /// Tells the connector of the last time mark once everything before it is folded.
    fn tell_time(&mut self) {
        let Some(mark) = self.mark.as_mut().filter(|mark| !mark.is_told && mark.until <= self.next) else {
            return;
        };
        mark.is_told = true;
        self.connector.tick(SystemTime::UNIX_EPOCH + Duration::from_nanos(mark.unix_ns));
        self.emitted.is_outdated = true;
    }

    /// The state of the connector is an older one again.
    fn forget_time(&mut self) {
        self.mark.iter_mut().for_each(|mark| mark.is_told = false);
    }

    fn checkpoint_due(&self) -> Option<Instant> {
        if self.again.is_some() {
            // The log counts the branch as further: a checkpoint would fit neither.
            return None;
        }
        Some(self.checkpointed.at + checkpoint_after(self.checkpointed.bytes_since, &self.wal.condition())?)
    }

    async fn fold_next(&mut self) {
        match self.try_fold_next().await {
            Ok(()) => self.setback.reset(),
            Err(error) => self.setback.after(&Retry::alarm(error), &self.progress).await,
        }
        self.emit_when_caught_up();
    }

    async fn try_fold_next(&mut self) -> Result<(), Error> {
        if let Some(again) = &self.again {
            if self.next >= again.by_log.0 {
                self.again = None;
            } else if self.next >= self.suspect_until {
                return self.fold_again();
            }
        }
        if self.next < self.suspect_until {
            return self.fold_suspect().await;
        }
        match self.reader.next(self.next, &self.progress.id)? {
            Next::Nothing { until, passes_damage } => {
                if passes_damage {
                    self.begin_behind_damage()?;
                }
                self.passed(until, passes_damage);
            }
            Next::Window(window) => {
                if window.follows_damage {
                    self.begin_behind_damage()?;
                }
                match self.fold(&window) {
                    Ok(()) => self.passed(window.last.next(), window.follows_damage),
                    Err(reason) => self.go_back(&window, &reason)?,
                }
            }
        }
        Ok(())
    }

    /// Everything before `next` is folded; what was damaged in it is counted.
    fn passed(&mut self, next: Position, passes_damage: bool) {
        self.next = next.max(self.next);
        if passes_damage {
            self.counts += self.progress.lost_before(&self.wal, next, &self.counts);
        }
    }

    /// What cannot be read here may be in what was handed out before: without it the counters would fall.
    fn begin_behind_damage(&mut self) -> Result<(), Error> {
        let handed_out = self.caught_up_at.max(self.emitted.next.unwrap_or_default());
        if self.next >= handed_out {
            return Ok(());
        }
        error!(branch = %self.progress.id, position = %self.next,
            "a part of the log that was counted cannot be read again: the counters begin again at 0 with what follows");
        self.forget_time();
        self.connector.restore(&self.empty)
    }

    /// Folds once more what the branch was done with. Its dead letters stay what they are.
    fn fold_again(&mut self) -> Result<(), Error> {
        let Some(Again { by_log: (end, _), .. }) = &self.again else { return Ok(()) };
        let (from, last) = (self.next, Position(end.0.saturating_sub(1)));
        let letters = dead_letters::positions(&self.wal, &self.progress.id.to_string());
        let piece = self.reader.exactly(from, last, &letters, &self.progress)?;
        if self.wal.first_retained().0 > from.0 {
            return self.begin_anew("the log released what was to be counted again");
        }
        if piece.passes_damage {
            return self.begin_anew("a part of what was to be counted again cannot be read");
        }
        if let Some(window) = &piece.window
            && let Err(reason) = self.fold(window)
        {
            return self.go_back(window, &reason);
        }
        self.counts += piece.counts;
        self.next = piece.last.next();
        Ok(())
    }

    /// Something that was to be folded again is gone: the state would lack it, and its counters would seem to fall.
    fn begin_anew(&mut self, reason: &str) -> Result<(), Error> {
        let Some(Again { by_log: (position, counts) }) = self.again.take() else { return Ok(()) };
        error!(branch = %self.progress.id, %position, reason, "the counters begin again at 0 with what follows");
        self.connector.restore(&self.empty)?;
        self.forget_time();
        (self.next, self.counts, self.suspect_until) = (position, counts, position);
        (self.checkpointed.next, self.checkpointed.counts) = (position, counts);
        self.checkpointed.state = self.connector.snapshot();
        Ok(())
    }

    /// Folds a window; an error when a processor or the connector cannot take one of its rows.
    fn fold(&mut self, window: &Window) -> Result<(), Error> {
        let log_time = SystemTime::UNIX_EPOCH + Duration::from_nanos(window.last_arrival_unix_nano);
        self.take_in(window, Some(log_time))?;
        self.counts += window.counts(&self.progress.id);
        Ok(())
    }

    /// Folds rows, and lets the time go on if they are the newest.
    fn take_in(&mut self, window: &Window, log_time: Option<SystemTime>) -> Result<(), Error> {
        let batch = window.batch(&self.progress.id)?;
        let fold = AssertUnwindSafe(|| {
            Rows::in_log_order(&batch.rows).iter().for_each(|rows| self.connector.fold(rows));
            log_time.into_iter().for_each(|log_time| self.connector.tick(log_time));
        });
        catch_unwind(fold).map_err(|_| Error::new("the connector panicked"))?;
        self.checkpointed.bytes_since += window.bytes;
        Ok(())
    }

    /// Does what is asked with the next dead letter. One that is folded is none any more with the checkpoint that
    /// holds it.
    async fn next_letter(&mut self) {
        let Some((position, ask)) = self.progress.next_letter() else { return };
        let branch = self.progress.id.to_string();
        let Some(letter) = dead_letters::find(&self.wal, &branch, position) else {
            return self.progress.letter_done();
        };
        let done = match ask {
            Ask::Replay => self.replay(&letter).await,
            Ask::Drop => dead_letters::give_up(&self.wal, &branch, &letter).await.inspect(|()| {
                self.counts.give_up(&letter);
                self.checkpointed.counts.give_up(&letter);
                let (position, mut counts) = self.progress.done();
                counts.give_up(&letter);
                self.progress.set_done(position, counts);
                self.progress.letter_done();
            }),
        };
        if let Err(error) = done {
            self.setback.after(&Retry::alarm(error), &self.progress).await;
        }
    }

    async fn replay(&mut self, letter: &DeadLetter) -> Result<(), Error> {
        let before = self.connector.snapshot();
        if let Err(reason) = self.fold_letter(letter) {
            self.connector.restore(&before)?;
            let (branch, reason) = (self.progress.id.to_string(), reason.to_string());
            dead_letters::keep_again(&self.wal, self.clock.as_ref(), &branch, letter, &reason).await?;
            self.progress.letter_done();
            return Ok(());
        }
        self.replayed.push(letter.clone());
        self.checkpoint().await;
        Ok(())
    }

    fn fold_letter(&mut self, letter: &DeadLetter) -> Result<(), Error> {
        let record = dead_letters::read(&self.wal, letter)?;
        let window = self.reader.put_aside(&record, &self.progress.id)?;
        self.take_in(&window, None)?;
        self.counts.revive(letter);
        Ok(())
    }

    /// Takes the state of the last checkpoint back, since that of now may be half of a window, and looks for the record
    /// to blame from there on.
    fn go_back(&mut self, window: &Window, reason: &Error) -> Result<(), Error> {
        warn!(branch = %self.progress.id, first = %window.first, last = %window.last, %reason,
            "records were not counted; looking for those to blame");
        self.connector.restore(&self.checkpointed.state)?;
        self.forget_time();
        (self.next, self.counts) = (self.checkpointed.next, self.checkpointed.counts);
        // They are out of the state again, and still asked for.
        self.replayed.clear();
        self.suspect_until = window.last.next();
        Ok(())
    }

    /// Folds the next record alone. When it cannot be folded it goes to the dead letters.
    async fn fold_suspect(&mut self) -> Result<(), Error> {
        let piece = self.reader.exactly(self.next, self.next, &[], &self.progress)?;
        self.counts += piece.counts;
        if piece.passes_damage {
            self.begin_behind_damage()?;
        }
        let (Some(window), Some(record)) = (&piece.window, piece.records.first()) else {
            self.passed(self.next.next(), piece.passes_damage);
            return Ok(());
        };
        let before = self.connector.snapshot();
        if let Err(reason) = self.fold(window) {
            self.connector.restore(&before)?;
            let (branch, reason) = (self.progress.id.to_string(), reason.to_string());
            dead_letters::keep(&self.wal, self.clock.as_ref(), &branch, record, &reason).await?;
            self.counts += dead(window.counts(&self.progress.id));
        }
        self.passed(self.next.next(), piece.passes_damage);
        Ok(())
    }

    /// After a restart nothing is handed out before everything that was durable has been folded again.
    fn emit_when_caught_up(&mut self) {
        self.tell_time();
        if self.emitted.next.is_none() && self.next >= self.caught_up_at {
            self.emit();
        }
    }

    fn emit(&mut self) {
        let snapshot = Snapshot { position: self.next, rows: self.connector.emit() };
        self.out.send_replace(Some(snapshot));
        self.emitted = Emitted { at: Instant::now(), is_outdated: false, next: Some(self.next) };
        self.progress.set_done(self.next, self.counts);
    }

    async fn checkpoint(&mut self) {
        if let Err(error) = self.try_checkpoint().await {
            // The log keeps what is not in a checkpoint, so nothing is lost by trying again later.
            if self.progress.fail(&error.to_string(), false) {
                warn!(branch = %self.progress.id, %error, "checkpoint failed, will try again");
            }
        }
        self.checkpointed.at = Instant::now();
        self.checkpointed.bytes_since = self.checkpointed.bytes_since.min(1);
    }

    /// File and folder are durable before the record is; only then an old file goes.
    async fn try_checkpoint(&mut self) -> Result<(), Error> {
        let state = self.connector.snapshot();
        // Never the name of the last one, which counts until the record that names this one is durable.
        let letter = self.replayed.first().map(|letter| Position(letter.position.0));
        let at = (self.next, self.counts);
        let file = checkpoints::write(&self.wal, &self.progress.id, at, letter, &state)?;
        let name = self.progress.id.to_string();
        let position = spanledger_wal::Position(self.next.0);
        let checkpoint = Checkpoint { position, file: file.clone() };
        let replayed = self.replayed.iter().map(|letter| letter.position).collect();
        Point::BeforeCheckpoint.pass();
        let noted =
            self.wal.record(Control::Checkpoint { branch: name, checkpoint, counts: self.counts, replayed });
        noted.await.map_err(|error| Error::caused("note the checkpoint in the log", error))?;
        Point::AfterCheckpoint.pass();
        let mut files = std::mem::take(&mut self.checkpointed.files);
        checkpoints::keep(&self.wal, &mut files, file);
        let at = self.checkpointed.at;
        self.checkpointed =
            Checkpointed { at, next: self.next, counts: self.counts, state, bytes_since: 0, files };
        if !self.replayed.is_empty() {
            self.emit();
        }
        for letter in self.replayed.drain(..) {
            info!(branch = %self.progress.id, position = letter.position.0, "dead letter was counted after all");
            dead_letters::remove(&self.wal, &letter);
            self.progress.letter_done();
        }
        files::charge(&self.wal);
        delivering::recovered(&self.progress, 1);
        Ok(())
    }
}

/// How long after the last checkpoint the next one is due, when so many bytes were folded since.
fn checkpoint_after(bytes_since: usize, log: &Condition) -> Option<Duration> {
    let is_tight = log.used_bytes + log.segment_bytes > log.data_max_bytes;
    match bytes_since {
        0 => None,
        CHECKPOINT_BYTES.. => Some(Duration::ZERO),
        _ if is_tight => Some(TIGHT_CHECKPOINT_EVERY),
        _ => Some(CHECKPOINT_EVERY),
    }
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nearly_full_log_does_not_wait_long_for_the_checkpoint_that_gives_it_room() {
        let log_with = |used_bytes| Condition {
            healthy: true,
            busy: Duration::ZERO,
            used_bytes,
            data_max_bytes: 16 << 20,
            segment_bytes: 8 << 20,
        };
        let (roomy, tight) = (log_with(8 << 20), log_with((8 << 20) + 1));
        for (bytes_since, log, seconds) in [
            (0, &tight, None),
            (1, &roomy, Some(10)),
            (1, &tight, Some(1)),
            (64 << 20, &roomy, Some(0)),
            (64 << 20, &tight, Some(0)),
        ] {
            let after = checkpoint_after(bytes_since, log).map(|after| after.as_secs());
            assert_eq!(after, seconds, "{bytes_since} bytes since the last");
        }
    }
}
