//! Where the log was cut into windows lately: branches that are current read the same ones.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use spanledger_component::{ComponentId, Position};
use tokio::time::Instant;

use crate::reader::Next;

/// How many windows are kept for the branches that come next.
const KEPT: usize = 2;

/// How many cuts are known. A branch that is further behind is not waited for.
const KNOWN: usize = 8;

/// How long a branch that is ahead waits for one that is not before it reads the next window, and so at least four in
/// a second, whatever becomes of the others.
const PATIENCE: Duration = Duration::from_millis(250);

/// A window, once it is made.
pub(crate) type Slot = Arc<OnceLock<Result<Next, String>>>;

/// Which windows are the same: first position, and the first position of the epoch.
pub(crate) type Key = (Position, Position);

/// The last cuts, and how far the branches are.
///
/// Every branch cuts the log where the one before it did. So one that fell behind shares windows again as soon as it has
/// caught up, and the log is decoded once for all.
#[derive(Default)]
pub(crate) struct Cuts {
    /// In the order they were made; the last [`KEPT`] have their window.
    known: VecDeque<Cut>,
    cursors: HashMap<ComponentId, Position>,
}

struct Cut {
    key: Key,
    slot: Slot,
    made: Instant,
}

impl Cuts {
    /// Whether the window that follows `from` is kept.
    pub(crate) fn keep(&self, from: Position) -> bool {
        self.kept().any(|cut| cut.key.0 == from)
    }

    /// Until when a branch at `from` should leave the windows that are kept to those that come next; `None` when all have
    /// taken the one that a new window would push out, or `from` needs no new one.
    pub(crate) fn patience(&self, from: Position) -> Option<Instant> {
        let oldest = self.known.front()?.key.0;
        let pushed_out = self.known.len().checked_sub(KEPT).and_then(|place| self.known.get(place))?.key.0;
        let newest = self.known.back()?;
        let is_waited_for = |cursor: &Position| (oldest..=pushed_out).contains(cursor);
        let is_ahead = from > newest.key.0 && self.cursors.values().any(is_waited_for);
        is_ahead.then(|| newest.made + PATIENCE).filter(|until| *until > Instant::now())
    }

    /// The place of a window, and the cut before which it has to end.
    pub(crate) fn slot(&mut self, key: Key, now: Instant) -> (Slot, Option<Position>) {
        if let Some(cut) = self.kept().find(|cut| cut.key == key) {
            return (cut.slot.clone(), None);
        }
        let next = self.known.iter().map(|cut| cut.key.0).filter(|first| *first > key.0).min();
        let slot = Slot::default();
        // What a branch makes that is behind nobody else will want.
        if next.is_none() {
            self.known.push_back(Cut { key, slot: slot.clone(), made: now });
            self.push_out();
        }
        (slot, next)
    }

    /// Notes that a branch is at `next`.
    pub(crate) fn take(&mut self, branch: &ComponentId, next: Position) {
        match self.cursors.get_mut(branch) {
            Some(cursor) => *cursor = next,
            None => drop(self.cursors.insert(branch.clone(), next)),
        }
    }

    /// Removes what turned out to be no window.
    pub(crate) fn forget(&mut self, slot: &Slot) {
        self.known.retain(|cut| !Arc::ptr_eq(&cut.slot, slot));
    }

    fn kept(&self) -> impl Iterator<Item = &Cut> {
        self.known.iter().rev().take(KEPT)
    }

    fn push_out(&mut self) {
        if self.known.len() > KNOWN {
            self.known.pop_front();
        }
        let old = self.known.len().saturating_sub(KEPT);
        self.known.iter_mut().take(old).for_each(|cut| cut.slot = Slot::default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EPOCH: Position = Position(0);

    /// The windows that begin at these positions were made, and `branch` took all but the last.
    fn made(firsts: &[u64], branch: &ComponentId) -> Cuts {
        let mut cuts = Cuts::default();
        for first in firsts {
            cuts.take(branch, Position(*first));
            cuts.slot((Position(*first), EPOCH), Instant::now());
        }
        cuts
    }

    #[test]
    fn a_branch_that_catches_up_ends_its_window_where_one_that_is_kept_begins() {
        let mut cuts = made(&[10, 20, 30, 40], &"fast".parse().unwrap());
        let (_, until) = cuts.slot((Position(14), EPOCH), Instant::now());
        assert_eq!(until, Some(Position(20)));
        assert!([30, 40].iter().all(|first| cuts.keep(Position(*first))), "still kept");
    }

    #[test]
    fn a_branch_that_is_ahead_waits_while_a_new_window_would_push_out_one_that_is_not_taken() {
        let (fast, slow) = ("fast".parse().unwrap(), "slow".parse().unwrap());
        let mut cuts = made(&[10, 20], &fast);
        cuts.take(&fast, Position(30));
        cuts.take(&slow, Position(10));
        assert!(cuts.patience(Position(30)).is_some());
        assert!(cuts.patience(Position(10)).is_none(), "the one that is waited for");
        cuts.take(&slow, Position(20));
        assert!(cuts.patience(Position(30)).is_none());
    }

    #[test]
    fn nobody_waits_for_a_branch_that_is_far_behind() {
        let (fast, slow) = ("fast".parse().unwrap(), "slow".parse().unwrap());
        let firsts: Vec<u64> = (1..=KNOWN as u64 + 1).collect();
        let mut cuts = made(&firsts, &fast);
        cuts.take(&slow, Position(1));
        assert!(cuts.patience(Position(99)).is_none());
        cuts.take(&slow, Position(2));
        assert!(cuts.patience(Position(99)).is_some());
    }
}
