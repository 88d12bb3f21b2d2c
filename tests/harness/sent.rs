//! What senders know: the spans of every acknowledged request, and of those whose outcome nobody knows.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use tokio::sync::Notify;

/// The record that the senders of one test keep together.
#[derive(Default)]
pub struct Sent {
    acknowledged: Mutex<HashMap<String, Instant>>,
    unknown: Mutex<HashSet<String>>,
    dark: Mutex<Vec<Range<Instant>>>,
    refusals: AtomicU64,
    wrong: Mutex<Vec<String>>,
    progress: Notify,
}

impl Sent {
    /// The collector said OK.
    pub fn acknowledge(&self, ids: Vec<String>) {
        let now = Instant::now();
        self.acknowledged.lock().unwrap().extend(ids.into_iter().map(|id| (id, now)));
        self.progress.notify_waiters();
    }

    /// There was no answer, and the request is not sent again.
    pub fn leave_open(&self, ids: Vec<String>) {
        self.unknown.lock().unwrap().extend(ids);
    }

    /// The collector said: later.
    pub fn refused(&self) {
        self.refusals.fetch_add(1, Ordering::Relaxed);
        self.progress.notify_waiters();
    }

    /// An answer that no sender should ever get.
    pub fn complain(&self, answer: String) {
        self.wrong.lock().unwrap().push(answer);
    }

    /// There was no power then: an answer of that time is one that no machine could have given.
    pub fn was_dark(&self, time: Range<Instant>) {
        self.dark.lock().unwrap().push(time);
    }

    pub fn acknowledged(&self) -> HashSet<String> {
        self.answered(false)
    }

    pub fn unknown(&self) -> HashSet<String> {
        let mut unknown = self.unknown.lock().unwrap().clone();
        unknown.extend(self.answered(true));
        unknown
    }

    fn answered(&self, in_the_dark: bool) -> HashSet<String> {
        let dark = self.dark.lock().unwrap();
        let acknowledged = self.acknowledged.lock().unwrap();
        let wanted =
            acknowledged.iter().filter(|(_, at)| dark.iter().any(|time| time.contains(at)) == in_the_dark);
        wanted.map(|(id, _)| id.clone()).collect()
    }

    /// How many spans were acknowledged.
    pub fn spans(&self) -> usize {
        self.acknowledged.lock().unwrap().len()
    }

    /// How often a sender was told to try again.
    pub fn refusals(&self) -> u64 {
        self.refusals.load(Ordering::Relaxed)
    }

    /// What no sender should have been told.
    pub fn wrong(&self) -> Vec<String> {
        self.wrong.lock().unwrap().clone()
    }

    /// Waits until so many spans are acknowledged.
    pub async fn wait_for(&self, spans: usize) {
        self.wait_until(|sent| sent.spans() >= spans).await;
    }

    /// Waits until something holds, which is looked at whenever an answer comes.
    pub async fn wait_until(&self, holds: impl Fn(&Self) -> bool) {
        loop {
            let progress = self.progress.notified();
            tokio::pin!(progress);
            // From here on no answer is missed.
            progress.as_mut().enable();
            if holds(self) {
                return;
            }
            progress.await;
        }
    }
}
