//! Bad calls over gRPC.

use bytes::{Bytes, BytesMut};

use super::{Door, PROTOBUF, bodies, message};
use crate::harness;

const INVALID_ARGUMENT: i32 = 3;
const RESOURCE_EXHAUSTED: i32 = 8;
const UNIMPLEMENTED: i32 = 12;
const INTERNAL: i32 = 13;

const GZIP: (&str, &str) = ("grpc-encoding", "gzip");
const ZSTD: (&str, &str) = ("grpc-encoding", "zstd");

/// A frame whose prefix says `bytes`, whatever follows.
fn frame_of(flag: u8, bytes: u32, message: &[u8]) -> Bytes {
    let mut frame = BytesMut::from(&[flag][..]);
    frame.extend_from_slice(&bytes.to_be_bytes());
    frame.extend_from_slice(message);
    frame.freeze()
}

fn plain(message: &[u8]) -> Bytes {
    frame_of(0, message.len() as u32, message)
}

fn compressed(message: &[u8]) -> Bytes {
    frame_of(1, message.len() as u32, message)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_protobuf_is_an_invalid_argument() {
    let mut door = Door::open();
    let not_utf8 = ".spans[0].name: not UTF-8, at byte ";
    door.refuses_call(&[], plain(&bodies::truncated()), INVALID_ARGUMENT, "ends within a value, at byte ")
        .await;
    door.refuses_call(&[], plain(&[0x08, 1]), INVALID_ARGUMENT, "resourceSpans[0]: wrong wire type").await;
    door.refuses_call(&[], plain(&bodies::not_utf8()), INVALID_ARGUMENT, not_utf8).await;
    door.refuses_call(&[], plain(&bodies::deep_protobuf()), INVALID_ARGUMENT, "nested more than 100 deep")
        .await;
    door.refuses_call(&[GZIP], compressed(b"no gzip"), INVALID_ARGUMENT, "decompress the body: ").await;
    door.refuses_call(&[ZSTD], compressed(b"no zstd"), INVALID_ARGUMENT, "decompress the body: ").await;
    door.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_is_exhausted_and_not_to_be_sent_again() {
    let mut door = Door::open();
    let too_large = "is larger than the limit of 33554432 bytes";
    door.refuses_call(&[GZIP], compressed(&bodies::gzip_bomb()), RESOURCE_EXHAUSTED, too_large).await;
    door.refuses_call(&[ZSTD], compressed(&bodies::zstd_bomb()), RESOURCE_EXHAUSTED, too_large).await;
    door.refuses_call(&[], frame_of(0, u32::MAX, b"x"), RESOURCE_EXHAUSTED, "request of 4294967295 bytes")
        .await;
    door.refuses_call(&[], plain(&vec![0; 100_000_000]), RESOURCE_EXHAUSTED, too_large).await;
    door.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_framing_and_unknown_names_are_told_apart() {
    let mut door = Door::open();
    let unknown = "grpc-encoding \"snappy\" is not supported: expected identity, gzip or zstd";
    door.refuses_call(&[("grpc-encoding", "snappy")], compressed(b"x"), UNIMPLEMENTED, unknown).await;
    door.refuses_call(&[], compressed(b"x"), INTERNAL, "grpc-encoding does not say how").await;
    door.refuses_call(&[], frame_of(0, 100, b"x"), INTERNAL, "shorter than its prefix says").await;
    door.refuses_call(&[], Bytes::new(), UNIMPLEMENTED, "a unary call without a message").await;
    let ended = harness::grpc::send(door.collector.setup.grpc, "/Nothing/Export", &[], plain(b"")).await;
    assert_eq!((ended.status, ended.message.as_str()), (UNIMPLEMENTED, "no such method: /Nothing/Export"));

    let answer = harness::http::send("POST", door.collector.setup.grpc, "/v1/traces", &[PROTOBUF], "").await;
    let answer = answer.unwrap();
    assert_eq!(answer.status(), 415);
    assert!(message(&answer).contains("OTLP/HTTP has a port of its own"), "{answer:?}");
    door.close().await;
}
