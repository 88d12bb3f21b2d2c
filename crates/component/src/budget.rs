//! Memory that has been promised: nothing is read before room for it was reserved.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes are counted in pages, so that a budget of many GiB fits a semaphore and small requests cost one count.
const PAGE_BYTES: usize = 1024;

/// A share of the memory budget. Cheap to clone; all clones share one count.
#[derive(Debug, Clone)]
pub struct Budget {
    pages: Arc<Semaphore>,
    bytes_max: usize,
}

impl Budget {
    /// A share of so many bytes.
    pub fn new(bytes_max: usize) -> Self {
        Self { pages: Arc::new(Semaphore::new(bytes_max / PAGE_BYTES)), bytes_max }
    }

    /// The size of the share.
    pub fn bytes_max(&self) -> usize {
        self.bytes_max
    }

    /// What is not promised to anyone now.
    pub fn bytes_free(&self) -> usize {
        self.pages.available_permits() * PAGE_BYTES
    }

    /// Waits at most `patience` for room; `None` when there was none, or when the share is smaller than that.
    pub async fn reserve(&self, bytes: usize, patience: Duration) -> Option<Permit> {
        if bytes > self.bytes_max {
            return None;
        }
        let pages = pages(bytes);
        let waiting = self.pages.clone().acquire_many_owned(pages);
        let permit = tokio::time::timeout(patience, waiting).await.ok()?.ok()?;
        Some(Permit { permit, budget: self.clone() })
    }
}

/// Room that was reserved; given back when dropped.
#[derive(Debug)]
pub struct Permit {
    permit: OwnedSemaphorePermit,
    budget: Budget,
}

impl Permit {
    /// How much is reserved.
    pub fn bytes(&self) -> usize {
        self.permit.num_permits() * PAGE_BYTES
    }

    /// Makes it at least `bytes`, waiting at most `patience`; false when there was no room.
    pub async fn grow_to(&mut self, bytes: usize, patience: Duration) -> bool {
        let more = bytes.saturating_sub(self.bytes());
        if more == 0 {
            return true;
        }
        match self.budget.reserve(more, patience).await {
            Some(more) => {
                self.permit.merge(more.permit);
                true
            }
            None => false,
        }
    }

    /// Gives back what is over `bytes`.
    pub fn shrink_to(&mut self, bytes: usize) {
        let keep = pages(bytes) as usize;
        let _ = self.permit.split(self.permit.num_permits().saturating_sub(keep));
    }
}

fn pages(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(PAGE_BYTES)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn room_is_given_back_and_can_then_be_taken_again() {
        let budget = Budget::new(4096);
        let mut first = budget.reserve(3000, Duration::ZERO).await.unwrap();
        assert!(budget.reserve(2048, Duration::from_secs(1)).await.is_none());
        assert!(!first.grow_to(8192, Duration::from_secs(1)).await);
        first.shrink_to(1000);
        assert!(budget.reserve(2048, Duration::from_secs(1)).await.is_some());
        drop(first);
        assert_eq!(budget.bytes_free(), 4096);
    }
}
