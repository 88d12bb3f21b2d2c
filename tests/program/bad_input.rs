//! Bad input gets its status and a clear message, takes no memory, and does not keep the next request from succeeding.

mod bodies;
mod expanding;
mod grpc;
mod http;

use std::time::Duration;

use bytes::Bytes;
use hyper::Response;
use prost::Message as _;
use serde_json::Value;

use crate::harness::{self, Collector, Setup, load};
use crate::program::lake;

/// What `Setup` gives the collector, and what it may take beyond that.
const MEMORY_BYTES: u64 = (256 + 128) << 20;

const PROTOBUF: (&str, &str) = ("content-type", "application/x-protobuf");
const JSON: (&str, &str) = ("content-type", "application/json");

type Headers<'a> = &'a [(&'a str, &'a str)];

/// A collector that is sent bad requests, and a good one over each protocol after each of them.
struct Door {
    collector: Collector,
    /// The span ids of what was accepted.
    ids: Vec<String>,
    _folder: tempfile::TempDir,
}

impl Door {
    fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { collector: Setup::new(folder.path()).start(), ids: Vec::new(), _folder: folder }
    }

    async fn post(&self, headers: Headers<'_>, body: impl Into<Bytes>) -> Response<Bytes> {
        let port = self.collector.setup.http;
        harness::http::send("POST", port, "/v1/traces", headers, body).await.unwrap()
    }

    /// A POST to `/v1/traces` gets this status and a message with this part, in its own encoding.
    async fn refuses_post(&mut self, headers: Headers<'_>, body: impl Into<Bytes>, status: u16, part: &str) {
        let answer = self.post(headers, body).await;
        let encoding = if headers.contains(&PROTOBUF) { PROTOBUF.1 } else { JSON.1 };
        assert_eq!(answer.headers()["content-type"], encoding, "{part}");
        assert_eq!(answer.status(), status, "{part}: {}", message(&answer));
        assert!(message(&answer).contains(part), "{part}: {}", message(&answer));
        assert!(!answer.headers().contains_key("retry-after"), "{part}: it would be sent again");
        self.takes_what_is_good().await;
    }

    /// A call of the traces service gets this status and a message with this part.
    async fn refuses_call(&mut self, headers: Headers<'_>, body: Bytes, status: i32, part: &str) {
        let method = harness::grpc::method("traces");
        let ended = harness::grpc::send(self.collector.setup.grpc, &method, headers, body).await;
        assert_eq!(ended.status, status, "{part}: {}", ended.message);
        assert!(ended.message.contains(part), "{part}: {}", ended.message);
        self.takes_what_is_good().await;
    }

    async fn takes_what_is_good(&mut self) {
        let (request, ids) = load::request(1, 100);
        let answer = self.post(&[PROTOBUF], request.encode_to_vec()).await;
        assert_eq!((answer.status().as_u16(), answer.body().len()), (200, 0), "{answer:?}");
        self.ids.extend(ids);
        let (request, ids) = load::request(1, 100);
        let ended =
            harness::grpc::export(self.collector.setup.grpc, "traces", &request.encode_to_vec()).await;
        assert_eq!(ended.status, 0, "{ended:?}");
        self.ids.extend(ids);
    }

    /// Less than half of what it took at most stays resident once all is delivered.
    async fn gives_memory_back(&self) {
        self.collector.flush().await;
        let shrinks = async {
            while self.collector.resident_bytes() > self.collector.peak_resident_bytes() / 2 {
                self.collector.status().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), shrinks).await.expect("memory is given back");
    }

    /// Everything that was good was delivered, nothing else was, and memory stayed within its bounds.
    async fn close(mut self) {
        self.takes_what_is_good().await;
        self.collector.flush().await;
        let peak = self.collector.peak_resident_bytes();
        assert!(peak < MEMORY_BYTES, "{} MiB were resident", peak >> 20);
        self.ids.sort();
        assert_eq!(lake::span_ids(&self.collector.setup.lake()), self.ids);
        assert!(self.collector.stop().0.success());
    }
}

/// `google.rpc.Status`, without its details.
#[derive(Clone, PartialEq, prost::Message)]
struct Status {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
}

/// The message of an error, from a body in the encoding that the answer names.
fn message(answer: &Response<Bytes>) -> String {
    match answer.headers()["content-type"].to_str().unwrap() {
        "application/x-protobuf" => Status::decode(answer.body().as_ref()).unwrap().message,
        "application/json" => {
            let status: Value = serde_json::from_slice(answer.body()).unwrap();
            status["message"].as_str().unwrap_or_else(|| panic!("no message: {status}")).to_owned()
        }
        other => panic!("an error in {other}"),
    }
}
