//! A sender whose calls are not understood is told so.

use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use prost::Message as _;

use crate::harness::{Collector, Setup, http, load};

const PROTOBUF: (&str, &str) = ("content-type", "application/x-protobuf");

/// A call without the attributes whose names begin so, of an instrumentation of this name.
fn request(scope: &str, without: &str) -> ExportTraceServiceRequest {
    let (mut request, _) = load::request(1, 0);
    let of_scope = &mut request.resource_spans[0].scope_spans[0];
    of_scope.scope.get_or_insert_default().name = scope.to_owned();
    // Its usual name names the model.
    of_scope.spans[0].name = "ask".to_owned();
    of_scope.spans[0].attributes.retain(|pair| without.is_empty() || !pair.key.starts_with(without));
    request
}

/// Sends it, waits until it is read, and gives what the answer says of it, with nothing rejected.
async fn send(collector: &Collector, request: ExportTraceServiceRequest) -> String {
    let body = request.encode_to_vec();
    let answer = http::send("POST", collector.setup.http, "/v1/traces", &[PROTOBUF], body).await.unwrap();
    let partial = ExportTraceServiceResponse::decode(answer.into_body()).unwrap().partial_success;
    collector.flush().await;
    let partial = partial.unwrap_or_default();
    assert_eq!(partial.rejected_spans, 0, "{partial:?}");
    partial.error_message
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_answer_tells_once_that_the_usage_was_not_understood() {
    let folder = tempfile::tempdir().unwrap();
    let collector = Setup::new(folder.path()).start();
    let without_usage = || request("acme.sdk", "gen_ai.usage.");
    assert_eq!(send(&collector, without_usage()).await, "", "it is not known yet");
    assert_eq!(send(&collector, request("other.sdk", "")).await, "", "it was another");
    let told = send(&collector, without_usage()).await;
    assert!(told.contains("the token usage was not understood"), "{told}");
    assert_eq!(send(&collector, without_usage()).await, "", "it was told within the hour");
    assert!(collector.stop().0.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_is_missed_too_but_not_of_a_call_that_failed() {
    let folder = tempfile::tempdir().unwrap();
    let collector = Setup::new(folder.path()).start();
    let mut failed = request("failing.sdk", "gen_ai.usage.");
    failed.resource_spans[0].scope_spans[0].spans[0].status.get_or_insert_default().code = 2;
    assert_eq!(send(&collector, failed).await, "");
    assert_eq!(send(&collector, request("acme.sdk", "gen_ai.re")).await, "");
    assert_eq!(send(&collector, request("failing.sdk", "")).await, "");
    let told = send(&collector, request("acme.sdk", "")).await;
    assert!(told.contains("the model was not understood"), "{told}");
    assert!(collector.stop().0.success());
}
