//! What the exporter counts.

use spanledger_component::Context;
use spanledger_telemetry::{Counter, Meter};

use crate::range::Counts;

/// The exporter's own metrics. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Meters {
    meter: Meter,
    exporter: String,
    spans: Counter,
    logs: Counter,
}

impl Meters {
    /// The metrics of one exporter.
    pub(crate) fn new(context: &Context) -> Self {
        let exporter = context.id.to_string();
        let labels = [("exporter", exporter.as_str())];
        let spans = context.meter.counter(
            "otelcol_exporter_sent_spans",
            "Number of spans successfully sent to destination.",
            &labels,
        );
        let logs = context.meter.counter(
            "otelcol_exporter_sent_log_records",
            "Number of log records successfully sent to destination.",
            &labels,
        );
        Self { meter: context.meter.clone(), exporter, spans, logs }
    }

    /// Rows were delivered.
    pub(crate) fn sent(&self, counts: Counts) {
        self.spans.add(counts.spans);
        self.logs.add(counts.logs);
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
