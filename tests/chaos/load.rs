//! Load: clients that send until they are told to end, over gRPC and HTTP, and send again what was not acknowledged.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use prost::Message as _;
use tokio::task::JoinHandle;
use tonic::transport::Channel;

use crate::harness::{Sent, Setup, http, load};

/// How long a client waits before it sends again; less than it is asked to, so that a test sees more attempts.
const PAUSE: Duration = Duration::from_millis(50);
/// How long a client waits for an answer before it takes the outcome for unknown.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long clients go on with what they have when they are told to end.
const LAST_WORDS: Duration = Duration::from_secs(90);

/// What is sent.
#[derive(Clone, Copy)]
pub struct Shape {
    pub clients: usize,
    pub spans: usize,
    pub prompt_bytes: usize,
}

impl Shape {
    /// Enough to keep the log busy.
    pub const USUAL: Self = Self { clients: 4, spans: 5, prompt_bytes: 400 };
    /// Many bytes, so that segments come and go.
    pub const LARGE: Self = Self { clients: 4, spans: 20, prompt_bytes: 4000 };
}

/// Clients at work.
pub struct Load {
    ending: Arc<AtomicBool>,
    clients: Vec<JoinHandle<()>>,
}

impl Load {
    /// Starts the clients. Every other one speaks HTTP; every fourth gives up a request whose outcome is unknown.
    pub fn start(setup: &Setup, sent: &Arc<Sent>, shape: Shape) -> Self {
        let ending = Arc::new(AtomicBool::new(false));
        let client = |number: usize| Client {
            grpc: setup.grpc,
            http: (number % 2 == 1).then_some(setup.http),
            channel: None,
            gives_up: number % 4 == 3,
            sent: sent.clone(),
            ending: ending.clone(),
        };
        let clients = (0..shape.clients).map(|number| tokio::spawn(client(number).run(shape))).collect();
        Self { ending, clients }
    }

    /// Lets every client bring its last request to an end. The collector has to be there.
    pub async fn end(self) {
        self.ending.store(true, Ordering::Relaxed);
        for client in self.clients {
            client.await.unwrap();
        }
    }
}

struct Client {
    grpc: u16,
    http: Option<u16>,
    channel: Option<TraceServiceClient<Channel>>,
    gives_up: bool,
    sent: Arc<Sent>,
    ending: Arc<AtomicBool>,
}

/// What a sender makes of an answer, or of none.
pub enum Answer {
    Acknowledged,
    Later,
    Unknown,
    Wrong(String),
}

impl Client {
    async fn run(mut self, shape: Shape) {
        while !self.ending.load(Ordering::Relaxed) {
            let (request, ids) = load::request(shape.spans, shape.prompt_bytes);
            self.deliver(&request, ids).await;
        }
    }

    /// Sends the same bytes until they are acknowledged.
    async fn deliver(&mut self, request: &ExportTraceServiceRequest, ids: Vec<String>) {
        let mut ends_at = None;
        loop {
            let answer = tokio::time::timeout(PATIENCE, self.send(request)).await;
            match answer.unwrap_or(Answer::Unknown) {
                Answer::Acknowledged => return self.sent.acknowledge(ids),
                Answer::Later => self.sent.refused(),
                Answer::Unknown if self.gives_up => return self.sent.leave_open(ids),
                Answer::Unknown => self.channel = None,
                Answer::Wrong(answer) => {
                    self.sent.complain(answer);
                    return self.sent.leave_open(ids);
                }
            }
            if self.ending.load(Ordering::Relaxed) {
                let now = tokio::time::Instant::now();
                if now > *ends_at.get_or_insert(now + LAST_WORDS) {
                    self.sent.complain("a request was not acknowledged after all was well again".to_owned());
                    return self.sent.leave_open(ids);
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn send(&mut self, request: &ExportTraceServiceRequest) -> Answer {
        match self.http {
            Some(port) => over_http(port, request.encode_to_vec().into()).await,
            None => self.over_grpc(request.clone()).await,
        }
    }

    async fn over_grpc(&mut self, request: ExportTraceServiceRequest) -> Answer {
        if self.channel.is_none() {
            self.channel = load::client(self.grpc).await.ok();
        }
        let Some(channel) = &mut self.channel else { return Answer::Unknown };
        match channel.export(request).await {
            Ok(answer) => judged(&answer.into_inner()),
            // The connection broke.
            Err(status) if std::error::Error::source(&status).is_some() => Answer::Unknown,
            Err(status) if status.code() == tonic::Code::Unavailable && !status.details().is_empty() => {
                Answer::Later
            }
            Err(status) => Answer::Wrong(format!("{status:?}")),
        }
    }
}

/// Sends protobuf over HTTP.
pub async fn over_http(port: u16, body: Bytes) -> Answer {
    let headers = [("content-type", "application/x-protobuf")];
    let Ok(answer) = http::send("POST", port, "/v1/traces", &headers, body).await else {
        return Answer::Unknown;
    };
    match answer.status().as_u16() {
        200 => match ExportTraceServiceResponse::decode(answer.body().clone()) {
            Ok(response) => judged(&response),
            Err(error) => Answer::Wrong(format!("an answer of 200 that is none: {error}")),
        },
        429 | 503 if answer.headers().contains_key("retry-after") => Answer::Later,
        _ => Answer::Wrong(format!("{answer:?}")),
    }
}

fn judged(response: &ExportTraceServiceResponse) -> Answer {
    match &response.partial_success {
        Some(partial) if partial.rejected_spans != 0 => Answer::Wrong(format!("{partial:?}")),
        _ => Answer::Acknowledged,
    }
}
