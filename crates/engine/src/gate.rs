//! The gate behind every door: open, requests are appended; shut, none is, from that moment on.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock};

/// Whether requests are taken in.
#[derive(Debug)]
pub(crate) struct Gate {
    open: RwLock<bool>,
    /// The same, for those who only look: they wait for no append.
    seen_open: AtomicBool,
}

impl Gate {
    pub(crate) fn open() -> Self {
        Self { open: RwLock::new(true), seen_open: AtomicBool::new(true) }
    }

    pub(crate) fn is_open(&self) -> bool {
        self.seen_open.load(Ordering::Acquire)
    }

    /// Does it while the gate is open; `None` when it is shut.
    pub(crate) fn pass<T>(&self, append: impl FnOnce() -> T) -> Option<T> {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        open.then(append)
    }

    /// Shuts it. Whatever passed has been appended when this returns.
    pub(crate) fn shut(&self) {
        self.seen_open.store(false, Ordering::Release);
        *self.open.write().unwrap_or_else(PoisonError::into_inner) = false;
    }
}
