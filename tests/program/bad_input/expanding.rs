//! Requests that are small on the wire and large in memory.

use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::trace::v1::span::Event;
use prost::Message as _;

use super::{Door, PROTOBUF};
use crate::harness::load;

/// Nearly what one request may have.
const LARGE_BYTES: usize = 30 << 20;

/// A request of one span with so many attributes and events, and its id.
fn request(attributes: Vec<KeyValue>, events: usize) -> (Vec<u8>, Vec<String>) {
    let (mut request, ids) = load::request(1, 0);
    let span = &mut request.resource_spans[0].scope_spans[0].spans[0];
    span.attributes = attributes;
    span.events = vec![Event::default(); events];
    (request.encode_to_vec(), ids)
}

fn list(values: Vec<AnyValue>) -> KeyValue {
    let value = Value::ArrayValue(ArrayValue { values });
    KeyValue { key: "list".into(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}

fn text(text: String) -> AnyValue {
    AnyValue { value: Some(Value::StringValue(text)) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_of_empty_parts_is_refused() {
    let mut door = Door::open();
    let of_attributes = request(vec![KeyValue::default(); LARGE_BYTES / 2], 0).0;
    let of_elements = request(vec![list(vec![AnyValue::default(); LARGE_BYTES / 2])], 0).0;
    let of_events = request(Vec::new(), LARGE_BYTES / 2).0;
    for body in [of_attributes, of_elements, of_events, request(vec![KeyValue::default(); 5000], 0).0] {
        door.refuses_post(&[PROTOBUF], body, 400, "more items, attributes, events, links and elements").await;
    }
    door.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_of_too_many_spans_is_refused() {
    let mut door = Door::open();
    let (mut request, _) = load::request(1, 0);
    let spans = &mut request.resource_spans[0].scope_spans[0].spans;
    spans[0].attributes.clear();
    *spans = vec![spans[0].clone(); LARGE_BYTES / 100];
    let body = request.encode_to_vec();
    for _ in 0..4 {
        door.refuses_post(&[PROTOBUF], body.clone(), 400, "more than 65536 items in one request").await;
    }
    door.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_is_far_longer_as_json_is_refused() {
    let mut door = Door::open();
    let body = request(vec![list(vec![text("\u{1}".repeat(LARGE_BYTES))])], 0).0;
    for _ in 0..3 {
        door.refuses_post(&[PROTOBUF], body.clone(), 400, "more control characters").await;
    }
    door.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn spans_that_are_as_many_as_are_taken_stay_within_the_budget() {
    let mut door = Door::open();
    for _ in 0..4 {
        let (mut request, ids) = load::request(65_536, 0);
        let spans = &mut request.resource_spans[0].scope_spans[0].spans;
        spans.iter_mut().for_each(|span| span.attributes.clear());
        assert_eq!(door.post(&[PROTOBUF], request.encode_to_vec()).await.status(), 200);
        door.ids.extend(ids);
    }
    door.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_are_as_dense_as_is_taken_stay_within_the_budget_and_their_memory_is_given_back() {
    let mut door = Door::open();
    // A key of 12 bytes and no value: 16 bytes on the wire.
    let attribute = KeyValue { key: "k".repeat(12), ..KeyValue::default() };
    for _ in 0..4 {
        let (body, ids) = request(vec![attribute.clone(); LARGE_BYTES / 16], 0);
        assert_eq!(door.post(&[PROTOBUF], body).await.status(), 200);
        door.ids.extend(ids);
    }
    // What a request may have whatever its size.
    for _ in 0..1000 {
        let (body, ids) = request(vec![KeyValue::default(); 200], 0);
        assert_eq!(door.post(&[PROTOBUF], body).await.status(), 200);
        door.ids.extend(ids);
    }
    door.gives_memory_back().await;
    door.close().await;
}
