//! OTLP/gRPC: a real client of another make, and frames that no client would send.

use std::io::Write as _;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::logs::v1::logs_service_client::LogsServiceClient;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_client::MetricsServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest,
};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use proptest::prelude::*;
use prost::Message as _;
use spanledger_component::Signal;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tonic::codec::CompressionEncoding;
use tonic::transport::Channel;
use tonic::{Code, Status};

use crate::support::{BYTES_MAX, Mood, Running};

const TRACES: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
const RETRY_INFO: &[u8] = b"type.googleapis.com/google.rpc.RetryInfo";
const BAD_REQUEST: &[u8] = b"type.googleapis.com/google.rpc.BadRequest";

async fn channel(running: &Running) -> Channel {
    Channel::from_shared(format!("http://{}", running.grpc)).unwrap().connect().await.unwrap()
}

fn spans(name: &str) -> ExportTraceServiceRequest {
    let span = Span { name: name.into(), trace_id: vec![1; 16], span_id: vec![2; 8], ..Span::default() };
    let scope_spans = vec![ScopeSpans { spans: vec![span], ..ScopeSpans::default() }];
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans { scope_spans, ..ResourceSpans::default() }],
    }
}

async fn refusal(running: &Running, request: ExportTraceServiceRequest) -> Status {
    TraceServiceClient::new(channel(running).await).export(request).await.unwrap_err()
}

fn has(status: &Status, type_url: &[u8]) -> bool {
    status.details().windows(type_url.len()).any(|window| window == type_url)
}

#[tokio::test]
async fn tonic_s_requests_come_through_whatever_compresses_them() {
    let running = Running::start().await;
    let request = spans(&"long ".repeat(20_000));
    let client = TraceServiceClient::new(channel(&running).await);
    for mut client in [
        client.clone(),
        client.clone().send_compressed(CompressionEncoding::Gzip),
        client.send_compressed(CompressionEncoding::Zstd),
    ] {
        let response = client.export(request.clone()).await.unwrap();
        assert_eq!(response.into_inner().partial_success, None);
    }
    let expected = (Signal::Traces, Bytes::from(request.encode_to_vec()));
    assert!(running.taken() == [expected.clone(), expected.clone(), expected]);
    assert_eq!(running.count("otelcol_receiver_accepted_spans", &["otlp", "grpc"]), 30.0);
    assert_eq!(running.count("otelcol_receiver_requests", &["grpc", "success"]), 3.0);
    assert_eq!(running.door.budget.bytes_free(), running.door.budget.bytes_max(), "all room is given back");
}

#[tokio::test]
async fn many_calls_share_one_connection() {
    let running = Running::start().await;
    let client = TraceServiceClient::new(channel(&running).await);
    let calls = (0..64).map(|number| {
        let mut client = client.clone();
        tokio::spawn(async move { client.export(spans(&format!("{number}"))).await.is_ok() })
    });
    for call in calls.collect::<Vec<_>>() {
        assert!(call.await.unwrap());
    }
    assert_eq!(running.taken().len(), 64);
}

#[tokio::test]
async fn an_empty_request_succeeds_and_a_signal_without_a_pipeline_is_unimplemented() {
    let running = Running::start().await;
    let channel = channel(&running).await;
    let empty = ExportLogsServiceRequest::default();
    LogsServiceClient::new(channel.clone()).export(empty).await.unwrap();
    assert_eq!(running.taken(), [(Signal::Logs, Bytes::new())]);
    let metrics = ExportMetricsServiceRequest::default();
    let status = MetricsServiceClient::new(channel).export(metrics).await.unwrap_err();
    assert_eq!(
        (status.code(), status.message()),
        (Code::Unimplemented, "no pipeline takes metrics from this receiver")
    );
}

#[tokio::test]
async fn rejected_items_are_told_and_the_rest_is_taken() {
    let running = Running::start().await;
    running.mood(Mood::Rejects(3, "span 2: trace_id has 3 bytes"));
    let mut client = TraceServiceClient::new(channel(&running).await);
    let partial = client.export(spans("x")).await.unwrap().into_inner().partial_success.unwrap();
    let expected =
        ExportTracePartialSuccess { rejected_spans: 3, error_message: "span 2: trace_id has 3 bytes".into() };
    assert_eq!(partial, expected);
}

#[tokio::test]
async fn overload_is_unavailable_with_retry_info() {
    let running = Running::start().await;
    for mood in [Mood::Full, Mood::Stopping, Mood::DiskFull] {
        running.mood(mood);
        let status = refusal(&running, spans("x")).await;
        assert_eq!(status.code(), Code::Unavailable);
        assert!(has(&status, RETRY_INFO) && !has(&status, BAD_REQUEST));
    }
    assert_eq!(running.count("otelcol_receiver_refused_spans", &["grpc"]), 10.0, "those that were counted");
    running.mood(Mood::Takes);
    assert!(TraceServiceClient::new(channel(&running).await).export(spans("x")).await.is_ok());
}

/// More than HTTP/2 resets that a server makes by itself are usually allowed to be.
const REFUSALS: usize = 3_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_stays_open_however_many_large_requests_are_refused_on_it() {
    let running = Running::start().await;
    running.mood(Mood::Full);
    let client = TraceServiceClient::new(channel(&running).await);
    // Larger than what may be sent before it is read, so that some of each is still under way when the answer comes.
    let request = spans(&"x".repeat(100_000));
    let mut calls = JoinSet::new();
    for _ in 0..REFUSALS {
        let (mut client, request) = (client.clone(), request.clone());
        calls.spawn(async move { client.export(request).await.unwrap_err() });
    }
    while let Some(status) = calls.join_next().await {
        let status = status.unwrap();
        assert!(has(&status, RETRY_INFO), "{status}");
    }
}

#[tokio::test]
async fn what_is_malformed_is_an_invalid_argument_with_what_is_wrong() {
    let running = Running::start().await;
    running.mood(Mood::Malformed);
    let status = refusal(&running, spans("x")).await;
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(status.message(), "resourceSpans[0]: ends within a value, at byte 7");
    assert!(has(&status, BAD_REQUEST) && !has(&status, RETRY_INFO));
}

#[tokio::test]
async fn an_oversize_message_is_refused_for_good() {
    let running = Running::with("{max_recv_msg_size_mib: 1}", "{}").await;
    let request = spans(&"x".repeat(BYTES_MAX));
    let status = refusal(&running, request.clone()).await;
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert!(!has(&status, RETRY_INFO));
    // Compressed it is small; it is what it becomes that counts.
    let client = TraceServiceClient::new(channel(&running).await);
    for encoding in [CompressionEncoding::Gzip, CompressionEncoding::Zstd] {
        let status = client.clone().send_compressed(encoding).export(request.clone()).await.unwrap_err();
        assert_eq!(status.code(), Code::ResourceExhausted, "{encoding:?}");
        assert!(!has(&status, RETRY_INFO));
    }
    assert!(running.taken().is_empty());
}

/// An answer as it was on the wire: the status of HTTP, that of gRPC, and the encodings that are accepted.
#[derive(Debug, PartialEq, Eq)]
struct Raw {
    http: u16,
    grpc: Option<i32>,
    accepts: Option<String>,
}

async fn raw(running: &Running, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Raw {
    let stream = TcpStream::connect(running.grpc).await.unwrap();
    let (mut sender, connection) =
        http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let mut request = hyper::Request::post(format!("http://{}{path}", running.grpc));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = sender.send_request(request.body(Full::new(Bytes::from(body))).unwrap()).await.unwrap();
    let (head, body) = response.into_parts();
    let trailers = body.collect().await.unwrap().trailers().cloned().unwrap_or_default();
    let status = head.headers.get("grpc-status").or_else(|| trailers.get("grpc-status"));
    let accepts = head.headers.get("grpc-accept-encoding");
    Raw {
        http: head.status.as_u16(),
        grpc: status.map(|status| status.to_str().unwrap().parse().unwrap()),
        accepts: accepts.map(|value| value.to_str().unwrap().to_owned()),
    }
}

fn frame(flag: u8, message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[flag][..], &length, message].concat()
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn another_method_is_not_allowed_and_hands_in_nothing() {
    let running = Running::start().await;
    for method in ["GET", "PUT"] {
        let stream = TcpStream::connect(running.grpc).await.unwrap();
        let (mut sender, connection) =
            http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let request = hyper::Request::builder().method(method).header("content-type", "application/grpc");
        let request = request.uri(format!("http://{}{TRACES}", running.grpc));
        let body = Full::new(Bytes::from(frame(0, b"good")));
        let answer = sender.send_request(request.body(body).unwrap()).await.unwrap();
        assert_eq!((answer.status().as_u16(), &answer.headers()["allow"]), (405, &"POST".parse().unwrap()));
    }
    assert!(running.taken().is_empty());
}

#[tokio::test]
async fn every_wrong_call_gets_the_code_the_protocol_has_for_it() {
    let running = Running::start().await;
    let two = [frame(0, b"one"), frame(0, b"two")].concat();
    let huge = [0, 0xff, 0xff, 0xff, 0xff, 1, 2, 3];
    let (none, gzipped) = (&[][..], &[("grpc-encoding", "gzip")][..]);
    for (path, headers, body, code) in [
        (TRACES, none, frame(0, b"good"), 0),
        (TRACES, gzipped, frame(1, &gzip(b"good")), 0),
        (TRACES, gzipped, frame(0, b"not compressed, which is allowed"), 0),
        ("/opentelemetry.proto.collector.trace.v1.TraceService/Import", none, frame(0, b""), 12),
        (TRACES, none, Vec::new(), 12),
        (TRACES, none, two, 12),
        (TRACES, none, vec![0, 0, 0], 13),
        (TRACES, none, frame(0, b"cut off")[..8].to_vec(), 13),
        (TRACES, none, frame(7, b"a strange flag"), 13),
        (TRACES, none, frame(1, b"compressed, but how?"), 13),
        (TRACES, gzipped, frame(1, b"no gzip at all"), 3),
        (TRACES, gzipped, frame(1, &gzip(b"cut off")[..20]), 3),
        (TRACES, none, huge.to_vec(), 8),
    ] {
        let headers = [&[("content-type", "application/grpc+proto")], headers].concat();
        let answer = raw(&running, path, &headers, body.clone()).await;
        assert_eq!(answer, Raw { http: 200, grpc: Some(code), accepts: None }, "{path} {headers:?} {body:?}");
    }
    assert_eq!(running.taken().len(), 3);
}

#[tokio::test]
async fn an_unknown_compression_is_told_which_ones_are_known() {
    let running = Running::start().await;
    let headers = [("content-type", "application/grpc"), ("grpc-encoding", "snappy")];
    let answer = raw(&running, TRACES, &headers, frame(1, b"x")).await;
    assert_eq!(answer, Raw { http: 200, grpc: Some(12), accepts: Some("identity,gzip,zstd".into()) });
}

#[tokio::test]
async fn what_is_no_grpc_is_told_so_in_http() {
    let running = Running::start().await;
    let answer = raw(&running, "/v1/traces", &[("content-type", "application/x-protobuf")], vec![]).await;
    assert_eq!(answer, Raw { http: 415, grpc: None, accepts: None });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_bytes_get_an_answer(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        framed in any::<bool>(),
        flag in 0_u8..3,
        encoding in prop::sample::select(vec!["identity", "gzip", "zstd", "snappy"]),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let running = Running::start().await;
            let body = if framed { frame(flag, &bytes) } else { bytes };
            let headers = [("content-type", "application/grpc"), ("grpc-encoding", encoding)];
            let answer = raw(&running, TRACES, &headers, body).await;
            assert_eq!(answer.http, 200);
            assert!(matches!(answer.grpc, Some(0 | 3 | 8 | 12 | 13)), "{answer:?}");
            assert_eq!(running.taken().len(), usize::from(answer.grpc == Some(0)));
            assert_eq!(running.door.budget.bytes_free(), running.door.budget.bytes_max());
        });
    }
}
