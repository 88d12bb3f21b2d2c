//! What the rest of the engine knows of a branch: how far it is, how far it is asked to be, why it is stuck.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use spanledger_component::{ComponentId, Position, Signal};
use spanledger_wal::{Counts, SIGNALS, Wal};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::window::{Items, signal_index};

/// How often the log tells that the cause of a failure changed.
const TELL_EVERY: Duration = Duration::from_secs(60);

/// The state of a branch that others look at.
#[derive(Debug)]
pub(crate) struct Progress {
    pub(crate) id: ComponentId,
    /// Whether it gets items of that signal.
    gets: [bool; SIGNALS],
    /// The first position that is not delivered (of a connector: not folded and handed out).
    delivered: watch::Sender<Position>,
    /// That position again, and what became of everything before it.
    done: Mutex<(Position, Counts)>,
    /// Everything before this is wanted now.
    wanted: watch::Sender<Position>,
    trouble: Mutex<Option<Trouble>>,
    /// Dead letters that something is to be done with, the next one first.
    asked: watch::Sender<VecDeque<(Position, Ask)>>,
}

/// What is to be done with a dead letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ask {
    /// Try it again.
    Replay,
    /// Give it up for good.
    Drop,
}

/// Why a branch is stuck.
#[derive(Debug)]
struct Trouble {
    error: String,
    told: Told,
}

/// What the log said last of it.
#[derive(Debug)]
struct Told {
    error: String,
    alarm: bool,
    at: Instant,
}

impl Told {
    /// Whether the log is to say more: at once when an operator is needed from now on, else what is new once a minute.
    fn is_outdated(&self, error: &str, alarm: bool, now: Instant) -> bool {
        (alarm && !self.alarm) || (self.error != error && now.duration_since(self.at) >= TELL_EVERY)
    }
}

impl Progress {
    /// A branch that gets these signals, with everything before `delivered` done.
    pub(crate) fn new(id: ComponentId, signals: &[Signal], delivered: Position, counts: Counts) -> Self {
        let mut gets = [false; SIGNALS];
        for signal in signals {
            if let Some(gets) = gets.get_mut(usize::from(signal_index(*signal))) {
                *gets = true;
            }
        }
        let done = Mutex::new((delivered, counts));
        let (delivered, _) = watch::channel(delivered);
        let (wanted, _) = watch::channel(Position(0));
        Self { id, gets, delivered, done, wanted, trouble: Mutex::new(None), asked: watch::Sender::default() }
    }

    /// How many of these items, which are counted by signal, it gets.
    pub(crate) fn share_of(&self, items: &Items) -> u64 {
        items.iter().zip(&self.gets).filter(|(_, gets)| **gets).map(|(items, _)| items).sum()
    }

    /// What is counted of everything before a position that cannot be read, by a branch that is `done` with all that can.
    pub(crate) fn lost_before(&self, wal: &Wal, position: Position, done: &Counts) -> Counts {
        self.counts_of_lost(&wal.lost_before(spanledger_wal::Position(position.0), &done.sum()))
    }

    /// What is counted of items that cannot be read: nobody knows whose they were beyond their signal.
    pub(crate) fn counts_of_lost(&self, lost: &Items) -> Counts {
        let mut counts = Counts::default();
        for (signal, (items, gets)) in lost.iter().zip(&self.gets).enumerate() {
            let to = if *gets { &mut counts.quarantined } else { &mut counts.elsewhere };
            to.get_mut(signal).into_iter().for_each(|to| *to = *items);
        }
        counts
    }

    /// The first position that is not delivered.
    pub(crate) fn delivered(&self) -> Position {
        *self.delivered.borrow()
    }

    /// The first position that is not delivered, and what became of everything before it.
    pub(crate) fn done(&self) -> (Position, Counts) {
        *self.done.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything before `position` is done with, as `counts` says.
    pub(crate) fn set_done(&self, position: Position, counts: Counts) {
        *self.done.lock().unwrap_or_else(PoisonError::into_inner) = (position, counts);
        self.delivered.send_if_modified(|delivered| {
            let moved = *delivered < position;
            *delivered = position.max(*delivered);
            moved
        });
    }

    /// Asks for something to be done with a dead letter.
    pub(crate) fn ask(&self, position: Position, ask: Ask) {
        self.asked.send_modify(|asked| {
            if asked.iter().all(|(known, _)| *known != position) {
                asked.push_back((position, ask));
            }
        });
    }

    /// The next dead letter that something is to be done with.
    pub(crate) fn next_letter(&self) -> Option<(Position, Ask)> {
        self.asked.borrow().front().copied()
    }

    /// It was done, with whatever result.
    pub(crate) fn letter_done(&self) {
        self.asked.send_modify(|asked| {
            asked.pop_front();
        });
    }

    /// Waits until nothing is to be done with a dead letter any more.
    pub(crate) async fn wait_letter_done(&self, position: Position) {
        let is_done = |asked: &VecDeque<(Position, Ask)>| asked.iter().all(|(other, _)| *other != position);
        let _ = self.asked.subscribe().wait_for(is_done).await;
    }

    /// Waits until there is one.
    pub(crate) async fn letter_asked(&self) {
        // The sender lives as long as `self`, so waiting cannot fail.
        let _ = self.asked.subscribe().wait_for(|asked| !asked.is_empty()).await;
    }

    /// Waits until everything before `position` is delivered.
    pub(crate) async fn wait_delivered(&self, position: Position) {
        // The sender lives as long as `self`, so waiting cannot fail.
        let _ = self.delivered.subscribe().wait_for(|delivered| *delivered >= position).await;
    }

    /// Asks for everything before `position` now, without waiting for a batch or a file to fill.
    pub(crate) fn want(&self, position: Position) {
        self.wanted.send_modify(|wanted| *wanted = position.max(*wanted));
    }

    /// What is asked for, and a way to learn of changes.
    pub(crate) fn wanted(&self) -> watch::Receiver<Position> {
        self.wanted.subscribe()
    }

    /// Why it is stuck; `None` when it is not.
    pub(crate) fn error(&self) -> Option<String> {
        self.trouble().as_ref().map(|trouble| trouble.error.clone())
    }

    /// Notes a failure; whether the log is to tell of it.
    pub(crate) fn fail(&self, error: &str, alarm: bool) -> bool {
        let (now, mut trouble) = (Instant::now(), self.trouble());
        let told = trouble.take().map(|trouble| trouble.told);
        let told = told.filter(|told| !told.is_outdated(error, alarm, now));
        let is_news = told.is_none();
        let told = told.unwrap_or_else(|| Told { error: error.to_owned(), alarm, at: now });
        *trouble = Some(Trouble { error: error.to_owned(), told });
        is_news
    }

    /// Notes that it works; whether it did not.
    pub(crate) fn recover(&self) -> bool {
        self.trouble().take().is_some()
    }

    fn trouble(&self) -> MutexGuard<'_, Option<Trouble>> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_failure_is_told_at_once_and_another_cause_once_a_minute() {
        let begin = Instant::now();
        let told = Told { error: "connection refused".into(), alarm: false, at: begin };
        for (error, alarm, seconds, is_outdated) in [
            ("connection refused", false, 3600, false),
            ("timed out", false, 59, false),
            ("timed out", false, 60, true),
            ("access denied", true, 1, true),
        ] {
            let now = begin + Duration::from_secs(seconds);
            assert_eq!(told.is_outdated(error, alarm, now), is_outdated, "{error} after {seconds} s");
        }
        let progress = Progress::new("parquet".parse().unwrap(), &[], Position(1), Counts::default());
        let news = ["connection refused", "timed out"].map(|error| progress.fail(error, false));
        assert_eq!((news, progress.error().as_deref()), ([true, false], Some("timed out")));
        assert_eq!([progress.recover(), progress.recover()], [true, false]);
        assert!(progress.fail("timed out", false));
    }

    #[test]
    fn a_branch_waits_only_for_items_of_the_signals_that_it_gets() {
        let mut items = Items::default();
        for (signal, count) in [(Signal::Traces, 3), (Signal::Metrics, 50), (Signal::Logs, 700)] {
            items[usize::from(signal_index(signal))] = count;
        }
        let share = |signals: &[Signal]| {
            let id = "parquet".parse().unwrap();
            Progress::new(id, signals, Position(1), Counts::default()).share_of(&items)
        };
        assert_eq!(share(&[Signal::Traces]), 3);
        assert_eq!(share(&[Signal::Traces, Signal::Logs, Signal::Traces]), 703);
        assert_eq!(share(&[]), 0);
    }
}
