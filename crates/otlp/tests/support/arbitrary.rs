//! Arbitrary requests, good and odd.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, EntityRef, InstrumentationScope, KeyValue, KeyValueList,
};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status, span};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

pub fn traces() -> impl Strategy<Value = ExportTraceServiceRequest> {
    vec(resource_spans(), 0..3).prop_map(|resource_spans| ExportTraceServiceRequest { resource_spans })
}

pub fn logs() -> impl Strategy<Value = ExportLogsServiceRequest> {
    vec(resource_logs(), 0..3).prop_map(|resource_logs| ExportLogsServiceRequest { resource_logs })
}

fn resource_spans() -> impl Strategy<Value = ResourceSpans> {
    (option::of(resource()), vec(scope_spans(), 0..3), url())
        .prop_map(|(resource, scope_spans, schema_url)| ResourceSpans { resource, scope_spans, schema_url })
}

fn scope_spans() -> impl Strategy<Value = ScopeSpans> {
    (option::of(scope()), vec(span(), 0..4), url()).prop_map(|(scope, spans, schema_url)| ScopeSpans {
        scope,
        spans,
        schema_url,
    })
}

fn resource_logs() -> impl Strategy<Value = ResourceLogs> {
    (option::of(resource()), vec(scope_logs(), 0..3), url())
        .prop_map(|(resource, scope_logs, schema_url)| ResourceLogs { resource, scope_logs, schema_url })
}

fn scope_logs() -> impl Strategy<Value = ScopeLogs> {
    (option::of(scope()), vec(log_record(), 0..4), url())
        .prop_map(|(scope, log_records, schema_url)| ScopeLogs { scope, log_records, schema_url })
}

fn resource() -> impl Strategy<Value = Resource> {
    (vec(pair(resource_key()), 0..6), count(), vec(entity_ref(), 0..2)).prop_map(
        |(attributes, dropped_attributes_count, entity_refs)| Resource {
            attributes,
            dropped_attributes_count,
            entity_refs,
        },
    )
}

fn entity_ref() -> impl Strategy<Value = EntityRef> {
    (text(), vec(text(), 0..3)).prop_map(|(kind, id_keys)| EntityRef {
        r#type: kind,
        id_keys,
        ..EntityRef::default()
    })
}

fn scope() -> impl Strategy<Value = InstrumentationScope> {
    (text(), text(), attributes(), count()).prop_map(
        |(name, version, attributes, dropped_attributes_count)| InstrumentationScope {
            name,
            version,
            attributes,
            dropped_attributes_count,
        },
    )
}

fn span() -> impl Strategy<Value = Span> {
    let head = (id(16), id(8), id(8), text(), text(), -1..8_i32, time(), time());
    let parts = (attributes(), vec(event(), 0..3), vec(link(), 0..3), option::of(status()));
    let counts = (count(), count(), count(), any::<u32>());
    (head, parts, counts).prop_map(|(head, parts, counts)| Span {
        trace_id: head.0,
        span_id: head.1,
        parent_span_id: head.2,
        trace_state: head.3,
        name: head.4,
        kind: head.5,
        start_time_unix_nano: head.6,
        end_time_unix_nano: head.7,
        attributes: parts.0,
        events: parts.1,
        links: parts.2,
        status: parts.3,
        dropped_attributes_count: counts.0,
        dropped_events_count: counts.1,
        dropped_links_count: counts.2,
        flags: counts.3,
    })
}

fn event() -> impl Strategy<Value = span::Event> {
    (time(), text(), attributes(), count()).prop_map(
        |(time_unix_nano, name, attributes, dropped_attributes_count)| span::Event {
            time_unix_nano,
            name,
            attributes,
            dropped_attributes_count,
        },
    )
}

fn link() -> impl Strategy<Value = span::Link> {
    (id(16), id(8), text(), attributes(), count(), any::<u32>()).prop_map(|link| span::Link {
        trace_id: link.0,
        span_id: link.1,
        trace_state: link.2,
        attributes: link.3,
        dropped_attributes_count: link.4,
        flags: link.5,
    })
}

fn status() -> impl Strategy<Value = Status> {
    (text(), -1..5_i32).prop_map(|(message, code)| Status { message, code })
}

fn log_record() -> impl Strategy<Value = LogRecord> {
    let head = (time(), time(), -1..26_i32, text(), text(), option::of(value()));
    let rest = (attributes(), count(), any::<u32>(), log_id(16), log_id(8));
    (head, rest).prop_map(|(head, rest)| LogRecord {
        time_unix_nano: head.0,
        observed_time_unix_nano: head.1,
        severity_number: head.2,
        severity_text: head.3,
        event_name: head.4,
        body: head.5,
        attributes: rest.0,
        dropped_attributes_count: rest.1,
        flags: rest.2,
        trace_id: rest.3,
        span_id: rest.4,
    })
}

fn attributes() -> impl Strategy<Value = Vec<KeyValue>> {
    vec(pair(key()), 0..6)
}

fn pair(key: impl Strategy<Value = String>) -> impl Strategy<Value = KeyValue> {
    (key, option::weighted(0.95, value())).prop_map(|(key, value)| KeyValue { key, value, key_strindex: 0 })
}

fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-d]{1,2}",
        1 => Just("error.type".to_owned()),
        1 => Just("gen_ai.usage.input_tokens".to_owned()),
        1 => text(),
    ]
}

fn resource_key() -> impl Strategy<Value = String> {
    const SPECIAL: [&str; 7] = [
        "service.name",
        "service.namespace",
        "service.version",
        "service.instance.id",
        "deployment.environment",
        "deployment.environment.name",
        "host.name",
    ];
    proptest::sample::select(&SPECIAL).prop_map(str::to_owned)
}

/// A value of every kind, nested.
pub fn value() -> impl Strategy<Value = AnyValue> {
    let leaf = prop_oneof![
        4 => text().prop_map(Value::StringValue),
        1 => any::<bool>().prop_map(Value::BoolValue),
        2 => any::<i64>().prop_map(Value::IntValue),
        2 => any::<f64>().prop_map(Value::DoubleValue),
        1 => proptest::sample::select(&[f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -0.0])
            .prop_map(Value::DoubleValue),
        1 => vec(any::<u8>(), 0..20).prop_map(Value::BytesValue),
    ];
    let leaf = option::weighted(0.95, leaf).prop_map(|value| AnyValue { value });
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(|values| Value::ArrayValue(ArrayValue { values })),
            vec((key(), option::of(inner)), 0..4).prop_map(|pairs| {
                let pair = |(key, value)| KeyValue { key, value, key_strindex: 0 };
                Value::KvlistValue(KeyValueList { values: pairs.into_iter().map(pair).collect() })
            }),
        ]
        .prop_map(|value| AnyValue { value: Some(value) })
    })
}

/// Text short enough to be inline in a view, and longer.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), "\\PC{0,12}", "[ -~]{11,40}", "(é|\\\\|\"|\n|😀){0,20}"]
}

fn url() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), Just("https://opentelemetry.io/schemas/1.28.0".to_owned())]
}

fn id(length: usize) -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        20 => vec(any::<u8>(), length),
        1 => vec(Just(0), length),
        1 => vec(any::<u8>(), 0..20),
    ]
}

fn log_id(length: usize) -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![Just(Vec::new()), id(length)]
}

fn time() -> impl Strategy<Value = u64> {
    let now = 1_750_000_000_000_000_000_u64;
    prop_oneof![20 => now..now + 1_000_000_000, 1 => Just(0), 1 => Just(i64::MAX as u64), 1 => any::<u64>()]
}

fn count() -> impl Strategy<Value = u32> {
    prop_oneof![Just(0), 0..5_u32, any::<u32>()]
}
