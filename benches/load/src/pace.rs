//! When requests are due.

use std::time::Duration;

/// How fast requests follow each other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// Each sender sends its next request when the last one is answered.
    AsAcknowledged,
    /// So many requests a second, whether the last ones are answered or not. A latency counts from when its request was
    /// due, or sent if a sender was free by then.
    PerSecond(f64),
    /// So many requests a second, which are more than the collector can take. A latency counts from when its request was
    /// sent: the lateness of a generator that shares the machine is not the collector's.
    Flood(f64),
}

impl Pace {
    /// When the request after `before` others is due, from the start; `None` says as soon as a sender is free.
    pub(crate) fn due(self, before: u64) -> Option<Duration> {
        let rate = self.per_second()?;
        Some(Duration::try_from_secs_f64(before as f64 / rate).unwrap_or(Duration::MAX))
    }

    /// Requests that are due before such a time is over; `None` where that depends on answers.
    pub(crate) fn due_within(self, time: Duration) -> Option<u64> {
        let count = (self.per_second()? * time.as_secs_f64()).ceil();
        // The first one is due at once, whatever the rate.
        Some(if count < 1.0 { 1 } else { count as u64 })
    }

    fn per_second(self) -> Option<f64> {
        match self {
            Self::AsAcknowledged => None,
            Self::PerSecond(rate) | Self::Flood(rate) => Some(rate),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_of_a_rate_are_due_at_even_distances() {
        for pace in [Pace::PerSecond(40.0), Pace::Flood(40.0)] {
            assert_eq!(pace.due(0), Some(Duration::ZERO));
            assert_eq!(pace.due(10), Some(Duration::from_millis(250)));
            assert_eq!(pace.due_within(Duration::from_millis(250)), Some(10));
        }
    }

    #[test]
    fn a_rate_of_zero_never_asks_for_a_second_request() {
        assert_eq!(Pace::PerSecond(0.0).due(1), Some(Duration::MAX));
        assert_eq!(Pace::PerSecond(0.0).due_within(Duration::from_secs(9)), Some(1));
    }
}
