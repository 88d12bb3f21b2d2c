//! The tables of the lake: which columns each has, how they are stored, how rows are sorted.

use std::sync::{Arc, OnceLock};

use arrow_schema::{Field as ArrowField, Schema, SchemaRef};
use parquet::arrow::ArrowSchemaConverter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::SortingColumn;
use parquet::file::properties::{
    EnabledStatistics, WriterProperties, WriterPropertiesBuilder, WriterPropertiesPtr,
};
use parquet::schema::types::{ColumnPath, TypePtr};
use spanledger_schema::{Field, Logs, Role, Spans, Table as _, content, spans};

/// Rows of a row group, unless one batch has more.
pub(crate) const RUN_ROWS_MAX: usize = 16_384;

/// A dictionary page that holds the system prompts and tool lists of a whole run.
const HEAVY_DICTIONARY_BYTES: usize = 4 << 20;

const BLOOM_FALSE_POSITIVES: f64 = 0.01;

/// A table of the lake.
#[derive(Debug)]
pub(crate) struct Table {
    /// Its name, in paths and SQL.
    pub(crate) name: &'static str,
    /// Whether only spans and log records that carry messages have a row here.
    pub(crate) messages_only: bool,
    /// Whether rows are sorted by minute before all else.
    pub(crate) by_minute: bool,
    /// Its columns, as places in the rows they come from.
    pub(crate) columns: Vec<usize>,
    /// The column, as a place in the rows, that names the price table.
    pub(crate) prices: Option<usize>,
    /// Its Arrow schema, with field ids.
    pub(crate) schema: SchemaRef,
    /// Its Parquet schema.
    pub(crate) parquet: TypePtr,
    /// How its columns are stored.
    pub(crate) properties: WriterPropertiesPtr,
}

impl Table {
    /// One row a span.
    pub(crate) fn spans() -> &'static Self {
        static TABLE: OnceLock<Table> = OnceLock::new();
        TABLE.get_or_init(|| {
            let columns = (0..content::SPANS_COLUMNS).collect();
            let table = Self::new("spans", columns, Spans::schema(), Spans::FIELDS);
            Self { by_minute: true, prices: Some(spans::PRICE_VERSION.index), ..table }
        })
    }

    /// One row a span that carries messages.
    pub(crate) fn content() -> &'static Self {
        static TABLE: OnceLock<Table> = OnceLock::new();
        TABLE.get_or_init(|| {
            let columns = content::COLUMNS.to_vec();
            let table = Self::new("content", columns, Spans::schema(), Spans::FIELDS);
            // Readers that know of it can search a row group by trace. Of the other tables the first key is no column.
            let sorted = [spans::TRACE_ID.name, spans::TIME.name].iter().map(|name| {
                let column_idx = i32::try_from(table.schema.index_of(name).ok()?).ok()?;
                Some(SortingColumn { column_idx, descending: false, nulls_first: false })
            });
            let sorted = sorted.collect();
            let properties = table.properties.as_ref().clone().into_builder().set_sorting_columns(sorted);
            Self { messages_only: true, properties: Arc::new(properties.build()), ..table }
        })
    }

    /// The same table for messages that came as log records of a span: one row a record.
    pub(crate) fn content_of_logs() -> &'static Self {
        static TABLE: OnceLock<Table> = OnceLock::new();
        TABLE.get_or_init(|| {
            let content = Self::content();
            Self {
                name: content.name,
                messages_only: true,
                by_minute: content.by_minute,
                columns: content::COLUMNS_OF_LOGS.to_vec(),
                prices: None,
                schema: content.schema.clone(),
                parquet: content.parquet.clone(),
                properties: content.properties.clone(),
            }
        })
    }

    /// One row a log record.
    pub(crate) fn logs() -> &'static Self {
        static TABLE: OnceLock<Table> = OnceLock::new();
        TABLE.get_or_init(|| {
            let columns = (0..content::LOGS_COLUMNS).collect();
            let table = Self::new("logs", columns, Logs::schema(), Logs::FIELDS);
            Self { by_minute: true, ..table }
        })
    }

    fn new(name: &'static str, columns: Vec<usize>, rows: &SchemaRef, fields: &[Field]) -> Self {
        let schema = Arc::new(project(rows, &columns));
        let roles: Vec<Role> =
            columns.iter().filter_map(|place| fields.get(*place)).map(|field| field.role).collect();
        #[expect(clippy::expect_used, reason = "the schemas are constants, and a test builds each table")]
        let (parquet, properties) = storage(&schema, &roles).expect("the schema has a Parquet form");
        Self {
            name,
            messages_only: false,
            by_minute: false,
            columns,
            prices: None,
            schema,
            parquet,
            properties,
        }
    }
}

/// Some columns of a schema, with field ids from 1 in the order given; nested ids stay.
fn project(rows: &SchemaRef, columns: &[usize]) -> Schema {
    let fields = columns.iter().filter_map(|place| rows.fields().get(*place)).zip(1..).map(|(field, id)| {
        let metadata = [("PARQUET:field_id".to_owned(), i32::to_string(&id))];
        ArrowField::clone(field).with_metadata(metadata.into())
    });
    Schema::new(fields.collect::<Vec<_>>())
}

/// The Parquet schema, and the properties of each of its leaves by the role of the column they belong to.
fn storage(schema: &Schema, roles: &[Role]) -> Result<(TypePtr, WriterPropertiesPtr), ParquetError> {
    let descriptor = ArrowSchemaConverter::new().schema_root("spanledger").convert(schema)?;
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_max_row_group_row_count(None);
    for (place, leaf) in descriptor.columns().iter().enumerate() {
        if let Some(role) = roles.get(descriptor.get_column_root_idx(place)) {
            properties = store_as(properties, leaf.path().clone(), *role);
        }
        // No reader skips pages by the least name of an attribute, and comparing them all takes time.
        if leaf.max_rep_level() > 0 {
            properties =
                properties.set_column_statistics_enabled(leaf.path().clone(), EnabledStatistics::None);
        }
    }
    Ok((descriptor.root_schema_ptr(), Arc::new(properties.build())))
}

fn store_as(properties: WriterPropertiesBuilder, leaf: ColumnPath, role: Role) -> WriterPropertiesBuilder {
    let dictionary = matches!(role, Role::Dictionary | Role::DictionaryLookup | Role::HeavyDictionary);
    let properties = properties.set_column_dictionary_enabled(leaf.clone(), dictionary);
    match role {
        Role::Plain | Role::Dictionary | Role::Internal => properties,
        Role::Delta => properties.set_column_encoding(leaf, Encoding::DELTA_BINARY_PACKED),
        Role::Lookup | Role::DictionaryLookup => properties
            .set_column_bloom_filter_fpp(leaf.clone(), BLOOM_FALSE_POSITIVES)
            // An upper bound: the writer folds the filter to what the rows need.
            .set_column_bloom_filter_max_ndv(leaf, RUN_ROWS_MAX as u64),
        Role::Id | Role::Heavy => properties.set_column_statistics_enabled(leaf, EnabledStatistics::None),
        Role::HeavyDictionary => properties
            .set_column_statistics_enabled(leaf.clone(), EnabledStatistics::None)
            .set_column_dictionary_page_size_limit(leaf, HEAVY_DICTIONARY_BYTES),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_have_the_columns_of_schema_v1() {
        let columns = |table: &Table| table.schema.fields().len();
        assert_eq!(columns(Table::spans()), 87);
        assert_eq!(columns(Table::content()), 16);
        assert_eq!(columns(Table::content_of_logs()), 16);
        assert_eq!(columns(Table::logs()), 24);
    }
}
