//! What grows: the table of dimensions, with the sizes at which each is measured.

use spanledger_load::{Failure, Shape};

use super::figure::{self, Figures};
use super::setup::{Settings, Setup};
use super::{backlog, lake, load, overload};

/// One thing that grows while all else stays.
pub(crate) struct Dimension {
    /// As it is chosen by, and the name of its picture.
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    /// What a size counts.
    pub(crate) unit: &'static str,
    pub(crate) sizes: &'static [f64],
    measure: Measure,
    pub(crate) curves: &'static [Curve],
    /// Further figures of its table.
    pub(crate) columns: &'static [&'static str],
    /// What a reader has to know to understand the curve.
    pub(crate) about: &'static str,
}

/// A figure that is drawn over the sizes.
pub(crate) struct Curve {
    pub(crate) figure: &'static str,
    /// The exponent that linear growth has: 1 where the work grows with the size, 0 where it stays; `None` for what is no
    /// cost.
    pub(crate) linear: Option<f64>,
}

/// How the points of a dimension are measured.
enum Measure {
    /// Each under full load.
    Load(fn(f64) -> Setup),
    /// One log that grows.
    Backlog,
    /// Each with so many files in the lake.
    Lake,
    /// Each with a budget of so many MiB.
    Overload,
}

/// Processor time that grows with the size, and the rate.
const PROPORTIONAL: &[Curve] = &[cost(figure::CPU, 1.0), rate(figure::ACKNOWLEDGED)];
/// Processor time that should stay as it is, and the rate.
const CONSTANT: &[Curve] = &[cost(figure::CPU, 0.0), rate(figure::ACKNOWLEDGED)];
const OF_LOAD: &[&str] =
    &[figure::DELIVERED, figure::P99, figure::PEAK, figure::GENERATOR, figure::REFUSED, figure::FAILED];

const fn cost(figure: &'static str, linear: f64) -> Curve {
    Curve { figure, linear: Some(linear) }
}

const fn rate(figure: &'static str) -> Curve {
    Curve { figure, linear: None }
}

/// All of them.
pub(crate) const DIMENSIONS: &[Dimension] = &[
    Dimension {
        name: "cores",
        title: "Cores",
        unit: "cores",
        sizes: &[1.0, 2.0],
        measure: Measure::Load(of_cores),
        curves: CONSTANT,
        columns: OF_LOAD,
        about: "The program is held to so many cores by `taskset`; the generator may use all of the machine, so that on a machine \
                of two it takes from the second what the program could have used. Processor time a span should stay as it is.",
    },
    Dimension {
        name: "span-size",
        title: "Size of a span",
        unit: "KB a span",
        sizes: &[0.5, 1.0, 4.0, 16.0, 64.0, 256.0],
        measure: Measure::Load(of_span_size),
        curves: PROPORTIONAL,
        columns: OF_LOAD,
        about: "Requests of 256 KB: 512 spans of 0.5 KB (12 attributes) to one of 256 KB. From 1 KB on, what makes a span larger is \
                the text of its messages.",
    },
    Dimension {
        name: "connections",
        title: "Connections",
        unit: "connections",
        sizes: &[1.0, 10.0, 100.0, 500.0, 1000.0, 2000.0],
        measure: Measure::Load(of_connections),
        curves: &[cost(figure::CPU, 0.0), rate(figure::ACKNOWLEDGED), cost(figure::PEAK, 1.0)],
        columns: &[figure::DELIVERED, figure::P99, figure::GENERATOR, figure::REFUSED, figure::FAILED],
        about: "Requests of 10 small spans; 100 are under way at a time where connections are fewer, else one on each.",
    },
    Dimension {
        name: "attributes",
        title: "Attributes of a span",
        unit: "attributes a span",
        sizes: &[5.0, 20.0, 80.0, 320.0],
        measure: Measure::Load(of_attributes),
        curves: PROPORTIONAL,
        columns: OF_LOAD,
        about: "Ten are those of a call of a model, the others made up. Requests of as many spans as make 2,000 attributes.",
    },
    Dimension {
        name: "exporters",
        title: "Exporters",
        unit: "exporters",
        sizes: &[1.0, 2.0, 4.0],
        measure: Measure::Load(of_exporters),
        curves: PROPORTIONAL,
        columns: OF_LOAD,
        about: "So many `parquet` exporters in one pipeline, each with a folder of its own.",
    },
    Dimension {
        name: "series",
        title: "Series",
        unit: "series",
        sizes: &[10.0, 100.0, 1_000.0, 10_000.0, 100_000.0],
        measure: Measure::Load(of_series),
        curves: &[cost(figure::CPU, 0.0), cost(figure::SCRAPE, 1.0), cost(figure::PEAK, 1.0)],
        columns: &[figure::ACKNOWLEDGED, figure::DELIVERED, figure::P99, figure::GENERATOR],
        about: "Names of models in the spans, each a series of every metric. `genai_metrics` tells some 2,000 apart with the memory it has \
                by default; what comes beyond is counted in one more series, so that neither memory nor a scrape grows further. Calls wait for \
                one second instead of ten, so that counting them is part of what is measured.",
    },
    Dimension {
        name: "memory",
        title: "Memory",
        unit: "MiB of service.memory",
        sizes: &[16.0, 32.0, 64.0, 128.0, 512.0],
        measure: Measure::Load(of_memory),
        curves: &[cost(figure::PEAK, 1.0), cost(figure::CPU, 0.0)],
        columns: &[
            figure::ACKNOWLEDGED,
            figure::DELIVERED,
            figure::P99,
            figure::GENERATOR,
            figure::REFUSED,
            figure::FAILED,
        ],
        about: "As beside one service: requests of 4 small spans, 16 under way on one connection, as fast as they are acknowledged. 32 MiB is what \
                `config/sidecar.yaml` has.",
    },
    Dimension {
        name: "backlog",
        title: "Backlog",
        unit: "GiB of backlog",
        sizes: &[0.0, 1.0, 4.0, 10.0, 20.0],
        measure: Measure::Backlog,
        curves: &[cost(figure::READY, 1.0), cost(figure::READY_MIB, 0.0), cost(figure::DELIVERING, 0.0)],
        columns: &[figure::PEAK],
        about: "Spans with 8 KB of messages are sent while the target of an `otlp` exporter is away; then the program is killed and started \
                again with the target there, and watched for five seconds. A backlog is left out where the disk would keep less than 15 GiB free, or \
                those before it took longer than three minutes.",
    },
    Dimension {
        name: "files",
        title: "Files in the lake",
        unit: "files",
        sizes: &[0.0, 100.0, 10_000.0],
        measure: Measure::Lake,
        curves: &[cost(figure::READY, 1.0), cost(figure::FLUSH, 1.0)],
        columns: &[figure::PEAK],
        about: "So many more files in the folder of the day into which it writes. A flush is that of one request.",
    },
    Dimension {
        name: "overload",
        title: "Overload",
        unit: "MiB of service.memory",
        sizes: &[128.0, 512.0],
        measure: Measure::Overload,
        curves: &[cost(figure::P99, 1.0), cost(figure::PEAK, 1.0)],
        columns: &[
            figure::P50,
            figure::SUSTAINED,
            figure::OFFERED,
            figure::ACKNOWLEDGED,
            figure::REFUSED,
            figure::FAILED,
            figure::LOST,
            figure::ABOVE_BUDGET,
            figure::UNSENT,
            figure::GENERATOR,
        ],
        about: "Ten times the rate that it acknowledges and delivers, as requests of 10 spans with 8 KB of messages over 500 connections, due at even \
                distances whether the last ones are answered or not. Latencies are those of 16 more senders on 2 connections and on a thread of their \
                own, counted from when their requests were due or, if one was free by then, sent: the flood's senders wait for each other in a generator that takes most of a core. Of few \
                answers the longest stands for p99. Refused are those that may be tried again. The goal: p99 of what is acknowledged below a second, \
                nothing failed or lost, and at most 64 MiB above the budget.",
    },
];

impl Dimension {
    /// Measures each size and hands on what it came to.
    pub(crate) async fn measure(
        &self,
        settings: &Settings,
        keep: &mut impl FnMut(f64, Figures),
    ) -> Result<(), Failure> {
        match self.measure {
            Measure::Load(setup) => {
                for size in self.sizes {
                    keep(*size, load::measure(settings, &setup(*size)).await?);
                }
            }
            Measure::Backlog => backlog::measure(settings, self.sizes, keep).await?,
            Measure::Lake => {
                for size in self.sizes {
                    keep(*size, lake::measure(settings, whole(*size)).await?);
                }
            }
            Measure::Overload => {
                for size in self.sizes {
                    keep(*size, overload::measure(settings, *size).await?);
                }
            }
        }
        Ok(())
    }

    /// Whether it is measured in each round.
    pub(crate) fn is_repeated(&self) -> bool {
        matches!(self.measure, Measure::Load(_) | Measure::Lake)
    }
}

fn of_cores(cores: f64) -> Setup {
    let last = whole(cores).saturating_sub(1);
    Setup { cores: Some(format!("0-{last}")), ..Setup::default() }
}

fn of_span_size(kilobytes: f64) -> Setup {
    const REQUEST_KILOBYTES: f64 = 256.0;
    /// What 20 attributes and the rest of a span take.
    const WITHOUT_MESSAGES_BYTES: usize = 790;
    let spans = whole(REQUEST_KILOBYTES / kilobytes);
    let message_bytes = whole(kilobytes * 1000.0).saturating_sub(WITHOUT_MESSAGES_BYTES);
    let attributes = if kilobytes < 1.0 { 12 } else { Shape::USUAL.attributes };
    Setup { shape: Shape { spans, attributes, message_bytes, ..Shape::USUAL }, ..Setup::default() }
}

fn of_connections(connections: f64) -> Setup {
    const UNDER_WAY: usize = 100;
    let connections = whole(connections);
    let in_flight = (UNDER_WAY / connections).max(1);
    Setup { shape: Shape { spans: 10, ..Shape::USUAL }, connections, in_flight, ..Setup::default() }
}

fn of_attributes(attributes: f64) -> Setup {
    const IN_A_REQUEST: usize = 2_000;
    let attributes = whole(attributes);
    let spans = IN_A_REQUEST / attributes.max(1);
    Setup { shape: Shape { spans, attributes, ..Shape::USUAL }, ..Setup::default() }
}

fn of_exporters(exporters: f64) -> Setup {
    let others: Vec<String> = (2..=whole(exporters)).map(|number| number.to_string()).collect();
    let settings: String =
        others.iter().map(|number| format!("parquet/{number}: {{path: ./lake-{number}}}, ")).collect();
    let names: String = others.iter().map(|number| format!("parquet/{number}, ")).collect();
    let config = format!(
        "{{exporters: {{{settings}}}, service: {{pipelines: {{traces: {{exporters: [parquet, {names}genai_metrics]}}}}}}}}"
    );
    Setup { config, ..Setup::default() }
}

fn of_series(series: f64) -> Setup {
    let config = "{connectors: {genai_metrics: {settle: {window: 1s}}}}".to_owned();
    Setup { shape: Shape { models: whole(series), ..Shape::USUAL }, config, ..Setup::default() }
}

fn of_memory(mib: f64) -> Setup {
    let config = format!("{{service: {{memory: {mib}MiB}}}}");
    Setup { shape: Shape { spans: 4, ..Shape::USUAL }, connections: 1, config, ..Setup::default() }
}

/// A size as a count.
fn whole(size: f64) -> usize {
    size.round() as usize
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_dimension_has_a_name_of_its_own_and_rising_sizes() {
        let names: HashSet<_> = DIMENSIONS.iter().map(|dimension| dimension.name).collect();
        assert_eq!(names.len(), DIMENSIONS.len());
        assert!(DIMENSIONS.iter().all(|dimension| dimension.sizes.is_sorted()));
    }

    #[test]
    fn spans_of_a_size_fill_requests_of_the_same_bytes() {
        for kilobytes in [1.0, 4.0, 64.0, 256.0] {
            let Shape { spans, message_bytes, .. } = of_span_size(kilobytes).shape;
            let bytes = spans * (message_bytes + 790);
            assert!((250_000..260_000).contains(&bytes), "{bytes} bytes at {kilobytes} KB a span");
        }
    }

    #[test]
    fn the_first_of_the_exporters_is_that_of_the_config() {
        let config = of_exporters(2.0).config;
        assert!(config.contains("[parquet, parquet/2, genai_metrics]"), "{config}");
        assert!(config.contains("parquet/2: {path: ./lake-2}") && !config.contains("parquet/1"), "{config}");
    }
}
