//! A sender that never saw its answer sends the same request again.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message as _;

use super::lake;
use crate::harness::{Collector, Setup, grpc, http, load};

const PROTOBUF: (&str, &str) = ("content-type", "application/x-protobuf");
const SPANS: usize = 3;

/// Sends over HTTP; gives the message of the answer.
async fn send(collector: &Collector, body: &[u8]) -> String {
    let answer =
        http::send("POST", collector.setup.http, "/v1/traces", &[PROTOBUF], body.to_vec()).await.unwrap();
    assert_eq!(answer.status(), 200, "{answer:?}");
    let partial = ExportTraceServiceResponse::decode(answer.into_body()).unwrap().partial_success;
    let partial = partial.unwrap_or_default();
    assert_eq!(partial.rejected_spans, 0);
    partial.error_message
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_sent_again_is_stored_and_counted_once() {
    let folder = tempfile::tempdir().unwrap();
    let setup = Setup::new(folder.path());
    let collector = setup.start();
    let (request, sent) = load::request(SPANS, 100);
    let body = request.encode_to_vec();
    assert_eq!(send(&collector, &body).await, "");
    let message = send(&collector, &body).await;
    assert!(message.contains("stored before and is not stored again"), "{message}");
    let over_grpc = grpc::export(collector.setup.grpc, "traces", &body).await;
    assert_eq!(over_grpc.status, 0, "{over_grpc:?}");
    let metrics = http::get(collector.setup.own_metrics, "/metrics").await;
    let counted = |name: &str| metrics.lines().find(|line| line.starts_with(name)).unwrap().to_owned();
    assert!(
        counted("spanledger_receiver_repeated_spans{receiver=\"otlp\",transport=\"http\"").ends_with(" 3")
    );
    assert!(counted("otelcol_receiver_accepted_spans{receiver=\"otlp\",transport=\"http\"").ends_with(" 3"));
    assert_eq!(counted("spanledger_log_repeat_window_seconds"), "spanledger_log_repeat_window_seconds 900");
    collector.kill();

    let collector = setup.start();
    let message = send(&collector, &body).await;
    assert!(message.contains("stored before"), "after a crash: {message}");
    let (another, sent_later) = load::request(SPANS, 100);
    assert_eq!(send(&collector, &another.encode_to_vec()).await, "");
    collector.flush().await;
    let mut ids = [sent, sent_later].concat();
    ids.sort();
    assert_eq!(lake::span_ids(&setup.lake()), ids);
    assert_eq!(collector.status().await["log"]["accepted_items"], 2 * SPANS as i64);
    assert!(collector.stop().0.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_is_told_of_parent_ids_that_are_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let collector = Setup::new(folder.path()).start();
    let (mut request, _) = load::request(SPANS, 100);
    for span in &mut request.resource_spans[0].scope_spans[0].spans {
        span.parent_span_id = vec![1, 2, 3];
    }
    let message = send(&collector, &request.encode_to_vec()).await;
    assert_eq!(message, "parent ids or links that are no ids, and are left out: 3");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_window_every_request_is_stored() {
    let folder = tempfile::tempdir().unwrap();
    let collector = Setup::new(folder.path()).set("extensions.wal.repeat_window=0s").start();
    let body = load::request(SPANS, 100).0.encode_to_vec();
    assert_eq!([send(&collector, &body).await, send(&collector, &body).await], ["", ""]);
    assert_eq!(collector.status().await["log"]["accepted_items"], 2 * SPANS as i64);
}
