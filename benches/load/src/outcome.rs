//! What became of the requests of a run.

use std::time::Duration;

use hdrhistogram::Histogram;

use crate::{Answer, Failure};

/// Decimal digits that a latency is kept with.
const DIGITS: u8 = 3;

/// Counts of requests by their answers, and how long acknowledgements took.
pub struct Outcome {
    /// Requests that were taken.
    pub acknowledged: u64,
    /// Requests that may be tried again.
    pub refused: u64,
    /// Requests that were not taken for good, or not answered.
    pub failed: u64,
    /// From the first request to the last answer.
    pub took: Duration,
    latencies_us: Histogram<u64>,
}

impl Outcome {
    pub(crate) fn new() -> Result<Self, Failure> {
        let latencies_us = Histogram::new(DIGITS)?;
        Ok(Self { acknowledged: 0, refused: 0, failed: 0, took: Duration::ZERO, latencies_us })
    }

    /// Counts an answer and how long after its request was due it came.
    pub(crate) fn count(&mut self, answer: Answer, latency: Duration) -> Result<(), Failure> {
        match answer {
            Answer::Acknowledged => {
                self.acknowledged += 1;
                let microseconds = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
                self.latencies_us.record(microseconds)?;
            }
            Answer::Refused => self.refused += 1,
            Answer::Failed => self.failed += 1,
        }
        Ok(())
    }

    pub(crate) fn add(&mut self, other: &Self) -> Result<(), Failure> {
        self.acknowledged += other.acknowledged;
        self.refused += other.refused;
        self.failed += other.failed;
        self.latencies_us.add(&other.latencies_us)?;
        Ok(())
    }

    /// Milliseconds within which such a share of the acknowledgements came; 0 of none.
    pub fn latency_ms(&self, share: f64) -> f64 {
        self.latencies_us.value_at_quantile(share) as f64 / 1e3
    }

    /// Acknowledged requests a second.
    pub fn per_second(&self) -> f64 {
        self.acknowledged as f64 / self.took.as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latencies_are_those_of_acknowledgements_alone() {
        let mut outcome = Outcome::new().unwrap();
        for milliseconds in 1..=100 {
            outcome.count(Answer::Acknowledged, Duration::from_millis(milliseconds)).unwrap();
        }
        outcome.count(Answer::Refused, Duration::from_secs(9)).unwrap();
        outcome.count(Answer::Failed, Duration::from_secs(9)).unwrap();
        assert_eq!([outcome.acknowledged, outcome.refused, outcome.failed], [100, 1, 1]);
        let [half, most] = [0.5, 0.999].map(|share| outcome.latency_ms(share));
        assert!((half - 50.0).abs() < 0.1 && (most - 100.0).abs() < 0.1, "{half} {most}");
    }

    #[test]
    fn the_outcomes_of_two_senders_add_up() {
        let mut sum = Outcome::new().unwrap();
        for milliseconds in [1, 3] {
            let mut one = Outcome::new().unwrap();
            one.count(Answer::Acknowledged, Duration::from_millis(milliseconds)).unwrap();
            sum.add(&one).unwrap();
        }
        assert_eq!(sum.acknowledged, 2);
        assert!((sum.latency_ms(1.0) - 3.0).abs() < 0.01);
    }
}
