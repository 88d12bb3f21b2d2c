//! One Parquet file that is being written, in memory.

use std::collections::{BTreeSet, HashMap};

use arrow_array::{Array, ArrayRef, RecordBatch, StringViewArray, new_null_array};
use arrow_schema::{ArrowError, DataType, Field};
use arrow_select::interleave::interleave;
use bytes::Bytes;
use parquet::arrow::arrow_writer::{ArrowColumnChunk, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::writer::SerializedFileWriter;
use spanledger_component::Plan;

use crate::footer;
use crate::pieces::Pieces;
use crate::run::Key;
use crate::table::Table;

/// One file, of one table and day.
pub(crate) struct File {
    table: &'static Table,
    writer: SerializedFileWriter<Pieces>,
    columns: ArrowRowGroupWriterFactory,
    row_groups: usize,
    facts: Facts,
}

/// What the footer tells of the rows.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    /// How many there are.
    pub(crate) rows: u64,
    /// The earliest and the latest time.
    pub(crate) time_micros: Option<(i64, i64)>,
    /// The price tables they were priced with.
    pub(crate) price_versions: BTreeSet<String>,
}

impl File {
    /// An empty file.
    pub(crate) fn try_new(table: &'static Table) -> Result<Self, ParquetError> {
        let pieces = Pieces::default();
        let writer = SerializedFileWriter::new(pieces, table.parquet.clone(), table.properties.clone())?;
        let columns = ArrowRowGroupWriterFactory::new(&writer, table.schema.clone());
        Ok(Self { table, writer, columns, row_groups: 0, facts: Facts::default() })
    }

    /// Adds a row group: these rows of the batches, in this order. `from` says where in the batches the columns stand.
    pub(crate) fn append(
        &mut self,
        from: &Table,
        batches: &[RecordBatch],
        keys: &[Key],
    ) -> Result<(), ParquetError> {
        let chunks = self.encode(from, batches, keys)?;
        let mut row_group = self.writer.next_row_group()?;
        for chunk in chunks {
            chunk.append_to_row_group(&mut row_group)?;
        }
        row_group.close()?;
        self.row_groups += 1;
        self.facts.add(keys);
        Ok(())
    }

    /// Size of what is encoded.
    pub(crate) fn bytes(&self) -> usize {
        self.writer.bytes_written()
    }

    /// Ends the file with a footer that names the plan, and hands out its content.
    pub(crate) fn finish(mut self, plan: &Plan) -> Result<Vec<Bytes>, ParquetError> {
        for (key, value) in footer::metadata(self.table.name, plan, &self.facts) {
            self.writer.append_key_value_metadata(KeyValue::new(key.to_owned(), value));
        }
        self.writer.flush()?;
        self.writer.inner_mut().begin_footer();
        Ok(self.writer.into_inner()?.seal())
    }

    /// Encodes column by column, so that only one column's sorted rows are in memory beside the encoded bytes.
    fn encode(
        &mut self,
        from: &Table,
        batches: &[RecordBatch],
        keys: &[Key],
    ) -> Result<Vec<ArrowColumnChunk>, ParquetError> {
        let mut gather =
            Gather { batches, places: keys.iter().map(Key::place).collect(), empty: HashMap::new() };
        let mut writers = self.columns.create_column_writers(self.row_groups)?.into_iter();
        let mut chunks = Vec::with_capacity(writers.len());
        for (field, place) in self.table.schema.fields().iter().zip(&from.columns) {
            let column = gather.column(field, *place)?;
            if from.prices == Some(*place) {
                self.facts.add_price_versions(column.as_any().downcast_ref());
            }
            for (leaf, mut writer) in compute_leaves(field, &column)?.iter().zip(writers.by_ref()) {
                writer.write(leaf)?;
                chunks.push(writer.close()?);
            }
        }
        Ok(chunks)
    }
}

/// Puts the rows of a row group in order, a column at a time.
struct Gather<'a> {
    batches: &'a [RecordBatch],
    places: Vec<(usize, usize)>,
    /// By type: columns without any value share one array.
    empty: HashMap<&'a DataType, ArrayRef>,
}

impl<'a> Gather<'a> {
    /// The column of all batches that stands at a place.
    fn column(&mut self, field: &'a Field, place: usize) -> Result<ArrayRef, ArrowError> {
        let parts: Vec<&dyn Array> =
            self.batches.iter().filter_map(|batch| batch.columns().get(place)).map(AsRef::as_ref).collect();
        // Most columns of most spans are empty.
        if field.is_nullable() && parts.iter().all(|part| part.null_count() == part.len()) {
            let data_type = field.data_type();
            let empty = self.empty.entry(data_type);
            return Ok(empty.or_insert_with(|| new_null_array(data_type, self.places.len())).clone());
        }
        interleave(&parts, &self.places)
    }
}

impl Facts {
    fn add(&mut self, keys: &[Key]) {
        self.rows += keys.len() as u64;
        for Key { time_micros: time, .. } in keys {
            let (earliest, latest) = self.time_micros.unwrap_or((*time, *time));
            self.time_micros = Some((earliest.min(*time), latest.max(*time)));
        }
    }
    fn add_price_versions(&mut self, versions: Option<&StringViewArray>) {
        for version in versions.into_iter().flatten().flatten() {
            if !self.price_versions.contains(version) {
                self.price_versions.insert(version.to_owned());
            }
        }
    }
}
