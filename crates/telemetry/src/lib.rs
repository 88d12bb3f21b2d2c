//! The collector's own metrics and logs.
//!
//! ```
//! use spanledger_telemetry::Meter;
//!
//! let meter = Meter::default();
//! let spans = meter.counter("otelcol_receiver_accepted_spans", "Spans accepted", &[("receiver", "otlp")]);
//! spans.add(3);
//! assert_eq!(spans.value(), 3);
//! ```

pub mod logs;
mod meter;
pub mod names;
mod own;
mod process;
pub mod text;

pub use meter::{Counter, Family, Gauge, Labels, Meter, Sample, Type};
pub use own::{Naming, render};
pub use process::observe_process;
