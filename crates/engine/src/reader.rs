//! The reader: gives branches what follows their cursor, a window at a time. Branches that are current share the last
//! few windows; a branch that is behind gets its own.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use spanledger_component::{ComponentId, Error, Position};
use spanledger_wal::{Counts, ReadLimits, Record, Wal};
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use crate::branch::Progress;
use crate::cuts::{Cuts, Slot};
use crate::epochs::{Epochs, Followed};
use crate::window::{Arrived, Items, Window};

/// How long what has arrived waits for more, so that small requests become one window.
const LINGER: Duration = Duration::from_millis(50);

pub(crate) struct Reader {
    wal: Wal,
    log: String,
    epochs: Arc<Epochs>,
    limits: ReadLimits,
    cuts: Mutex<Cuts>,
    /// A branch took a window.
    taken: Notify,
}

impl Reader {
    pub(crate) fn new(wal: Wal, epochs: Arc<Epochs>, limits: ReadLimits) -> Self {
        let log = wal.id().to_string();
        Self { wal, log, epochs, limits, cuts: Mutex::default(), taken: Notify::new() }
    }

    /// Waits until something follows `from`, and then a moment for more, unless a window is full, or is there already, or
    /// `wanted` asks for it now. Also returns when nothing follows but `wanted` changed: what the branch holds may be due
    /// then.
    pub(crate) async fn wait(&self, from: Position, wanted: &mut watch::Receiver<Position>) {
        let mut durable = self.wal.durable_moves();
        while self.wal.data_end().0 <= from.0 {
            tokio::select! {
                biased;
                _ = wanted.changed() => return,
                () = durable.changed() => {}
            }
        }
        let linger = tokio::time::sleep(LINGER);
        tokio::pin!(linger);
        while *wanted.borrow_and_update() <= from && !self.fills_a_window(from) && !self.cuts().keep(from) {
            tokio::select! {
                biased;
                () = &mut linger => break,
                _ = wanted.changed() => {}
                () = durable.changed() => {}
            }
        }
        self.wait_for_others(from).await;
    }

    /// Gives the other branches a moment to take the windows that are kept, one of which a new one would push out.
    async fn wait_for_others(&self, from: Position) {
        loop {
            let taken = self.taken.notified();
            let Some(patience) = self.cuts().patience(from) else { return };
            tokio::select! {
                biased;
                () = tokio::time::sleep_until(patience) => return,
                () = taken => {}
            }
        }
    }

    fn fills_a_window(&self, from: Position) -> bool {
        let waiting = self.wal.waiting(spanledger_wal::Position(from.0));
        waiting.bytes >= self.limits.bytes || waiting.items.iter().sum::<u64>() >= self.limits.items
    }

    /// What follows `from`, by the epoch of `branch`. Blocks for disk and decoding.
    pub(crate) fn next(&self, from: Position, branch: &ComponentId) -> Result<Next, Error> {
        // What is read ends where the epochs that are known do.
        let Followed { durable_end, unknown } = self.epochs.follow(&self.wal);
        let Some((epoch, until)) = self.epochs.of(branch, from) else {
            return Ok(Next::Nothing { until: from, passes_damage: false });
        };
        let (slot, cut) = self.cuts().slot((from, epoch.first), Instant::now());
        let made = slot.get_or_init(|| {
            let until = until.into_iter().chain(cut).chain(unknown).chain([durable_end]).min();
            let until = until.map(|until| spanledger_wal::Position(until.0));
            let read = self.wal.read(spanledger_wal::Position(from.0), until, self.limits);
            let read = read.map_err(|error| error.to_string())?;
            let passes_damage = read.passes_damage;
            Ok(match Window::new(&self.log, epoch, &read.records) {
                Some(window) => Next::Window(Arc::new(window.behind_damage(passes_damage))),
                None => Next::Nothing { until: Position(read.next.0), passes_damage },
            })
        });
        self.note(branch, &slot, made);
        made.clone().map_err(|error| Error::new(format!("read the log at position {from}: {error}")))
    }

    /// The rows of exactly `first` to `last` at most, without the excluded records; for a plan that is carried out
    /// again, or to find the one record that cannot be taken. Never shared.
    pub(crate) fn exactly(
        &self,
        first: Position,
        last: Position,
        excluded: &[Position],
        progress: &Progress,
    ) -> Result<Piece, Error> {
        let Some((epoch, until)) = self.epochs.of(&progress.id, first) else {
            return Err(Error::new(format!("{} is in no epoch from position {first} on", progress.id)));
        };
        let unknown = self.epochs.follow(&self.wal).unknown;
        if let Some(unknown) = unknown.filter(|unknown| *unknown <= first) {
            return Err(Error::new(format!(
                "the config or the prices changed at position {unknown} while this ran: run it again for what follows"
            )));
        }
        let until = until.into_iter().chain(unknown).fold(last.next(), Position::min);
        let read = self
            .wal
            .read(spanledger_wal::Position(first.0), Some(spanledger_wal::Position(until.0)), self.limits)
            .map_err(|error| Error::caused(format!("read the log at position {first}"), error))?;
        let passes_damage = read.passes_damage;
        let Some(last) = read.records.last().map(|record| Position(record.position.0)) else {
            // Nothing but control records up to the next epoch, perhaps.
            let last = Position(read.next.0.saturating_sub(1));
            return Ok(Piece { last, passes_damage, ..Piece::default() });
        };
        let is_excluded = |record: &Record| excluded.contains(&Position(record.position.0));
        let (excluded, records): (Vec<_>, Vec<_>) = read.records.into_iter().partition(is_excluded);
        let counts = dead(Arrived::new(&excluded).counts(&epoch, &progress.id));
        let window = Window::new(&self.log, epoch, &records).map(Arc::new);
        Ok(Piece { last, records, counts, passes_damage, window })
    }

    /// The rows of a record that was put aside, by the present epoch: it may be what has changed since.
    pub(crate) fn put_aside(&self, record: &Record, branch: &ComponentId) -> Result<Window, Error> {
        let epoch = self.epochs.present();
        let window = epoch.and_then(|epoch| Window::new(&self.log, epoch, std::slice::from_ref(record)));
        window.filter(|window| window.counts(branch).delivered != Items::default()).ok_or_else(|| {
            let receiver = &record.receiver;
            Error::new(format!("no pipeline leads from receiver {receiver} to {branch} any more"))
        })
    }

    /// Notes how far the branch is.
    fn note(&self, branch: &ComponentId, slot: &Slot, made: &Result<Next, String>) {
        let mut cuts = self.cuts();
        match made {
            Ok(Next::Window(window)) => cuts.take(branch, window.last.next()),
            // Nothing worth keeping: the next one to ask looks again.
            Ok(Next::Nothing { until, .. }) => {
                cuts.take(branch, *until);
                cuts.forget(slot);
            }
            Err(_) => cuts.forget(slot),
        }
        drop(cuts);
        self.taken.notify_waiters();
    }

    fn cuts(&self) -> MutexGuard<'_, Cuts> {
        self.cuts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What follows a position.
#[derive(Clone)]
pub(crate) enum Next {
    /// Records that follow it, in the epoch of the first of them.
    Window(Arc<Window>),
    /// No data: control records only, or what cannot be read.
    Nothing {
        /// Where something may follow.
        until: Position,
        /// Whether something that cannot be read is passed over.
        passes_damage: bool,
    },
}

/// What is counted of records that went to the dead letters instead of being delivered.
pub(crate) fn dead(counts: Counts) -> Counts {
    Counts { dead_lettered: counts.delivered, delivered: Items::default(), ..counts }
}

/// Part of an exact range.
#[derive(Default)]
pub(crate) struct Piece {
    /// How far it goes.
    pub(crate) last: Position,
    /// What it was made of, without the excluded records.
    pub(crate) records: Vec<Record>,
    /// What is counted of the excluded records.
    pub(crate) counts: Counts,
    /// Whether something that cannot be read stood before them.
    pub(crate) passes_damage: bool,
    /// `None` when every record was excluded.
    pub(crate) window: Option<Arc<Window>>,
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use futures::FutureExt as _;
    use spanledger_wal::Options;

    use super::*;

    #[test]
    fn a_branch_that_has_read_everything_is_woken_once_when_it_is_asked_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(|| SystemTime::UNIX_EPOCH);
        let wal = Wal::open(Options::new(folder.path(), clock)).unwrap();
        let limits = ReadLimits { items: 1, bytes: 1 };
        let reader = Reader::new(wal, Arc::default(), limits);
        let (asking, mut wanted) = watch::channel(Position(0));

        assert!(reader.wait(Position(9), &mut wanted).now_or_never().is_none());
        asking.send_replace(Position(9));
        assert!(reader.wait(Position(9), &mut wanted).now_or_never().is_some());
        assert!(reader.wait(Position(9), &mut wanted).now_or_never().is_none());
    }
}
