//! The loop of an exporter: export what follows, seal when it is due, plan, deliver, commit.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use spanledger_component::{
    Batch, Clock, Delivery, Error, ExportError, Exporter, Plan, PlanId, Position, Retry,
};
use spanledger_faults::{Fault, Point};
use spanledger_telemetry::Counter;
use spanledger_wal::{Control, Counts, DeadLetter, Wal};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::error;

use crate::branch::Progress;
use crate::delivering::{self, Backoff};
use crate::random::Random;
use crate::reader::{Next, Reader};
use crate::snapshots::{Feed, Snapshot};
use crate::window::Window;

/// How often the cursor of an exporter that holds nothing is written.
const CURSOR_EVERY: Duration = Duration::from_secs(1);

/// One exporter, its place in the log, and what it holds.
pub(crate) struct Exporting {
    pub(crate) exporter: Box<dyn Exporter>,
    pub(crate) progress: Arc<Progress>,
    pub(crate) reader: Arc<Reader>,
    pub(crate) wal: Wal,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) feeds: Vec<Feed>,
    pub(crate) stop: CancellationToken,
    pub(crate) sent: Sent,
    wanted: watch::Receiver<Position>,
    /// What was exported and is not sealed yet.
    pub(crate) open: Open,
    /// What it is done with since it was added.
    pub(crate) counts: Counts,
    in_flight: Option<InFlight>,
    /// How often in a row it could not go on.
    pub(crate) setback: Backoff,
    cursor: CursorWriter,
}

/// The range that fills.
#[derive(Debug, Clone, Default)]
pub(crate) struct Open {
    /// Where it begins.
    pub(crate) first: Position,
    /// Where the next export begins; equal to `first` when nothing was exported.
    pub(crate) next: Position,
    /// Records of it that went to the dead letters.
    pub(crate) excluded: Vec<Position>,
    /// What became of the items in it.
    pub(crate) counts: Counts,
}

/// A plan that is being delivered.
struct InFlight {
    delivery: JoinHandle<()>,
    plan: Plan,
    open: Open,
    /// The dead letter that it delivers after all.
    letter: Option<DeadLetter>,
}

/// When the cursor was last written, and whether it has moved since.
struct CursorWriter {
    written: tokio::time::Instant,
    moved: bool,
}

/// What the Collector counts of every exporter.
pub(crate) struct Sent {
    /// By signal.
    pub(crate) items: [Counter; 3],
    /// By signal: what went to the dead letters.
    pub(crate) given_up: [Counter; 3],
    pub(crate) failures: Counter,
}

enum Event {
    Delivered { cut_off: bool },
    SealDue,
    Letter,
    CursorDue,
    Snapshot(usize),
    Data,
}

impl Exporting {
    #[expect(clippy::too_many_arguments, reason = "the parts of a branch, each named once by the engine")]
    pub(crate) fn new(
        exporter: Box<dyn Exporter>,
        progress: Arc<Progress>,
        reader: Arc<Reader>,
        wal: Wal,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        feeds: Vec<Feed>,
        stop: CancellationToken,
        sent: Sent,
    ) -> Self {
        let (wanted, setback) = (progress.wanted(), Backoff::new(random.clone()));
        let (next, counts) = progress.done();
        let open = Open { first: next, next, ..Open::default() };
        let cursor = CursorWriter { written: tokio::time::Instant::now(), moved: false };
        Self {
            exporter,
            progress,
            reader,
            wal,
            clock,
            random,
            feeds,
            stop,
            sent,
            wanted,
            open,
            counts,
            in_flight: None,
            setback,
            cursor,
        }
    }

    /// Runs until stop. What is not delivered then stays in the log.
    pub(crate) async fn run(mut self) -> Result<(), Error> {
        let stop = self.stop.clone();
        // Whatever it waits for, a target that is away or a disk that is full, stop ends it: the log has it all.
        let ended = stop.run_until_cancelled(self.run_on()).await;
        if let Some(in_flight) = self.in_flight.take() {
            in_flight.delivery.abort();
        }
        if self.cursor.moved {
            self.write_cursor();
        }
        ended.unwrap_or(Ok(()))
    }

    async fn run_on(&mut self) -> Result<(), Error> {
        self.finish_open_plan().await?;
        loop {
            match self.next_event().await {
                Event::Delivered { cut_off } => self.commit(cut_off).await?,
                Event::SealDue => self.seal().await,
                Event::Letter => self.next_letter().await,
                Event::CursorDue => self.write_cursor(),
                Event::Snapshot(feed) => self.export_snapshot(feed).await,
                Event::Data => self.export_next().await,
            }
        }
    }

    /// A plan that was open when the program last ended: exactly its range is delivered before anything else.
    async fn finish_open_plan(&mut self) -> Result<(), Error> {
        let Some(plan) = self.planned() else { return Ok(()) };
        self.open =
            Open { first: plan.first, next: plan.first, excluded: plan.excluded.clone(), ..Open::default() };
        while let Err(reason) = self.export_planned(&plan).await {
            self.exporter.abandon();
            self.wait_after(Error::caused("carry out the plan again", reason)).await;
        }
        let cut_off = finished(&mut self.in_flight).await;
        self.commit(cut_off).await
    }

    fn planned(&self) -> Option<Plan> {
        let state = self.wal.state();
        let planned = state.branches.get(&self.progress.id.to_string())?.plan.clone()?;
        Some(Plan {
            id: PlanId(planned.id.0),
            log: spanledger_component::LogId(self.wal.id().0),
            exporter: self.progress.id.clone(),
            first: Position(planned.first.0),
            last: Position(planned.last.0),
            excluded: planned.excluded.iter().map(|position| Position(position.0)).collect(),
        })
    }

    async fn export_planned(&mut self, plan: &Plan) -> Result<(), Error> {
        if let Some(letter) = self.letter_of(plan) {
            return self.export_letter_again(plan, letter).await;
        }
        let (mut next, mut counts) = (plan.first, Counts::default());
        while next <= plan.last {
            let piece = self.reader.exactly(next, plan.last, &plan.excluded, &self.progress)?;
            if let Some(window) = &piece.window {
                self.try_export(&window.batch(&self.progress.id)?)
                    .await
                    .map_err(|error| Error::new(error.to_string()))?;
                counts += window.counts(&self.progress.id);
            }
            counts += piece.counts;
            next = piece.last.next();
            if piece.passes_damage {
                counts += self.lost_before(next, counts);
            }
        }
        let delivery = match self.exporter.seal_by() {
            Some(_) => Some(self.try_seal(plan).map_err(|error| Error::new(error.to_string()))?),
            // By its present settings it holds nothing: all is delivered.
            None => None,
        };
        self.open.next = plan.last.next();
        self.open.counts = counts;
        self.start_delivery(delivery, plan.clone(), None);
        Ok(())
    }

    async fn next_event(&mut self) -> Event {
        // A timer rounds up to a millisecond: nothing more is taken in meanwhile, or else there is always more to take in.
        let is_due = self.exporter.seal_by().is_some_and(|due| due <= now());
        let holds_nothing = self.exporter.seal_by().is_none();
        let seal_due = self.seal_due();
        let cursor_due = self.cursor.written + CURSOR_EVERY;
        let (next, idle, moved) = (self.open.next, self.in_flight.is_none(), self.cursor.moved);
        tokio::select! {
            biased;
            cut_off = finished(&mut self.in_flight) => Event::Delivered { cut_off },
            () = until(seal_due), if idle => Event::SealDue,
            () = self.progress.letter_asked(), if idle && holds_nothing => Event::Letter,
            () = tokio::time::sleep_until(cursor_due), if moved => Event::CursorDue,
            feed = any_changed(&mut self.feeds) => Event::Snapshot(feed),
            () = self.reader.wait(next, &mut self.wanted), if !is_due => Event::Data,
        }
    }

    /// When the open range is to be sealed: the exporter's own time, or now when all of it is wanted.
    fn seal_due(&self) -> Option<Instant> {
        let due = self.exporter.seal_by()?;
        let wanted = *self.wanted.borrow();
        let all_wanted = wanted > self.open.first && wanted <= self.open.next;
        // A dead letter is delivered by a plan of its own, before which what is held has to go.
        Some(if all_wanted || self.progress.next_letter().is_some() { now() } else { due })
    }

    async fn export_next(&mut self) {
        match self.reader.next(self.open.next, &self.progress.id) {
            Ok(Next::Window(window)) => match self.offer(&window).await {
                Ok(()) => self.exported(&window),
                Err(reason) => self.isolate(window.last, reason).await,
            },
            Ok(Next::Nothing { until, passes_damage }) => self.passed(until, passes_damage),
            Err(error) => self.wait_after(error).await,
        }
        self.pass_when_nothing_is_held();
    }

    /// What went wrong is not up to any row: it is tried again after a moment, loudly.
    pub(crate) async fn wait_after(&mut self, error: Error) {
        self.setback.after(&Retry::alarm(error), &self.progress).await;
    }

    /// Exports a window's rows; the reason when they can never be taken.
    pub(crate) async fn offer(&mut self, window: &Window) -> Result<(), Error> {
        let batch = window.batch(&self.progress.id)?;
        let mut backoff = Backoff::new(self.random.clone());
        loop {
            match self.try_export(&batch).await {
                Ok(()) => {
                    if backoff.attempt > 1 {
                        delivering::recovered(&self.progress, backoff.attempt);
                    }
                    return Ok(());
                }
                Err(ExportError::Reject { source }) => return Err(source),
                Err(ExportError::Retry(retry)) => backoff.after(&retry, &self.progress).await,
            }
        }
    }

    pub(crate) async fn try_export(&mut self, batch: &Batch) -> Result<(), ExportError> {
        if batch.rows.is_empty() {
            return Ok(());
        }
        let export = AssertUnwindSafe(self.exporter.export(batch)).catch_unwind();
        export.await.unwrap_or_else(|_| Err(panicked()))
    }

    pub(crate) fn try_seal(&mut self, plan: &Plan) -> Result<Box<dyn Delivery>, ExportError> {
        let seal = AssertUnwindSafe(|| self.exporter.seal(plan));
        catch_unwind(seal).unwrap_or_else(|_| Err(panicked()))
    }

    pub(crate) fn exported(&mut self, window: &Window) {
        self.setback.reset();
        self.open.counts += window.counts(&self.progress.id);
        self.passed(window.last.next(), window.follows_damage);
    }

    /// Everything before `next` is exported; what was damaged in it is counted.
    pub(crate) fn passed(&mut self, next: Position, passes_damage: bool) {
        self.open.next = next.max(self.open.next);
        if passes_damage {
            self.open.counts += self.lost_before(next, self.open.counts);
        }
    }

    /// What cannot be read of everything before a position, when `open` are the counts of the open range up to there.
    fn lost_before(&self, position: Position, open: Counts) -> Counts {
        let mut done = self.counts;
        self.in_flight.iter().for_each(|in_flight| done += in_flight.open.counts);
        done += open;
        self.progress.lost_before(&self.wal, position, &done)
    }

    /// An exporter that holds nothing has delivered what it was given: the cursor moves without a plan.
    pub(crate) fn pass_when_nothing_is_held(&mut self) {
        if self.in_flight.is_none() && self.exporter.seal_by().is_none() && self.open.next > self.open.first {
            let open = self.begin_next_range();
            self.done_with(&open);
            self.progress.set_done(open.next, self.counts);
            delivering::recovered(&self.progress, 1);
            self.cursor.moved = true;
        }
    }

    fn begin_next_range(&mut self) -> Open {
        let next = self.open.next;
        std::mem::replace(&mut self.open, Open { first: next, next, ..Open::default() })
    }

    fn done_with(&mut self, open: &Open) {
        self.counts += open.counts;
        for (counter, items) in self.sent.items.iter().zip(open.counts.delivered) {
            counter.add(items);
        }
        for (counter, items) in self.sent.given_up.iter().zip(open.counts.dead_lettered) {
            counter.add(items);
        }
    }

    pub(crate) fn write_cursor(&mut self) {
        let (position, counts) = self.progress.done();
        let (position, branch) = (spanledger_wal::Position(position.0), self.progress.id.to_string());
        // Not waited for: a cursor that is lost is only a little behind.
        drop(self.wal.record(Control::Cursor { branch, position, counts }));
        self.cursor = CursorWriter { written: tokio::time::Instant::now(), moved: false };
    }

    async fn seal(&mut self) {
        let last = Position(self.open.next.0.saturating_sub(1));
        let plan = Plan { excluded: self.open.excluded.clone(), ..self.plan(self.open.first, last) };
        let delivery = match self.try_seal(&plan) {
            Ok(delivery) => delivery,
            Err(ExportError::Reject { source }) => return self.isolate(plan.last, source).await,
            Err(ExportError::Retry(retry)) => {
                return self.setback.after(&retry, &self.progress).await;
            }
        };
        if self.cursor.moved {
            // Before the plan: what was passed over counts even if the plan is carried out by the next start.
            self.write_cursor();
        }
        Point::BeforePlan.pass();
        // The plan is durable before the first byte leaves: whatever crashes, the same range keeps the same name.
        if !Fault::NoPlan.is_planted() {
            let logged = Control::Plan(logged(&plan, false));
            delivering::note(&self.wal, logged, &self.progress, &self.random).await;
        }
        if Fault::CursorBeforePut.is_planted() {
            let (branch, plan) = (self.progress.id.to_string(), spanledger_wal::PlanId(plan.id.0));
            let moved = Control::Committed { plan, branch, counts: self.counts };
            delivering::note(&self.wal, moved, &self.progress, &self.random).await;
        }
        self.start_delivery(Some(delivery), plan, None);
    }

    /// A new plan.
    pub(crate) fn plan(&self, first: Position, last: Position) -> Plan {
        Plan {
            id: PlanId(self.random.id()),
            log: spanledger_component::LogId(self.wal.id().0),
            exporter: self.progress.id.clone(),
            first,
            last,
            excluded: Vec::new(),
        }
    }

    pub(crate) fn start_delivery(
        &mut self,
        delivery: Option<Box<dyn Delivery>>,
        plan: Plan,
        letter: Option<DeadLetter>,
    ) {
        self.setback.reset();
        let (progress, failures) = (self.progress.clone(), self.sent.failures.clone());
        let backoff = Backoff::new(self.random.clone());
        let delivery = tokio::spawn(async {
            if let Some(delivery) = delivery {
                delivering::deliver(delivery, progress, backoff, failures).await;
            }
        });
        let open = self.begin_next_range();
        self.in_flight = Some(InFlight { delivery, plan, open, letter });
    }

    /// Notes in the log that the delivery in flight is done.
    async fn commit(&mut self, cut_off: bool) -> Result<(), Error> {
        let Some(in_flight) = self.in_flight.take() else { return Ok(()) };
        if cut_off {
            // The plan stays open: the next start carries it out again.
            return Err(Error::new(format!("the delivery of {} was cut off", self.progress.id)));
        }
        self.done_with(&in_flight.open);
        if let Some(letter) = &in_flight.letter {
            self.counts.revive(letter);
        }
        let branch = self.progress.id.to_string();
        let plan = spanledger_wal::PlanId(in_flight.plan.id.0);
        let committed = Control::Committed { plan, branch, counts: self.counts };
        Point::BeforeCommit.pass();
        delivering::note(&self.wal, committed, &self.progress, &self.random).await;
        Point::AfterCommit.pass();
        // A dead letter stands before the cursor.
        let position = in_flight.plan.last.next().max(self.progress.delivered());
        self.progress.set_done(position, self.counts);
        self.cursor.moved |= Fault::NoPlan.is_planted();
        if let Some(letter) = in_flight.letter {
            self.end_replay(&letter);
        }
        self.pass_when_nothing_is_held();
        Ok(())
    }

    async fn export_snapshot(&mut self, feed: usize) {
        let Some(Some(taken)) = self.feeds.get_mut(feed).map(Feed::take) else { return };
        let exported = match taken {
            Ok(Snapshot { position, rows }) => {
                let batch = Batch { first: position, last: position, rows: vec![rows] };
                self.try_export(&batch).await.map(|()| position)
            }
            Err(source) => Err(ExportError::Reject { source }),
        };
        let Some(feed) = self.feeds.get_mut(feed) else { return };
        match exported {
            Ok(position) => {
                self.setback.reset();
                if feed.taken(position) {
                    delivering::recovered(&self.progress, 1);
                }
            }
            Err(ExportError::Retry(retry)) => {
                feed.take_again();
                self.setback.after(&retry, &self.progress).await;
            }
            // The next snapshot has it all again.
            Err(ExportError::Reject { source }) => {
                error!(branch = %self.progress.id, error = %source, "a snapshot of metrics was not taken");
            }
        }
    }
}

pub(crate) fn logged(plan: &Plan, replays: bool) -> spanledger_wal::Plan {
    spanledger_wal::Plan {
        id: spanledger_wal::PlanId(plan.id.0),
        branch: plan.exporter.to_string(),
        first: spanledger_wal::Position(plan.first.0),
        last: spanledger_wal::Position(plan.last.0),
        excluded: plan.excluded.iter().map(|position| spanledger_wal::Position(position.0)).collect(),
        replays,
    }
}

fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

pub(crate) fn panicked() -> ExportError {
    ExportError::Reject { source: Error::new("the exporter panicked") }
}

/// Waits for the delivery in flight, for ever when there is none; whether it was cut off.
async fn finished(in_flight: &mut Option<InFlight>) -> bool {
    match in_flight {
        Some(in_flight) => (&mut in_flight.delivery).await.is_err(),
        None => std::future::pending().await,
    }
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due.into()).await,
        None => std::future::pending().await,
    }
}

async fn any_changed(feeds: &mut [Feed]) -> usize {
    if feeds.is_empty() {
        return std::future::pending().await;
    }
    let changed = feeds.iter_mut().map(|feed| Box::pin(feed.changed()));
    futures::future::select_all(changed).await.1
}
