//! Serves a listener until stop: HTTP/1.1 and HTTP/2 on one port, then lets requests in flight finish.

use std::convert::Infallible;
use std::error::Error as StdError;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tracing::debug;

/// How long requests in flight may take after stop.
const GRACE: Duration = Duration::from_secs(5);

/// How long a client may take to send the head of a request, and may keep a connection idle: longer than the minute
/// at which SDKs send metrics, so that a request does not meet a connection that is just being closed.
const HEAD_TIMEOUT: Duration = Duration::from_secs(120);

/// How often a silent HTTP/2 client is asked whether it is still there, and how long it may take to answer.
const PING_INTERVAL: Duration = Duration::from_secs(60);
const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// Connections at a time; further ones wait to be accepted. Each may hold a window of bytes that no budget counts.
const CONNECTIONS_MAX: usize = 4096;

/// A window of HTTP/2, and the read buffer of HTTP/1: what a client may send before it is read, and so make us hold.
const WINDOW_BYTES: u32 = 64 * 1024;

/// Serves `handler` on the listener until `stop`, then tells clients to go and waits, a few seconds at most, for what
/// is in flight.
pub async fn serve<H, F, B>(listener: TcpListener, handler: H, stop: CancellationToken)
where
    H: Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<B>> + Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    let server = server();
    let graceful = GracefulShutdown::new();
    let free = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    while let Some((stream, slot)) = accept(&listener, &free, &stop).await {
        let handler = handler.clone();
        let service = service_fn(move |request| {
            // What is spawned for a request is moved several times: a pointer, not all that the answer needs on its way.
            let response = Box::pin(handler(request));
            async move { Ok::<_, Infallible>(response.await) }
        });
        let connection = server.serve_connection(TokioIo::new(stream), service).into_owned();
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                debug!(%error, "connection ended");
            }
            drop(slot);
        });
    }
    drop(listener);
    let _ = tokio::time::timeout(GRACE, graceful.shutdown()).await;
}

fn server() -> auto::Builder<TokioExecutor> {
    let mut server = auto::Builder::new(TokioExecutor::new());
    server
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(WINDOW_BYTES as usize);
    server
        .http2()
        .timer(TokioTimer::new())
        .initial_stream_window_size(WINDOW_BYTES)
        .initial_connection_window_size(WINDOW_BYTES)
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIMEOUT)
        .max_concurrent_streams(256);
    server
}

/// The next connection and its slot, or `None` once stop was called.
async fn accept(
    listener: &TcpListener,
    free: &Arc<Semaphore>,
    stop: &CancellationToken,
) -> Option<(TcpStream, OwnedSemaphorePermit)> {
    let slot = stop.run_until_cancelled(free.clone().acquire_owned()).await?.ok()?;
    loop {
        let accepted = stop.run_until_cancelled(listener.accept()).await?;
        match accepted {
            Ok((stream, _)) => {
                let _ = stream.set_nodelay(true);
                return Some((stream, slot));
            }
            Err(error) => {
                // Out of file descriptors, most likely: wait for some to be closed instead of spinning.
                debug!(%error, "accept failed");
                stop.run_until_cancelled(tokio::time::sleep(Duration::from_millis(100))).await;
            }
        }
    }
}
