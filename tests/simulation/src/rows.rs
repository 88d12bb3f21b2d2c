//! The rows that are in the store, read with nothing but the Parquet reader.

use std::collections::BTreeMap;

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray as _;
use arrow_array::types::{Int32Type, Int64Type};
use bytes::Bytes;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

/// A row of the table `spans`, as far as it is looked at.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) trace_id: String,
    pub(crate) span_id: String,
    pub(crate) name: String,
    pub(crate) response_id: String,
    pub(crate) input_tokens: i64,
    pub(crate) is_billable: bool,
    pub(crate) log: String,
    pub(crate) position: i64,
    pub(crate) index: i32,
}

const COLUMNS: [&str; 9] =
    ["trace_id", "span_id", "name", "response_id", "input_tokens", "billable", "log", "position", "index"];

/// All rows of the table `spans`; an error names the object that cannot be read.
pub(crate) fn read(objects: &BTreeMap<String, Bytes>) -> Result<Vec<Row>, String> {
    let mut rows = Vec::new();
    for (path, content) in objects.iter().filter(|(path, _)| path.contains("/v1/spans/")) {
        read_object(content.clone(), &mut rows).map_err(|error| format!("read {path}: {error}"))?;
    }
    Ok(rows)
}

fn read_object(content: Bytes, rows: &mut Vec<Row>) -> parquet::errors::Result<()> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(content)?;
    let columns = ProjectionMask::columns(builder.parquet_schema(), COLUMNS);
    for batch in builder.with_projection(columns).build()? {
        rows.extend(rows_of(&batch?));
    }
    Ok(())
}

fn rows_of(batch: &RecordBatch) -> Vec<Row> {
    let column = |name: &str| batch.column_by_name(name).expect("the schema has it");
    let text = |name: &str, row: usize| column(name).as_string::<i32>().value(row).to_owned();
    let long = |name: &str, row: usize| column(name).as_primitive::<Int64Type>().value(row);
    let row = |row: usize| Row {
        trace_id: text("trace_id", row),
        span_id: text("span_id", row),
        name: text("name", row),
        response_id: text("response_id", row),
        input_tokens: long("input_tokens", row),
        is_billable: column("billable").as_boolean().value(row),
        log: text("log", row),
        position: long("position", row),
        index: column("index").as_primitive::<Int32Type>().value(row),
    };
    (0..batch.num_rows()).map(row).collect()
}
