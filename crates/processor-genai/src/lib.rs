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
mod config;
mod events;
mod explain;
mod records;
mod shapes;
mod source;
mod sparse;
mod table;
mod texts;
mod unpriced;
mod unread;

use std::sync::Arc;

use arrow_array::{Array, Int64Array, StringViewArray};
use arrow_schema::ArrowError;
use spanledger_component::{
    Context, Error, Pinned, Processor, ProcessorFactory, Rows, Sender, Signal, Stability,
};
use spanledger_genai::{Call, EventView, Pricing, SpanView, read};
use spanledger_schema::{Logs, Spans, Table, spans};
use spanledger_telemetry::{Counter, Meter};

pub use crate::explain::{
    Explained, StoredPrice, StoredSpan, explain_request, explain_stored, stored_columns,
};
pub use spanledger_genai::{Explanation, Prices};

use crate::attributes::Attributes;
use crate::columns::Columns;
pub use crate::config::{Config, CurrentPrices, Emit, Prices as PricesConfig};
use crate::events::{Event, Events};
use crate::shapes::Shapes;
use crate::unpriced::Unpriced;
use crate::unread::Unread;

/// Reads the calls of spans, and the messages in log records. Other rows pass as they are.
#[derive(Debug)]
pub struct Genai {
    prices: Arc<Prices>,
    unusable: Unusable,
    unpriced: Option<Unpriced>,
    unread: Option<Unread>,
    emit: Emit,
    keeps_originals: bool,
}

impl Genai {
    /// With the prices that are built in. `id` is its label in metrics.
    pub fn new(meter: &Meter, id: &str) -> Self {
        Self {
            prices: Prices::bundled(),
            unusable: Unusable::new(meter, id),
            unpriced: None,
            unread: None,
            emit: Emit::default(),
            keeps_originals: false,
        }
    }

    fn read_records(&self, records: Logs) -> Result<Logs, Error> {
        let read = records::read_messages(&records);
        Ok(read.map_err(|error| Error::caused("read GenAI messages", error))?.unwrap_or(records))
    }

    fn read_calls(&self, spans: &Spans) -> Result<Option<Spans>, ArrowError> {
        // Spans that were read already no longer have the attributes that say so.
        if spans.get(spans::DIALECT).null_count() < spans.len() {
            return Ok(None);
        }
        let mut attributes = Attributes::new(spans.get(spans::SPAN_ATTRIBUTES))?;
        let mut columns = Columns::new(spans.len(), self.prices.version());
        let reader = Reader::new(spans)?;
        let mut shapes = Shapes::default();
        let mut pricing = Pricing::of(&self.prices);
        let (mut pairs, mut are_calls) = (Vec::new(), Vec::with_capacity(spans.len()));
        let (mut events, mut event_pairs) = (Vec::new(), Vec::new());
        for row in 0..spans.len() {
            let shape = shapes.of(reader.scope(row), attributes.names(row));
            are_calls.push(shape.is_some());
            if let Some((shape, names)) = shape {
                let first = attributes.read(row, names, shape.read_places(), &mut pairs);
                reader.events.read(row, &mut events, &mut event_pairs);
                let views: Vec<_> = events.iter().map(|event| view(event, &event_pairs)).collect();
                let span = SpanView { attributes: &pairs, events: &views, ..reader.span(row) };
                let call = read(&span, shape, &mut pricing);
                self.unusable.count(&call);
                self.unpriced.iter().for_each(|unpriced| unpriced.note(&call));
                self.unread.iter().for_each(|unread| unread.note(&call, &span, || reader.sender(row)));
                if !self.keeps_originals {
                    call.moved().for_each(|place| attributes.remove(first + place));
                }
                columns.put(row, &call, first);
            }
            attributes.close(row);
        }
        if !are_calls.contains(&true) {
            return Ok(None);
        }
        let mut values = columns.finish(attributes.texts())?;
        values.push(spans::SPAN_ATTRIBUTES.set(attributes.rest()?));
        if let Some(word) = self.emit.word() {
            let words = are_calls.iter().map(|is_call| is_call.then_some(word));
            values.push(spans::EMIT.set(words.collect()));
        }
        spans.with(values).map(Some)
    }
}

/// What of a batch stands in columns of its own.
struct Reader<'a> {
    services: &'a StringViewArray,
    scopes: &'a StringViewArray,
    names: &'a StringViewArray,
    status_codes: &'a StringViewArray,
    starts: &'a Int64Array,
    durations: &'a Int64Array,
    events: Events<'a>,
}

impl<'a> Reader<'a> {
    fn new(spans: &'a Spans) -> Result<Self, ArrowError> {
        Ok(Self {
            services: spans.get(spans::SERVICE_NAME),
            scopes: spans.get(spans::SCOPE_NAME),
            names: spans.get(spans::NAME),
            status_codes: spans.get(spans::STATUS_CODE),
            starts: spans.get(spans::START_TIME_UNIX_NANO),
            durations: spans.get(spans::DURATION_NS),
            events: Events::new(spans.get(spans::EVENTS))?,
        })
    }

    fn scope(&self, row: usize) -> Option<&'a str> {
        self.scopes.is_valid(row).then(|| self.scopes.value(row))
    }

    /// Who sent a span. A service without a name is called as the conventions say.
    fn sender(&self, row: usize) -> Sender {
        let service_name = Some(self.services.value(row)).filter(|name| *name != "unknown_service");
        Sender {
            service_name: service_name.map(str::to_owned),
            scope_name: self.scope(row).map(str::to_owned),
        }
    }

    /// A span without its attributes and events.
    fn span(&self, row: usize) -> SpanView<'a> {
        SpanView {
            scope_name: self.scope(row),
            name: self.names.value(row),
            start_unix_nano: self.starts.value(row),
            duration_ns: self.durations.value(row),
            is_error: self.status_codes.value(row) == "ERROR",
            ..SpanView::default()
        }
    }
}

fn view<'v>(event: &Event<'v>, pairs: &'v [(&'v str, &'v str)]) -> EventView<'v> {
    let (begin, end) = event.attributes;
    let attributes = pairs.get(begin..end).unwrap_or_default();
    EventView { name: event.name, time_unix_nano: event.time_unix_nano, attributes }
}

impl ProcessorFactory for Genai {
    const TYPE: &'static str = "genai";
    const SIGNALS: &'static [Signal] = &[Signal::Traces, Signal::Logs];
    const STABILITY: Stability = Stability::Alpha;
    type Config = Config;

    fn check(config: &Config) -> Vec<(String, String)> {
        let problems = config.prices.check().into_iter();
        problems.map(|(path, message)| (format!("prices.{path}"), message)).collect()
    }

    fn pinned(config: &Config) -> Option<Pinned> {
        Some(config.prices.pinned())
    }

    fn build(config: &Config, context: &Context) -> Result<Box<dyn Processor>, Error> {
        let kept = context.pinned.clone().unwrap_or_else(table::bundled);
        let prices = table::read(&kept, config.prices.settings())?;
        let id = context.id.to_string();
        let unpriced = Some(Unpriced::new(&id, context.clock.clone()));
        let unread = Some(Unread { clock: context.clock.clone(), notices: context.notices.clone() });
        let unusable = Unusable::new(&context.meter, &id);
        let (emit, keeps_originals) = (config.emit, config.keep_originals);
        Ok(Box::new(Self { prices, unusable, unpriced, unread, emit, keeps_originals }))
    }
}

impl Processor for Genai {
    fn process(&self, rows: Rows) -> Result<Rows, Error> {
        let spans = match rows {
            Rows::Spans(spans) => spans,
            Rows::Logs(logs) => return Ok(Rows::Logs(self.read_records(logs)?)),
            rows => return Ok(rows),
        };
        let read = self.read_calls(&spans).map_err(|error| Error::caused("read GenAI calls", error))?;
        Ok(Rows::Spans(read.unwrap_or(spans)))
    }
}

/// Counts the values that were sent and could not be used, by reason.
#[derive(Debug)]
struct Unusable {
    unreadable: Counter,
    outside_span: Counter,
}

impl Unusable {
    fn new(meter: &Meter, id: &str) -> Self {
        let counter = |reason| {
            let help = "Values of calls that were sent and could not be used";
            let labels = [("processor", id), ("reason", reason)];
            meter.counter("spanledger_genai_unusable_values", help, &labels)
        };
        Self { unreadable: counter("unreadable"), outside_span: counter("outside_span") }
    }

    fn count(&self, call: &Call<'_>) {
        if call.unreadable() > 0 {
            self.unreadable.add(call.unreadable());
        }
        if call.is_ttft_outside {
            self.outside_span.add(1);
        }
    }
}
