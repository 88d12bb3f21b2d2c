//! A server of OTLP, by gRPC and HTTP on one port, that answers as it is told to.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io::Read as _;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use bytes::{BufMut as _, Bytes, BytesMut};
use flate2::read::GzDecoder;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use prost::Message as _;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// What is answered.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    Take,
    TakePart { rejected: i64 },
    Away { after: u64 },
    Unauthenticated { echoes: String },
    Never,
}

/// A request as it came, without its framing and compression.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) is_taken: bool,
}

#[derive(Debug, Default)]
struct Shared {
    script: Mutex<VecDeque<Answer>>,
    received: Mutex<Vec<Received>>,
}

/// The server.
pub(crate) struct Backend {
    pub(crate) port: u16,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

impl Backend {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared::default());
        let serving = tokio::spawn(serve(listener, shared.clone()));
        Self { port, shared, serving }
    }

    /// What is answered next; after that everything is taken.
    pub(crate) fn script(&self, answers: impl IntoIterator<Item = Answer>) {
        self.shared.script.lock().unwrap().extend(answers);
    }

    pub(crate) fn requests(&self) -> Vec<Received> {
        self.shared.received.lock().unwrap().clone()
    }

    /// The bodies that were taken.
    pub(crate) fn taken(&self) -> Vec<Bytes> {
        let received = self.requests();
        received.into_iter().filter(|request| request.is_taken).map(|request| request.body).collect()
    }

    pub(crate) async fn stop(self) {
        self.serving.abort();
        let _ = self.serving.await;
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let shared = shared.clone();
        connections.spawn(async move {
            let service = service_fn(move |request| answer(request, shared.clone()));
            let _ = Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    shared: Arc<Shared>,
) -> Result<Response<http_body_util::combinators::BoxBody<Bytes, Infallible>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let is_grpc = head.headers["content-type"] == "application/grpc";
    let encoding = head.headers.get("grpc-encoding").or(head.headers.get("content-encoding"));
    let compressed = if is_grpc { body.slice(5..) } else { body };
    let body = decompressed(encoding.map(|value| value.to_str().unwrap()), &compressed);
    let answer = shared.script.lock().unwrap().pop_front().unwrap_or(Answer::Take);
    let is_taken = matches!(answer, Answer::Take | Answer::TakePart { .. });
    let path = head.uri.path().to_owned();
    shared.received.lock().unwrap().push(Received { path, headers: head.headers, body, is_taken });
    if matches!(answer, Answer::Never) {
        std::future::pending::<()>().await;
    }
    Ok(if is_grpc { by_grpc(&answer) } else { by_http(&answer).map(|body| Full::new(body).boxed()) })
}

fn decompressed(encoding: Option<&str>, bytes: &[u8]) -> Bytes {
    let mut plain = Vec::new();
    match encoding {
        Some("gzip") => drop(GzDecoder::new(bytes).read_to_end(&mut plain).unwrap()),
        Some("zstd") => plain = zstd::decode_all(bytes).unwrap(),
        _ => plain = bytes.to_vec(),
    }
    plain.into()
}

fn message(answer: &Answer) -> Vec<u8> {
    let Answer::TakePart { rejected } = answer else { return Vec::new() };
    let partial =
        ExportTracePartialSuccess { rejected_spans: *rejected, error_message: "they are too old".into() };
    ExportTraceServiceResponse { partial_success: Some(partial) }.encode_to_vec()
}

fn by_http(answer: &Answer) -> Response<Bytes> {
    let response = Response::builder();
    match answer {
        Answer::Away { after } => response.status(503).header("retry-after", *after).body(Bytes::new()),
        Answer::Unauthenticated { echoes } => response.status(401).body(echoes.clone().into()),
        taken => response.header("content-type", "application/x-protobuf").body(message(taken).into()),
    }
    .unwrap()
}

fn by_grpc(answer: &Answer) -> Response<http_body_util::combinators::BoxBody<Bytes, Infallible>> {
    let response = Response::builder().header("content-type", "application/grpc");
    let alone = |response: http::response::Builder| response.body(Full::default().boxed()).unwrap();
    match answer {
        Answer::Away { after } => {
            alone(response.header("grpc-status", 14).header("grpc-status-details-bin", retry_info(*after)))
        }
        Answer::Unauthenticated { echoes } => {
            alone(response.header("grpc-status", 16).header("grpc-message", echoes.as_str()))
        }
        taken => {
            let message = message(taken);
            let mut frame = BytesMut::new();
            frame.put_u8(0);
            frame.put_u32(message.len() as u32);
            frame.put_slice(&message);
            let trailers = HeaderMap::from_iter([("grpc-status".parse().unwrap(), "0".parse().unwrap())]);
            let body = Full::new(frame.freeze()).with_trailers(async { Some(Ok(trailers)) });
            response.body(body.boxed()).unwrap()
        }
    }
}

/// A `google.rpc.Status` with RetryInfo, written by hand: code 14, one detail.
fn retry_info(seconds: u64) -> String {
    let field = |number: u8, bytes: &[u8]| [&[number << 3 | 2, bytes.len() as u8], bytes].concat();
    let info = field(1, &[1 << 3, seconds as u8]);
    let any = [field(1, b"type.googleapis.com/google.rpc.RetryInfo"), field(2, &info)].concat();
    let status = [vec![1 << 3, 14], field(3, &any)].concat();
    base64::engine::general_purpose::STANDARD_NO_PAD.encode(status)
}

/// Trace and span id of every span, in order.
pub(crate) fn span_ids(body: &[u8]) -> Vec<String> {
    let request = ExportTraceServiceRequest::decode(body).unwrap();
    let scopes = request.resource_spans.iter().flat_map(|resource| &resource.scope_spans);
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    scopes.flat_map(|scope| &scope.spans).map(|span| hex(&span.trace_id) + &hex(&span.span_id)).collect()
}
