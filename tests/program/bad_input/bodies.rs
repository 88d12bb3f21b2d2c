//! Bodies that are wrong, each in one way.

use std::io::Read as _;

use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, any_value::Value};
use prost::Message as _;

use crate::harness::load;

const BOMB_BYTES: u64 = 1 << 30;

/// A request that ends three bytes too early.
pub fn truncated() -> Vec<u8> {
    let mut body = load::request(1, 100).0.encode_to_vec();
    body.truncate(body.len() - 3);
    body
}

/// A span whose name is not UTF-8.
pub fn not_utf8() -> Vec<u8> {
    let mut body = load::request(1, 0).0.encode_to_vec();
    let name = b"chat gpt-4o-mini";
    let place = body.windows(name.len()).position(|window| window == name).unwrap();
    body[place] = 0xFF;
    body
}

/// An attribute of 150 lists in one another: more messages than protobuf decoders follow.
pub fn deep_protobuf() -> Vec<u8> {
    let list = |inner| AnyValue { value: Some(Value::ArrayValue(ArrayValue { values: vec![inner] })) };
    let value = (0..150).fold(AnyValue { value: Some(Value::IntValue(1)) }, |inner, _| list(inner));
    let (mut request, _) = load::request(1, 0);
    request.resource_spans[0].scope_spans[0].spans[0].attributes[0].value = Some(value);
    request.encode_to_vec()
}

/// A key with 10,000 lists in one another.
pub fn deep_json(key: &str) -> Vec<u8> {
    format!("{{\"{key}\": {}{}}}", "[".repeat(10_000), "]".repeat(10_000)).into_bytes()
}

/// An attribute of 5,000 lists in one another, 10,000 deep as JSON.
pub fn deep_json_value() -> Vec<u8> {
    let value = format!(
        "{}{{\"intValue\": 1}}{}",
        "{\"arrayValue\": {\"values\": [".repeat(5_000),
        "]}}".repeat(5_000)
    );
    format!(
        "{{\"resourceSpans\": [{{\"resource\": {{\"attributes\": [{{\"key\": \"a\", \"value\": {value}}}]}}}}]}}"
    )
    .into_bytes()
}

/// Three spans of which the third has a span id of three bytes, and the ids of the other two.
pub fn third_span_has_a_bad_id() -> (Vec<u8>, Vec<String>) {
    let (mut request, mut ids) = load::request(3, 0);
    request.resource_spans[0].scope_spans[0].spans[2].span_id = vec![1, 2, 3];
    ids.pop();
    (request.encode_to_vec(), ids)
}

pub fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    flate2::read::GzEncoder::new(plain, flate2::Compression::fast()).read_to_end(&mut body).unwrap();
    body
}

/// 1 GiB of zeros.
pub fn gzip_bomb() -> Vec<u8> {
    let zeros = std::io::BufReader::with_capacity(1 << 20, std::io::repeat(0).take(BOMB_BYTES));
    let mut body = Vec::new();
    flate2::bufread::GzEncoder::new(zeros, flate2::Compression::fast()).read_to_end(&mut body).unwrap();
    body
}

/// 1 GiB of zeros.
pub fn zstd_bomb() -> Vec<u8> {
    zstd::encode_all(std::io::repeat(0).take(BOMB_BYTES), 1).unwrap()
}
