//! What the rest of the engine knows of a branch: how far it is, how far it is asked to be, why it is stuck.

use std::sync::{Mutex, PoisonError};

use spanledger_component::{ComponentId, Position, Signal};
use spanledger_wal::SIGNALS;
use tokio::sync::watch;

use crate::window::{Items, signal_index};

/// The state of a branch that others look at.
#[derive(Debug)]
pub(crate) struct Progress {
    pub(crate) id: ComponentId,
    /// Whether it gets items of that signal.
    gets: [bool; SIGNALS],
    /// The first position that is not delivered (of a connector: not folded and handed out).
    delivered: watch::Sender<Position>,
    /// Everything before this is wanted now.
    wanted: watch::Sender<Position>,
    error: Mutex<Option<String>>,
}

impl Progress {
    pub(crate) fn new(id: ComponentId, signals: &[Signal], delivered: Position) -> Self {
        let mut gets = [false; SIGNALS];
        for signal in signals {
            if let Some(gets) = gets.get_mut(usize::from(signal_index(*signal))) {
                *gets = true;
            }
        }
        let (delivered, _) = watch::channel(delivered);
        let (wanted, _) = watch::channel(Position(0));
        Self { id, gets, delivered, wanted, error: Mutex::new(None) }
    }

    /// How many of these items, which are counted by signal, it gets.
    pub(crate) fn share_of(&self, items: &Items) -> u64 {
        items.iter().zip(&self.gets).filter(|(_, gets)| **gets).map(|(items, _)| items).sum()
    }

    /// The first position that is not delivered.
    pub(crate) fn delivered(&self) -> Position {
        *self.delivered.borrow()
    }

    pub(crate) fn set_delivered(&self, position: Position) {
        self.delivered.send_if_modified(|delivered| {
            let moved = *delivered < position;
            *delivered = position.max(*delivered);
            moved
        });
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
        self.error.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_error(&self, error: Option<String>) {
        *self.error.lock().unwrap_or_else(PoisonError::into_inner) = error;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_branch_waits_only_for_items_of_the_signals_that_it_gets() {
        let mut items = Items::default();
        for (signal, count) in [(Signal::Traces, 3), (Signal::Metrics, 50), (Signal::Logs, 700)] {
            items[usize::from(signal_index(signal))] = count;
        }
        let share = |signals: &[Signal]| {
            Progress::new("parquet".parse().unwrap(), signals, Position(1)).share_of(&items)
        };
        assert_eq!(share(&[Signal::Traces]), 3);
        assert_eq!(share(&[Signal::Traces, Signal::Logs, Signal::Traces]), 703);
        assert_eq!(share(&[]), 0);
    }
}
