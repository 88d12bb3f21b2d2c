//! Requests as OTLP's JSON, written from prost's types by the rules of the specification.

use base64::Engine as _;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, EntityRef, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ScopeSpans, Span, Status, span};
use serde_json::{Value, json};

pub fn traces(request: &ExportTraceServiceRequest) -> Value {
    let resource_spans = request.resource_spans.iter().map(|spans| {
        json!({
            "resource": spans.resource.as_ref().map(resource),
            "scopeSpans": all(&spans.scope_spans, scope_spans),
            "schemaUrl": spans.schema_url,
        })
    });
    json!({"resourceSpans": resource_spans.collect::<Vec<_>>()})
}

pub fn logs(request: &ExportLogsServiceRequest) -> Value {
    let resource_logs = request.resource_logs.iter().map(|logs| {
        json!({
            "resource": logs.resource.as_ref().map(resource),
            "scopeLogs": all(&logs.scope_logs, scope_logs),
            "schemaUrl": logs.schema_url,
        })
    });
    json!({"resourceLogs": resource_logs.collect::<Vec<_>>()})
}

fn resource(resource: &Resource) -> Value {
    json!({
        "attributes": all(&resource.attributes, pair),
        "droppedAttributesCount": resource.dropped_attributes_count,
        "entityRefs": all(&resource.entity_refs, entity_ref),
    })
}

fn entity_ref(entity: &EntityRef) -> Value {
    json!({
        "schemaUrl": entity.schema_url,
        "type": entity.r#type,
        "idKeys": entity.id_keys,
        "descriptionKeys": entity.description_keys,
    })
}

fn scope(scope: &InstrumentationScope) -> Value {
    json!({
        "name": scope.name,
        "version": scope.version,
        "attributes": all(&scope.attributes, pair),
        "droppedAttributesCount": scope.dropped_attributes_count,
    })
}

fn scope_spans(spans: &ScopeSpans) -> Value {
    json!({
        "scope": spans.scope.as_ref().map(scope),
        "spans": all(&spans.spans, span),
        "schemaUrl": spans.schema_url,
    })
}

fn scope_logs(logs: &ScopeLogs) -> Value {
    json!({
        "scope": logs.scope.as_ref().map(scope),
        "logRecords": all(&logs.log_records, log_record),
        "schemaUrl": logs.schema_url,
    })
}

fn span(span: &Span) -> Value {
    json!({
        "traceId": hex(&span.trace_id),
        "spanId": hex(&span.span_id),
        "parentSpanId": hex(&span.parent_span_id),
        "traceState": span.trace_state,
        "flags": span.flags,
        "name": span.name,
        "kind": span.kind,
        "startTimeUnixNano": span.start_time_unix_nano.to_string(),
        "endTimeUnixNano": span.end_time_unix_nano,
        "attributes": all(&span.attributes, pair),
        "droppedAttributesCount": span.dropped_attributes_count,
        "events": all(&span.events, event),
        "droppedEventsCount": span.dropped_events_count,
        "links": all(&span.links, link),
        "droppedLinksCount": span.dropped_links_count,
        "status": span.status.as_ref().map(status),
    })
}

fn event(event: &span::Event) -> Value {
    json!({
        "timeUnixNano": event.time_unix_nano.to_string(),
        "name": event.name,
        "attributes": all(&event.attributes, pair),
        "droppedAttributesCount": event.dropped_attributes_count,
    })
}

fn link(link: &span::Link) -> Value {
    json!({
        "traceId": hex(&link.trace_id).to_uppercase(),
        "spanId": hex(&link.span_id),
        "traceState": link.trace_state,
        "attributes": all(&link.attributes, pair),
        "droppedAttributesCount": link.dropped_attributes_count,
        "flags": link.flags,
    })
}

fn status(status: &Status) -> Value {
    json!({"message": status.message, "code": status.code})
}

fn log_record(record: &LogRecord) -> Value {
    json!({
        "timeUnixNano": record.time_unix_nano.to_string(),
        "observedTimeUnixNano": record.observed_time_unix_nano.to_string(),
        "severityNumber": record.severity_number,
        "severityText": record.severity_text,
        "body": record.body.as_ref().map(any),
        "attributes": all(&record.attributes, pair),
        "droppedAttributesCount": record.dropped_attributes_count,
        "flags": record.flags,
        "traceId": hex(&record.trace_id),
        "spanId": hex(&record.span_id),
        "eventName": record.event_name,
    })
}

fn pair(pair: &KeyValue) -> Value {
    json!({"key": pair.key, "value": pair.value.as_ref().map(any)})
}

fn any(value: &AnyValue) -> Value {
    match &value.value {
        None => json!({}),
        Some(Any::StringValue(text)) => json!({"stringValue": text}),
        Some(Any::BoolValue(value)) => json!({"boolValue": value}),
        Some(Any::IntValue(value)) => json!({"intValue": value.to_string()}),
        Some(Any::DoubleValue(value)) => json!({"doubleValue": double(*value)}),
        Some(Any::ArrayValue(array)) => json!({"arrayValue": {"values": all(&array.values, any)}}),
        Some(Any::KvlistValue(list)) => json!({"kvlistValue": {"values": all(&list.values, pair)}}),
        Some(Any::BytesValue(bytes)) => {
            json!({"bytesValue": base64::engine::general_purpose::STANDARD.encode(bytes)})
        }
        Some(Any::StringValueStrindex(place)) => json!({"stringValueStrindex": place}),
    }
}

/// A string is read exactly; serde_json reads a number to within one unit in the last place.
fn double(value: f64) -> Value {
    match value {
        _ if value.is_nan() => json!("NaN"),
        f64::INFINITY => json!("Infinity"),
        f64::NEG_INFINITY => json!("-Infinity"),
        _ => json!(format!("{value:e}")),
    }
}

fn all<T>(values: &[T], write: fn(&T) -> Value) -> Vec<Value> {
    values.iter().map(write).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
