//! Carrying out a plan: the delivery is repeated, with backoff and jitter, until it succeeds; then it is committed.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use spanledger_component::{Delivery, Error, Retry};
use spanledger_telemetry::Counter;
use spanledger_wal::{Control, Wal};
use tracing::{debug, error, info, warn};

use crate::branch::Progress;
use crate::random::Random;

const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// A target that wants to be left alone for longer is asked again all the same.
const LONGEST_WANTED_WAIT: Duration = Duration::from_secs(3600);

/// How long to wait before the next attempt: doubles up to half a minute, and is spread so that many do not come
/// at once.
pub(crate) struct Backoff {
    wait: Duration,
    /// The present attempt, from 1 on.
    pub(crate) attempt: u64,
    random: Arc<dyn Random>,
}

impl Backoff {
    pub(crate) fn new(random: Arc<dyn Random>) -> Self {
        Self { wait: FIRST_WAIT, attempt: 1, random }
    }

    /// It went well: the next failure is a first one.
    pub(crate) fn reset(&mut self) {
        (self.wait, self.attempt) = (FIRST_WAIT, 1);
    }

    /// Notes a failure, and waits for the next attempt.
    pub(crate) async fn after(&mut self, retry: &Retry, progress: &Progress) {
        failed(progress, retry, self.attempt);
        self.pause(retry.after, progress).await;
    }

    /// The next wait: between half and the whole of a length that doubles.
    fn next(&mut self) -> Duration {
        let wait = self.wait.mul_f64(0.5 + self.random.fraction() / 2.0);
        self.wait = (self.wait * 2).min(LONGEST_WAIT);
        self.attempt += 1;
        wait
    }

    /// The next wait, and no shorter than the target wants it.
    fn next_after(&mut self, after: Option<Duration>) -> Duration {
        self.next().max(after.unwrap_or_default().min(LONGEST_WANTED_WAIT))
    }

    /// Waits for the next attempt; a request to flush cuts the wait short.
    async fn pause(&mut self, after: Option<Duration>, progress: &Progress) {
        let mut wanted = progress.wanted();
        let _ = tokio::time::timeout(self.next_after(after), wanted.changed()).await;
    }
}

/// Delivers until it succeeds. Dropped, it gives up; the plan is in the log.
pub(crate) async fn deliver(
    delivery: Box<dyn Delivery>,
    progress: Arc<Progress>,
    mut backoff: Backoff,
    failures: Counter,
) {
    loop {
        let delivered = AssertUnwindSafe(delivery.deliver()).catch_unwind().await;
        match delivered.unwrap_or_else(|_| Err(Retry::alarm(Error::new("the delivery panicked")))) {
            Ok(()) => return recovered(&progress, backoff.attempt),
            Err(retry) => {
                failures.add(1);
                backoff.after(&retry, &progress).await;
            }
        }
    }
}

/// Notes a failure: loudly the first time, and now and then when the cause changes.
fn failed(progress: &Progress, retry: &Retry, attempt: u64) {
    let text = retry.to_string();
    let branch = progress.id.to_string();
    match (progress.fail(&text, retry.alarm), retry.alarm) {
        (true, true) => {
            error!(branch, error = text, attempt, "delivery failed and needs an operator; it is tried again");
        }
        (true, false) => warn!(branch, error = text, attempt, "delivery failed, will try again"),
        (false, _) => debug!(branch, error = text, attempt, "delivery failed again"),
    }
}

/// Notes that it works (again).
pub(crate) fn recovered(progress: &Progress, attempts: u64) {
    if progress.recover() {
        info!(branch = progress.id.to_string(), attempts, "delivery works again");
    }
}

/// Makes a control record durable, however long the disk takes to allow it.
pub(crate) async fn note(wal: &Wal, control: Control, progress: &Progress, random: &Arc<dyn Random>) {
    let mut backoff = Backoff::new(random.clone());
    while let Err(problem) = wal.record(control.clone()).await {
        let problem = Error::caused("note the progress in the log", problem);
        backoff.after(&Retry::alarm(problem), progress).await;
    }
    if backoff.attempt > 1 {
        recovered(progress, backoff.attempt);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Half;
    impl Random for Half {
        fn id(&self) -> [u8; 16] {
            [0, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        }
    }

    #[test]
    fn waits_double_up_to_half_a_minute() {
        let mut backoff = Backoff::new(Arc::new(Half));
        let waits: Vec<_> = (0..9).map(|_| backoff.next().as_millis()).collect();
        assert_eq!(waits, [187, 375, 750, 1500, 3000, 6000, 12000, 22500, 22500]);
    }

    #[test]
    fn a_target_that_says_when_to_come_back_is_left_alone_until_then() {
        let wait = |after| Backoff::new(Arc::new(Half)).next_after(after).as_millis();
        assert_eq!(wait(None), 187);
        assert_eq!(wait(Some(Duration::from_millis(5))), 187, "no sooner than without its word");
        assert_eq!(wait(Some(Duration::from_secs(90))), 90_000, "longer than the longest wait of our own");
        assert_eq!(
            wait(Some(Duration::from_secs(86_400))),
            3_600_000,
            "no outage of a day by one wrong header"
        );
    }
}
