//! What extensions can ask: status, readiness, flush.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use spanledger_component::{
    BranchStatus, Clock, DeadLetter, Error, Host as Contract, Ledger, LetterOutcome, Letters, LogStatus,
    Position, Replay, Replayed, Status, Waiting,
};
use spanledger_wal::{Counts, Wal};
use tokio::sync::watch;

use crate::branch::{Ask, Progress};
use crate::dead_letters;
use crate::gate::Gate;
use crate::replays::Replays;

/// The running collector, as extensions see it.
pub(crate) struct Host {
    pub(crate) wal: Wal,
    pub(crate) branches: Vec<Arc<Progress>>,
    /// How far exporters have taken in what connectors hand out: exporter id and position.
    pub(crate) feeds: Vec<(String, watch::Receiver<Position>)>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) started: AtomicBool,
    pub(crate) gate: Arc<Gate>,
    /// There once the start is done.
    pub(crate) replays: OnceLock<Replays>,
}

impl Host {
    pub(crate) fn waiting(&self, progress: &Progress) -> Option<Waiting> {
        let from = progress.delivered();
        let waiting = self.wal.waiting(spanledger_wal::Position(from.0));
        let branch = progress.id.to_string();
        let some =
            Waiting { branch, from, items: progress.share_of(&waiting.items), error: progress.error() };
        (waiting.records > 0).then_some(some)
    }

    /// By how much what the branch is done with differs from what the log counted up to the same position.
    fn imbalance(&self, progress: &Progress) -> u64 {
        let mut seen_at = None;
        loop {
            let (position, counts) = self.done_by_now(progress);
            let imbalance = self.wal.imbalance(position, &counts.sum());
            // Once it has moved on, the log may have released what was to be counted.
            if imbalance == 0 || seen_at == Some(position) {
                return imbalance;
            }
            seen_at = Some(position);
        }
    }

    /// What the branch is done with: the log may know before the branch tells, and release what is before.
    fn done_by_now(&self, progress: &Progress) -> (spanledger_wal::Position, Counts) {
        let (position, counts) = progress.done();
        let told = (spanledger_wal::Position(position.0), counts);
        let state = self.wal.state();
        let by_log = state.branches.get(&progress.id.to_string()).filter(|branch| branch.cursor > told.0);
        by_log.map_or(told, |branch| (branch.cursor, branch.counts))
    }

    /// What the branch accounts for.
    fn ledger_of(&self, progress: &Progress, waiting: u64) -> Ledger {
        let (_, counts) = progress.done();
        let Counts { delivered, dropped, dead_lettered, quarantined, .. } = &counts;
        let [delivered, dropped, dead_lettered, quarantined] =
            [delivered, dropped, dead_lettered, quarantined].map(|items| items.iter().sum::<u64>());
        Ledger {
            accepted: delivered + dropped + dead_lettered + quarantined + waiting,
            delivered,
            waiting,
            dead_lettered,
            quarantined,
            dropped,
            imbalance: self.imbalance(progress),
        }
    }

    pub(crate) fn waiting_bytes(&self, progress: &Progress) -> u64 {
        self.wal.waiting(spanledger_wal::Position(progress.delivered().0)).bytes
    }

    fn status_of(&self, progress: &Progress) -> BranchStatus {
        let delivered = progress.delivered();
        let waiting = self.wal.waiting(spanledger_wal::Position(delivered.0));
        let id = progress.id.to_string();
        let dead_letters =
            self.wal.state().branches.get(&id).map(|branch| branch.dead_letters_total).unwrap_or_default();
        let oldest =
            waiting.oldest_arrival_unix_ns.map(|arrival| self.clock.now_unix_nano().saturating_sub(arrival));
        BranchStatus {
            id,
            delivered: Position(delivered.0.saturating_sub(1)),
            waiting_items: progress.share_of(&waiting.items),
            waiting_bytes: waiting.bytes,
            oldest_seconds: Duration::from_nanos(oldest.unwrap_or_default()).as_secs_f64(),
            dead_letters,
            ledger: self.ledger_of(progress, progress.share_of(&waiting.items)),
            error: progress.error(),
        }
    }

    /// Has branches do something with their dead letters, and waits for what becomes of each.
    async fn ask_for_letters(&self, which: &Letters, ask: Ask, timeout: Duration) -> Vec<LetterOutcome> {
        let mut asked = Vec::new();
        for progress in &self.branches {
            for letter in dead_letters::of_branch(&self.wal, &progress.id.to_string(), which) {
                let position = Position(letter.position.0);
                progress.ask(position, ask);
                asked.push((progress, position));
            }
        }
        let deadline = tokio::time::Instant::now() + timeout;
        let mut outcomes = Vec::new();
        for (progress, position) in asked {
            let branch = progress.id.to_string();
            let error = match tokio::time::timeout_at(deadline, progress.wait_letter_done(position)).await {
                Ok(()) => dead_letters::find(&self.wal, &branch, position).map(|letter| letter.reason),
                Err(_) => Some("it is not done yet, and goes on".to_owned()),
            };
            outcomes.push(LetterOutcome { branch, position, error });
        }
        outcomes
    }

    async fn flushed(&self, branches: &[&Arc<Progress>], target: Position) {
        for progress in branches {
            progress.want(target);
        }
        for progress in branches {
            progress.wait_delivered(target).await;
        }
        for (_, seen) in self.feeds_of(branches) {
            let _ = seen.clone().wait_for(|seen| *seen >= target).await;
        }
    }

    /// The ways by which exporters among these branches get snapshots; every way when these are all.
    fn feeds_of(
        &self,
        branches: &[&Arc<Progress>],
    ) -> impl Iterator<Item = &(String, watch::Receiver<Position>)> {
        let chosen = |exporter: &str| branches.iter().any(|progress| progress.id.to_string() == exporter);
        let all = branches.len() == self.branches.len();
        self.feeds.iter().filter(move |(exporter, _)| all || chosen(exporter))
    }

    /// What was not done when the time was up.
    fn left(&self, branches: &[&Arc<Progress>], target: Position) -> Vec<Waiting> {
        let mut left: Vec<_> = branches.iter().filter_map(|progress| self.waiting(progress)).collect();
        for (exporter, seen) in self.feeds_of(branches) {
            let from = *seen.borrow();
            if from < target {
                let error = Some("it has not taken in the latest metrics".to_owned());
                left.push(Waiting { branch: exporter.clone(), from, items: 0, error });
            }
        }
        left
    }
}

#[async_trait]
impl Contract for Host {
    fn status(&self) -> Status {
        let stats = self.wal.stats();
        Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            ready: self.ready().is_ok(),
            log: LogStatus {
                id: self.wal.id().to_string(),
                directory: self.wal.directory().to_owned(),
                durable: Position(self.wal.durable_end().0.saturating_sub(1)),
                accepted_items: stats.accepted_items.iter().sum(),
                bytes: stats.used_bytes,
                max_bytes: stats.max_bytes,
            },
            branches: self.branches.iter().map(|progress| self.status_of(progress)).collect(),
        }
    }

    fn started(&self) -> bool {
        self.started.load(Ordering::Acquire)
    }

    fn ready(&self) -> Result<(), String> {
        match self.hindrance() {
            None => Ok(()),
            Some(hindrance) => Err(hindrance.to_string()),
        }
    }

    async fn flush(&self, branch: Option<&str>, timeout: Duration) -> Result<(), Vec<Waiting>> {
        let chosen: Vec<_> = self
            .branches
            .iter()
            .filter(|progress| branch.is_none_or(|id| progress.id.to_string() == id))
            .collect();
        if chosen.is_empty() && branch.is_some() {
            let error = Some("there is no such branch".to_owned());
            let branch = branch.unwrap_or_default().to_owned();
            return Err(vec![Waiting { branch, from: Position(0), items: 0, error }]);
        }
        let target = Position(self.wal.data_end().0);
        match tokio::time::timeout(timeout, self.flushed(&chosen, target)).await {
            Ok(()) => Ok(()),
            Err(_) => Err(self.left(&chosen, target)),
        }
    }

    fn dead_letters(&self) -> Vec<DeadLetter> {
        dead_letters::all(&self.wal)
    }

    async fn replay_dead_letters(&self, which: &Letters, timeout: Duration) -> Vec<LetterOutcome> {
        self.ask_for_letters(which, Ask::Replay, timeout).await
    }

    async fn drop_dead_letters(&self, which: &Letters, timeout: Duration) -> Vec<LetterOutcome> {
        self.ask_for_letters(which, Ask::Drop, timeout).await
    }

    async fn replay(&self, what: &Replay, timeout: Duration) -> Result<Replayed, Error> {
        let replays = self.replays.get().ok_or_else(|| Error::new("replay: the collector is starting"))?;
        replays.run(what, timeout).await
    }

    async fn drain(&self, timeout: Duration) -> Result<(), Vec<Waiting>> {
        self.gate.shut();
        // What passed the gate is in the queue of the log, and durable when what is queued behind it is. When the log
        // takes nothing any more, neither is acknowledged.
        let _ = self.wal.mark_time().1.await;
        self.flush(None, timeout).await
    }
}
