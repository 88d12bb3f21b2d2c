//! Families of series as text that Prometheus reads: its plain format 0.0.4 and OpenMetrics 1.0.
//!
//! ```
//! use spanledger_telemetry::text::{Format, Kind, MetricFamily, Point, Value, write};
//!
//! let calls = MetricFamily {
//!     name: "calls_total".to_owned(),
//!     help: "Calls".to_owned(),
//!     unit: String::new(),
//!     kind: Kind::Counter,
//!     points: vec![Point { labels: vec![], value: Value::Number(3.0), created_unix_nano: None }],
//! };
//! let text = write([&calls], Format::Plain);
//! assert_eq!(text, "# HELP calls_total Calls\n# TYPE calls_total counter\ncalls_total 3\n");
//! ```

mod format;
mod line;

pub use format::{Format, negotiate};

use crate::Labels;
use line::Writer;

/// All series of one name, named as Prometheus names them (see [`crate::names`]).
#[derive(Debug, Clone, PartialEq)]
pub struct MetricFamily {
    /// The name of its samples in the plain format: a counter's `_total` is part of it.
    pub name: String,
    /// What it tells; may be empty.
    pub help: String,
    /// The word of its unit, which its name then ends in; may be empty.
    pub unit: String,
    /// What it is.
    pub kind: Kind,
    /// Its series; no labels twice.
    pub points: Vec<Point>,
}

/// What a family is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only goes up.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts by size.
    Histogram,
    /// Says something by its labels alone; its name ends in `_info`.
    Info,
}

/// One series.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// Its labels, with names that Prometheus takes.
    pub labels: Labels,
    /// What it has come to.
    pub value: Value,
    /// Since when it has been counted; only OpenMetrics says it, as `_created`.
    pub created_unix_nano: Option<i64>,
}

/// What a series has come to.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Of a counter, gauge or info.
    Number(f64),
    /// Of a histogram.
    Histogram(Histogram),
}

/// Observations counted by size.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Histogram {
    /// Upper bounds, rising; infinity is not among them.
    pub bounds: Vec<f64>,
    /// Observations a bucket, not cumulative; one more than bounds.
    pub counts: Vec<u64>,
    /// The sum of all observations.
    pub sum: f64,
}

/// The families as one body of that format.
pub fn write<'a>(families: impl IntoIterator<Item = &'a MetricFamily>, format: Format) -> String {
    let mut writer = Writer::new(format);
    families.into_iter().for_each(|family| writer.family(family));
    writer.end()
}
