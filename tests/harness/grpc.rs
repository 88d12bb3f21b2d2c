//! Exports bytes over gRPC exactly as they are, which a typed client would write anew.

use bytes::{BufMut as _, Bytes, BytesMut};
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

/// What a gRPC call ended with.
#[derive(Debug)]
pub struct Ended {
    /// `grpc-status`.
    pub status: i32,
    /// `grpc-message`, percent-encoded.
    pub message: String,
}

/// The export method of a signal.
pub fn method(signal: &str) -> String {
    let service = match signal {
        "traces" => "trace.v1.TraceService",
        "metrics" => "metrics.v1.MetricsService",
        "logs" => "logs.v1.LogsService",
        other => panic!("no such signal: {other}"),
    };
    format!("/opentelemetry.proto.collector.{service}/Export")
}

/// Sends one message and waits for the status.
pub async fn export(port: u16, signal: &str, message: &[u8]) -> Ended {
    let mut frame = BytesMut::with_capacity(message.len() + 5);
    frame.put_u8(0);
    frame.put_u32(message.len() as u32);
    frame.put_slice(message);
    send(port, &method(signal), &[], frame.freeze()).await
}

/// Sends a body that is framed already.
pub async fn send(port: u16, path: &str, headers: &[(&str, &str)], body: Bytes) -> Ended {
    let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let (mut sender, connection) =
        http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    let connection = tokio::spawn(connection);
    let mut request = Request::builder()
        .method("POST")
        .uri(format!("http://127.0.0.1:{port}{path}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = sender.send_request(request.body(Full::new(body)).unwrap()).await.unwrap();
    let head = response.headers().clone();
    let body = response.into_body().collect().await.unwrap();
    // An error before any message may come in the headers alone.
    let trailers = body.trailers().cloned().unwrap_or(head);
    connection.abort();
    let text =
        |name: &str| trailers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
    Ended {
        status: text("grpc-status").parse().expect("an answer has a grpc-status"),
        message: text("grpc-message"),
    }
}
