//! Senders: each sends one request after the other, and many of them work at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use crate::connection::Connection;
use crate::{Answer, Failure, Outcome, Pace, Protocol, Requests, Shape};

/// How long a sender waits after it was refused.
const PAUSE_AFTER_REFUSAL: Duration = Duration::from_millis(10);
/// How often a collector that starts is asked whether it takes requests.
const PAUSE_BETWEEN_TRIES: Duration = Duration::from_millis(2);

/// What is sent where, and for how long.
#[derive(Clone, Debug)]
pub struct Plan {
    /// `host:port` of the collector.
    pub address: String,
    /// How requests travel.
    pub protocol: Protocol,
    /// Connections; over HTTP there are `in_flight` for each of them.
    pub connections: usize,
    /// Requests under way on each connection at most.
    pub in_flight: usize,
    /// How fast they follow each other.
    pub pace: Pace,
    /// How long new ones are sent.
    pub time: Duration,
}

/// Carries out a plan; an error when the collector cannot be reached at all.
pub async fn send(plan: &Plan, requests: &Arc<Requests>) -> Result<Outcome, Failure> {
    let mut places = Vec::new();
    for _ in 0..plan.connections {
        places.extend(Connection::open(&plan.address, plan.protocol, plan.in_flight).await?);
    }
    let schedule = Arc::new(Schedule::new(plan.pace, plan.time));
    let mut senders = JoinSet::new();
    for place in places {
        let (schedule, requests) = (schedule.clone(), requests.clone());
        senders.spawn(async move { schedule.work(Supplied { place, requests }).await });
    }
    let mut sum = Outcome::new()?;
    while let Some(outcome) = senders.join_next().await {
        sum.add(outcome??)?;
    }
    sum.took = schedule.started.elapsed();
    let due = plan.pace.due_within(plan.time).unwrap_or_default();
    sum.unsent = due.saturating_sub(sum.sent());
    Ok(sum)
}

/// Waits until a collector acknowledges its first request, and says how long after `started` that was.
pub async fn acknowledged_first(
    address: &str,
    protocol: Protocol,
    started: Instant,
    patience: Duration,
) -> Result<Duration, Failure> {
    // No other supply is likely to have this seed.
    let requests = Arc::new(Requests::few(Shape { spans: 1, ..Shape::USUAL }, u64::from(u16::MAX)));
    while started.elapsed() < patience {
        if let Ok(mut places) = Connection::open(address, protocol, 1).await
            && let Some(place) = places.first_mut()
            && place.send(&requests).await == Answer::Acknowledged
        {
            return Ok(started.elapsed());
        }
        sleep(PAUSE_BETWEEN_TRIES).await;
    }
    Err(format!("{address} acknowledged nothing within {patience:?}").into())
}

/// One request after the other.
trait Sender {
    /// Sends the next request and waits for the answer.
    fn send_next(&mut self) -> impl Future<Output = Answer> + Send;
}

/// A place on a connection, and what is sent there.
struct Supplied {
    place: Connection,
    requests: Arc<Requests>,
}

impl Sender for Supplied {
    async fn send_next(&mut self) -> Answer {
        self.place.send(&self.requests).await
    }
}

/// What all senders share: when the next request is due, and when it is over.
struct Schedule {
    pace: Pace,
    started: Instant,
    ends: Instant,
    begun: AtomicU64,
}

impl Schedule {
    fn new(pace: Pace, time: Duration) -> Self {
        let started = Instant::now();
        Self { pace, started, ends: started + time, begun: AtomicU64::new(0) }
    }

    /// Sends until the time is over. Where there is a rate that the collector should keep up with, a latency counts from
    /// when its request was due, so that a collector which lets senders wait does not hide that. A sender that was free
    /// by then wakes up late by itself, a millisecond with tokio's timer: that is not the collector's.
    async fn work(&self, mut sender: impl Sender) -> Result<Outcome, Failure> {
        let mut outcome = Outcome::new()?;
        while let Some(due) = self.next_due() {
            let was_free = Instant::now() <= due;
            sleep_until(due).await;
            let is_late = matches!(self.pace, Pace::PerSecond(_)) && !was_free;
            let counted_from = if is_late { due } else { Instant::now() };
            let answer = sender.send_next().await;
            let waits = self.pace == Pace::AsAcknowledged && answer != Answer::Acknowledged;
            outcome.count(answer, counted_from.elapsed())?;
            if waits {
                sleep(PAUSE_AFTER_REFUSAL).await;
            }
        }
        Ok(outcome)
    }

    /// When the next request is due; `None` when that is after the end.
    fn next_due(&self) -> Option<Instant> {
        let before = self.begun.fetch_add(1, Ordering::Relaxed);
        let due = match self.pace.due(before) {
            None => Instant::now(),
            Some(after) => self.started.checked_add(after)?,
        };
        // A collector that is too slow gets what is due later than planned, but not for ever.
        (due < self.ends && Instant::now() < self.ends).then_some(due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::Cause;

    const SECOND: Duration = Duration::from_secs(1);

    /// A collector that gives each request this answer after so long.
    struct Answers(Answer, Duration);

    impl Sender for Answers {
        async fn send_next(&mut self) -> Answer {
            sleep(self.1).await;
            self.0.clone()
        }
    }

    fn refused() -> Answer {
        Answer::Refused(Cause { kind: String::new(), message: String::new() })
    }

    #[tokio::test(start_paused = true)]
    async fn at_a_rate_latency_counts_from_when_a_request_was_due() {
        // Ten a second are due, and each takes a second: the last of ten that were due waited the longest.
        let schedule = Schedule::new(Pace::PerSecond(10.0), 10 * SECOND);
        let outcome = schedule.work(Answers(Answer::Acknowledged, SECOND)).await.unwrap();
        assert_eq!(outcome.acknowledged, 10);
        // The tenth was due after 0.9 s, and answered after 10 s.
        assert!((outcome.longest_ms() - 9100.0).abs() < 10.0, "{}", outcome.longest_ms());
    }

    #[tokio::test(start_paused = true)]
    async fn a_timer_that_is_late_is_no_latency() {
        // A third of a second is no whole number of milliseconds.
        let schedule = Schedule::new(Pace::PerSecond(3.0), 2 * SECOND);
        let outcome = schedule.work(Answers(Answer::Acknowledged, Duration::ZERO)).await.unwrap();
        assert_eq!(outcome.acknowledged, 6);
        assert!(outcome.longest_ms() < 0.1, "{}", outcome.longest_ms());
    }

    #[tokio::test(start_paused = true)]
    async fn as_fast_as_acknowledged_latency_counts_from_when_a_request_was_sent() {
        let schedule = Schedule::new(Pace::AsAcknowledged, 10 * SECOND);
        let outcome = schedule.work(Answers(Answer::Acknowledged, SECOND)).await.unwrap();
        assert_eq!(outcome.acknowledged, 10);
        assert!((outcome.longest_ms() - 1000.0).abs() < 2.0, "{}", outcome.longest_ms());
    }

    #[tokio::test(start_paused = true)]
    async fn in_a_flood_latency_counts_from_when_a_request_was_sent() {
        let schedule = Schedule::new(Pace::Flood(10.0), 10 * SECOND);
        let outcome = schedule.work(Answers(Answer::Acknowledged, SECOND)).await.unwrap();
        assert!((outcome.longest_ms() - 1000.0).abs() < 2.0, "{}", outcome.longest_ms());
    }

    #[tokio::test(start_paused = true)]
    async fn a_rate_is_kept_by_any_number_of_senders() {
        let schedule = Schedule::new(Pace::PerSecond(50.0), 2 * SECOND);
        let work = || schedule.work(Answers(Answer::Acknowledged, Duration::from_millis(30)));
        let (one, other, third) = tokio::join!(work(), work(), work());
        let sent: u64 = [one, other, third].into_iter().map(|outcome| outcome.unwrap().acknowledged).sum();
        assert_eq!(sent, 100);
    }

    #[tokio::test(start_paused = true)]
    async fn a_sender_that_is_refused_waits_before_it_sends_again() {
        let schedule = Schedule::new(Pace::AsAcknowledged, SECOND);
        let outcome = schedule.work(Answers(refused(), Duration::ZERO)).await.unwrap();
        assert_eq!((outcome.acknowledged, outcome.refused), (0, 100));
    }
}
