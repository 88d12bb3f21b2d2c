//! Counts what goes into a processor and what comes out of it, under the Collector's names.

use spanledger_component::{Context, Error, Processor, Rows, Signal};
use spanledger_telemetry::Counter;

/// A processor whose rows are counted, each time that they are read from the log.
pub(crate) struct Counting {
    processor: Box<dyn Processor>,
    incoming: Counter,
    outgoing: Counter,
}

impl Counting {
    pub(crate) fn new(processor: Box<dyn Processor>, context: &Context, signal: Signal) -> Self {
        let (id, signal) = (context.id.to_string(), signal.to_string());
        let labels = [("processor", id.as_str()), ("otel_signal", signal.as_str())];
        let counter = |name, help| context.meter.counter(name, help, &labels);
        Self {
            processor,
            incoming: counter("otelcol_processor_incoming_items", "Items given to the processor"),
            outgoing: counter("otelcol_processor_outgoing_items", "Items that came out of the processor"),
        }
    }
}

impl Processor for Counting {
    fn process(&self, rows: Rows) -> Result<Rows, Error> {
        self.incoming.add(rows.len() as u64);
        let processed = self.processor.process(rows)?;
        self.outgoing.add(processed.len() as u64);
        Ok(processed)
    }
}
