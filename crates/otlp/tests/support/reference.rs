//! The rows of a request by prost's types and schema v1.

use std::collections::BTreeMap;

use base64::Engine as _;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{Span, span};
use spanledger_schema::{Logs, Spans};

use super::{Row, attributes_text, without_defaults};

const TIME_MAX: u64 = i64::MAX as u64;

/// The spans that are not rejected, and the indices of those that are.
pub fn spans(request: &ExportTraceServiceRequest) -> (Vec<Row>, Vec<u32>) {
    let (mut rows, mut rejected, mut index) = (Vec::new(), Vec::new(), 0);
    for resource in &request.resource_spans {
        for scope in &resource.scope_spans {
            for span in &scope.spans {
                let is_good = is_id(&span.trace_id, 16)
                    && is_id(&span.span_id, 8)
                    && span.start_time_unix_nano <= TIME_MAX
                    && span.end_time_unix_nano <= TIME_MAX;
                if is_good {
                    let mut row = span_row(span);
                    row.insert("index".into(), index.to_string());
                    add_resource(&mut row, resource.resource.as_ref());
                    add_scope(&mut row, scope.scope.as_ref());
                    let attributes = scope.scope.as_ref().map(|scope| last_wins(&scope.attributes));
                    let attributes = attributes.filter(|attributes| !attributes.is_empty());
                    put(
                        &mut row,
                        "scope_attributes",
                        attributes.map(|attributes| attributes_text(&attributes)),
                    );
                    let urls = [&scope.schema_url, &resource.schema_url];
                    put(&mut row, "span_schema_url", urls.into_iter().find(|url| !url.is_empty()).cloned());
                    rows.push(without_defaults::<Spans>(row));
                } else {
                    rejected.push(index);
                }
                index += 1;
            }
        }
    }
    (rows, rejected)
}

/// The log records that are not rejected, and the indices of those that are.
pub fn logs(request: &ExportLogsServiceRequest) -> (Vec<Row>, Vec<u32>) {
    let (mut rows, mut rejected, mut index) = (Vec::new(), Vec::new(), 0);
    for resource in &request.resource_logs {
        for scope in &resource.scope_logs {
            for record in &scope.log_records {
                let is_good = matches!(record.trace_id.len(), 0 | 16)
                    && matches!(record.span_id.len(), 0 | 8)
                    && record.time_unix_nano <= TIME_MAX
                    && record.observed_time_unix_nano <= TIME_MAX;
                if is_good {
                    let mut row = log_row(record);
                    row.insert("index".into(), index.to_string());
                    add_resource(&mut row, resource.resource.as_ref());
                    add_scope(&mut row, scope.scope.as_ref());
                    rows.push(without_defaults::<Logs>(row));
                } else {
                    rejected.push(index);
                }
                index += 1;
            }
        }
    }
    (rows, rejected)
}

fn span_row(span: &Span) -> Row {
    let mut row = Row::new();
    let status = span.status.clone().unwrap_or_default();
    let attributes = last_wins(&span.attributes);
    let start = span.start_time_unix_nano as i64;
    put(&mut row, "time", Some((start / 1000).to_string()));
    put(&mut row, "start_time_unix_nano", Some(start.to_string()));
    put(&mut row, "duration_ns", Some((span.end_time_unix_nano as i64 - start).to_string()));
    put(&mut row, "trace_id", Some(hex(&span.trace_id)));
    put(&mut row, "span_id", Some(hex(&span.span_id)));
    put(&mut row, "parent_span_id", is_id(&span.parent_span_id, 8).then(|| hex(&span.parent_span_id)));
    put(&mut row, "trace_state", Some(span.trace_state.clone()));
    put(&mut row, "name", Some(span.name.clone()));
    put(&mut row, "kind", Some(kind(span.kind)));
    put(&mut row, "status_code", Some(status_code(status.code)));
    put(&mut row, "status_message", Some(status.message));
    put(&mut row, "error_type", attributes.get("error.type").cloned());
    put(&mut row, "span_attributes", Some(attributes_text(&attributes)));
    put(&mut row, "billable", Some("false".into()));
    let events: Vec<_> = span.events.iter().map(event_text).collect();
    put(&mut row, "events", (!span.events.is_empty()).then(|| format!("{events:?}")));
    let good = |link: &&span::Link| is_id(&link.trace_id, 16) && is_id(&link.span_id, 8);
    let links: Vec<_> = span.links.iter().filter(good).map(link_text).collect();
    put(&mut row, "links", (!span.links.is_empty()).then(|| format!("{links:?}")));
    put(&mut row, "flags", Some(span.flags.to_string()));
    put(&mut row, "dropped_attributes_count", saturated(span.dropped_attributes_count));
    put(&mut row, "dropped_events_count", saturated(span.dropped_events_count));
    put(&mut row, "dropped_links_count", saturated(span.dropped_links_count));
    row
}

fn log_row(record: &LogRecord) -> Row {
    let mut row = Row::new();
    let nanos = [record.time_unix_nano, record.observed_time_unix_nano];
    let time = nanos.into_iter().find(|nanos| *nanos != 0).unwrap_or_default();
    put(&mut row, "time", Some((time / 1000).to_string()));
    put(&mut row, "time_unix_nano", Some(record.time_unix_nano.to_string()));
    put(&mut row, "observed_time_unix_nano", Some(record.observed_time_unix_nano.to_string()));
    put(&mut row, "trace_id", is_id(&record.trace_id, 16).then(|| hex(&record.trace_id)));
    put(&mut row, "span_id", is_id(&record.span_id, 8).then(|| hex(&record.span_id)));
    put(&mut row, "severity_number", Some(record.severity_number.to_string()));
    put(&mut row, "severity_text", Some(record.severity_text.clone()));
    put(&mut row, "event_name", Some(record.event_name.clone()));
    put(&mut row, "body", record.body.as_ref().filter(|body| body.value.is_some()).map(text));
    put(&mut row, "log_attributes", Some(attributes_text(&last_wins(&record.attributes))));
    put(&mut row, "flags", Some(record.flags.to_string()));
    put(&mut row, "dropped_attributes_count", saturated(record.dropped_attributes_count));
    row
}

fn add_resource(row: &mut Row, resource: Option<&Resource>) {
    let all = resource.map(|resource| resource.attributes.as_slice()).unwrap_or_default();
    let mut attributes = last_wins(all);
    let environment = ["deployment.environment.name", "deployment.environment"];
    let environment = environment.into_iter().find(|key| attributes.contains_key(*key));
    for (column, key) in [
        ("service_name", Some("service.name")),
        ("service_namespace", Some("service.namespace")),
        ("service_version", Some("service.version")),
        ("service_instance_id", Some("service.instance.id")),
        ("deployment_environment", environment),
    ] {
        let Some(key) = key else { continue };
        let value = attributes.get(key).cloned();
        let last = all.iter().rev().find(|pair| pair.key == key).and_then(|pair| pair.value.as_ref());
        if matches!(last, Some(AnyValue { value: Some(Value::StringValue(_)) })) {
            attributes.remove(key);
        }
        put(row, column, value);
    }
    row.entry("service_name".into()).or_insert_with(|| "unknown_service".into());
    put(row, "resource_attributes", Some(attributes_text(&attributes)));
}

fn add_scope(row: &mut Row, scope: Option<&InstrumentationScope>) {
    let scope = scope.cloned().unwrap_or_default();
    put(row, "scope_name", Some(scope.name));
    put(row, "scope_version", Some(scope.version));
}

fn event_text(event: &span::Event) -> String {
    let time = event.time_unix_nano.min(TIME_MAX);
    format!("{time} {} {}", event.name, attributes_text(&last_wins(&event.attributes)))
}

fn link_text(link: &span::Link) -> String {
    let attributes = attributes_text(&last_wins(&link.attributes));
    format!("{} {} {} {attributes}", hex(&link.trace_id), hex(&link.span_id), link.trace_state)
}

fn last_wins(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    let value = |pair: &KeyValue| pair.value.as_ref().map_or_else(|| "null".into(), text);
    attributes.iter().map(|pair| (pair.key.clone(), value(pair))).collect()
}

/// A value as schema v1 writes it: text as it is, everything else as JSON.
pub fn text(value: &AnyValue) -> String {
    match &value.value {
        Some(Value::StringValue(text)) => text.clone(),
        _ => json(value),
    }
}

fn json(value: &AnyValue) -> String {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    match &value.value {
        None | Some(Value::StringValueStrindex(_)) => "null".into(),
        Some(Value::StringValue(text)) => quoted(text),
        Some(Value::BoolValue(value)) => value.to_string(),
        Some(Value::IntValue(value)) => value.to_string(),
        Some(Value::DoubleValue(value)) if value.is_nan() => quoted("NaN"),
        Some(Value::DoubleValue(f64::INFINITY)) => quoted("Infinity"),
        Some(Value::DoubleValue(f64::NEG_INFINITY)) => quoted("-Infinity"),
        Some(Value::DoubleValue(value)) => serde_json::Value::from(*value).to_string(),
        Some(Value::BytesValue(bytes)) => quoted(&base64::engine::general_purpose::STANDARD.encode(bytes)),
        Some(Value::ArrayValue(array)) => {
            format!("[{}]", array.values.iter().map(json).collect::<Vec<_>>().join(","))
        }
        Some(Value::KvlistValue(list)) => {
            let pair = |pair: &KeyValue| {
                format!("{}:{}", quoted(&pair.key), pair.value.as_ref().map_or("null".into(), json))
            };
            format!("{{{}}}", list.values.iter().map(pair).collect::<Vec<_>>().join(","))
        }
    }
}

fn kind(number: i32) -> String {
    match number {
        0 => "UNSPECIFIED".into(),
        1 => "INTERNAL".into(),
        2 => "SERVER".into(),
        3 => "CLIENT".into(),
        4 => "PRODUCER".into(),
        5 => "CONSUMER".into(),
        other => other.to_string(),
    }
}

fn status_code(number: i32) -> String {
    match number {
        0 => "UNSET".into(),
        1 => "OK".into(),
        2 => "ERROR".into(),
        other => other.to_string(),
    }
}

fn put(row: &mut Row, column: &str, value: Option<String>) {
    if let Some(value) = value {
        row.insert(column.to_owned(), value);
    }
}

fn is_id(bytes: &[u8], length: usize) -> bool {
    bytes.len() == length && bytes.iter().any(|byte| *byte != 0)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn saturated(count: u32) -> Option<String> {
    Some(count.min(i32::MAX as u32).to_string())
}
