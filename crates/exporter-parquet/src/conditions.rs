//! Whether a store creates an object only if there is none, which it does not always say.

use std::sync::atomic::{AtomicU8, Ordering};

use tracing::warn;

/// What is known of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    /// Nothing yet.
    Nothing,
    /// It refuses a second object of the same name.
    Kept,
    /// It knows no such condition, or passes over it.
    Ignored,
}

/// What is known of a store, as it is found out.
#[derive(Debug, Default)]
pub(crate) struct Conditions(AtomicU8);

impl Conditions {
    /// What is known.
    pub(crate) fn known(&self) -> Known {
        match self.0.load(Ordering::Relaxed) {
            0 => Known::Nothing,
            1 => Known::Kept,
            _ => Known::Ignored,
        }
    }

    /// The store refused a second object of the same name.
    pub(crate) fn are_kept(&self) {
        self.0.store(1, Ordering::Relaxed);
    }

    /// The store did not; said once.
    pub(crate) fn are_ignored(&self, bucket: &str) {
        if self.0.swap(2, Ordering::Relaxed) != 2 {
            warn!(
                bucket,
                "the store does not create objects on the condition that there is none (If-None-Match): the collector looks before it uploads, under names that never change; two collectors with copies of one log could still overwrite each other"
            );
        }
    }
}
