//! The spans of a trace in a lake on this machine.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Float64Type, Int32Type, Int64Type};
use arrow_array::{Array, RecordBatch};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use spanledger_component::Error;
use spanledger_processor_genai::{StoredSpan, stored_columns};

/// How deep folders of a lake are looked into: version, table, date, and a prefix of one's own.
const DEPTH_MAX: usize = 8;

/// Columns of a span beside its attributes.
const OWN: [&str; 8] = [
    "trace_id",
    "span_id",
    "scope_name",
    "name",
    "start_time_unix_nano",
    "duration_ns",
    "status_code",
    "span_attributes",
];

/// The spans of a trace, in the order of their files.
pub(crate) fn spans_of(lake: &Path, trace_id: &str) -> Result<Vec<StoredSpan>, Error> {
    let mut files = Vec::new();
    find(lake, DEPTH_MAX, &mut files)
        .map_err(|error| Error::caused(format!("read the lake {}", lake.display()), error))?;
    files.sort();
    let mut found = Vec::new();
    for file in files {
        let failed = |error| Error::caused(format!("read {}", file.display()), error);
        read(&file, trace_id, &mut found).map_err(failed)?;
    }
    if found.is_empty() {
        let lake = lake.display();
        return Err(Error::new(format!(
            "no span of trace {trace_id} stands in {lake}: it may not be delivered yet (`spanledger flush`), or --lake names another folder"
        )));
    }
    Ok(found)
}

/// Every file of the table of spans below a folder.
fn find(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let is_spans = || path.components().any(|part| part.as_os_str() == "spans");
        if path.is_dir() && depth > 0 {
            find(&path, depth - 1, files)?;
        } else if path.extension().is_some_and(|ending| ending == "parquet") && is_spans() {
            files.push(path);
        }
    }
    Ok(())
}

/// Reads the row groups that may hold the trace: their bloom filters tell.
fn read(
    file: &Path,
    trace_id: &str,
    found: &mut Vec<StoredSpan>,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(file)?)?;
    let schema = builder.parquet_schema();
    let column = schema.columns().iter().position(|column| column.path().string() == "trace_id");
    let column = column.ok_or("it has no column trace_id")?;
    let mut groups = Vec::new();
    for group in 0..builder.metadata().num_row_groups() {
        let filter = builder.get_row_group_column_bloom_filter(group, column)?;
        if filter.is_none_or(|filter| filter.check(&trace_id)) {
            groups.push(group);
        }
    }
    let texts: Vec<&str> = stored_columns().into_iter().map(|(column, _)| column).collect();
    let mask =
        ProjectionMask::columns(builder.parquet_schema(), OWN.into_iter().chain(texts.iter().copied()));
    for batch in builder.with_row_groups(groups).with_projection(mask).build()? {
        let batch = batch?;
        for row in 0..batch.num_rows() {
            if text(&batch, "trace_id", row).as_deref() == Some(trace_id) {
                found.push(span(&batch, row, &texts));
            }
        }
    }
    Ok(())
}

fn span(batch: &RecordBatch, row: usize, texts: &[&str]) -> StoredSpan {
    let own = |name: &str| text(batch, name, row).unwrap_or_default();
    let number = |name: &str| {
        let numbers = batch.column_by_name(name).and_then(|column| column.as_primitive_opt::<Int64Type>());
        numbers.map_or(0, |numbers| numbers.value(row))
    };
    StoredSpan {
        trace_id: own("trace_id"),
        span_id: own("span_id"),
        scope_name: text(batch, "scope_name", row),
        name: own("name"),
        start_unix_nano: number("start_time_unix_nano"),
        duration_ns: number("duration_ns"),
        is_error: own("status_code") == "ERROR",
        attributes: attributes(batch, row),
        columns: texts
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), text(batch, name, row)?)))
            .collect(),
    }
}

/// What a column of numbers, flags or texts has in a row, as text.
fn text(batch: &RecordBatch, name: &str, row: usize) -> Option<String> {
    let column = batch.column_by_name(name).filter(|column| column.is_valid(row))?;
    value(column, row)
}

fn value(column: &dyn Array, row: usize) -> Option<String> {
    if let Some(texts) = column.as_string_view_opt() {
        return Some(texts.value(row).to_owned());
    }
    if let Some(texts) = column.as_string_opt::<i32>() {
        return Some(texts.value(row).to_owned());
    }
    if let Some(flags) = column.as_boolean_opt() {
        return Some(flags.value(row).to_string());
    }
    if let Some(lists) = column.as_list_opt::<i32>() {
        let items = lists.value(row);
        let texts: Vec<_> = (0..items.len()).filter_map(|item| value(&items, item)).collect();
        return serde_json::to_string(&texts).ok();
    }
    let long = column.as_primitive_opt::<Int64Type>().map(|numbers| numbers.value(row).to_string());
    let short = || column.as_primitive_opt::<Int32Type>().map(|numbers| numbers.value(row).to_string());
    let double = || column.as_primitive_opt::<Float64Type>().map(|numbers| numbers.value(row).to_string());
    long.or_else(short).or_else(double)
}

fn attributes(batch: &RecordBatch, row: usize) -> Vec<(String, String)> {
    let map = batch.column_by_name("span_attributes").and_then(|column| column.as_map_opt());
    let Some(entries) = map.map(|map| map.value(row)) else { return Vec::new() };
    let side = |place: usize, entry: usize| value(entries.column(place), entry).unwrap_or_default();
    (0..entries.len()).map(|entry| (side(0, entry), side(1, entry))).collect()
}
