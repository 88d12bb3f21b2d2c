//! Memory that has been promised: nothing is read before room for it was reserved.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes are counted in pages, so that a budget of many GiB fits a semaphore and small requests cost one count.
const PAGE_BYTES: usize = 1024;

/// Those who wait may want this part of the share together.
const WAITING_PART: usize = 16;

/// A share of the memory budget. Cheap to clone; all clones share one count.
#[derive(Debug, Clone)]
pub struct Budget {
    pages: Arc<Semaphore>,
    /// What those who wait want together.
    wanted_bytes: Arc<AtomicUsize>,
    bytes_max: usize,
}

impl Budget {
    /// A share of so many bytes.
    pub fn new(bytes_max: usize) -> Self {
        let pages = Arc::new(Semaphore::new(bytes_max / PAGE_BYTES));
        Self { pages, wanted_bytes: Arc::default(), bytes_max }
    }

    /// The size of the share.
    pub fn bytes_max(&self) -> usize {
        self.bytes_max
    }

    /// What is not promised to anyone now.
    pub fn bytes_free(&self) -> usize {
        self.pages.available_permits() * PAGE_BYTES
    }

    /// Waits at most `patience` for room; `None` when there was none, or when the share is smaller than that. Also `None`,
    /// and at once, when those who wait already want more than a sixteenth of the share: who waits behind them waits too long.
    pub async fn reserve(&self, bytes: usize, patience: Duration) -> Option<Permit> {
        if bytes > self.bytes_max {
            return None;
        }
        let permit = match self.pages.clone().try_acquire_many_owned(pages(bytes)) {
            Ok(permit) => permit,
            Err(_) => self.wait(bytes, patience).await?,
        };
        Some(Permit { permit, budget: self.clone() })
    }

    async fn wait(&self, bytes: usize, patience: Duration) -> Option<OwnedSemaphorePermit> {
        let wanted = Wanted { all: self.wanted_bytes.clone(), bytes };
        if wanted.all.fetch_add(bytes, Ordering::Relaxed) > self.bytes_max / WAITING_PART {
            return None;
        }
        let waiting = self.pages.clone().acquire_many_owned(pages(bytes));
        tokio::time::timeout(patience, waiting).await.ok()?.ok()
    }
}

/// What somebody who waits wants, until they have it or give up.
struct Wanted {
    all: Arc<AtomicUsize>,
    bytes: usize,
}

impl Drop for Wanted {
    fn drop(&mut self) {
        self.all.fetch_sub(self.bytes, Ordering::Relaxed);
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
    use tokio::time::timeout;

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

    #[tokio::test(start_paused = true)]
    async fn who_would_wait_behind_too_many_is_told_at_once() {
        let budget = Budget::new(65_536);
        let all = budget.reserve(65_536, Duration::ZERO).await.unwrap();
        let long = Duration::from_secs(60);
        let mut first = Box::pin(budget.reserve(5120, long));
        assert!(timeout(Duration::ZERO, &mut first).await.is_err(), "waits");
        let refused = timeout(Duration::ZERO, budget.reserve(1024, long)).await;
        assert!(refused.is_ok_and(|refused| refused.is_none()));
        // Those who have given up are not waited behind.
        drop(first);
        let mut late = Box::pin(budget.reserve(1024, long));
        assert!(timeout(Duration::ZERO, &mut late).await.is_err(), "waits");
        drop(all);
        assert!(late.await.is_some());
    }
}
