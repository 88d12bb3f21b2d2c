//! A run: rows that wait to be sorted and encoded together, as one row group of each file they belong to.

use std::collections::HashSet;
use std::ops::RangeInclusive;

use arrow_array::{Array, RecordBatch};
use arrow_data::ArrayData;
use arrow_schema::ArrowError;
use spanledger_schema::{Logs, Role, Spans, Table as _, logs, spans};

use crate::partition::Day;
use crate::table::{RUN_ROWS_MAX, Table};

const MINUTE_MICROS: i64 = 60 * 1_000_000;

/// Where a row stands, and by what it is sorted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key {
    /// The day of its file.
    pub(crate) day: Day,
    /// When it happened.
    pub(crate) time_micros: i64,
    minute: i64,
    trace: u128,
    start_nanos: i64,
    has_messages: bool,
    batch: u32,
    row: u32,
}

impl Key {
    /// The batch of the run it stands in, and the row of that batch.
    pub(crate) fn place(&self) -> (usize, usize) {
        (self.batch as usize, self.row as usize)
    }

    /// What decides the order in a table; the order of arrival decides between equals.
    fn rank(&self, by_minute: bool) -> (Day, i64, u128, i64, u32, u32) {
        let minute = if by_minute { self.minute } else { 0 };
        (self.day, minute, self.trace, self.start_nanos, self.batch, self.row)
    }
}

/// Rows of one signal that wait.
#[derive(Debug, Default)]
pub(crate) struct Run {
    batches: Vec<RecordBatch>,
    keys: Vec<Key>,
    buffers: HashSet<usize>,
    buffer_bytes: usize,
}

impl Run {
    /// Takes in spans.
    pub(crate) fn add_spans(&mut self, rows: &Spans) -> Result<(), ArrowError> {
        let batch = self.hold(rows.batch(), Spans::FIELDS.iter().map(|field| field.role))?;
        let messages = messages(rows.batch(), spans::INPUT_MESSAGES.index..=spans::TRUNCATED.index);
        let (times, arrivals) = (rows.get(spans::TIME).values(), rows.get(spans::INGESTED_AT).values());
        let starts = rows.get(spans::START_TIME_UNIX_NANO).values();
        let traces = rows.get(spans::TRACE_ID);
        let rows = times.iter().zip(arrivals).zip(starts).zip(traces).zip(0..);
        self.keys.extend(rows.map(|((((time, arrival), start), trace), row)| Key {
            day: Day::of(*time, *arrival),
            time_micros: *time,
            minute: time.div_euclid(MINUTE_MICROS),
            trace: trace_number(trace),
            start_nanos: *start,
            has_messages: messages.iter().any(|column| column.is_valid(row as usize)),
            batch,
            row,
        }));
        Ok(())
    }

    /// Takes in log records.
    pub(crate) fn add_logs(&mut self, rows: &Logs) -> Result<(), ArrowError> {
        let batch = self.hold(rows.batch(), Logs::FIELDS.iter().map(|field| field.role))?;
        let (times, arrivals) = (rows.get(logs::TIME).values(), rows.get(logs::INGESTED_AT).values());
        let messages = messages(rows.batch(), logs::INPUT_MESSAGES.index..=logs::TRUNCATED.index);
        let (traces, of_span) = (rows.get(logs::TRACE_ID), rows.get(logs::SPAN_ID));
        let rows = times.iter().zip(arrivals).zip(traces).zip(0..);
        self.keys.extend(rows.map(|(((time, arrival), trace), row)| Key {
            day: Day::of(*time, *arrival),
            time_micros: *time,
            minute: time.div_euclid(MINUTE_MICROS),
            trace: trace_number(trace),
            start_nanos: *time,
            // Messages of no span are in the record's body alone: `content` is told by spans.
            has_messages: trace.is_some()
                && of_span.is_valid(row as usize)
                && messages.iter().any(|column| column.is_valid(row as usize)),
            batch,
            row,
        }));
        Ok(())
    }

    /// Whether so many rows more would be too many for one row group.
    pub(crate) fn lacks_room_for(&self, rows: usize) -> bool {
        !self.keys.is_empty() && self.keys.len() + rows > RUN_ROWS_MAX
    }

    /// Memory that it keeps from being freed: request bodies and columns, each buffer once.
    pub(crate) fn bytes(&self) -> usize {
        self.buffer_bytes + self.keys.len() * size_of::<Key>()
    }

    /// The batches that the places of keys are of.
    pub(crate) fn batches(&self) -> &[RecordBatch] {
        &self.batches
    }

    /// The rows that a table has of this run, in its order; those of one day follow each other.
    pub(crate) fn sorted_for(&self, table: &Table) -> Vec<Key> {
        let rows = self.keys.iter().filter(|key| key.has_messages || !table.messages_only);
        let mut keys: Vec<Key> = rows.copied().collect();
        keys.sort_unstable_by_key(|key| key.rank(table.by_minute));
        keys
    }

    /// Keeps the columns that are written, and says which batch of the run they are.
    fn hold(&mut self, rows: &RecordBatch, roles: impl Iterator<Item = Role>) -> Result<u32, ArrowError> {
        let written: Vec<usize> =
            roles.enumerate().filter(|(_, role)| *role != Role::Internal).map(|(place, _)| place).collect();
        let batch = rows.project(&written)?;
        for column in batch.columns() {
            self.count(&column.to_data());
        }
        self.batches.push(batch);
        u32::try_from(self.batches.len() - 1)
            .map_err(|_| ArrowError::InvalidArgumentError("gather more than 4 billion batches".into()))
    }

    /// Counts the buffers that are not counted yet: a body is shared by the columns that have values in it.
    fn count(&mut self, array: &ArrayData) {
        let nulls = array.nulls().map(|nulls| nulls.buffer());
        for buffer in array.buffers().iter().chain(nulls) {
            if self.buffers.insert(buffer.data_ptr().as_ptr() as usize) {
                self.buffer_bytes += buffer.capacity();
            }
        }
        for child in array.child_data() {
            self.count(child);
        }
    }
}

/// The columns of messages that have any.
fn messages(batch: &RecordBatch, places: RangeInclusive<usize>) -> Vec<&dyn Array> {
    let columns = batch.columns().get(places).into_iter().flatten().map(AsRef::as_ref);
    columns.filter(|column| column.null_count() < column.len()).collect()
}

/// A trace id as a number, which sorts as its hex digits do.
fn trace_number(hex: Option<&str>) -> u128 {
    hex.and_then(|hex| u128::from_str_radix(hex, 16).ok()).unwrap_or_default()
}
