//! `processors: genai:` reads LLM calls out of spans: fills the GenAI columns of schema v1 and prices the calls.
//!
//! ```
//! use spanledger_component::{Processor, Rows};
//! use spanledger_processor_genai::Genai;
//! use spanledger_schema::{Spans, Table};
//! use spanledger_telemetry::Meter;
//!
//! let genai = Genai::new(&Meter::default(), "genai");
//! let rows = genai.process(Rows::Spans(Spans::empty()))?;
//! assert!(rows.is_empty());
//! # Ok::<(), spanledger_component::Error>(())
//! ```

mod attributes;
mod columns;
mod sparse;
mod texts;

use std::sync::Arc;

use arrow_array::Array;
use arrow_schema::ArrowError;
use schemars::JsonSchema;
use serde::Deserialize;
use spanledger_component::{Context, Error, Processor, ProcessorFactory, Rows, Signal, Stability};
use spanledger_genai::{Call, CostStatus, Prices, SpanView, normalise};
use spanledger_schema::{Spans, Table, spans};
use spanledger_telemetry::{Counter, Meter};

use crate::attributes::Attributes;
use crate::columns::Columns;

/// Settings of `genai`. There are none yet.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {}

/// Reads the calls of spans. Other rows pass as they are.
#[derive(Debug)]
pub struct Genai {
    prices: Arc<Prices>,
    unpriced: Unpriced,
}

impl Genai {
    /// With the prices that are built in. `id` is its label in metrics.
    pub fn new(meter: &Meter, id: &str) -> Self {
        Self { prices: Prices::bundled(), unpriced: Unpriced::new(meter, id) }
    }

    fn read_calls(&self, spans: &Spans) -> Result<Option<Spans>, ArrowError> {
        // Spans that were read already no longer have the attributes that say so.
        if spans.get(spans::DIALECT).null_count() < spans.len() {
            return Ok(None);
        }
        let mut attributes = Attributes::new(spans.get(spans::SPAN_ATTRIBUTES))?;
        let mut columns = Columns::new(spans.len(), self.prices.version());
        let (scopes, starts) = (spans.get(spans::SCOPE_NAME), spans.get(spans::START_TIME_UNIX_NANO));
        let durations = spans.get(spans::DURATION_NS);
        let (mut pairs, mut is_any) = (Vec::new(), false);
        for row in 0..spans.len() {
            pairs.clear();
            let first = attributes.read(row, &mut pairs);
            let span = SpanView {
                scope_name: scopes.is_valid(row).then(|| scopes.value(row)),
                start_unix_nano: starts.value(row),
                duration_ns: durations.value(row),
                attributes: &pairs,
            };
            if let Some(call) = normalise(&span, &self.prices) {
                is_any = true;
                self.unpriced.count(&call);
                call.moved().for_each(|place| attributes.remove(first + place));
                columns.put(row, &call, first);
            }
            attributes.close(row);
        }
        if !is_any {
            return Ok(None);
        }
        let mut values = columns.finish(attributes.texts())?;
        values.push(spans::SPAN_ATTRIBUTES.set(attributes.rest()?));
        spans.with(values).map(Some)
    }
}

impl ProcessorFactory for Genai {
    const TYPE: &'static str = "genai";
    const SIGNALS: &'static [Signal] = &[Signal::Traces, Signal::Logs];
    const STABILITY: Stability = Stability::Alpha;
    type Config = Config;

    fn build(_config: &Config, context: &Context) -> Result<Box<dyn Processor>, Error> {
        Ok(Box::new(Self::new(&context.meter, &context.id.to_string())))
    }
}

impl Processor for Genai {
    fn process(&self, rows: Rows) -> Result<Rows, Error> {
        let Rows::Spans(spans) = rows else { return Ok(rows) };
        let read = self.read_calls(&spans).map_err(|error| Error::caused("read GenAI calls", error))?;
        Ok(Rows::Spans(read.unwrap_or(spans)))
    }
}

/// Counts the calls that have no cost, by reason.
#[derive(Debug)]
struct Unpriced(Vec<(CostStatus, Counter)>);

impl Unpriced {
    fn new(meter: &Meter, id: &str) -> Self {
        let reasons = [
            CostStatus::UnknownModel,
            CostStatus::UnknownProvider,
            CostStatus::NoUsage,
            CostStatus::InvalidUsage,
        ];
        let counter = |reason: CostStatus| {
            let labels = [("processor", id), ("reason", reason.as_str())];
            meter.counter("spanledger_genai_unpriced_calls", "Calls that were read and have no cost", &labels)
        };
        Self(reasons.map(|reason| (reason, counter(reason))).into())
    }

    fn count(&self, call: &Call<'_>) {
        if let Some((_, counter)) = self.0.iter().find(|(reason, _)| *reason == call.cost.status) {
            counter.add(1);
        }
    }
}
