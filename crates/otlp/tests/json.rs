//! OTLP's JSON becomes the protobuf that says the same.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use proptest::collection::vec;
use proptest::prelude::*;
use prost::Message as _;
use serde_json::{Value, json};
use spanledger_otlp::{Malformed, Message, RejectReason, json_to_protobuf, walk};
use support::{arbitrary, written};

const BYTES_MAX: usize = 1 << 20;

proptest! {
    #![proptest_config(support::config())]

    #[test]
    fn spans_in_json_are_the_spans_in_protobuf(request in arbitrary::traces()) {
        let json = written::traces(&request).to_string();
        let body = json_to_protobuf(Message::Traces, json.as_bytes(), BYTES_MAX).unwrap();
        let read = ExportTraceServiceRequest::decode(&body[..]).unwrap();
        prop_assert_eq!(format!("{read:?}"), format!("{request:?}"));
    }

    #[test]
    fn log_records_in_json_are_the_records_in_protobuf(request in arbitrary::logs()) {
        let json = written::logs(&request).to_string();
        let body = json_to_protobuf(Message::Logs, json.as_bytes(), BYTES_MAX).unwrap();
        let read = ExportLogsServiceRequest::decode(&body[..]).unwrap();
        prop_assert_eq!(format!("{read:?}"), format!("{request:?}"));
    }

    #[test]
    fn arbitrary_text_is_refused_or_becomes_a_request(text in "[{}\\[\\]\":,0-9a-zA-Z\\\\ -]{0,60}") {
        for message in [Message::Traces, Message::Metrics, Message::Logs] {
            if let Ok(body) = json_to_protobuf(message, text.as_bytes(), BYTES_MAX) {
                walk(message, &body).unwrap();
            }
        }
    }

    #[test]
    fn damaged_json_is_refused_or_becomes_a_request(
        request in arbitrary::traces(),
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 1..3),
    ) {
        let mut json = written::traces(&request).to_string().into_bytes();
        for (place, byte) in damage {
            let place = place.index(json.len());
            json[place] = byte;
        }
        if let Ok(body) = json_to_protobuf(Message::Traces, &json, BYTES_MAX) {
            walk(Message::Traces, &body).unwrap();
        }
    }
}

#[test]
fn unknown_fields_and_null_are_ignored_at_any_depth() {
    let request = traces(json!({
        "resourceSpans": [{
            "resource": {"attributes": null, "future": {"deep": [1, {"er": null}]}},
            "scope_spans": [{"spans": [{"name": "snake_case is unknown"}]}],
            "scopeSpans": [{"spans": [{"name": "chat", "traceState": null, "kind": null, "new": true}]}],
        }],
        "unknown": 1,
    }));
    let spans = &request.resource_spans[0].scope_spans[0].spans;
    assert_eq!(request.resource_spans[0].scope_spans.len(), 1);
    assert_eq!(spans[0].name, "chat");
}

#[test]
fn numbers_may_be_strings_and_enums_names() {
    let request = traces(span(json!({
        "startTimeUnixNano": "1544712660000000000",
        "endTimeUnixNano": 1544712661000000000_u64,
        "kind": "SPAN_KIND_CLIENT",
        "status": {"code": 2},
        "droppedEventsCount": "3",
        "droppedLinksCount": 4.0,
        "attributes": [
            {"key": "a", "value": {"intValue": "-9223372036854775808"}},
            {"key": "b", "value": {"doubleValue": "-Infinity"}},
            {"key": "c", "value": {"doubleValue": "1.5"}},
            {"key": "d", "value": {"bytesValue": "_-8"}},
        ],
    })));
    let span = &request.resource_spans[0].scope_spans[0].spans[0];
    assert_eq!(span.start_time_unix_nano, 1_544_712_660_000_000_000);
    assert_eq!(span.end_time_unix_nano, 1_544_712_661_000_000_000);
    assert_eq!(span.kind, 3);
    assert_eq!(span.status.as_ref().unwrap().code, 2);
    assert_eq!((span.dropped_events_count, span.dropped_links_count), (3, 4));
    let values: Vec<_> =
        span.attributes.iter().map(|pair| pair.value.clone().unwrap().value.unwrap()).collect();
    let expected = [
        Any::IntValue(i64::MIN),
        Any::DoubleValue(f64::NEG_INFINITY),
        Any::DoubleValue(1.5),
        Any::BytesValue(vec![0xff, 0xef]),
    ];
    assert_eq!(values, expected);
}

#[test]
fn of_a_repeated_name_the_last_value_counts() {
    let text = r#"{"resourceSpans": [{"scopeSpans": [{"spans": [
        {"name": "a rather long name", "attributes": [{"key": "x"}], "kind": 1, "name": "b", "attributes": [], "kind": 2}
    ]}]}]}"#;
    let body = json_to_protobuf(Message::Traces, text.as_bytes(), BYTES_MAX).unwrap();
    let request = ExportTraceServiceRequest::decode(&body[..]).unwrap();
    let span = &request.resource_spans[0].scope_spans[0].spans[0];
    assert_eq!((span.name.as_str(), span.kind, span.attributes.len()), ("b", 2, 0));
}

#[test]
fn ids_are_hex_of_any_case_and_others_are_bad_ids() {
    let id = "5B8EFFF798038103d269b633813fc60c";
    let good = span(json!({"traceId": id, "spanId": "EEE19B7EC3C1B174"}));
    let request = traces(good.clone());
    assert_eq!(request.resource_spans[0].scope_spans[0].spans[0].trace_id[..2], [0x5b, 0x8e]);
    assert_eq!(rejected(&good), None);
    for bad in ["", "zz8efff798038103d269b633813fc60c", "5b8e", "5", "W47/95gDgQPSabYzgT/GDA=="] {
        let request = span(json!({"traceId": bad, "spanId": "eee19b7ec3c1b174"}));
        assert_eq!(rejected(&request), Some(RejectReason::TraceId), "{bad}");
    }
    let record = json!({"resourceLogs": [{"scopeLogs": [{"logRecords": [{"traceId": "not hex"}]}]}]});
    let body = json_to_protobuf(Message::Logs, record.to_string().as_bytes(), BYTES_MAX).unwrap();
    assert_eq!(walk(Message::Logs, &body).unwrap().rejected[0].reason, RejectReason::TraceId);
}

#[test]
fn metrics_become_what_prost_reads() {
    let json = json!({"resourceMetrics": [{"scopeMetrics": [{"metrics": [
        {"name": "h", "histogram": {"aggregationTemporality": 2, "dataPoints": [
            {"count": "3", "sum": 1.5, "bucketCounts": ["1", "2"], "explicitBounds": [0.5], "timeUnixNano": "7"}]}},
        {"name": "e", "exponentialHistogram": {"dataPoints": [
            {"scale": -3, "positive": {"offset": -1, "bucketCounts": [18446744073709551615_u64]}}]}},
        {"name": "s", "sum": {"isMonotonic": true, "dataPoints": [{"asInt": "-4"}]}},
    ]}]}]});
    let body = json_to_protobuf(Message::Metrics, json.to_string().as_bytes(), BYTES_MAX).unwrap();
    assert_eq!(walk(Message::Metrics, &body).unwrap().items, 3);
    let request = ExportMetricsServiceRequest::decode(&body[..]).unwrap();
    let read = format!("{request:?}");
    for part in [
        "count: 3, sum: Some(1.5), bucket_counts: [1, 2], explicit_bounds: [0.5]",
        "scale: -3",
        "offset: -1, bucket_counts: [18446744073709551615]",
        "is_monotonic: true",
        "AsInt(-4)",
    ] {
        assert!(read.contains(part), "{part} is not in {read}");
    }
}

#[test]
fn errors_name_line_column_and_field_but_not_the_text() {
    let wrong =
        |json: &str| json_to_protobuf(Message::Traces, json.as_bytes(), BYTES_MAX).unwrap_err().to_string();
    let span = |fields: &str| {
        wrong(&format!("{{\"resourceSpans\": [{{\"scopeSpans\": [{{\"spans\": [\n{{{fields}}}]}}]}}]}}"))
    };
    assert_eq!(
        span(r#""startTimeUnixNano": "secret""#),
        "json: invalid value: text, expected a whole number, not negative as startTimeUnixNano at line 2 column 30"
    );
    assert!(span(r#""kind": "CLIENT""#).contains("expected the number of an enum as kind"));
    assert!(span(r#""endTimeUnixNano": -1"#).contains("integer `-1`"));
    assert!(
        span(r#""attributes": "secret""#).contains("invalid type: text, expected an array as attributes")
    );
    assert!(span(r#""status": []"#).contains("expected an object as status"));
    assert!(wrong("\"secret\"").starts_with("json: invalid type: text, expected an object"));
    assert!(wrong("").contains("EOF"));
    assert!(wrong("{} {}").contains("trailing characters"));
}

#[test]
fn values_a_hundred_deep_are_taken_and_ten_thousand_deep_refused() {
    let deep = |levels: usize| {
        let (open, close) = (r#"{"arrayValue": {"values": ["#, "]}}");
        let value = format!("{}{{\"intValue\": 1}}{}", open.repeat(levels), close.repeat(levels));
        let attribute: Value = json!("@");
        span(json!({"attributes": [{"key": "k", "value": attribute}]})).to_string().replace("\"@\"", &value)
    };
    let body = json_to_protobuf(Message::Traces, deep(38).as_bytes(), BYTES_MAX).unwrap();
    assert_eq!(walk(Message::Traces, &body).unwrap().items, 1);
    let error = json_to_protobuf(Message::Traces, deep(10_000).as_bytes(), BYTES_MAX).unwrap_err();
    assert!(error.to_string().contains("recursion limit exceeded"), "{error}");
    let ignored = format!("{{\"unknown\": {}{}}}", "[".repeat(10_000), "]".repeat(10_000));
    assert!(json_to_protobuf(Message::Traces, ignored.as_bytes(), BYTES_MAX).is_ok());
}

#[test]
fn output_is_limited() {
    let json = span(json!({"name": "x".repeat(1000)})).to_string();
    let error = json_to_protobuf(Message::Traces, json.as_bytes(), 500).unwrap_err();
    assert!(matches!(error, Malformed::TooLarge { bytes_max: 500 }));
}

fn span(fields: Value) -> Value {
    json!({"resourceSpans": [{"scopeSpans": [{"spans": [fields]}]}]})
}

fn traces(json: Value) -> ExportTraceServiceRequest {
    let body = json_to_protobuf(Message::Traces, json.to_string().as_bytes(), BYTES_MAX).unwrap();
    ExportTraceServiceRequest::decode(&body[..]).unwrap()
}

fn rejected(json: &Value) -> Option<RejectReason> {
    let body = json_to_protobuf(Message::Traces, json.to_string().as_bytes(), BYTES_MAX).unwrap();
    walk(Message::Traces, &body).unwrap().rejected.first().map(|rejection| rejection.reason)
}
