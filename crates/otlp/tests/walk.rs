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
