//! A collector that throws away what it acknowledges: where a peer sends its spans on to.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http_body_util::combinators::WithTrailers;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::HeaderMap;
use hyper::service::service_fn;
use hyper::{Request, Response, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::Failure;

/// An empty message as gRPC frames it: everything was taken.
static TAKEN: [u8; 5] = [0; 5];

/// Takes OTLP over gRPC, and over HTTP with protobuf, until it is dropped.
pub struct Sink {
    port: u16,
    taken_bytes: Arc<AtomicU64>,
    accepting: JoinHandle<()>,
}

impl Sink {
    /// Listens on a free port of the loopback.
    pub async fn start() -> Result<Self, Failure> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let taken_bytes = Arc::new(AtomicU64::new(0));
        let accepting = tokio::spawn(accept(listener, taken_bytes.clone()));
        Ok(Self { port, taken_bytes, accepting })
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Bytes of the requests it took, as they were on the wire.
    pub fn taken_bytes(&self) -> u64 {
        self.taken_bytes.load(Ordering::Relaxed)
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, taken_bytes: Arc<AtomicU64>) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(serve(stream, taken_bytes.clone()));
    }
}

async fn serve(stream: TcpStream, taken_bytes: Arc<AtomicU64>) {
    let service = service_fn(move |request| take(request, taken_bytes.clone()));
    let mut server = auto::Builder::new(TokioExecutor::new());
    server.http2().initial_stream_window_size(1 << 20).initial_connection_window_size(16 << 20);
    // A peer that goes away ends the connection in whatever way.
    let _ = server.serve_connection(TokioIo::new(stream), service).await;
}

type Reply = Response<WithTrailers<Full<Bytes>, Ready<Option<Result<HeaderMap, Infallible>>>>>;

async fn take(request: Request<Incoming>, taken_bytes: Arc<AtomicU64>) -> Result<Reply, Failure> {
    let is_grpc = request.version() == Version::HTTP_2;
    let mut body = request.into_body();
    while let Some(frame) = body.frame().await {
        if let Some(data) = frame?.data_ref() {
            taken_bytes.fetch_add(data.len() as u64, Ordering::Relaxed);
        }
    }
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", "0".parse()?);
    let (bytes, trailers, content_type) = match is_grpc {
        true => (TAKEN.as_slice(), Some(Ok(trailers)), "application/grpc"),
        false => (&[][..], None, "application/x-protobuf"),
    };
    let body = Full::new(Bytes::from_static(bytes)).with_trailers(ready(trailers));
    Ok(Response::builder().header("content-type", content_type).body(body)?)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{Pace, Plan, Protocol, Requests, Shape, send};

    /// Sends for a moment, and says how many requests were acknowledged and how many bytes arrived for each.
    async fn arrived(protocol: Protocol) -> (u64, f64, f64) {
        let sink = Sink::start().await.unwrap();
        let requests = Arc::new(Requests::few(Shape { spans: 4, ..Shape::USUAL }, 1));
        let plan = Plan {
            address: format!("127.0.0.1:{}", sink.port()),
            protocol,
            connections: 2,
            in_flight: 3,
            pace: Pace::PerSecond(100.0),
            time: Duration::from_millis(200),
        };
        let outcome = send(&plan, &requests).await.unwrap();
        assert_eq!((outcome.refused, outcome.failed, outcome.sent() + outcome.unsent), (0, 0, 20));
        let each = sink.taken_bytes() as f64 / outcome.acknowledged as f64;
        (outcome.acknowledged, each, requests.bytes_a_span() * 4.0)
    }

    #[tokio::test]
    async fn what_a_plan_sends_over_grpc_is_acknowledged_and_arrives_whole() {
        let (acknowledged, each, sent) = arrived(Protocol::Grpc).await;
        assert!(acknowledged > 0);
        // With the five bytes that gRPC puts before it.
        assert_eq!(each, sent + 5.0);
    }

    #[tokio::test]
    async fn what_a_plan_sends_over_http_is_acknowledged_and_arrives_whole() {
        let (acknowledged, each, sent) = arrived(Protocol::Http).await;
        assert!(acknowledged > 0);
        assert_eq!(each, sent);
    }
}
