//! Rows of spans made by hand, and captured requests as such.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::builder::{MapBuilder, MapFieldNames, StringViewBuilder};
use arrow_array::{
    ArrayRef, BooleanArray, Int32Array, Int64Array, MapArray, StringViewArray, TimestampMicrosecondArray,
};
use arrow_schema::DataType;
use serde_json::{Value, json};
use spanledger_otlp::{Source, decode_spans};
use spanledger_schema::{Spans, Table};

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

/// A folder of captured requests.
pub(crate) fn captures(sdk: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/captures").join(sdk)
}

/// What is true of a folder's calls.
pub(crate) fn truth(sdk: &str) -> Value {
    serde_json::from_slice(&std::fs::read(captures(sdk).join("meta.json")).unwrap()).unwrap()
}

/// The rows of a folder's requests.
pub(crate) fn captured(sdk: &str) -> Spans {
    let truth = truth(sdk);
    let files = truth["files"].as_array().unwrap().iter().filter(|file| file["signal"] == "traces");
    let bodies: Vec<_> = files
        .map(|file| std::fs::read(captures(sdk).join(file["file"].as_str().unwrap())).unwrap())
        .collect();
    if sdk.contains("-js") {
        return rows(&bodies.iter().flat_map(|body| from_json(body)).collect::<Vec<_>>());
    }
    let bodies: Vec<_> = bodies.into_iter().map(bytes::Bytes::from).collect();
    let sources: Vec<_> = (0..)
        .zip(&bodies)
        .map(|(position, body)| Source { body, position, arrival_unix_nano: 0, rejected: &[] })
        .collect();
    decode_spans("log", &sources).unwrap()
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn from_json(body: &[u8]) -> Vec<Span> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let number = |value: &Value| text(value).parse::<i64>().unwrap();
    let request: Value = serde_json::from_slice(body).unwrap();
    let mut spans = Vec::new();
    for scope in list(&request["resourceSpans"]).iter().flat_map(|resource| list(&resource["scopeSpans"])) {
        for span in list(&scope["spans"]) {
            let start = number(&span["startTimeUnixNano"]);
            spans.push(Span {
                trace_id: text(&span["traceId"]),
                span_id: text(&span["spanId"]),
                scope_name: text(&scope["scope"]["name"]),
                start_unix_nano: start,
                duration_ns: number(&span["endTimeUnixNano"]) - start,
                attributes: list(&span["attributes"])
                    .iter()
                    .map(|pair| (text(&pair["key"]), text(&plain(&pair["value"]))))
                    .collect(),
            });
        }
    }
    spans
}

/// The value inside an OTLP JSON value.
fn plain(value: &Value) -> Value {
    let (kind, inner) = value.as_object().unwrap().iter().next().unwrap();
    match kind.as_str() {
        "intValue" => json!(text(inner).parse::<i64>().unwrap()),
        "arrayValue" => inner["values"].as_array().unwrap().iter().map(plain).collect(),
        _ => inner.clone(),
    }
}

/// The texts of a map by row.
pub(crate) fn attributes_of(map: &MapArray, row: usize) -> HashMap<String, String> {
    use arrow_array::cast::AsArray;
    let entries = map.value(row);
    let (names, texts) = (entries.column(0).as_string_view(), entries.column(1).as_string_view());
    names.iter().zip(texts).map(|(name, text)| (name.unwrap().to_owned(), text.unwrap().to_owned())).collect()
}
