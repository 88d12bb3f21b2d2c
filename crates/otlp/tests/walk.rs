//! What the door answers.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{
    Gauge, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics,
};
use opentelemetry_proto::tonic::trace::v1::span::Link;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message as _;
use spanledger_otlp::{Malformed, Message, Reason, RejectReason, Rejection, walk};

#[test]
fn spans_with_bad_ids_or_times_are_rejected_by_ordinal() {
    let spans = [
        good_span(),
        Span { trace_id: vec![0; 16], ..good_span() },
        Span { trace_id: vec![1; 15], ..good_span() },
        Span { span_id: Vec::new(), ..good_span() },
        good_span(),
        Span { start_time_unix_nano: 1 << 63, ..good_span() },
        Span { end_time_unix_nano: u64::MAX, ..good_span() },
        Span { parent_span_id: vec![1, 2, 3], ..good_span() },
    ];
    let walked = walk(Message::Traces, &traces(spans.to_vec())).unwrap();
    assert_eq!(walked.items, 8);
    let expected = [
        (1, RejectReason::TraceId),
        (2, RejectReason::TraceId),
        (3, RejectReason::SpanId),
        (5, RejectReason::Time),
        (6, RejectReason::SecondTime),
    ];
    assert_eq!(walked.rejected, expected.map(|(index, reason)| Rejection { index, reason }));
}

#[test]
fn parent_ids_of_a_wrong_length_and_links_that_are_left_out_are_counted() {
    let link = |trace_id: &[u8], span_id: &[u8]| Link {
        trace_id: trace_id.to_vec(),
        span_id: span_id.to_vec(),
        ..Link::default()
    };
    let links =
        vec![link(&[1; 16], &[1; 8]), link(&[1; 15], &[1; 8]), link(&[1; 16], &[0; 8]), link(&[], &[])];
    let spans = vec![
        Span { parent_span_id: vec![1; 8], links, ..good_span() },
        Span { parent_span_id: vec![1, 2, 3], ..good_span() },
        Span { parent_span_id: vec![0; 8], ..good_span() },
        // Rejected, so that nothing of it is there to miss an id.
        Span { trace_id: Vec::new(), parent_span_id: vec![1], links: vec![link(&[], &[])], ..good_span() },
    ];
    let walked = walk(Message::Traces, &traces(spans)).unwrap();
    assert_eq!((walked.rejected.len(), walked.dropped_ids), (1, 4));
}

#[test]
fn log_records_need_no_ids_but_no_wrong_ones() {
    let records = [
        LogRecord::default(),
        LogRecord { trace_id: vec![0; 16], span_id: vec![0; 8], ..LogRecord::default() },
        LogRecord { trace_id: vec![1; 8], ..LogRecord::default() },
        LogRecord { span_id: vec![1; 16], ..LogRecord::default() },
        LogRecord { observed_time_unix_nano: u64::MAX, ..LogRecord::default() },
    ];
    let scope_logs = vec![ScopeLogs { log_records: records.to_vec(), ..ScopeLogs::default() }];
    let resource_logs = vec![ResourceLogs { scope_logs, ..ResourceLogs::default() }];
    let walked = walk(Message::Logs, &ExportLogsServiceRequest { resource_logs }.encode_to_vec()).unwrap();
    let expected = [(2, RejectReason::TraceId), (3, RejectReason::SpanId), (4, RejectReason::SecondTime)];
    assert_eq!(walked.rejected, expected.map(|(index, reason)| Rejection { index, reason }));
}

#[test]
fn a_request_of_almost_empty_attributes_is_refused() {
    let attributes = |count, key: &str| {
        let attribute = KeyValue { key: key.into(), ..KeyValue::default() };
        traces(vec![Span { attributes: vec![attribute; count], ..good_span() }])
    };
    assert_eq!(walk(Message::Traces, &attributes(200, "")).unwrap().items, 1);
    let error = walk(Message::Traces, &attributes(5_000, "")).unwrap_err();
    assert!(matches!(error, Malformed::Protobuf { reason: Reason::Entries, .. }), "{error}");
    assert_eq!(walk(Message::Traces, &attributes(1_000_000, "server.address")).unwrap().items, 1);
}

#[test]
fn a_request_of_control_characters_in_a_list_is_refused() {
    let request = |character: &str| {
        let text = AnyValue { value: Some(Value::StringValue(character.repeat(5_000))) };
        let list = Value::ArrayValue(ArrayValue { values: vec![text] });
        let attributes =
            vec![KeyValue { value: Some(AnyValue { value: Some(list) }), ..KeyValue::default() }];
        traces(vec![Span { attributes, ..good_span() }])
    };
    assert_eq!(walk(Message::Traces, &request("\n")).unwrap().items, 1);
    let error = walk(Message::Traces, &request("\u{1}")).unwrap_err();
    assert!(matches!(error, Malformed::Protobuf { reason: Reason::ControlCharacters, .. }), "{error}");
}

#[test]
fn a_request_has_at_most_65536_spans_or_log_records() {
    let walk_spans = |count| walk(Message::Traces, &traces(vec![good_span(); count]));
    assert_eq!(walk_spans(65_536).unwrap().items, 65_536);
    let error = walk_spans(65_537).unwrap_err();
    let expected =
        "resourceSpans[0].scopeSpans[0].spans[65536].traceId: more than 65536 items in one request";
    assert!(error.to_string().starts_with(expected), "{error}");

    let log_records =
        vec![LogRecord { flags: 1, severity_text: "information".into(), ..LogRecord::default() }; 65_537];
    let scope_logs = vec![ScopeLogs { log_records, ..ScopeLogs::default() }];
    let resource_logs = vec![ResourceLogs { scope_logs, ..ResourceLogs::default() }];
    let error = walk(Message::Logs, &ExportLogsServiceRequest { resource_logs }.encode_to_vec()).unwrap_err();
    assert!(matches!(error, Malformed::Protobuf { reason: Reason::Rows, .. }), "{error}");
}

#[test]
fn items_of_metrics_are_data_points() {
    let data_points = vec![NumberDataPoint::default(); 3];
    let metric = Metric { data: Some(Data::Gauge(Gauge { data_points })), ..Metric::default() };
    let scope_metrics = vec![ScopeMetrics { metrics: vec![metric; 2], ..ScopeMetrics::default() }];
    let resource_metrics = vec![ResourceMetrics { scope_metrics, ..ResourceMetrics::default() }];
    let body = ExportMetricsServiceRequest { resource_metrics }.encode_to_vec();
    assert_eq!(walk(Message::Metrics, &body).unwrap().items, 6);
}

#[test]
fn an_error_says_where_and_what() {
    let name = Span { name: "name?".into(), ..good_span() };
    let mut body = traces(vec![good_span(), name]);
    let place = body.windows(5).position(|window| window == b"name?").unwrap() + 4;
    body[place] = 0xff;
    let error = walk(Message::Traces, &body).unwrap_err();
    let expected = format!("resourceSpans[0].scopeSpans[0].spans[1].name: not UTF-8, at byte {place}");
    assert_eq!(error.to_string(), expected);
}

#[test]
fn wrong_wire_types_truncation_and_stray_groups_are_errors() {
    let reason = |body: &[u8]| match walk(Message::Traces, body) {
        Err(Malformed::Protobuf { reason, .. }) => reason,
        other => panic!("{other:?}"),
    };
    assert_eq!(reason(&[0x08, 1]), Reason::WireType);
    assert_eq!(reason(&[0x0a, 5, 0]), Reason::Truncated);
    assert_eq!(reason(&[0x0a]), Reason::Varint);
    assert_eq!(reason(&[0x00]), Reason::Key);
    assert_eq!(reason(&[0x07]), Reason::Key);
    assert_eq!(reason(&[0x7c]), Reason::GroupEnd);
    assert_eq!(reason(&[0x7b, 0x74]), Reason::GroupEnd);
}

#[test]
fn unknown_fields_and_groups_are_skipped() {
    let mut body = traces(vec![good_span()]);
    body.extend([0x78, 1, 0x7b, 0x08, 5, 0x13, 0x14, 0x7c, 0x7a, 2, 0xff, 0xff]);
    assert_eq!(walk(Message::Traces, &body).unwrap().items, 1);
}

#[test]
fn the_depth_limit_is_that_of_prost() {
    let at = |depth| {
        let mut value = AnyValue { value: Some(Value::IntValue(1)) };
        for _ in 0..depth {
            value = AnyValue { value: Some(Value::ArrayValue(ArrayValue { values: vec![value] })) };
        }
        let attributes = vec![KeyValue { key: "deep".into(), value: Some(value), key_strindex: 0 }];
        traces(vec![Span { attributes, ..good_span() }])
    };
    for depth in 40..60 {
        let body = at(depth);
        let accepted = ExportTraceServiceRequest::decode(&body[..]).is_ok();
        assert_eq!(walk(Message::Traces, &body).is_ok(), accepted, "{depth} arrays within one another");
    }
    assert!(walk(Message::Traces, &at(47)).is_ok());
    assert!(walk(Message::Traces, &at(48)).is_err());
    assert!(walk(Message::Traces, &at(3_000)).is_err());
    let groups = [vec![0x7b; 10_000], vec![0x7c; 10_000]].concat();
    assert!(walk(Message::Traces, &groups).is_err());
}

fn good_span() -> Span {
    Span { trace_id: vec![1; 16], span_id: vec![2; 8], ..Span::default() }
}

fn traces(spans: Vec<Span>) -> Vec<u8> {
    let scope_spans = vec![ScopeSpans { spans, ..ScopeSpans::default() }];
    let resource_spans = vec![ResourceSpans { scope_spans, ..ResourceSpans::default() }];
    ExportTraceServiceRequest { resource_spans }.encode_to_vec()
}
