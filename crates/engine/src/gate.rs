//! The gate behind every door: open, requests are appended; shut, none is, from that moment on.

use std::sync::{PoisonError, RwLock};

/// Whether requests are taken in.
#[derive(Debug)]
pub(crate) struct Gate(RwLock<bool>);

impl Gate {
    pub(crate) fn open() -> Self {
        Self(RwLock::new(true))
    }

    pub(crate) fn is_open(&self) -> bool {
        *self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does it while the gate is open; `None` when it is shut.
    pub(crate) fn pass<T>(&self, append: impl FnOnce() -> T) -> Option<T> {
        let open = self.0.read().unwrap_or_else(PoisonError::into_inner);
        open.then(append)
    }

    /// Shuts it. Whatever passed has been appended when this returns.
    pub(crate) fn shut(&self) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = false;
    }
}
