//! Rows of spans as the genai processor leaves them, and metrics read back.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{
    Array, BooleanArray, Decimal128Array, Int64Array, MapArray, StringViewArray, StructArray,
    TimestampMicrosecondArray, make_array, new_null_array,
};
use arrow_buffer::OffsetBuffer;
use arrow_schema::DataType;
use spanledger_component::settings::UnitDuration;
use spanledger_component::{Connector, ConnectorFactory as _, Context, Rows};
use spanledger_connector_genai_metrics::{Config, GenaiMetrics, Settle};
use spanledger_schema::{Column, Spans, Table as _, Text, metrics, spans};

/// What a wrapper says: input, output, cache reads, reasoning, and units of 1e-12 USD.
pub(crate) type Aggregated = (i64, i64, Option<i64>, Option<i64>, Option<i128>);

/// One row of spans.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) billable: bool,
    pub(crate) provider: Option<&'static str>,
    pub(crate) model: Option<&'static str>,
    pub(crate) status: &'static str,
    pub(crate) error_type: Option<&'static str>,
    pub(crate) duration_ns: i64,
    pub(crate) input_tokens: Option<i64>,
    pub(crate) output_tokens: Option<i64>,
    /// Units of 1e-12 USD.
    pub(crate) cost: Option<i128>,
    pub(crate) cost_status: Option<&'static str>,
    /// As `cost`.
    pub(crate) reported_cost: Option<i128>,
    pub(crate) received_micros: i64,
    pub(crate) trace: u32,
    pub(crate) span: u32,
    pub(crate) parent: Option<u32>,
    pub(crate) response_id: Option<&'static str>,
    pub(crate) kind: &'static str,
    pub(crate) scope: &'static str,
    pub(crate) service: &'static str,
    pub(crate) instance: Option<&'static str>,
    pub(crate) start_ns: i64,
    pub(crate) cache_read: Option<i64>,
    pub(crate) reasoning: Option<i64>,
    pub(crate) semantics: Option<&'static str>,
    pub(crate) position: i64,
    pub(crate) aggregated: Option<Aggregated>,
}

impl Default for Call {
    fn default() -> Self {
        Self {
            billable: true,
            provider: Some("openai"),
            model: Some("gpt-4o"),
            status: "UNSET",
            error_type: None,
            duration_ns: 1_500_000_000,
            input_tokens: Some(100),
            output_tokens: Some(20),
            cost: Some(100_000_000_000),
            cost_status: Some("priced"),
            reported_cost: None,
            received_micros: 1_000,
            trace: 1,
            span: 1,
            parent: None,
            response_id: None,
            kind: "llm",
            scope: "openai",
            service: "shop",
            instance: Some("one"),
            start_ns: 0,
            cache_read: None,
            reasoning: None,
            semantics: None,
            position: 0,
            aggregated: None,
        }
    }
}

/// The rows of those calls; every other column is empty or null.
pub(crate) fn rows(calls: &[Call]) -> Rows {
    let empty = Spans::schema().fields().iter().map(|field| {
        let nulls = new_null_array(field.data_type(), calls.len());
        if field.is_nullable() {
            return nulls;
        }
        make_array(nulls.to_data().into_builder().nulls(None).build().unwrap())
    });
    let texts = |column: Column<Text>, of: fn(&Call) -> Option<&str>| {
        column.set(StringViewArray::from_iter(calls.iter().map(of)))
    };
    let ids = |column: Column<Text>, of: fn(&Call) -> Option<String>| {
        column.set(StringViewArray::from_iter(calls.iter().map(of)))
    };
    let counts = |of: fn(&Call) -> Option<i64>| Int64Array::from_iter(calls.iter().map(of));
    let cost = Decimal128Array::from_iter(calls.iter().map(|call| call.cost));
    let reported = Decimal128Array::from_iter(calls.iter().map(|call| call.reported_cost));
    let aggregated_cost = Decimal128Array::from_iter(calls.iter().map(|call| call.aggregated?.4));
    let received = calls.iter().map(|call| call.received_micros);
    let spans = Spans::try_new(empty.collect()).unwrap().with(vec![
        spans::BILLABLE.set(BooleanArray::from_iter(calls.iter().map(|call| Some(call.billable)))),
        ids(spans::TRACE_ID, |call| Some(format!("{:032x}", call.trace))),
        ids(spans::SPAN_ID, |call| Some(format!("{:016x}", call.span))),
        ids(spans::PARENT_SPAN_ID, |call| Some(format!("{:016x}", call.parent?))),
        texts(spans::RESPONSE_ID, |call| call.response_id),
        texts(spans::CALL_KIND, |call| Some(call.kind)),
        texts(spans::SCOPE_NAME, |call| Some(call.scope)),
        texts(spans::SERVICE_NAME, |call| Some(call.service)),
        texts(spans::SERVICE_INSTANCE_ID, |call| call.instance),
        texts(spans::USAGE_SEMANTICS, |call| call.semantics),
        spans::START_TIME_UNIX_NANO.set(counts(|call| Some(call.start_ns))),
        spans::POSITION.set(counts(|call| Some(call.position))),
        spans::CACHE_READ_INPUT_TOKENS.set(counts(|call| call.cache_read)),
        spans::REASONING_OUTPUT_TOKENS.set(counts(|call| call.reasoning)),
        spans::AGGREGATED_INPUT_TOKENS.set(counts(|call| Some(call.aggregated?.0))),
        spans::AGGREGATED_OUTPUT_TOKENS.set(counts(|call| Some(call.aggregated?.1))),
        spans::USAGE_DETAILS.set(details(calls)),
        spans::AGGREGATED_COST.set(aggregated_cost.with_precision_and_scale(18, 12).unwrap()),
        texts(spans::OPERATION, |_| Some("chat")),
        texts(spans::PROVIDER, |call| call.provider),
        texts(spans::REQUEST_MODEL, |call| call.model),
        texts(spans::RESPONSE_MODEL, |call| call.model),
        texts(spans::STATUS_CODE, |call| Some(call.status)),
        texts(spans::ERROR_TYPE, |call| call.error_type),
        texts(spans::COST_STATUS, |call| call.cost_status),
        spans::DURATION_NS.set(counts(|call| Some(call.duration_ns))),
        spans::INPUT_TOKENS.set(counts(|call| call.input_tokens)),
        spans::OUTPUT_TOKENS.set(counts(|call| call.output_tokens)),
        spans::COST_TOTAL.set(cost.with_precision_and_scale(18, 12).unwrap()),
        spans::REPORTED_COST.set(reported.with_precision_and_scale(18, 12).unwrap()),
        spans::INGESTED_AT.set(TimestampMicrosecondArray::from_iter_values(received).with_timezone("UTC")),
    ]);
    Rows::Spans(spans.unwrap())
}

/// What wrappers say in `usage_details`.
fn details(calls: &[Call]) -> MapArray {
    let DataType::Map(entry, _) = Spans::schema().field(spans::USAGE_DETAILS.index).data_type() else {
        panic!("details are a map")
    };
    let DataType::Struct(fields) = entry.data_type() else { panic!("a map has entries") };
    let said = |call: &Call| {
        let (_, _, cache_read, reasoning, _) = call.aggregated.unwrap_or_default();
        let all = [("cache_read.input_tokens", cache_read), ("reasoning.output_tokens", reasoning)];
        all.into_iter().filter_map(|(key, count)| Some((key, count?))).collect::<Vec<_>>()
    };
    let all: Vec<_> = calls.iter().map(said).collect();
    let keys = StringViewArray::from_iter_values(all.iter().flatten().map(|(key, _)| key));
    let values = Int64Array::from_iter_values(all.iter().flatten().map(|(_, count)| *count));
    let entries = StructArray::new(fields.clone(), vec![Arc::new(keys), Arc::new(values)], None);
    let offsets = OffsetBuffer::from_lengths(all.iter().map(Vec::len));
    MapArray::new(entry.clone(), offsets, entries, None, false)
}

/// A connector that counts at once, without state, and with the memory that it has by default.
pub(crate) fn connector(max_series: usize) -> Box<dyn Connector> {
    connector_within(64 << 20, max_series)
}

pub(crate) fn connector_within(memory_bytes: usize, max_series: usize) -> Box<dyn Connector> {
    built(memory_bytes, max_series, Duration::ZERO)
}

/// A connector that lets calls wait for ten seconds, without state.
pub(crate) fn settling() -> Box<dyn Connector> {
    built(64 << 20, 2000, Duration::from_secs(10))
}

pub(crate) fn built(memory_bytes: usize, max_series: usize, window: Duration) -> Box<dyn Connector> {
    let context = Context { memory_bytes, ..Context::new("genai_metrics".parse().unwrap()) };
    let settle = Settle { window: UnitDuration(window) };
    GenaiMetrics::build(&Config { max_series, settle }, &context).unwrap()
}

/// One emitted point.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Point {
    pub(crate) value: Option<f64>,
    pub(crate) count: Option<i64>,
    pub(crate) sum: Option<f64>,
    pub(crate) buckets: Vec<(f64, i64)>,
    pub(crate) start_unix_nano: i64,
    pub(crate) time_unix_nano: i64,
}

/// What is emitted, by `name{label=value,…}`.
pub(crate) fn emitted(connector: &mut dyn Connector) -> BTreeMap<String, Point> {
    let Rows::Metrics(table) = connector.emit() else { panic!("no metrics") };
    let names = table.get(metrics::NAME);
    let point = |row| Point {
        value: table.get(metrics::VALUE).iter().nth(row).unwrap(),
        count: table.get(metrics::COUNT).iter().nth(row).unwrap(),
        sum: table.get(metrics::SUM).iter().nth(row).unwrap(),
        buckets: match table.get(metrics::BUCKET_COUNTS).is_null(row) {
            true => vec![],
            false => {
                let bounds = table.get(metrics::EXPLICIT_BOUNDS).value(row);
                let counts = table.get(metrics::BUCKET_COUNTS).value(row);
                let bounds = bounds.as_primitive::<Float64Type>().values().to_vec();
                let counts = counts.as_primitive::<Int64Type>().values().to_vec();
                assert_eq!(counts.len(), bounds.len() + 1);
                bounds
                    .into_iter()
                    .chain([f64::INFINITY])
                    .zip(counts)
                    .filter(|(_, count)| *count > 0)
                    .collect()
            }
        },
        start_unix_nano: table.get(metrics::START_TIME_UNIX_NANO).value(row),
        time_unix_nano: table.get(metrics::TIME_UNIX_NANO).value(row),
    };
    let labels = |row| {
        let entries = table.get(metrics::ATTRIBUTES).value(row);
        let keys = entries.column(0).as_string_view().iter().flatten();
        let values = entries.column(1).as_string_view().iter().flatten();
        let labels: Vec<_> = keys.zip(values).map(|(key, value)| format!("{key}={value}")).collect();
        labels.join(",")
    };
    let points: BTreeMap<_, _> = (0..table.len())
        .map(|row| (format!("{}{{{}}}", names.value(row), labels(row)), point(row)))
        .collect();
    assert_eq!(points.len(), table.len(), "a series was emitted twice");
    points
}
