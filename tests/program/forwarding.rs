//! One collector sends on to another, as to any backend that takes OTLP.

use prost::Message as _;

use super::lake;
use crate::harness::{Collector, Setup, http, load};

const PROTOBUF: (&str, &str) = ("content-type", "application/x-protobuf");
const REQUESTS: usize = 20;
const SPANS: usize = 3;

/// A collector that only sends on.
const FRONT: &str = "
receivers:
  otlp: {protocols: {grpc: , http: }}
extensions: {wal: , admin: }
exporters:
  KIND:
    endpoint: http://127.0.0.1:PORT
    headers: {authorization: Bearer sk-of-the-test}
    sending_queue: {queue_size: 100}
service:
  memory: 256MiB
  extensions: [wal, admin]
  pipelines:
    traces: {receivers: [otlp], exporters: [KIND]}
";

/// By gRPC and by HTTP, each under its older and its newer name.
const KINDS: [&str; 4] = ["otlp", "otlp_http", "otlp_grpc", "otlphttp"];

fn front(folder: &std::path::Path, kind: &str, back: &Setup) -> Setup {
    let port = if kind.ends_with("http") { back.http } else { back.grpc };
    Setup::new(folder).config(&FRONT.replace("KIND", kind).replace("PORT", &port.to_string()))
}

async fn send(collector: &Collector, requests: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for _ in 0..requests {
        let (request, sent) = load::request(SPANS, 100);
        let body = request.encode_to_vec();
        let answer = http::send("POST", collector.setup.http, "/v1/traces", &[PROTOBUF], body).await.unwrap();
        assert_eq!(answer.status(), 200, "{answer:?}");
        ids.extend(sent);
    }
    ids
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_that_comes_back_gets_everything_that_was_sent_meanwhile() {
    for kind in KINDS {
        let (folder, back_folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let back = Setup::new(back_folder.path());
        let front = front(folder.path(), kind, &back).start();
        let mut ids = send(&front, REQUESTS).await;
        front.wait_for("delivery failed, will try again");
        let back = back.start();
        front.flush().await;
        ids.extend(send(&front, REQUESTS).await);
        front.flush().await;
        back.flush().await;
        ids.sort();
        assert_eq!(lake::span_ids(&back.setup.lake()), ids, "{kind}");
        let (status, log) = front.stop();
        assert!(status.success());
        assert!(!log.contains("sk-of-the-test"), "{log}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_collector_sends_again_is_recognised_by_the_next() {
    let (folder, back_folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let back = Setup::new(back_folder.path()).start();
    let setup = front(folder.path(), "otlp", &back.setup);
    let mut ids = Vec::new();
    for _ in 0..3 {
        let front = setup.start();
        ids.extend(send(&front, REQUESTS).await);
        front.kill();
    }
    let front = setup.start();
    front.flush().await;
    back.flush().await;
    ids.sort();
    assert_eq!(lake::span_ids(&back.setup.lake()), ids);
}

#[test]
fn what_became_of_the_keys_of_a_queue_is_said_and_headers_are_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let back = Setup::new(folder.path());
    let setup = front(folder.path(), "otlphttp", &back);
    let run = |words: &[&str]| {
        let output = setup.command(words).output().unwrap();
        String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap()
    };
    let said = run(&["validate"]);
    assert!(
        said.contains(
            "exporters::otlphttp::sending_queue: accepted, and without effect: the log is the queue"
        ),
        "{said}"
    );
    let printed = run(&["print-config"]);
    assert!(
        printed.contains("authorization: \"[REDACTED]\"") && !printed.contains("sk-of-the-test"),
        "{printed}"
    );
}
