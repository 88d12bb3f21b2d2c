//! What a file on its own tells: whether it is whole, whose it is, and which rows stand in it.

use arrow_array::{Array as _, Int32Array, Int64Array, RecordBatch};
use bytes::Bytes;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;
use spanledger_component::Position;

use crate::checksum;
use crate::footer;

/// What the footer of a file says, and what stands in the file.
pub(crate) struct Inspected {
    /// The plan that made it.
    pub(crate) plan: String,
    /// The table it is of.
    pub(crate) table: String,
    /// The range it is of, first and last position.
    pub(crate) range: (Position, Position),
    /// Position and index of each row.
    pub(crate) rows: Vec<(i64, i32)>,
}

/// Reads a file of log `log` and exporter `exporter` whole; the error says what is wrong with it.
pub(crate) fn inspect(content: &Bytes, log: &str, exporter: &str) -> Result<Inspected, String> {
    let unreadable = |error: ParquetError| format!("cannot be read: {error}");
    let builder = ParquetRecordBatchReaderBuilder::try_new(content.clone()).map_err(unreadable)?;
    let told = Told(builder.metadata().clone());
    for (key, expected) in [(footer::LOG, log), (footer::EXPORTER, exporter)] {
        if told.of(key)? != expected {
            return Err(format!("its footer says {key}={}, its name {expected}", told.of(key)?));
        }
    }
    let range = (told.position(footer::FIRST)?, told.position(footer::LAST)?);
    let (plan, table) = (told.of(footer::PLAN)?.to_owned(), told.of(footer::TABLE)?.to_owned());
    if !checksum::is_right(content, told.of(footer::CHECKSUM)?) {
        return Err("does not have the checksum that its footer tells: it is damaged".to_owned());
    }
    let mask = ProjectionMask::columns(builder.parquet_schema(), ["position", "index"]);
    let mut rows = Vec::new();
    for batch in builder.with_projection(mask).build().map_err(unreadable)? {
        places(&batch.map_err(|error| format!("cannot be read: {error}"))?, &mut rows)?;
    }
    let counted = told.of(footer::ROWS)?;
    if *counted != rows.len().to_string() {
        return Err(format!("has {} rows, its footer says {counted}", rows.len()));
    }
    let (first, last) = range;
    let is_outside = |(position, _): &&(i64, i32)| !(first.0 as i64..=last.0 as i64).contains(position);
    match rows.iter().find(is_outside) {
        Some((position, _)) => {
            Err(format!("has a row of position {position}, its footer says {first} to {last}"))
        }
        None => Ok(Inspected { plan, table, range, rows }),
    }
}

/// Adds position and index of each row.
fn places(batch: &RecordBatch, rows: &mut Vec<(i64, i32)>) -> Result<(), String> {
    let lacking = || "has no columns position and index".to_owned();
    let positions =
        batch.column_by_name("position").and_then(|column| column.as_any().downcast_ref::<Int64Array>());
    let indexes =
        batch.column_by_name("index").and_then(|column| column.as_any().downcast_ref::<Int32Array>());
    let (positions, indexes) = (positions.ok_or_else(lacking)?, indexes.ok_or_else(lacking)?);
    rows.extend(positions.values().iter().copied().zip(indexes.values().iter().copied()));
    Ok(())
}

/// The keys and values of a footer.
struct Told(std::sync::Arc<ParquetMetaData>);

impl Told {
    fn of(&self, key: &str) -> Result<&str, String> {
        let entries = self.0.file_metadata().key_value_metadata().into_iter().flatten();
        let value = entries.filter(|entry| entry.key == key).find_map(|entry| entry.value.as_deref());
        value.ok_or_else(|| format!("has no {key} in its footer"))
    }

    fn position(&self, key: &str) -> Result<Position, String> {
        let text = self.of(key)?;
        text.parse().map(Position).map_err(|_| format!("its footer says {key}={text}"))
    }
}
