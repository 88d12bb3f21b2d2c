//! Requests that are small on the wire and large in memory.

use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::trace::v1::span::Event;
use prost::Message as _;

use super::{Door, PROTOBUF};
use crate::harness::load;

/// Half of what one request may have.
const LARGE_BYTES: usize = 16 << 20;

/// A request of one span with so many attributes and events, and its id.
fn request(attributes: Vec<KeyValue>, events: usize) -> (Vec<u8>, Vec<String>) {
    let (mut request, ids) = load::request(1, 0);
    let span = &mut request.resource_spans[0].scope_spans[0].spans[0];
    span.attributes = attributes;
    span.events = vec![Event::default(); events];
    (request.encode_to_vec(), ids)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_of_empty_parts_is_refused() {
    let mut door = Door::open();
    let of_attributes = request(vec![KeyValue::default(); LARGE_BYTES / 2], 0).0;
    let of_events = request(Vec::new(), LARGE_BYTES / 2).0;
    for body in [of_attributes, of_events, request(vec![KeyValue::default(); 5000], 0).0] {
        door.refuses_post(&[PROTOBUF], body, 400, "more items, attributes, events and links").await;
    }
    door.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_are_as_dense_as_is_taken_stay_within_the_budget() {
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
    door.close().await;
}
