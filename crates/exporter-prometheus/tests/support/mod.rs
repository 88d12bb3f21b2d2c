//! Batches of metric rows, and a scraper.

use std::net::SocketAddr;
use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, Float64Array, Int64Array, ListArray, MapArray, StringViewArray, StructArray,
};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::DataType;
use spanledger_component::{Batch, ComponentId, Context, Position, Rows};
use spanledger_schema::{Metrics, Table as _, metrics};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// One row of metrics: a number, or the counts of a histogram with bounds 0.5 and 20, and its sum.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) labels: Vec<(&'static str, &'static str)>,
    pub(crate) value: Option<f64>,
    pub(crate) counts: Option<[i64; 3]>,
    pub(crate) sum: Option<f64>,
}

pub(crate) fn counter(
    name: &'static str,
    unit: &'static str,
    labels: &[(&'static str, &'static str)],
    value: f64,
) -> Row {
    Row { name, unit, kind: "counter", labels: labels.to_vec(), value: Some(value), counts: None, sum: None }
}

pub(crate) fn histogram(name: &'static str, unit: &'static str, counts: [i64; 3], sum: f64) -> Row {
    Row { name, unit, kind: "histogram", labels: vec![], value: None, counts: Some(counts), sum: Some(sum) }
}

/// One batch of those rows, counted since the second 1 of 1970.
pub(crate) fn batch(rows: &[Row]) -> Batch {
    let text = |of: fn(&Row) -> &str| -> ArrayRef {
        Arc::new(StringViewArray::from_iter_values(rows.iter().map(of)))
    };
    let nanos = || Arc::new(Int64Array::from_iter_values(rows.iter().map(|_| 1_000_000_000)));
    let counts: Vec<i64> = rows.iter().filter_map(|row| row.counts).flatten().collect();
    let bounds: Vec<f64> = rows.iter().filter_map(|row| row.counts).flat_map(|_| [0.5, 20.0]).collect();
    let total = rows.iter().map(|row| row.counts.map(|counts| counts.iter().sum::<i64>()));
    let columns: Vec<ArrayRef> = vec![
        text(|row| row.name),
        text(|_| "What it \"tells\""),
        text(|row| row.unit),
        text(|row| row.kind),
        attributes(rows),
        nanos(),
        nanos(),
        Arc::new(Float64Array::from_iter(rows.iter().map(|row| row.value))),
        Arc::new(Int64Array::from_iter(total)),
        Arc::new(Float64Array::from_iter(rows.iter().map(|row| row.sum))),
        list(metrics::BUCKET_COUNTS.index, rows, 3, Arc::new(Int64Array::from(counts))),
        list(metrics::EXPLICIT_BOUNDS.index, rows, 2, Arc::new(Float64Array::from(bounds))),
    ];
    let rows = vec![Rows::Metrics(Metrics::try_new(columns).unwrap())];
    Batch { first: Position(0), last: Position(0), rows }
}

fn attributes(rows: &[Row]) -> ArrayRef {
    let DataType::Map(entry, _) = Metrics::schema().field(metrics::ATTRIBUTES.index).data_type() else {
        panic!("attributes are a map")
    };
    let DataType::Struct(fields) = entry.data_type() else { panic!("a map has entries") };
    let labels = || rows.iter().flat_map(|row| &row.labels);
    let keys = StringViewArray::from_iter_values(labels().map(|(name, _)| name));
    let values = StringViewArray::from_iter_values(labels().map(|(_, value)| value));
    let entries = StructArray::new(fields.clone(), vec![Arc::new(keys), Arc::new(values)], None);
    let offsets = OffsetBuffer::from_lengths(rows.iter().map(|row| row.labels.len()));
    Arc::new(MapArray::new(entry.clone(), offsets, entries, None, false))
}

fn list(column: usize, rows: &[Row], length: usize, values: ArrayRef) -> ArrayRef {
    let DataType::List(element) = Metrics::schema().field(column).data_type() else { panic!("a list") };
    let lengths = rows.iter().map(|row| if row.counts.is_some() { length } else { 0 });
    let nulls = NullBuffer::from_iter(rows.iter().map(|row| row.counts.is_some()));
    let list = ListArray::new(element.clone(), OffsetBuffer::from_lengths(lengths), values, Some(nulls));
    assert_eq!(list.len(), rows.len());
    Arc::new(list)
}

pub(crate) fn context() -> Context {
    Context { memory_bytes: 1 << 20, ..Context::new("prometheus".parse::<ComponentId>().unwrap()) }
}

/// The head and the body of the answer to one request over a connection of its own.
pub(crate) async fn request(address: SocketAddr, line: &str, accept: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("{line} HTTP/1.1\r\nHost: x\r\nAccept: {accept}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}
