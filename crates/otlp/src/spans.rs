//! Spans: from the wire to columns in one pass.

use arrow_array::{BooleanArray, Int32Array, Int64Array};
use arrow_buffer::BooleanBuffer;
use arrow_schema::ArrowError;
use spanledger_schema::{Spans, spans};

use crate::attributes::AttributesColumn;
use crate::block::Block;
use crate::columns::{Columns, data_type};
use crate::error::{Fault, Malformed};
use crate::events::EventsColumn;
use crate::fields::DEPTH_MAX;
use crate::items::{Envelopes, ItemColumns, Items, Source, timestamps};
use crate::links::LinksColumn;
use crate::names::NamesColumn;
use crate::text::TextColumn;
use crate::wire::{Cursor, Raw, Slice};
use crate::{Message, id};

/// Turns the requests of a stretch of the log into rows. Text points into the bodies, which live as long as the rows.
///
/// Bodies must have passed [`crate::walk`]; the items it rejected are named in each [`Source`]. Columns that are
/// filled by the `genai` processor are null, and nothing is billable.
///
/// # Errors
/// Where a body is not protobuf of OTLP, which the walk has seen to.
pub fn decode_spans(log: &str, records: &[Source]) -> Result<Spans, Malformed> {
    let mut spans = SpanColumns::new();
    let items = Items::read(Message::Traces, records, |block, fields| spans.append(block, fields))?;
    Ok(spans.finish(items, log)?)
}

struct SpanColumns {
    start_time_unix_nano: Vec<i64>,
    duration_ns: Vec<i64>,
    trace_id: TextColumn,
    span_id: TextColumn,
    parent_span_id: TextColumn,
    trace_state: TextColumn,
    name: TextColumn,
    kind: NamesColumn,
    status_code: NamesColumn,
    status_message: TextColumn,
    error_type: TextColumn,
    attributes: AttributesColumn,
    events: EventsColumn,
    links: LinksColumn,
    flags: Vec<Option<i64>>,
    dropped_attributes_count: Vec<Option<i32>>,
    dropped_events_count: Vec<Option<i32>>,
    dropped_links_count: Vec<Option<i32>>,
    wire: TextColumn,
}

/// The fields of the span being read that may stand anywhere in it; the last of each counts.
#[derive(Default)]
struct Scalars<'a> {
    trace_id: Slice<'a>,
    span_id: Slice<'a>,
    parent_span_id: Slice<'a>,
    trace_state: Option<Slice<'a>>,
    name: Slice<'a>,
    kind: i32,
    start: u64,
    end: u64,
    status_code: i32,
    status_message: Option<Slice<'a>>,
    /// The place of the value of `error.type` among the attributes.
    error_type: Option<usize>,
    flags: Option<i64>,
    dropped_attributes_count: Option<i32>,
    dropped_events_count: Option<i32>,
    dropped_links_count: Option<i32>,
}

impl SpanColumns {
    fn new() -> Self {
        Self {
            start_time_unix_nano: Vec::new(),
            duration_ns: Vec::new(),
            trace_id: TextColumn::default(),
            span_id: TextColumn::default(),
            parent_span_id: TextColumn::default(),
            trace_state: TextColumn::default(),
            name: TextColumn::default(),
            kind: NamesColumn::new(KINDS),
            status_code: NamesColumn::new(STATUS_CODES),
            status_message: TextColumn::default(),
            error_type: TextColumn::default(),
            attributes: AttributesColumn::default(),
            events: EventsColumn::default(),
            links: LinksColumn::default(),
            flags: Vec::new(),
            dropped_attributes_count: Vec::new(),
            dropped_events_count: Vec::new(),
            dropped_links_count: Vec::new(),
            wire: TextColumn::default(),
        }
    }

    fn append(&mut self, block: &Block, mut fields: Cursor) -> Result<(), Fault> {
        let wire = fields.rest();
        let mut span = Scalars::default();
        while !fields.is_done() {
            // Most fields of a span are attributes.
            if let Some(slice) = fields.slice_of(ATTRIBUTES) {
                self.append_attribute(block, fields.inside(slice), &mut span)?;
                continue;
            }
            let key = fields.key()?;
            let value = fields.value(key, DEPTH_MAX)?;
            match (key.number, value) {
                (9, Raw::Bytes(slice)) => self.append_attribute(block, fields.inside(slice), &mut span)?,
                (11, Raw::Bytes(slice)) => self.events.append(block, fields.inside(slice))?,
                (13, Raw::Bytes(slice)) => self.links.append(block, fields.inside(slice))?,
                (15, Raw::Bytes(slice)) => span.read_status(fields.inside(slice))?,
                (number, value) => span.read(number, value),
            }
        }
        self.close(block, &span, wire);
        Ok(())
    }

    #[inline]
    fn append_attribute<'a>(
        &mut self,
        block: &Block,
        fields: Cursor<'a>,
        span: &mut Scalars<'a>,
    ) -> Result<(), Fault> {
        let key = self.attributes.append(block, fields)?;
        if key == b"error.type" {
            span.error_type = Some(self.attributes.last_place());
        }
        Ok(())
    }

    fn close(&mut self, block: &Block, span: &Scalars, wire: Slice) {
        let [start, end] = [span.start, span.end].map(|nanos| i64::try_from(nanos).unwrap_or(i64::MAX));
        self.start_time_unix_nano.push(start);
        self.duration_ns.push(end - start);
        self.trace_id.append_hex(span.trace_id.bytes);
        self.span_id.append_hex(span.span_id.bytes);
        match id::span(span.parent_span_id.bytes) {
            Some(id) => self.parent_span_id.append_hex(&id),
            None => self.parent_span_id.append_null(),
        }
        self.trace_state.append_option(block, span.trace_state);
        self.name.append(block, span.name);
        self.kind.append(span.kind);
        self.status_code.append(span.status_code);
        self.status_message.append_option(block, span.status_message);
        match span.error_type {
            Some(place) => self.attributes.read_value(place, |text| self.error_type.append_copy(text)),
            None => self.error_type.append_null(),
        }
        self.attributes.close();
        self.events.close();
        self.links.close();
        self.flags.push(span.flags);
        self.dropped_attributes_count.push(span.dropped_attributes_count);
        self.dropped_events_count.push(span.dropped_events_count);
        self.dropped_links_count.push(span.dropped_links_count);
        self.wire.append(block, wire);
    }

    fn finish(self, items: Items, log: &str) -> Result<Spans, ArrowError> {
        let rows = items.len();
        let mut columns = Columns::new(rows);
        let micros = self.start_time_unix_nano.iter().map(|nanos| nanos / 1000).collect();
        columns.put(spans::TIME, timestamps(micros));
        columns.put(spans::START_TIME_UNIX_NANO, Int64Array::from(self.start_time_unix_nano));
        columns.put(spans::DURATION_NS, Int64Array::from(self.duration_ns));
        columns.put(spans::TRACE_ID, self.trace_id.finish_text()?);
        columns.put(spans::SPAN_ID, self.span_id.finish_text()?);
        columns.put(spans::PARENT_SPAN_ID, self.parent_span_id.finish_text()?);
        columns.put(spans::TRACE_STATE, self.trace_state.finish_text()?);
        columns.put(spans::NAME, self.name.finish_text()?);
        columns.put(spans::KIND, self.kind.finish()?);
        columns.put(spans::STATUS_CODE, self.status_code.finish()?);
        columns.put(spans::STATUS_MESSAGE, self.status_message.finish_text()?);
        columns.put(spans::ERROR_TYPE, self.error_type.finish_text()?);
        columns.put(spans::BILLABLE, BooleanArray::new(BooleanBuffer::new_unset(rows), None));
        let attributes = self.attributes.finish(data_type::<Spans, _>(spans::SPAN_ATTRIBUTES))?;
        columns.put(spans::SPAN_ATTRIBUTES, attributes);
        columns.put(spans::EVENTS, self.events.finish(data_type::<Spans, _>(spans::EVENTS))?);
        columns.put(spans::LINKS, self.links.finish(data_type::<Spans, _>(spans::LINKS))?);
        columns.put(spans::FLAGS, Int64Array::from(self.flags));
        columns.put(spans::DROPPED_ATTRIBUTES_COUNT, Int32Array::from(self.dropped_attributes_count));
        columns.put(spans::DROPPED_EVENTS_COUNT, Int32Array::from(self.dropped_events_count));
        columns.put(spans::DROPPED_LINKS_COUNT, Int32Array::from(self.dropped_links_count));
        columns.put(spans::WIRE_SPAN, self.wire.finish_bytes()?);
        put_envelopes(items.put(&mut columns, ITEM_COLUMNS, log)?, &mut columns)?;
        columns.finish()
    }
}

const ITEM_COLUMNS: ItemColumns = ItemColumns {
    log: spans::LOG,
    position: spans::POSITION,
    index: spans::INDEX,
    ingested_at: spans::INGESTED_AT,
};

fn put_envelopes(envelopes: Envelopes, columns: &mut Columns<Spans>) -> Result<(), ArrowError> {
    let Envelopes { resources, scopes, by_resource, by_scope } = envelopes;
    for (column, text) in [
        (spans::SERVICE_NAME, resources.service_name),
        (spans::SERVICE_NAMESPACE, resources.service_namespace),
        (spans::SERVICE_VERSION, resources.service_version),
        (spans::SERVICE_INSTANCE_ID, resources.service_instance_id),
        (spans::DEPLOYMENT_ENVIRONMENT, resources.deployment_environment),
    ] {
        by_resource.put(columns, column, &text.finish_text()?)?;
    }
    let attributes = resources.attributes.finish(data_type::<Spans, _>(spans::RESOURCE_ATTRIBUTES))?;
    by_resource.put(columns, spans::RESOURCE_ATTRIBUTES, &attributes)?;
    by_resource.put(columns, spans::WIRE_RESOURCE, &resources.wire.finish_bytes()?)?;

    for (column, text) in [
        (spans::SCOPE_NAME, scopes.name),
        (spans::SCOPE_VERSION, scopes.version),
        (spans::SPAN_SCHEMA_URL, scopes.schema_url),
    ] {
        by_scope.put(columns, column, &text.finish_text()?)?;
    }
    let attributes = scopes.attributes.finish(data_type::<Spans, _>(spans::SCOPE_ATTRIBUTES))?;
    by_scope.put(columns, spans::SCOPE_ATTRIBUTES, &attributes)?;
    by_scope.put(columns, spans::WIRE_SCOPE, &scopes.wire.finish_bytes()?)
}

impl<'a> Scalars<'a> {
    #[inline]
    fn read(&mut self, number: u32, value: Raw<'a>) {
        match (number, value) {
            (1, Raw::Bytes(slice)) => self.trace_id = slice,
            (2, Raw::Bytes(slice)) => self.span_id = slice,
            (3, Raw::Bytes(slice)) => self.trace_state = Some(slice),
            (4, Raw::Bytes(slice)) => self.parent_span_id = slice,
            (5, Raw::Bytes(slice)) => self.name = slice,
            (6, Raw::Number(number)) => self.kind = number as i32,
            (7, Raw::Number(number)) => self.start = number,
            (8, Raw::Number(number)) => self.end = number,
            (10, Raw::Number(number)) => self.dropped_attributes_count = Some(count(number)),
            (12, Raw::Number(number)) => self.dropped_events_count = Some(count(number)),
            (14, Raw::Number(number)) => self.dropped_links_count = Some(count(number)),
            (16, Raw::Number(number)) => self.flags = Some(i64::from(number as u32)),
            _ => {}
        }
    }

    fn read_status(&mut self, mut fields: Cursor<'a>) -> Result<(), Fault> {
        while !fields.is_done() {
            let key = fields.key()?;
            match (key.number, fields.value(key, DEPTH_MAX)?) {
                (2, Raw::Bytes(slice)) => self.status_message = Some(slice),
                (3, Raw::Number(number)) => self.status_code = number as i32,
                _ => {}
            }
        }
        Ok(())
    }
}

/// The key of a field of attributes as it stands on the wire.
const ATTRIBUTES: u8 = 9 << 3 | 2;

/// What [`spans::KIND`] holds, by number.
pub(crate) const KINDS: &[&str] = &["UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"];
/// What [`spans::STATUS_CODE`] holds, by number.
pub(crate) const STATUS_CODES: &[&str] = &["UNSET", "OK", "ERROR"];

/// A `uint32` of the wire as a column holds it: what is too large is as large as can be.
pub(crate) fn count(number: u64) -> i32 {
    i32::try_from(number as u32).unwrap_or(i32::MAX)
}
