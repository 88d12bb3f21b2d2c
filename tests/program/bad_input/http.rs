//! Bad requests over HTTP.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, SizeHint};
use hyper::client::conn::http1;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceResponse,
};
use prost::Message as _;
use serde_json::json;
use tokio::net::TcpStream;

use super::{Door, JSON, PROTOBUF, bodies, message};
use crate::harness;

const GZIP: (&str, &str) = ("content-encoding", "gzip");
const ZSTD: (&str, &str) = ("content-encoding", "zstd");

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_protobuf_is_refused_with_the_field_and_the_place() {
    let mut door = Door::open();
    let not_utf8 = "resourceSpans[0].scopeSpans[0].spans[0].name: not UTF-8, at byte ";
    door.refuses_post(
        &[PROTOBUF],
        bodies::truncated(),
        400,
        "resourceSpans[0]: ends within a value, at byte",
    )
    .await;
    door.refuses_post(&[PROTOBUF], vec![0x08, 1], 400, "resourceSpans[0]: wrong wire type, at byte 0").await;
    door.refuses_post(&[PROTOBUF], bodies::not_utf8(), 400, not_utf8).await;
    door.refuses_post(&[PROTOBUF], bodies::deep_protobuf(), 400, "nested more than 100 deep, at byte ").await;
    door.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_json_is_refused_with_line_and_column() {
    let mut door = Door::open();
    let deep = "json: recursion limit exceeded at line 1 column ";
    let wrong = &b"{\"resourceSpans\":\n 7}"[..];
    door.refuses_post(
        &[JSON],
        &b"{\"resourceSpans\": [{"[..],
        400,
        "json: EOF while parsing an object at line 1 column",
    )
    .await;
    door.refuses_post(&[JSON], wrong, 400, "expected").await;
    door.refuses_post(&[JSON], wrong, 400, "at line 2 column 2").await;
    door.refuses_post(
        &[JSON],
        &b"{\"resourceSpans\": [{\"schemaUrl\": \"\xff\"}]}"[..],
        400,
        "invalid unicode",
    )
    .await;
    door.refuses_post(&[JSON], bodies::deep_json("resourceSpans"), 400, "at line 1 column ").await;
    door.refuses_post(&[JSON], bodies::deep_json_value(), 400, deep).await;
    // A field that nobody knows is skipped, however deep it is.
    assert_eq!(door.post(&[JSON], bodies::deep_json("unknown")).await.status(), 200);
    door.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_decompressed_is_refused() {
    let mut door = Door::open();
    let cut = bodies::gzip(b"a body that is cut off")[..20].to_vec();
    let unknown = "content-encoding \"br\" is not supported: expected one of ";
    door.refuses_post(&[PROTOBUF, GZIP], "no gzip at all", 400, "decompress the body: ").await;
    door.refuses_post(&[JSON, GZIP], "no gzip at all", 400, "decompress the body: ").await;
    door.refuses_post(&[PROTOBUF, GZIP], cut, 400, "decompress the body: ").await;
    door.refuses_post(&[PROTOBUF, ZSTD], "no zstd at all", 400, "decompress the body: ").await;
    door.refuses_post(&[JSON, ("content-encoding", "br")], "x", 400, unknown).await;
    door.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bomb_ends_at_the_limit_of_a_request() {
    let mut door = Door::open();
    let (gzip, zstd) = (bodies::gzip_bomb(), bodies::zstd_bomb());
    let too_large = "is larger than the limit of 33554432 bytes";
    door.refuses_post(&[PROTOBUF, GZIP], gzip.clone(), 413, too_large).await;
    door.refuses_post(&[JSON, GZIP], gzip, 413, too_large).await;
    door.refuses_post(&[PROTOBUF, ZSTD], zstd.clone(), 413, too_large).await;
    door.refuses_post(&[JSON, ZSTD], zstd, 413, too_large).await;
    door.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_path_method_or_content_type_is_told_the_right_one() {
    let mut door = Door::open();
    let port = door.collector.setup.http;
    let expected = "expected application/x-protobuf or application/json";
    door.refuses_post(&[("content-type", "text/plain")], "x", 415, expected).await;
    door.refuses_post(&[], "x", 415, expected).await;
    for (content_type, path) in [(PROTOBUF, "/v1/spans"), (JSON, "/")] {
        let answer = harness::http::send("POST", port, path, &[content_type], "{}").await.unwrap();
        assert_eq!((answer.status().as_u16(), message(&answer)), (404, format!("no such path: {path}")));
        assert_eq!(answer.headers()["content-type"], content_type.1);
    }
    for method in ["GET", "PUT", "DELETE"] {
        let answer = harness::http::send(method, port, "/v1/traces", &[PROTOBUF], "").await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.headers()["allow"].as_bytes()), (405, &b"POST"[..]));
        assert_eq!(message(&answer), format!("{method} is not allowed here: expected POST"));
    }
    door.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_span_with_a_bad_id_is_rejected_with_its_reason_and_the_others_are_delivered() {
    let mut door = Door::open();
    let (body, ids) = bodies::third_span_has_a_bad_id();
    door.ids.extend(ids);
    let answer = door.post(&[PROTOBUF], body).await;
    assert_eq!(answer.status(), 200, "{answer:?}");
    let reason = "item 2: span id is not 8 bytes or all zero";
    let expected = ExportTracePartialSuccess { rejected_spans: 1, error_message: reason.into() };
    let response = ExportTraceServiceResponse::decode(answer.into_body()).unwrap();
    assert_eq!(response.partial_success, Some(expected));

    let body = r#"{"resourceSpans": [{"scopeSpans": [{"spans": [
        {"name": "no id", "traceId": "0102030405060708090a0b0c0d0e0f10"},
        {"name": "chat", "traceId": "0102030405060708090A0B0C0D0E0F10", "spanId": "00000000000000ff"}]}]}]}"#;
    door.ids.push("00000000000000ff".into());
    let answer = door.post(&[JSON], body).await;
    let reason = "item 0: span id is not 8 bytes or all zero";
    let expected = json!({"partialSuccess": {"rejectedSpans": "1", "errorMessage": reason}});
    assert_eq!(serde_json::from_slice::<serde_json::Value>(answer.body()).unwrap(), expected);
    door.close().await;
}

/// Zeros, with or without a word on how many there are.
struct Zeros {
    left_bytes: usize,
    has_length: bool,
}

impl Body for Zeros {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        static PIECE: [u8; 65_536] = [0; 65_536];
        let piece = &PIECE[..PIECE.len().min(self.left_bytes)];
        self.left_bytes -= piece.len();
        Poll::Ready((!piece.is_empty()).then(|| Ok(Frame::data(Bytes::from_static(piece)))))
    }

    fn size_hint(&self) -> SizeHint {
        if self.has_length { SizeHint::with_exact(self.left_bytes as u64) } else { SizeHint::default() }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_100_mb_is_too_large_with_and_without_a_content_length() {
    let mut door = Door::open();
    for (has_length, start) in [(true, "request of 100000000 bytes "), (false, "request of ")] {
        let stream = TcpStream::connect(("127.0.0.1", door.collector.setup.http)).await.unwrap();
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        let connection = tokio::spawn(connection);
        let request = Request::post("/v1/traces").header("host", "x").header(PROTOBUF.0, PROTOBUF.1);
        let request = request.body(Zeros { left_bytes: 100_000_000, has_length }).unwrap();
        let (head, body) = sender.send_request(request).await.unwrap().into_parts();
        let answer = Response::from_parts(head, body.collect().await.unwrap().to_bytes());
        connection.abort();
        assert_eq!(answer.status(), 413);
        let message = message(&answer);
        assert!(message.starts_with(start), "{message}");
        assert!(message.ends_with("is larger than the limit of 33554432 bytes"), "{message}");
        door.takes_what_is_good().await;
    }
    door.close().await;
}
