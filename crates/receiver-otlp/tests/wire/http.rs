//! OTLP/HTTP over a socket: what is taken, and what each wrong request is told.

use std::io::Write as _;
use std::sync::atomic::Ordering;
use std::time::Duration;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceResponse;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use proptest::prelude::*;
use prost::Message as _;
use spanledger_component::Signal;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{Answer, BYTES_MAX, Mood, Running, head};

const PROTOBUF: (&str, &str) = ("content-type", "application/x-protobuf");
const JSON: (&str, &str) = ("content-type", "application/json; charset=utf-8");

/// What prost makes of `google.rpc.Status`, written down here once more.
#[derive(Clone, PartialEq, prost::Message)]
struct Status {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

fn zlib(plain: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

fn one_span() -> ExportTraceServiceRequest {
    let span = Span { name: "chat".into(), trace_id: vec![1; 16], span_id: vec![2; 8], ..Span::default() };
    let scope_spans = vec![ScopeSpans { spans: vec![span], ..ScopeSpans::default() }];
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans { scope_spans, ..ResourceSpans::default() }],
    }
}

#[tokio::test]
async fn a_body_comes_through_whatever_compresses_it() {
    let running = Running::start().await;
    let plain = vec![7; 300_000];
    for (encoding, body) in [
        ("identity", plain.clone()),
        ("gzip", gzip(&plain)),
        ("zstd", zstd::encode_all(plain.as_slice(), 3).unwrap()),
        ("deflate", zlib(&plain)),
    ] {
        let answer = running.send("POST /v1/logs", &[PROTOBUF, ("content-encoding", encoding)], &body).await;
        assert_eq!(
            (answer.code, answer.header("content-type")),
            (200, "application/x-protobuf"),
            "{encoding}"
        );
        let response = ExportLogsServiceResponse::decode(answer.body.as_slice()).unwrap();
        assert_eq!(response.partial_success, None);
    }
    assert!(running.taken().iter().all(|(signal, body)| *signal == Signal::Logs && *body == plain));
    assert_eq!(running.count("otelcol_receiver_accepted_log_records", &["otlp", "http"]), 40.0);
    assert_eq!(running.count("otelcol_receiver_requests", &["http", "success"]), 4.0);
    assert_eq!(running.door.budget.bytes_free(), running.door.budget.bytes_max(), "all room is given back");
}

#[tokio::test]
async fn a_body_without_a_length_comes_through() {
    let running = Running::start().await;
    let mut stream = TcpStream::connect(running.http).await.unwrap();
    let head = "POST /v1/traces HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\nconnection: close\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
        .write_all(b"content-type: application/x-protobuf\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
        .await
        .unwrap();
    assert_eq!(Answer::read(&mut stream).await.code, 200);
    assert_eq!(running.taken(), [(Signal::Traces, "abcde".into())]);
}

#[tokio::test]
async fn json_becomes_protobuf_and_is_answered_in_json() {
    let running = Running::start().await;
    let body = br#"{"resourceSpans": [{"scopeSpans": [{"spans": [{"name": "chat",
        "traceId": "01010101010101010101010101010101", "spanId": "0202020202020202"}]}]}]}"#;
    let answer = running.send("POST /v1/traces", &[JSON], body).await;
    assert_eq!((answer.code, answer.header("content-type")), (200, "application/json"));
    assert_eq!(answer.json(), serde_json::json!({}));
    let (signal, body) = running.taken().remove(0);
    assert_eq!(signal, Signal::Traces);
    assert_eq!(ExportTraceServiceRequest::decode(body).unwrap(), one_span());
}

#[tokio::test]
async fn an_empty_request_succeeds() {
    let running = Running::start().await;
    assert_eq!(running.send("POST /v1/traces", &[PROTOBUF], b"").await.code, 200);
    assert_eq!(
        running.send("POST /v1/traces", &[PROTOBUF, ("content-encoding", "gzip")], b"").await.code,
        200
    );
    assert_eq!(running.send("POST /v1/traces", &[JSON], b"{}").await.code, 200);
    assert_eq!(running.taken().len(), 3);
}

#[tokio::test]
async fn rejected_items_are_told_and_the_rest_is_taken() {
    let running = Running::start().await;
    running.mood(Mood::Rejects(3, "span 2: trace_id has 3 bytes"));
    let answer = running.send("POST /v1/traces", &[PROTOBUF], b"x").await;
    let response = ExportTraceServiceResponse::decode(answer.body.as_slice()).unwrap();
    let expected =
        ExportTracePartialSuccess { rejected_spans: 3, error_message: "span 2: trace_id has 3 bytes".into() };
    assert_eq!((answer.code, response.partial_success), (200, Some(expected)));
    let answer = running.send("POST /v1/logs", &[JSON], b"{}").await;
    assert_eq!(answer.json()["partialSuccess"]["rejectedLogRecords"], "3");
    assert_eq!(running.count("otelcol_receiver_accepted_spans", &[]), 7.0);
    assert_eq!(running.count("otelcol_receiver_refused_spans", &[]), 3.0);
    assert_eq!(running.count("spanledger_receiver_dropped_ids", &[]), 2.0);
}

#[tokio::test]
async fn every_wrong_request_gets_its_status_in_the_form_it_has() {
    let running = Running::start().await;
    let broken = ("content-encoding", "gzip");
    for (line, headers, body, code, part) in [
        ("POST /v1/spans", &[PROTOBUF][..], &b""[..], 404, "no such path: /v1/spans"),
        ("POST /v1/metrics", &[PROTOBUF], b"", 404, "no pipeline takes metrics"),
        ("GET /v1/traces", &[], b"", 405, "expected POST"),
        ("PUT /v1/traces", &[JSON], b"{}", 405, "expected POST"),
        ("POST /v1/traces", &[], b"abc", 415, "application/x-protobuf or application/json"),
        ("POST /v1/traces", &[("content-type", "text/plain")], b"abc", 415, "content-type"),
        ("POST /v1/traces", &[PROTOBUF, ("content-encoding", "br")], b"abc", 400, "\"br\" is not supported"),
        ("POST /v1/traces", &[PROTOBUF, broken], b"no gzip at all", 400, "decompress the body"),
        ("POST /v1/traces", &[PROTOBUF, broken], &gzip(b"cut off")[..20], 400, "decompress the body"),
        ("POST /v1/traces", &[JSON], b"{\"resourceSpans\": [", 400, "json: "),
    ] {
        let answer = running.send(line, headers, body).await;
        assert_eq!(answer.code, code, "{line} {headers:?}");
        let message = match headers.contains(&PROTOBUF) {
            true => {
                assert_eq!(answer.header("content-type"), "application/x-protobuf", "{line}");
                Status::decode(answer.body.as_slice()).unwrap().message
            }
            false => {
                assert_eq!(answer.header("content-type"), "application/json", "{line}");
                answer.json()["message"].as_str().unwrap().to_owned()
            }
        };
        assert!(message.contains(part), "{line} {headers:?}: {message}");
        assert_eq!(answer.header("allow"), if code == 405 { "post" } else { "" });
        assert_eq!(answer.header("retry-after"), "");
    }
    assert!(running.taken().is_empty());
    assert_eq!(running.count("otelcol_receiver_requests", &["http", "failure"]), 10.0);
    assert_eq!(running.send("POST /v1/traces", &[PROTOBUF], b"good").await.code, 200);
}

#[tokio::test]
async fn what_the_door_refuses_is_told_as_what_it_is() {
    let running = Running::start().await;
    for (mood, code, rpc_code, retry_after) in
        [(Mood::Malformed, 400, 3, ""), (Mood::Full, 503, 14, "2"), (Mood::Stopping, 503, 14, "2")]
    {
        running.mood(mood.clone());
        let answer = running.send("POST /v1/traces", &[JSON], b"{}").await;
        assert_eq!((answer.code, answer.header("retry-after")), (code, retry_after), "{mood:?}");
        let status = answer.json();
        assert_eq!(status["code"], rpc_code);
        let detail = &status["details"][0];
        match mood {
            Mood::Malformed => assert_eq!(
                detail["fieldViolations"][0]["description"],
                "resourceSpans[0]: ends within a value, at byte 7"
            ),
            _ => assert_eq!(detail["retryDelay"], "2s"),
        }
    }
    assert_eq!(running.count("otelcol_receiver_requests", &["refused"]), 2.0);
}

#[tokio::test]
async fn a_bomb_stops_at_the_limit() {
    let running = Running::start().await;
    let zeros = vec![0; 64 * BYTES_MAX];
    for (encoding, bomb) in [("gzip", gzip(&zeros)), ("zstd", zstd::encode_all(zeros.as_slice(), 3).unwrap())]
    {
        let answer =
            running.send("POST /v1/traces", &[PROTOBUF, ("content-encoding", encoding)], &bomb).await;
        assert_eq!((answer.code, answer.header("retry-after")), (413, ""), "{encoding}");
        assert_eq!(Status::decode(answer.body.as_slice()).unwrap().code, 8);
    }
    assert!(running.taken().is_empty());
}

#[tokio::test]
async fn a_body_of_100_mb_is_refused_and_the_sender_gets_to_read_why() {
    let running = Running::start().await;
    let body = vec![0; 100_000_000];
    assert_eq!(running.send("POST /v1/traces", &[PROTOBUF], &body).await.code, 413);
    assert_eq!(running.send("POST /v1/traces", &[JSON], &body[..BYTES_MAX + 1]).await.code, 413);
    // A sender that asks first is told before it sends anything.
    let mut stream = TcpStream::connect(running.http).await.unwrap();
    let head = head("POST /v1/traces", &[PROTOBUF, ("expect", "100-continue")], body.len());
    stream.write_all(head.as_bytes()).await.unwrap();
    assert_eq!(Answer::read(&mut stream).await.code, 413);
    assert_eq!(running.send("POST /v1/traces", &[PROTOBUF], &body[..BYTES_MAX]).await.code, 200);
}

#[tokio::test]
async fn a_configured_limit_can_only_be_lower() {
    let running = Running::with("{}", "{max_request_body_size: 1000}").await;
    assert_eq!(running.send("POST /v1/traces", &[PROTOBUF], &[0; 1000]).await.code, 200);
    assert_eq!(running.send("POST /v1/traces", &[PROTOBUF], &[0; 1001]).await.code, 413);
    let raised = Running::with("{}", "{max_request_body_size: 99999999999}").await;
    assert_eq!(raised.send("POST /v1/traces", &[PROTOBUF], &vec![0; BYTES_MAX + 1]).await.code, 413);
}

#[tokio::test]
async fn configured_paths_headers_and_compressions_are_used() {
    let running = Running::with(
        "{}",
        "{traces_url_path: ingest, compression_algorithms: [gzip], response_headers: {x-served-by: us}}",
    )
    .await;
    let headers = [PROTOBUF, ("content-encoding", "gzip")];
    let answer = running.send("POST /ingest", &headers, &gzip(b"x")).await;
    assert_eq!((answer.code, answer.header("x-served-by")), (200, "us"));
    assert_eq!(running.send("POST /ingest", &[PROTOBUF], b"x").await.code, 400);
    assert_eq!(running.send("POST /v1/traces", &headers, b"x").await.code, 404);
}

#[tokio::test]
async fn a_sender_that_goes_away_midway_leaves_nothing_behind() {
    let running = Running::start().await;
    let mut stream = TcpStream::connect(running.http).await.unwrap();
    stream.write_all(head("POST /v1/traces", &[PROTOBUF], 500_000).as_bytes()).await.unwrap();
    stream.write_all(&[0; 1000]).await.unwrap();
    while running.door.budget.bytes_free() == running.door.budget.bytes_max() {
        tokio::task::yield_now().await;
    }
    drop(stream);
    while running.door.budget.bytes_free() < running.door.budget.bytes_max() {
        tokio::task::yield_now().await;
    }
    assert!(running.taken().is_empty());
    assert_eq!(running.send("POST /v1/traces", &[PROTOBUF], b"x").await.code, 200);
}

#[tokio::test]
async fn room_is_reserved_before_the_body_is_sent() {
    let running = Running::start().await;
    let mut stream = TcpStream::connect(running.http).await.unwrap();
    stream.write_all(head("POST /v1/traces", &[PROTOBUF], 500_000).as_bytes()).await.unwrap();
    while running.door.budget.bytes_max() - running.door.budget.bytes_free() < 500_000 {
        tokio::task::yield_now().await;
    }
    stream.write_all(&vec![7; 500_000]).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200 "));
}

#[tokio::test]
async fn what_a_body_becomes_is_reserved_and_without_room_it_is_to_be_sent_again() {
    let running = Running::start().await;
    let body = gzip(&vec![0; 900_000]);
    let headers = [PROTOBUF, ("content-encoding", "gzip")];
    assert_eq!(running.send("POST /v1/traces", &headers, &body).await.code, 200);
    assert!(running.door.most_bytes.load(Ordering::Relaxed) >= 900_000);
    let budget = &running.door.budget;
    let others = budget.reserve(budget.bytes_max() - 500_000, Duration::ZERO).await.unwrap();
    let answer = running.send("POST /v1/traces", &headers, &body).await;
    assert_eq!((answer.code, answer.header("retry-after")), (503, "1"));
    drop(others);
    assert_eq!(running.send("POST /v1/traces", &headers, &body).await.code, 200);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_body_gets_an_answer(
        body in prop::collection::vec(any::<u8>(), 0..2000),
        encoding in prop::sample::select(vec!["", "gzip", "zstd", "deflate", "identity", "gzip, zstd"]),
        json in any::<bool>(),
        prefix in prop::sample::select(vec![&b""[..], &[0x1f, 0x8b, 8, 0], &[0x28, 0xb5, 0x2f, 0xfd], &[0x78, 0x9c], b"{\"resourceSpans\":["]),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let running = Running::start().await;
            let content_type = if json { JSON } else { PROTOBUF };
            let body = [prefix, &body].concat();
            let answer = running.send("POST /v1/traces", &[content_type, ("content-encoding", encoding)], &body).await;
            assert!(matches!(answer.code, 200 | 400 | 413), "{answer:?}");
            assert_eq!(running.taken().len(), usize::from(answer.code == 200));
            assert_eq!(running.door.budget.bytes_free(), running.door.budget.bytes_max());
        });
    }
}
