//! What the tests of the exporter share: rows, plans, and reading files back.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::builder::StringViewBuilder;
use arrow_array::{
    ArrayRef, BooleanArray, Int32Array, Int64Array, ListArray, MapArray, StringViewArray, StructArray,
    TimestampMicrosecondArray, new_null_array,
};
use arrow_buffer::OffsetBuffer;
use arrow_schema::{DataType, Field};
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::Row;
use spanledger_component::{
    Batch, Context, Exporter, ExporterFactory as _, LogId, Plan, PlanId, Position, Rows,
};
use spanledger_exporter_parquet::{Config, Parquet};
use spanledger_schema::{Logs, Spans, Table as _};
use spanledger_telemetry::Meter;
use tokio_util::sync::CancellationToken;

/// 2026-11-20T12:00:00Z in microseconds, from `date -u -d 2026-11-20T12:00:00Z +%s`.
pub(crate) const NOON: i64 = 1_795_176_000_000_000;
pub(crate) const MINUTE: i64 = 60_000_000;
pub(crate) const DAY: i64 = 24 * 60 * MINUTE;

/// A span of a test: what is not said is the same for all.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    pub(crate) time: i64,
    pub(crate) trace: u128,
    pub(crate) input: Option<&'static str>,
    pub(crate) price_version: Option<&'static str>,
    pub(crate) session: Option<&'static str>,
    pub(crate) user: Option<&'static str>,
}

impl Default for Span {
    fn default() -> Self {
        Self { time: NOON, trace: 1, input: None, price_version: None, session: None, user: None }
    }
}

pub(crate) fn span(time: i64, trace: u128) -> Span {
    Span { time, trace, ..Span::default() }
}

/// Spans of one record, at a position.
pub(crate) fn spans(position: i64, rows: &[Span]) -> Spans {
    let times = rows.iter().map(|row| row.time);
    let starts = times.clone().map(|time| time.saturating_mul(1000));
    let length = rows.len();
    let columns = Spans::schema().fields().iter().map(|field| match field.name().as_str() {
        "time" => micros(times.clone()),
        "start_time_unix_nano" => ints(starts.clone()),
        "duration_ns" => ints((0..length).map(|_| 1000)),
        "trace_id" => texts(rows.iter().map(|row| Some(format!("{:032x}", row.trace)))),
        "span_id" => texts((0..length).map(|row| Some(format!("{:016x}", row + 1)))),
        "billable" => Arc::new(BooleanArray::from(vec![true; length])),
        "ingested_at" => micros((0..length).map(|_| NOON)),
        "finish_reasons" => lists(field, length),
        "events" => events(field, length),
        "position" => ints((0..length).map(|_| position)),
        "index" => Arc::new(Int32Array::from_iter_values(0..length as i32)),
        "input_messages" => texts(rows.iter().map(|row| row.input.map(str::to_owned))),
        "session_id" => texts(rows.iter().map(|row| row.session.map(str::to_owned))),
        "user_id" => texts(rows.iter().map(|row| row.user.map(str::to_owned))),
        "price_version" => texts(rows.iter().map(|row| row.price_version.map(str::to_owned))),
        _ => filler(field, length),
    });
    Spans::try_new(columns.collect()).unwrap()
}

/// Log records of one record, at a position; each is a time and a trace.
pub(crate) fn log_records(position: i64, rows: &[(i64, Option<u128>)]) -> Logs {
    let rows: Vec<_> = rows.iter().map(|(time, trace)| (*time, *trace, None)).collect();
    told_records(position, &rows)
}

/// The same, each with what was told to a model, in the span 1 of its trace.
pub(crate) fn told_records(position: i64, rows: &[(i64, Option<u128>, Option<&str>)]) -> Logs {
    let length = rows.len();
    let columns = Logs::schema().fields().iter().map(|field| match field.name().as_str() {
        "time" => micros(rows.iter().map(|(time, _, _)| *time)),
        "observed_time_unix_nano" => ints(rows.iter().map(|(time, _, _)| *time)),
        "trace_id" => texts(rows.iter().map(|(_, trace, _)| trace.map(|trace| format!("{trace:032x}")))),
        "span_id" => texts(rows.iter().map(|(_, trace, _)| trace.map(|_| format!("{:016x}", 1)))),
        "input_messages" => texts(rows.iter().map(|(_, _, input)| input.map(str::to_owned))),
        "ingested_at" => micros((0..length).map(|_| NOON)),
        "position" => ints((0..length).map(|_| position)),
        "index" => Arc::new(Int32Array::from_iter_values(0..length as i32)),
        _ => filler(field, length),
    });
    Logs::try_new(columns.collect()).unwrap()
}

fn filler(field: &Field, length: usize) -> ArrayRef {
    match field.data_type() {
        _ if field.is_nullable() => new_null_array(field.data_type(), length),
        DataType::Utf8View => {
            texts((0..length).map(|_| Some(format!("{} that is longer than a view", field.name()))))
        }
        DataType::Map(entries, _) => maps(entries, length),
        other => panic!("a required {other} needs a value"),
    }
}

fn micros(values: impl Iterator<Item = i64>) -> ArrayRef {
    Arc::new(TimestampMicrosecondArray::from_iter_values(values).with_timezone("UTC"))
}

fn ints(values: impl Iterator<Item = i64>) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(values))
}

fn texts(values: impl Iterator<Item = Option<String>>) -> ArrayRef {
    let mut builder = StringViewBuilder::new();
    values.for_each(|value| builder.append_option(value));
    Arc::new(builder.finish())
}

fn maps(entries: &Arc<Field>, length: usize) -> ArrayRef {
    let DataType::Struct(fields) = entries.data_type() else { panic!("a map has entries") };
    let column = |text: &str| Arc::new(StringViewArray::from_iter_values(vec![text; length])) as ArrayRef;
    let entry = StructArray::new(fields.clone(), vec![column("key"), column("value")], None);
    let offsets = OffsetBuffer::from_lengths(vec![1; length]);
    Arc::new(MapArray::new(entries.clone(), offsets, entry, None, false))
}

fn lists(field: &Field, length: usize) -> ArrayRef {
    let DataType::List(element) = field.data_type() else { panic!("not a list") };
    let values = Arc::new(StringViewArray::from_iter_values(vec!["stop"; length]));
    Arc::new(ListArray::new(element.clone(), OffsetBuffer::from_lengths(vec![1; length]), values, None))
}

/// As many events a row as its place says, each named after the row.
fn events(field: &Field, length: usize) -> ArrayRef {
    let DataType::List(element) = field.data_type() else { panic!("not a list") };
    let DataType::Struct(fields) = element.data_type() else { panic!("not a list of structs") };
    let DataType::Map(entries, _) = fields[2].data_type() else { panic!("events have attributes") };
    let rows: Vec<usize> = (0..length).map(|row| row % 3).collect();
    let count = rows.iter().sum();
    let names = (0..length).flat_map(|row| vec![Some(format!("an event of the row {row}")); row % 3]);
    let columns = vec![ints(0..count as i64), texts(names), maps(entries, count)];
    let values = Arc::new(StructArray::new(fields.clone(), columns, None));
    Arc::new(ListArray::new(element.clone(), OffsetBuffer::from_lengths(rows), values, None))
}

/// A batch of one range of positions.
pub(crate) fn batch(first: u64, last: u64, rows: Vec<Rows>) -> Batch {
    Batch { first: Position(first), last: Position(last), rows }
}

pub(crate) fn plan(id: u8, first: u64, last: u64) -> Plan {
    Plan {
        id: PlanId([id; 16]),
        log: LogId([0xab; 16]),
        exporter: "parquet".parse().unwrap(),
        first: Position(first),
        last: Position(last),
        excluded: vec![],
    }
}

pub(crate) fn context(meter: &Meter) -> Context {
    Context {
        meter: meter.clone(),
        memory_bytes: 192 << 20,
        log: LogId([0xab; 16]),
        ..Context::new("parquet".parse().unwrap())
    }
}

pub(crate) fn config(root: &Path) -> Config {
    Config { path: root.to_str().unwrap().to_owned(), ..Config::default() }
}

/// An exporter to a folder, started.
pub(crate) async fn exporter(root: &Path) -> Box<dyn Exporter> {
    started(&config(root), &context(&Meter::default())).await
}

pub(crate) async fn started(config: &Config, context: &Context) -> Box<dyn Exporter> {
    let mut exporter = Parquet::build(config, context).unwrap();
    exporter.start(CancellationToken::new()).await.unwrap();
    exporter
}

/// The files below a folder by path, sorted.
pub(crate) fn files(root: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    files
}

/// The one file of a table.
pub(crate) fn file(root: &Path, table: &str) -> SerializedFileReader<fs::File> {
    let files = files(&root.join("v1").join(table));
    assert_eq!(files.len(), 1, "{files:?}");
    SerializedFileReader::new(fs::File::open(&files[0]).unwrap()).unwrap()
}

/// The rows of a file, in order.
pub(crate) fn rows(file: &SerializedFileReader<fs::File>) -> Vec<Row> {
    file.get_row_iter(None).unwrap().map(Result::unwrap).collect()
}

/// The value of a column as it is displayed.
pub(crate) fn value(row: &Row, column: &str) -> String {
    row.get_column_iter().find(|(name, _)| *name == column).unwrap().1.to_string()
}

/// The value of a key of the footer.
pub(crate) fn key_value(file: &SerializedFileReader<fs::File>, key: &str) -> Option<String> {
    let keys = file.metadata().file_metadata().key_value_metadata().unwrap();
    keys.iter().find(|entry| entry.key == key).and_then(|entry| entry.value.clone())
}
