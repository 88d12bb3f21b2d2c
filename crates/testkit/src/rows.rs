//! Rows as the reader hands them on: decoded from requests, and cut.

#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use arrow_array::{RecordBatch, UInt32Array};
use arrow_select::concat::concat_batches;
use arrow_select::take::take_record_batch;
use bytes::Bytes;
use spanledger_component::{Batch, Position, Rows, Signal};
use spanledger_otlp::{Source, decode_logs, decode_spans};
use spanledger_schema::{Logs, Metrics, Spans, Table};

/// The log that rows are said to stand in.
const LOG: &str = "0123456789abcdef0123456789abcdef";

/// When requests are said to have arrived: 2026-06-01T12:00:00Z.
const ARRIVAL_UNIX_NANO: u64 = 1_780_315_200_000_000_000;

/// The rows of requests as they stand in the log, one a record, from position `first` on.
pub fn decoded(signal: Signal, first: u64, bodies: &[Bytes]) -> Rows {
    let source =
        |(position, body)| Source { body, position, arrival_unix_nano: ARRIVAL_UNIX_NANO, rejected: &[] };
    let sources: Vec<Source<'_>> = (first..).zip(bodies).map(source).collect();
    match signal {
        Signal::Traces => Rows::Spans(decode_spans(LOG, &sources).expect("spans")),
        Signal::Logs => Rows::Logs(decode_logs(LOG, &sources).expect("log records")),
        Signal::Metrics => panic!("metrics are not decoded"),
    }
}

/// The same as one batch of a branch.
pub fn batch(signal: Signal, first: u64, bodies: &[Bytes]) -> Batch {
    let last = Position(first + bodies.len().saturating_sub(1) as u64);
    Batch { first: Position(first), last, rows: vec![decoded(signal, first, bodies)] }
}

pub(crate) fn cut_into(rows: &Rows, size: usize) -> impl Iterator<Item = Rows> {
    let starts = (0..rows.len()).step_by(size);
    starts.map(move |start| slice(rows, start, size.min(rows.len() - start)))
}

pub(crate) fn slice(rows: &Rows, start: usize, length: usize) -> Rows {
    with(rows, record_batch(rows).slice(start, length))
}

pub(crate) fn reversed(rows: &Rows) -> Rows {
    let backwards = UInt32Array::from_iter_values((0..rows.len() as u32).rev());
    with(rows, take_record_batch(record_batch(rows), &backwards).expect("every row is there"))
}

/// All rows of these in one; `None` of none.
pub(crate) fn joined(parts: &[Rows]) -> Option<Rows> {
    let first = parts.first()?;
    let batches = parts.iter().map(record_batch);
    let all = concat_batches(&record_batch(first).schema(), batches).expect("the same columns");
    Some(with(first, all))
}

pub(crate) fn is_same(one: &Rows, other: &Rows) -> bool {
    one.signal() == other.signal() && record_batch(one) == record_batch(other)
}

fn record_batch(rows: &Rows) -> &RecordBatch {
    match rows {
        Rows::Spans(rows) => rows.batch(),
        Rows::Logs(rows) => rows.batch(),
        Rows::Metrics(rows) => rows.batch(),
    }
}

/// Other rows of the same signal.
fn with(like: &Rows, batch: RecordBatch) -> Rows {
    fn table<T: Table>(batch: RecordBatch) -> T {
        T::try_from_batch(batch).expect("the same columns")
    }
    match like {
        Rows::Spans(_) => Rows::Spans(table::<Spans>(batch)),
        Rows::Logs(_) => Rows::Logs(table::<Logs>(batch)),
        Rows::Metrics(_) => Rows::Metrics(table::<Metrics>(batch)),
    }
}
