//! Rows of spans made by hand, and captured requests as such.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::builder::{MapBuilder, MapFieldNames, StringViewBuilder};
use arrow_array::{
    ArrayRef, BooleanArray, Int32Array, Int64Array, MapArray, StringViewArray, TimestampMicrosecondArray,
};
use arrow_schema::DataType;
use serde_json::Value;
use spanledger_component::{Rows, Signal};
use spanledger_schema::{Spans, Table};
use spanledger_testkit::{captures, rows::decoded};

/// What a test says of a span.
#[derive(Debug, Clone, Default)]
pub(crate) struct Span {
    pub(crate) trace_id: String,
    pub(crate) span_id: String,
    pub(crate) scope_name: String,
    pub(crate) start_unix_nano: i64,
    pub(crate) duration_ns: i64,
    pub(crate) attributes: Vec<(String, String)>,
}

/// The rows of these spans; columns that they say nothing of are null or empty.
pub(crate) fn rows(spans: &[Span]) -> Spans {
    let texts = |read: fn(&Span) -> &str| {
        Arc::new(spans.iter().map(|span| Some(read(span))).collect::<StringViewArray>()) as ArrayRef
    };
    let ints = |read: fn(&Span) -> i64| {
        Arc::new(spans.iter().map(|span| Some(read(span))).collect::<Int64Array>()) as ArrayRef
    };
    let columns =
        Spans::schema().fields().iter().map(|field| match (field.name().as_str(), field.data_type()) {
            ("trace_id", _) => texts(|span| &span.trace_id),
            ("span_id", _) => texts(|span| &span.span_id),
            ("scope_name", _) => texts(|span| &span.scope_name),
            ("start_time_unix_nano", _) => ints(|span| span.start_unix_nano),
            ("duration_ns", _) => ints(|span| span.duration_ns),
            ("span_attributes", map) => Arc::new(attributes(spans, map)),
            ("resource_attributes", map) => Arc::new(attributes(&vec![Span::default(); spans.len()], map)),
            (_, data_type) if field.is_nullable() => arrow_array::new_null_array(data_type, spans.len()),
            (_, DataType::Utf8View) => texts(|_| ""),
            (_, DataType::Int64) => ints(|_| 0),
            (_, DataType::Int32) => Arc::new(Int32Array::from(vec![0; spans.len()])),
            (_, DataType::Boolean) => Arc::new(BooleanArray::from(vec![false; spans.len()])),
            (_, DataType::Timestamp(..)) => {
                Arc::new(TimestampMicrosecondArray::from(vec![0; spans.len()]).with_timezone("UTC"))
            }
            (name, data_type) => panic!("no default for {name}: {data_type}"),
        });
    Spans::try_new(columns.collect()).unwrap()
}

fn attributes(spans: &[Span], data_type: &DataType) -> MapArray {
    let DataType::Map(entries, _) = data_type else { panic!("attributes are a map") };
    let DataType::Struct(fields) = entries.data_type() else { panic!("entries are a struct") };
    let names = MapFieldNames {
        entry: entries.name().clone(),
        key: fields[0].name().clone(),
        value: fields[1].name().clone(),
    };
    let mut builder = MapBuilder::new(Some(names), StringViewBuilder::new(), StringViewBuilder::new())
        .with_keys_field(fields[0].clone())
        .with_values_field(fields[1].clone());
    for span in spans {
        for (name, text) in &span.attributes {
            builder.keys().append_value(name);
            builder.values().append_value(text);
        }
        builder.append(true).unwrap();
    }
    builder.finish()
}

/// What is true of the calls of an SDK's captured requests.
pub(crate) fn truth(sdk: &str) -> Value {
    serde_json::from_slice(&std::fs::read(captures::folder(sdk).join("meta.json")).unwrap()).unwrap()
}

/// The rows of an SDK's captured requests.
pub(crate) fn captured(sdk: &str) -> Spans {
    match decoded(Signal::Traces, 1, &captures::bodies_of(sdk, Signal::Traces)) {
        Rows::Spans(spans) => spans,
        rows => panic!("spans became {rows:?}"),
    }
}

/// The texts of a map by row.
pub(crate) fn attributes_of(map: &MapArray, row: usize) -> HashMap<String, String> {
    use arrow_array::cast::AsArray;
    let entries = map.value(row);
    let (names, texts) = (entries.column(0).as_string_view(), entries.column(1).as_string_view());
    names.iter().zip(texts).map(|(name, text)| (name.unwrap().to_owned(), text.unwrap().to_owned())).collect()
}
