//! The spans of a trace in the lake of an exporter, or in a folder.

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Decimal128Type, Float64Type, Int32Type, Int64Type};
use arrow_array::{Array, RecordBatch};
use spanledger_component::{ComponentId, Error, Kind, Signal};
use spanledger_config::Loaded;
use spanledger_exporter_parquet::{Config, Lake};
use spanledger_processor_genai::{StoredPrice, StoredSpan, stored_columns};

use super::Heard;
use crate::show;

/// Columns of a span beside those that hold attributes.
const OWN: [&str; 17] = [
    "trace_id",
    "span_id",
    "scope_name",
    "name",
    "start_time_unix_nano",
    "duration_ns",
    "status_code",
    "span_attributes",
    "call_kind",
    "usage_details",
    "aggregated_input_tokens",
    "aggregated_output_tokens",
    "reported_cost",
    "cost_total",
    "cost_status",
    "price_version",
    "price_model_id",
];

/// The lake that an exporter of the config writes: the one that is named, else the only one that gets spans.
pub(crate) fn lake_of(loaded: &Loaded, named: Option<&ComponentId>) -> Result<Lake, Error> {
    let id = match named {
        Some(id) => id.clone(),
        None => the_only(loaded)?,
    };
    let config = Some(&id).filter(|id| id.kind() == "parquet");
    let config: Option<Config> = config.and_then(|id| loaded.settings(Kind::Exporter, id));
    let config =
        config.ok_or_else(|| Error::new(format!("exporters: there is no `parquet` exporter {id}")))?;
    Lake::of(&config).map_err(|error| Error::caused(format!("exporters::{id}"), error))
}

fn the_only(loaded: &Loaded) -> Result<ComponentId, Error> {
    let is_of_spans = |id: &&ComponentId| {
        let pipelines = &loaded.graph.epoch.pipelines;
        pipelines
            .iter()
            .any(|pipeline| pipeline.id.signal == Signal::Traces && pipeline.exporters.contains(id))
    };
    let parquet = loaded.graph.exporters.keys().filter(|id| id.kind() == "parquet");
    let ids: Vec<_> = parquet.filter(is_of_spans).collect();
    match ids.as_slice() {
        [id] => Ok((*id).clone()),
        [] => Err(Error::new(
            "no `parquet` exporter gets spans by this config: --exporter names another of its exporters, --lake a folder",
        )),
        several => {
            let ids: Vec<_> = several.iter().map(ToString::to_string).collect();
            Err(Error::new(format!(
                "several exporters may have the trace: {}; --exporter says which",
                ids.join(", ")
            )))
        }
    }
}

/// The spans of a trace, file by file. What was looked at is told.
pub(crate) async fn spans_of(
    lake: &Lake,
    trace_id: &str,
    heard: &mut Heard,
) -> Result<Vec<StoredSpan>, Error> {
    let texts: Vec<&str> = stored_columns().into_iter().map(|(column, _)| column).collect();
    let columns: Vec<&str> = OWN.into_iter().chain(texts.iter().copied()).collect();
    let found = lake.spans_of(trace_id, &columns).await?;
    let spans: Vec<_> = found
        .rows
        .iter()
        .flat_map(|batch| (0..batch.num_rows()).map(|row| span(batch, row, &texts)))
        .collect();
    let looked =
        format!("{}: looked into {} files of spans, read {}", lake.address(), found.files, found.files_read);
    found
        .unreadable
        .iter()
        .for_each(|error| show::error(&format!("a file could not be looked into: {error}")));
    if spans.is_empty() {
        return Err(Error::new(format!(
            "no span of trace {trace_id} stands in {looked}; it may not be delivered yet (`spanledger flush`), or stand elsewhere (--lake, or --config with the exporter)"
        )));
    }
    heard.tell("lake", &looked);
    Ok(spans)
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
        attributes: map(batch, "span_attributes", row),
        columns: texts
            .iter()
            .filter(|name| !OWN.contains(name))
            .filter_map(|name| {
                Some(((*name).to_owned(), text(batch, name, row).or_else(|| sum(batch, name, row))?))
            })
            .collect(),
        call_kind: text(batch, "call_kind", row),
        reported_cost: text(batch, "reported_cost", row),
        usage_details: map(batch, "usage_details", row),
        price: price(batch, row),
    }
}

/// Where nobody bills a span, its tokens stand in columns of their own.
fn sum(batch: &RecordBatch, name: &str, row: usize) -> Option<String> {
    text(batch, &format!("aggregated_{name}"), row)
}

/// What a row says of its price; rows that are not about GenAI have no status.
fn price(batch: &RecordBatch, row: usize) -> Option<StoredPrice> {
    Some(StoredPrice {
        cost_status: Some(text(batch, "cost_status", row)?),
        cost_total: text(batch, "cost_total", row),
        price_version: text(batch, "price_version", row),
        price_model_id: text(batch, "price_model_id", row),
    })
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
    let usd = || column.as_primitive_opt::<Decimal128Type>().map(|numbers| numbers.value_as_string(row));
    long.or_else(short).or_else(double).or_else(usd)
}

/// What a column of maps has in a row, as texts.
fn map(batch: &RecordBatch, name: &str, row: usize) -> Vec<(String, String)> {
    let maps = batch.column_by_name(name).and_then(|column| column.as_map_opt());
    let Some(entries) = maps.filter(|maps| maps.is_valid(row)).map(|maps| maps.value(row)) else {
        return Vec::new();
    };
    let side = |place: usize, entry: usize| value(entries.column(place), entry).unwrap_or_default();
    (0..entries.len()).map(|entry| (side(0, entry), side(1, entry))).collect()
}
