//! When requests are due.

use std::time::Duration;

/// How fast requests follow each other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// Each sender sends its next request when the last one is answered.
    AsAcknowledged,
    /// So many requests a second, whether the last ones are answered or not.
    PerSecond(f64),
}

impl Pace {
    /// When the request after `before` others is due, from the start; `None` says as soon as a sender is free.
    pub(crate) fn due(self, before: u64) -> Option<Duration> {
        match self {
            Self::AsAcknowledged => None,
            Self::PerSecond(rate) => {
                Some(Duration::try_from_secs_f64(before as f64 / rate).unwrap_or(Duration::MAX))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_of_a_rate_are_due_at_even_distances() {
        let due = |before| Pace::PerSecond(40.0).due(before);
        assert_eq!(due(0), Some(Duration::ZERO));
        assert_eq!(due(10), Some(Duration::from_millis(250)));
    }

    #[test]
    fn a_rate_of_zero_never_asks_for_a_second_request() {
        assert_eq!(Pace::PerSecond(0.0).due(1), Some(Duration::MAX));
    }
}
