//! What the exporter counts; rows are counted by the engine, for every exporter alike.

use spanledger_component::Context;
use spanledger_telemetry::Meter;

/// The exporter's own metrics. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Meters {
    meter: Meter,
    exporter: String,
}

impl Meters {
    /// The metrics of one exporter.
    pub(crate) fn new(context: &Context) -> Self {
        Self { meter: context.meter.clone(), exporter: context.id.to_string() }
    }

    /// A file was put where it belongs.
    pub(crate) fn file(&self, table: &str, bytes: usize) {
        let labels = [("exporter", self.exporter.as_str()), ("table", table)];
        self.meter.counter("spanledger_parquet_files", "Parquet files written.", &labels).add(1);
        self.meter
            .counter("spanledger_parquet_bytes", "Bytes of Parquet files written.", &labels)
            .add(bytes as u64);
    }
}
