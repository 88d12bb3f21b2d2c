//! What was measured, as it is kept in JSON, and what is said of several rounds.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::contender::About;
use crate::machine::Machine;

/// Everything that one start of the suite measured.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Results {
    pub(crate) machine: Machine,
    pub(crate) rounds: u32,
    pub(crate) seconds: u32,
    pub(crate) programs: Vec<About>,
    pub(crate) shapes: Vec<ShapeCost>,
    /// In the order in which they were run.
    pub(crate) runs: Vec<Run>,
}

/// What is known of a kind of load without any contender.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ShapeCost {
    pub(crate) case: String,
    pub(crate) bytes_a_span: f64,
    /// Processor seconds of zstd(1) alone over the bytes of a million spans.
    pub(crate) zstd_cpu_seconds: f64,
}

/// One contender under one kind of load, once.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Run {
    pub(crate) contender: String,
    pub(crate) case: String,
    pub(crate) round: u32,
    /// From the start of the program to its first acknowledgement.
    pub(crate) ready_ms: f64,
    pub(crate) idle_mib: f64,
    /// How much of it is of files.
    pub(crate) idle_file_mib: f64,
    pub(crate) acknowledged_spans: f64,
    pub(crate) refused_requests: u64,
    pub(crate) failed_requests: u64,
    /// Due at half of the rate, and never sent.
    pub(crate) unsent_requests: u64,
    /// The first message of each kind of refusal or failure.
    pub(crate) causes: BTreeMap<String, String>,
    /// Bytes that arrived where it sends spans on to, as a share of those that it acknowledged.
    pub(crate) arrived_share: Option<f64>,
    /// Cores that the load generator and the sink took while it was sent as much as it took.
    pub(crate) generator_cores: f64,
    /// How busy the machine was before, as a share of its cores.
    pub(crate) busy_before: f64,
    /// User and system time, until everything was delivered.
    pub(crate) cpu_seconds: f64,
    /// Per million acknowledged spans.
    pub(crate) cpu_seconds_a_million: f64,
    /// While it was sent as much as it took.
    pub(crate) spans_a_second: f64,
    /// Until all of that was delivered: what it can go on with.
    pub(crate) delivered_spans_a_second: f64,
    pub(crate) full: Latency,
    /// At half of the rate that it delivered.
    pub(crate) half: Latency,
    pub(crate) written_bytes_a_span: f64,
    pub(crate) peak_mib: f64,
    /// Whether it had nothing to do any more in the end.
    pub(crate) rested: bool,
}

/// Milliseconds until acknowledgements; those are absent for which there were too few.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Latency {
    pub(crate) p50_ms: Option<f64>,
    pub(crate) p99_ms: Option<f64>,
    pub(crate) p999_ms: Option<f64>,
}

/// The middle of several rounds, and what they lie between.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    pub(crate) least: f64,
    pub(crate) median: f64,
    pub(crate) most: f64,
}

impl Spread {
    /// `None` of nothing.
    pub(crate) fn of(values: impl Iterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.collect();
        values.sort_by(f64::total_cmp);
        let (least, most) = (*values.first()?, *values.last()?);
        let [below, above] =
            [(values.len() - 1) / 2, values.len() / 2].map(|place| values.get(place).copied());
        Some(Self { least, median: f64::midpoint(below?, above?), most })
    }
}

impl Results {
    /// A figure of a contender under a kind of load.
    pub(crate) fn spread<Value: Into<Option<f64>>>(
        &self,
        case: &str,
        contender: &str,
        figure: fn(&Run) -> Value,
    ) -> Option<Spread> {
        Spread::of(self.runs_of(case, contender).filter_map(|run| figure(run).into()))
    }

    /// A figure of a contender under all loads.
    pub(crate) fn overall(&self, contender: &str, figure: fn(&Run) -> f64) -> Option<Spread> {
        Spread::of(self.runs.iter().filter(|run| run.contender == contender).map(figure))
    }

    /// How busy the machine was before any of the runs, at most.
    pub(crate) fn busiest(&self) -> f64 {
        self.runs.iter().map(|run| run.busy_before).fold(0.0, f64::max)
    }

    /// The rounds of a contender under a kind of load.
    pub(crate) fn runs_of<'results>(
        &'results self,
        case: &'results str,
        contender: &'results str,
    ) -> impl Iterator<Item = &'results Run> {
        self.runs.iter().filter(move |run| run.case == case && run.contender == contender)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spread(values: &[f64]) -> Option<Spread> {
        Spread::of(values.iter().copied())
    }

    #[test]
    fn the_middle_of_rounds_is_not_moved_by_one_that_was_disturbed() {
        assert_eq!(spread(&[5.0, 900.0, 4.0]), Some(Spread { least: 4.0, median: 5.0, most: 900.0 }));
    }

    #[test]
    fn the_middle_of_two_lies_between_them() {
        assert_eq!(spread(&[6.0, 4.0]).unwrap().median, 5.0);
    }

    #[test]
    fn of_no_rounds_there_is_no_middle() {
        assert_eq!(spread(&[]), None);
    }
}
