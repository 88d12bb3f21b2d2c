//! Looking up a trace in what was delivered: of most files only the footer and a bloom filter are read.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::{BooleanArray, RecordBatch};
use arrow_schema::ArrowError;
use futures::StreamExt as _;
use parquet::DecodeResult;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowPredicateFn, RowFilter};
use parquet::arrow::push_decoder::ParquetPushDecoderBuilder;
use parquet::bloom_filter::Sbbf;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use spanledger_component::Error;

use crate::config::Config;
use crate::directory::Directory;
use crate::store::Store;

/// So many files are looked into at once: a row group of each is the most that is in memory.
const FILES_AT_ONCE: usize = 8;

const TRACE_ID: &str = "trace_id";

/// The files that an exporter writes.
#[derive(Debug)]
pub struct Lake {
    store: Store,
}

/// What stands in a lake of a trace.
#[derive(Debug, Default)]
pub struct Found {
    /// Its spans, file by file.
    pub rows: Vec<RecordBatch>,
    /// How many files of spans there are; each was looked into.
    pub files: usize,
    /// How many of them may have the trace by their statistics and bloom filters: those were read.
    pub files_read: usize,
    /// Files that could not be looked into, and why.
    pub unreadable: Vec<Error>,
}

impl Lake {
    /// Where the settings of an exporter say. Asks nobody yet.
    pub fn of(config: &Config) -> Result<Self, Error> {
        let target = config.path.parse().map_err(|message: String| Error::new(format!("path: {message}")))?;
        Ok(Self { store: Store::to_read(config, &target)? })
    }

    /// A folder on this machine.
    pub fn at(folder: &Path) -> Self {
        Self { store: Store::Directory(Directory::at(folder)) }
    }

    /// The name an operator knows it by.
    pub fn address(&self) -> String {
        self.store.address("").trim_end_matches('/').to_owned()
    }

    /// The spans of a trace, 32 hex digits in lower case, with some of their columns; those that a file does not have
    /// are left out. An error when the lake cannot be listed.
    pub async fn spans_of(&self, trace_id: &str, columns: &[&str]) -> Result<Found, Error> {
        let is_spans = |path: &String| path.starts_with("v1/spans/") && path.ends_with(".parquet");
        let listed = self.store.list().await.map_err(|retry| retry.error)?;
        let mut paths: Vec<_> = listed.into_iter().filter(is_spans).collect();
        paths.sort();
        let mut found = Found { files: paths.len(), ..Found::default() };
        let looks = paths.iter().map(|path| self.look_into(path, trace_id, columns));
        let mut looks = futures::stream::iter(looks).buffered(FILES_AT_ONCE);
        while let Some(look) = looks.next().await {
            match look {
                Ok(None) => {}
                Ok(Some(rows)) => {
                    found.files_read += 1;
                    found.rows.extend(rows);
                }
                Err(error) => found.unreadable.push(error),
            }
        }
        Ok(found)
    }

    /// The rows of the trace; `None` where the file cannot have any.
    async fn look_into(
        &self,
        path: &str,
        trace_id: &str,
        columns: &[&str],
    ) -> Result<Option<Vec<RecordBatch>>, Error> {
        let footer = self.store.footer(path).await.map_err(|retry| retry.error)?;
        let unreadable = |what| Error::new(format!("{} {what}", self.store.address(path)));
        let metadata = footer.ok_or_else(|| unreadable("is no Parquet file"))?;
        let schema = metadata.file_metadata().schema_descr();
        let place = schema.columns().iter().position(|column| column.path().string() == TRACE_ID);
        let place = place.ok_or_else(|| unreadable("has no column trace_id"))?;
        let groups = self.groups_with(path, &metadata, place, trace_id).await?;
        if groups.is_empty() {
            return Ok(None);
        }
        self.rows(path, *metadata, groups, trace_id, columns).await.map(Some)
    }

    /// The row groups that may have the trace.
    async fn groups_with(
        &self,
        path: &str,
        metadata: &ParquetMetaData,
        place: usize,
        trace_id: &str,
    ) -> Result<Vec<usize>, Error> {
        let chunks = metadata.row_groups().iter().map(|group| group.columns().get(place)).enumerate();
        let chunks = chunks.filter(|(_, chunk)| chunk.is_none_or(|chunk| is_within(chunk, trace_id)));
        let (filtered, others): (Vec<_>, Vec<_>) = chunks
            .map(|(group, chunk)| (group, chunk.and_then(bloom_filter)))
            .partition(|(_, filter)| filter.is_some());
        let mut groups: Vec<usize> = others.into_iter().map(|(group, _)| group).collect();
        let ranges: Vec<_> = filtered.iter().filter_map(|(_, range)| range.clone()).collect();
        let parts = match ranges.is_empty() {
            true => Vec::new(),
            false => self.store.ranges(path, &ranges).await.map_err(|retry| retry.error)?,
        };
        for ((group, _), part) in filtered.iter().zip(parts) {
            let filter = Sbbf::from_bytes(&part).map_err(|error| self.broken(path, error))?;
            if filter.check(trace_id) {
                groups.push(*group);
            }
        }
        groups.sort_unstable();
        Ok(groups)
    }

    /// The rows of the trace in some row groups: of those the trace ids are read, and the rest where one is right.
    async fn rows(
        &self,
        path: &str,
        metadata: ParquetMetaData,
        groups: Vec<usize>,
        trace_id: &str,
        columns: &[&str],
    ) -> Result<Vec<RecordBatch>, Error> {
        let broken = |error| self.broken(path, error);
        let builder = ParquetPushDecoderBuilder::try_new_decoder(Arc::new(metadata)).map_err(broken)?;
        let mask =
            |columns: &[&str]| ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied());
        let (ids, wanted, trace_id) = (mask(&[TRACE_ID]), mask(columns), trace_id.to_owned());
        let is_of_trace = ArrowPredicateFn::new(ids, move |ids| are_equal(&ids, &trace_id));
        let filter = RowFilter::new(vec![Box::new(is_of_trace)]);
        let builder = builder.with_row_groups(groups).with_projection(wanted).with_row_filter(filter);
        let mut decoder = builder.build().map_err(broken)?;
        let mut rows = Vec::new();
        loop {
            match decoder.try_decode().map_err(broken)? {
                DecodeResult::NeedsData(ranges) => {
                    let parts = self.store.ranges(path, &ranges).await.map_err(|retry| retry.error)?;
                    decoder.push_ranges(ranges, parts).map_err(broken)?;
                }
                DecodeResult::Data(batch) => rows.push(batch),
                DecodeResult::Finished => return Ok(rows),
            }
        }
    }

    fn broken(&self, path: &str, error: parquet::errors::ParquetError) -> Error {
        Error::caused(format!("read {}", self.store.address(path)), error)
    }
}

/// Whether a text lies between the least and the greatest of a column, as far as these are known.
fn is_within(chunk: &ColumnChunkMetaData, text: &str) -> bool {
    let Some(statistics) = chunk.statistics() else { return true };
    statistics.min_bytes_opt().is_none_or(|least| least <= text.as_bytes())
        && statistics.max_bytes_opt().is_none_or(|greatest| text.as_bytes() <= greatest)
}

/// Where the bloom filter of a column stands.
fn bloom_filter(chunk: &ColumnChunkMetaData) -> Option<Range<u64>> {
    let start = u64::try_from(chunk.bloom_filter_offset()?).ok()?;
    let bytes = u64::try_from(chunk.bloom_filter_length()?).ok()?;
    Some(start..start.checked_add(bytes)?)
}

/// Which rows of a batch whose only column is of texts have a text.
fn are_equal(batch: &RecordBatch, text: &str) -> Result<BooleanArray, ArrowError> {
    let column = batch.columns().first();
    let views = column.and_then(|column| column.as_string_view_opt());
    let texts = column.and_then(|column| column.as_string_opt::<i32>());
    let is_equal = |other: Option<&str>| Some(other == Some(text));
    match (views, texts) {
        (Some(views), _) => Ok(views.iter().map(is_equal).collect()),
        (_, Some(texts)) => Ok(texts.iter().map(is_equal).collect()),
        _ => Err(ArrowError::SchemaError("trace_id is no text".to_owned())),
    }
}
