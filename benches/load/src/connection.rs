//! A connection to a collector, over either protocol of OTLP.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body, Frame, Incoming};
use hyper::client::conn::{http1, http2};
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

use crate::{Answer, Failure, Requests};

const METHOD: &str = "http://127.0.0.1/opentelemetry.proto.collector.trace.v1.TraceService/Export";

/// How requests travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Protocol {
    /// OTLP over gRPC: one connection carries many requests at once.
    Grpc,
    /// OTLP over HTTP/1.1 with protobuf: each request under way has a connection of its own.
    Http,
}

/// A place for one request under way.
pub(crate) enum Connection {
    Grpc(http2::SendRequest<Next>),
    Http(http1::SendRequest<Full<Bytes>>),
}

impl Connection {
    /// Opens places for so many requests at a time.
    pub(crate) async fn open(
        address: &str,
        protocol: Protocol,
        in_flight: usize,
    ) -> Result<Vec<Self>, Failure> {
        match protocol {
            Protocol::Grpc => {
                let stream = TokioIo::new(connect(address).await?);
                let (sender, connection) = http2::handshake(TokioExecutor::new(), stream).await?;
                tokio::spawn(connection);
                Ok((0..in_flight).map(|_| Self::Grpc(sender.clone())).collect())
            }
            Protocol::Http => {
                let mut places = Vec::new();
                for _ in 0..in_flight {
                    let stream = TokioIo::new(connect(address).await?);
                    let (sender, connection) = http1::handshake(stream).await?;
                    tokio::spawn(connection);
                    places.push(Self::Http(sender));
                }
                Ok(places)
            }
        }
    }

    /// Sends the next request and waits for the answer.
    pub(crate) async fn send(&mut self, requests: &Arc<Requests>) -> Answer {
        let answer = match self {
            Self::Grpc(sender) => send_grpc(sender, Next(Some(requests.clone()))).await,
            Self::Http(sender) => send_http(sender, requests.next_body()).await,
        };
        answer.unwrap_or_else(|failure| Answer::none(&failure))
    }
}

/// The next request, which is made when there is room to send it: one that is refused before costs nothing.
pub(crate) struct Next(Option<Arc<Requests>>);

impl Body for Next {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.take().map(|requests| Ok(Frame::data(requests.next()))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_none()
    }
}

async fn connect(address: &str) -> Result<TcpStream, Failure> {
    let stream = TcpStream::connect(address).await;
    let stream = stream.map_err(|error| format!("connect to {address}: {error}"))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

async fn send_grpc(sender: &mut http2::SendRequest<Next>, body: Next) -> Result<Answer, Failure> {
    let request = Request::post(METHOD)
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(body)?;
    sender.ready().await?;
    let response = sender.send_request(request).await?;
    let headers = response.headers().clone();
    let body = response.into_body().collect().await?;
    // A refusal has no body, and its trailers are its headers.
    Ok(Answer::of_grpc(body.trailers().unwrap_or(&headers)))
}

async fn send_http(sender: &mut http1::SendRequest<Full<Bytes>>, body: Bytes) -> Result<Answer, Failure> {
    let request = Request::post("/v1/traces")
        .header("host", "127.0.0.1")
        .header("content-type", "application/x-protobuf")
        .body(Full::new(body))?;
    sender.ready().await?;
    let response: Response<Incoming> = sender.send_request(request).await?;
    let status = response.status();
    let body = response.into_body().collect().await?.to_bytes();
    Ok(Answer::of_http(status, &body))
}
