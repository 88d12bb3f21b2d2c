//! What became of the requests of a run.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;

use crate::{Answer, Failure};

/// Decimal digits that a latency is kept with.
const DIGITS: u8 = 3;
/// Acknowledgements that must lie beyond a quantile for it to say something.
const BEYOND_A_QUANTILE: f64 = 10.0;

/// Counts of requests by their answers, and how long acknowledgements took.
pub struct Outcome {
    /// Requests that were taken.
    pub acknowledged: u64,
    /// Requests that may be tried again.
    pub refused: u64,
    /// Requests that were not taken for good, or not answered.
    pub failed: u64,
    /// Requests that were due while the plan went on, and for which no sender was free.
    pub unsent: u64,
    /// The first message of each kind of cause why requests were not taken.
    pub causes: BTreeMap<String, String>,
    /// From the first request to the last answer.
    pub took: Duration,
    latencies_us: Histogram<u64>,
}

impl Outcome {
    pub(crate) fn new() -> Result<Self, Failure> {
        Ok(Self {
            acknowledged: 0,
            refused: 0,
            failed: 0,
            unsent: 0,
            causes: BTreeMap::new(),
            took: Duration::ZERO,
            latencies_us: Histogram::new(DIGITS)?,
        })
    }

    /// Counts an answer and how long after its request was due it came.
    pub(crate) fn count(&mut self, answer: Answer, latency: Duration) -> Result<(), Failure> {
        let cause = match answer {
            Answer::Acknowledged => {
                self.acknowledged += 1;
                let microseconds = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
                self.latencies_us.record(microseconds)?;
                return Ok(());
            }
            Answer::Refused(cause) => {
                self.refused += 1;
                cause
            }
            Answer::Failed(cause) => {
                self.failed += 1;
                cause
            }
        };
        self.causes.entry(cause.kind).or_insert(cause.message);
        Ok(())
    }

    pub(crate) fn add(&mut self, other: Self) -> Result<(), Failure> {
        self.acknowledged += other.acknowledged;
        self.refused += other.refused;
        self.failed += other.failed;
        for (kind, message) in other.causes {
            self.causes.entry(kind).or_insert(message);
        }
        self.latencies_us.add(&other.latencies_us)?;
        Ok(())
    }

    /// Requests that were answered, or failed.
    pub fn sent(&self) -> u64 {
        self.acknowledged + self.refused + self.failed
    }

    /// Milliseconds within which such a share of the acknowledgements came; `None` of too few to say.
    pub fn latency_ms(&self, share: f64) -> Option<f64> {
        let beyond = self.acknowledged as f64 * (1.0 - share);
        // A share such as 0.99 is a little off as a floating point number.
        let are_enough = beyond > BEYOND_A_QUANTILE - 1e-6;
        are_enough.then(|| self.latencies_us.value_at_quantile(share) as f64 / 1e3)
    }

    /// Milliseconds within which all acknowledgements came; 0 of none.
    pub fn longest_ms(&self) -> f64 {
        self.latencies_us.max() as f64 / 1e3
    }

    /// Acknowledged requests a second.
    pub fn per_second(&self) -> f64 {
        self.acknowledged as f64 / self.took.as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::Cause;

    fn cause(kind: &str, message: &str) -> Cause {
        Cause { kind: kind.to_owned(), message: message.to_owned() }
    }

    fn of_acknowledgements(count: u64) -> Outcome {
        let mut outcome = Outcome::new().unwrap();
        for milliseconds in 1..=count {
            outcome.count(Answer::Acknowledged, Duration::from_millis(milliseconds)).unwrap();
        }
        outcome
    }

    #[test]
    fn latencies_are_those_of_acknowledgements_alone() {
        let mut outcome = of_acknowledgements(1000);
        outcome.count(Answer::Refused(cause("a", "")), Duration::from_secs(9)).unwrap();
        outcome.count(Answer::Failed(cause("b", "")), Duration::from_secs(9)).unwrap();
        assert_eq!([outcome.acknowledged, outcome.refused, outcome.failed], [1000, 1, 1]);
        let [half, most] = [0.5, 0.99].map(|share| outcome.latency_ms(share).unwrap());
        assert!((half - 500.0).abs() < 1.0 && (most - 990.0).abs() < 1.0, "{half} {most}");
        assert!((outcome.longest_ms() - 1000.0).abs() < 1.0, "{}", outcome.longest_ms());
    }

    #[test]
    fn a_quantile_is_told_of_enough_acknowledgements_alone() {
        let told = |count, share| of_acknowledgements(count).latency_ms(share).is_some();
        assert_eq!([told(20, 0.5), told(999, 0.99), told(1000, 0.99)], [true, false, true]);
        assert_eq!([told(9_999, 0.999), told(10_000, 0.999)], [false, true]);
    }

    #[test]
    fn the_first_message_of_each_kind_of_cause_is_kept() {
        let mut sum = Outcome::new().unwrap();
        for [kind, message] in [["x", "first"], ["x", "second"], ["y", "third"]] {
            let mut one = Outcome::new().unwrap();
            one.count(Answer::Refused(cause(kind, message)), Duration::ZERO).unwrap();
            sum.add(one).unwrap();
        }
        let causes: Vec<_> =
            sum.causes.iter().map(|(kind, message)| (kind.as_str(), message.as_str())).collect();
        assert_eq!(causes, [("x", "first"), ("y", "third")]);
    }

    #[test]
    fn the_outcomes_of_two_senders_add_up() {
        let mut sum = Outcome::new().unwrap();
        for milliseconds in [1, 3] {
            let mut one = Outcome::new().unwrap();
            one.count(Answer::Acknowledged, Duration::from_millis(milliseconds)).unwrap();
            sum.add(one).unwrap();
        }
        assert_eq!((sum.acknowledged, sum.sent()), (2, 2));
        assert!((sum.longest_ms() - 3.0).abs() < 0.01);
    }
}
