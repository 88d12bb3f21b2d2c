//! Log records: from the wire to columns in one pass.

use arrow_array::{Int32Array, Int64Array};
use arrow_schema::ArrowError;
use spanledger_schema::{Logs, logs};

use crate::attributes::{AttributesColumn, append_value};
use crate::block::Block;
use crate::columns::{Columns, data_type};
use crate::error::{Fault, Malformed};
use crate::fields::DEPTH_MAX;
use crate::items::{Envelopes, ItemColumns, Items, Source, timestamps};
use crate::spans::count;
use crate::text::TextColumn;
use crate::value::Any;
use crate::wire::{Cursor, Merged, Raw, Slice};
use crate::{Message, id};

/// Turns the requests of a stretch of the log into rows, as [`crate::decode_spans`] does.
///
/// # Errors
/// Where a body is not protobuf of OTLP, which the walk has seen to.
pub fn decode_logs(log: &str, records: &[Source]) -> Result<Logs, Malformed> {
    let mut logs = LogColumns::default();
    let items = Items::read(Message::Logs, records, |block, fields| logs.append(block, fields))?;
    Ok(logs.finish(items, log)?)
}

#[derive(Default)]
struct LogColumns {
    time: Vec<i64>,
    time_unix_nano: Vec<Option<i64>>,
    observed_time_unix_nano: Vec<i64>,
    trace_id: TextColumn,
    span_id: TextColumn,
    severity_number: Vec<Option<i32>>,
    severity_text: TextColumn,
    event_name: TextColumn,
    body: TextColumn,
    attributes: AttributesColumn,
    flags: Vec<Option<i64>>,
    dropped_attributes_count: Vec<Option<i32>>,
}

/// The fields of the record being read that may stand anywhere in it; the last of each counts.
#[derive(Default)]
struct Scalars<'a> {
    time_unix_nano: Option<i64>,
    observed_time_unix_nano: i64,
    trace_id: Slice<'a>,
    span_id: Slice<'a>,
    severity_number: Option<i32>,
    severity_text: Option<Slice<'a>>,
    event_name: Option<Slice<'a>>,
    body: Merged<'a>,
    flags: Option<i64>,
    dropped_attributes_count: Option<i32>,
}

impl LogColumns {
    fn append(&mut self, block: &Block, mut fields: Cursor) -> Result<(), Fault> {
        let mut record = Scalars::default();
        while !fields.is_done() {
            let key = fields.key()?;
            match (key.number, fields.value(key, DEPTH_MAX)?) {
                (6, Raw::Bytes(slice)) => {
                    self.attributes.append(block, fields.inside(slice))?;
                }
                (number, value) => record.read(number, value),
            }
        }
        match Any::merged(&record.body, fields)? {
            Any::Empty => self.body.append_null(),
            _ => append_value(&mut self.body, block, &record.body, fields).map(drop)?,
        }
        self.close(block, &record);
        Ok(())
    }

    fn close(&mut self, block: &Block, record: &Scalars) {
        let time = record.time_unix_nano.filter(|nanos| *nanos != 0);
        self.time.push(time.unwrap_or(record.observed_time_unix_nano) / 1000);
        self.time_unix_nano.push(record.time_unix_nano);
        self.observed_time_unix_nano.push(record.observed_time_unix_nano);
        match id::trace(record.trace_id.bytes) {
            Some(id) => self.trace_id.append_hex(&id),
            None => self.trace_id.append_null(),
        }
        match id::span(record.span_id.bytes) {
            Some(id) => self.span_id.append_hex(&id),
            None => self.span_id.append_null(),
        }
        self.severity_number.push(record.severity_number);
        self.severity_text.append_option(block, record.severity_text);
        self.event_name.append_option(block, record.event_name);
        self.attributes.close();
        self.flags.push(record.flags);
        self.dropped_attributes_count.push(record.dropped_attributes_count);
    }

    fn finish(self, items: Items, log: &str) -> Result<Logs, ArrowError> {
        let mut columns = Columns::new(items.len());
        columns.put(logs::TIME, timestamps(self.time));
        columns.put(logs::TIME_UNIX_NANO, Int64Array::from(self.time_unix_nano));
        columns.put(logs::OBSERVED_TIME_UNIX_NANO, Int64Array::from(self.observed_time_unix_nano));
        columns.put(logs::TRACE_ID, self.trace_id.finish_text()?);
        columns.put(logs::SPAN_ID, self.span_id.finish_text()?);
        columns.put(logs::SEVERITY_NUMBER, Int32Array::from(self.severity_number));
        columns.put(logs::SEVERITY_TEXT, self.severity_text.finish_text()?);
        columns.put(logs::EVENT_NAME, self.event_name.finish_text()?);
        columns.put(logs::BODY, self.body.finish_text()?);
        let attributes = self.attributes.finish(data_type::<Logs, _>(logs::LOG_ATTRIBUTES))?;
        columns.put(logs::LOG_ATTRIBUTES, attributes);
        columns.put(logs::FLAGS, Int64Array::from(self.flags));
        columns.put(logs::DROPPED_ATTRIBUTES_COUNT, Int32Array::from(self.dropped_attributes_count));
        put_envelopes(items.put(&mut columns, ITEM_COLUMNS, log)?, &mut columns)?;
        columns.finish()
    }
}

const ITEM_COLUMNS: ItemColumns = ItemColumns {
    log: logs::LOG,
    position: logs::POSITION,
    index: logs::INDEX,
    ingested_at: logs::INGESTED_AT,
};

fn put_envelopes(envelopes: Envelopes, columns: &mut Columns<Logs>) -> Result<(), ArrowError> {
    let Envelopes { resources, scopes, by_resource, by_scope } = envelopes;
    for (column, text) in [
        (logs::SERVICE_NAME, resources.service_name),
        (logs::SERVICE_NAMESPACE, resources.service_namespace),
        (logs::SERVICE_VERSION, resources.service_version),
        (logs::SERVICE_INSTANCE_ID, resources.service_instance_id),
        (logs::DEPLOYMENT_ENVIRONMENT, resources.deployment_environment),
    ] {
        by_resource.put(columns, column, &text.finish_text()?)?;
    }
    let attributes = resources.attributes.finish(data_type::<Logs, _>(logs::RESOURCE_ATTRIBUTES))?;
    by_resource.put(columns, logs::RESOURCE_ATTRIBUTES, &attributes)?;
    for (column, text) in [(logs::SCOPE_NAME, scopes.name), (logs::SCOPE_VERSION, scopes.version)] {
        by_scope.put(columns, column, &text.finish_text()?)?;
    }
    Ok(())
}

impl<'a> Scalars<'a> {
    fn read(&mut self, number: u32, value: Raw<'a>) {
        match (number, value) {
            (1, Raw::Number(number)) => self.time_unix_nano = Some(nanos(number)),
            (2, Raw::Number(number)) => self.severity_number = Some(number as i32),
            (3, Raw::Bytes(slice)) => self.severity_text = Some(slice),
            (5, Raw::Bytes(slice)) => self.body.add(slice),
            (7, Raw::Number(number)) => self.dropped_attributes_count = Some(count(number)),
            (8, Raw::Number(number)) => self.flags = Some(i64::from(number as u32)),
            (9, Raw::Bytes(slice)) => self.trace_id = slice,
            (10, Raw::Bytes(slice)) => self.span_id = slice,
            (11, Raw::Number(number)) => self.observed_time_unix_nano = nanos(number),
            (12, Raw::Bytes(slice)) => self.event_name = Some(slice),
            _ => {}
        }
    }
}

/// A time as a column holds it; the walk has rejected what is too late.
fn nanos(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
