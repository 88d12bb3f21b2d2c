//! How far the log is durable, and who waits for it to go on.
//!
//! Not a `watch`: that one wakes those who wait in an order of its own, and a simulation needs the same one each time.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use tokio::sync::Notify;

use crate::Position;

/// The first position that is not durable yet. Clones are the same one.
#[derive(Clone)]
pub(crate) struct Durable(Arc<State>);

struct State {
    end: AtomicU64,
    moved: Notify,
}

impl Durable {
    pub(crate) fn new(end: Position) -> Self {
        Self(Arc::new(State { end: AtomicU64::new(end.0), moved: Notify::new() }))
    }

    pub(crate) fn end(&self) -> Position {
        Position(self.0.end.load(Ordering::Acquire))
    }

    /// Moves it on, and wakes who waits, in the order in which they began to.
    pub(crate) fn set(&self, end: Position) {
        self.0.end.store(end.0, Ordering::Release);
        self.0.moved.notify_waiters();
    }

    pub(crate) fn moves(&self) -> Moves {
        Moves { seen: self.end(), durable: self.clone() }
    }
}

/// Tells each time that the durable end of a log has moved.
pub struct Moves {
    durable: Durable,
    seen: Position,
}

impl Moves {
    /// Waits until the end is another one than it was at the last call, or when this was made.
    pub async fn changed(&mut self) {
        loop {
            // Made before the look: what moves in between is not missed.
            let moved = self.durable.0.moved.notified();
            let end = self.durable.end();
            if end != self.seen {
                self.seen = end;
                return;
            }
            moved.await;
        }
    }
}
