//! Senders: gRPC calls over several connections, each with several requests under way.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::Failure;
use crate::load::Load;

const METHOD: &str = "http://127.0.0.1/opentelemetry.proto.collector.trace.v1.TraceService/Export";

/// Sends for so long, and says how many milliseconds each acknowledgement took.
pub(crate) async fn send(
    load: &Arc<Load>,
    port: u16,
    connections: usize,
    streams: usize,
    time: Duration,
) -> Result<Vec<f64>, Failure> {
    let mut served = JoinSet::new();
    let mut exporting = JoinSet::new();
    let until = Instant::now() + time;
    for _ in 0..connections {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
        served.spawn(connection);
        for _ in 0..streams {
            exporting.spawn(export_until(load.clone(), sender.clone(), until));
        }
    }
    let mut waits = Vec::new();
    while let Some(exported) = exporting.join_next().await {
        waits.extend(exported??);
    }
    Ok(waits)
}

async fn export_until(
    load: Arc<Load>,
    mut sender: SendRequest<Full<Bytes>>,
    until: Instant,
) -> Result<Vec<f64>, Failure> {
    let mut waits = Vec::new();
    while Instant::now() < until {
        let body = Full::new(Bytes::from(load.frame()));
        let started = Instant::now();
        export(&mut sender, body).await?;
        waits.push(started.elapsed().as_secs_f64() * 1e3);
    }
    Ok(waits)
}

async fn export(sender: &mut SendRequest<Full<Bytes>>, body: Full<Bytes>) -> Result<(), Failure> {
    let request = Request::post(METHOD)
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(body)?;
    sender.ready().await?;
    let response = sender.send_request(request).await?;
    let headers = response.headers().clone();
    let body = response.into_body().collect().await?;
    // A refusal has no body, and its trailers are its headers.
    let trailers = body.trailers().unwrap_or(&headers);
    match trailers.get("grpc-status") {
        Some(status) if status == "0" => Ok(()),
        _ => Err(format!("refused: {trailers:?}").into()),
    }
}
