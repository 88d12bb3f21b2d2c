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

/// The read buffer of HTTP/1: what a client may send before it is read, and so make us hold.
const READ_BUFFER_BYTES: usize = 64 * 1024;
/// The same of a connection of HTTP/2, its window: what may come in a round trip. The first few, each of which may be a
/// gateway far away, have the most; the least is a frame as all clients send them.
const WINDOW_BYTES_MAX: u32 = 256 * 1024;
const WINDOW_BYTES_MIN: u32 = 16 * 1024;
/// A window between these is this by the number of connections. All windows come to more: each stays as it was given,
/// while there were fewer.
const WINDOWS_BYTES: u32 = 4 << 20;
/// The largest frame of HTTP/2, where the window is as large: each is a piece that has to be handed on. Some clients never
/// send more than 16 KiB.
const FRAME_BYTES_MAX: u32 = 64 * 1024;

/// Requests under way that connections of HTTP/2 share: each takes some KiB beside its body, which no budget counts.
const STREAMS: u32 = 1024;
/// With more, the window of a connection comes in pieces of less than 1 KiB when many are sent at once, and h2 closes a
/// connection on which many small pieces are not read.
const STREAMS_OF_ONE_MAX: u32 = 64;
const STREAMS_OF_ONE_MIN: u32 = 4;

/// Frames of a connection of HTTP/2 that come for requests which were answered before all of them had come, as refusals
/// are: h2 answers each with a reset, and closes a connection that had more. Its own limit of 1024 is reached within seconds
/// of overload, and all that is under way on the connection ends without an answer that says what to do.
const STRAY_FRAMES_MAX: usize = 1 << 16;

/// Serves `handler` on the listener until `stop`, then tells clients to go and waits, a few seconds at most, for what
/// is in flight.
pub async fn serve<H, F, B>(listener: TcpListener, handler: H, stop: CancellationToken)
where
    H: Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<B>> + Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    let mut server = server();
    let graceful = GracefulShutdown::new();
    let free = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    while let Some((stream, slot)) = accept(&listener, &free, &stop).await {
        let handler = handler.clone();
        let service = service_fn(move |request| {
            // What is spawned for a request is moved several times: a pointer, not all that the answer needs on its way.
            let response = Box::pin(handler(request));
            async move { Ok::<_, Infallible>(response.await) }
        });
        let Allowance { streams, window } = Allowance::among(CONNECTIONS_MAX - free.available_permits());
        server
            .http2()
            .max_concurrent_streams(streams)
            .initial_stream_window_size(window)
            .initial_connection_window_size(window)
            .max_frame_size(window.min(FRAME_BYTES_MAX));
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
    server.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).max_buf_size(READ_BUFFER_BYTES);
    server
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIMEOUT)
        .max_local_error_reset_streams(STRAY_FRAMES_MAX);
    server
}

/// What a connection of HTTP/2 may have under way.
struct Allowance {
    /// Requests.
    streams: u32,
    /// Bytes that were sent and are not read, of one request and of all together.
    window: u32,
}

impl Allowance {
    /// That of the next connection, when there are so many with it.
    fn among(connections: usize) -> Self {
        let connections = u32::try_from(connections.max(1)).unwrap_or(u32::MAX);
        Self {
            streams: (STREAMS / connections).clamp(STREAMS_OF_ONE_MIN, STREAMS_OF_ONE_MAX),
            window: (WINDOWS_BYTES / connections).clamp(WINDOW_BYTES_MIN, WINDOW_BYTES_MAX),
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_share_what_no_budget_counts_and_each_has_enough_to_go_on() {
        let allowed: Vec<Allowance> = (1..=CONNECTIONS_MAX).map(Allowance::among).collect();
        assert_eq!((allowed[0].streams, allowed[0].window), (64, 256 * 1024));
        // Pieces of less are too many for h2 when they are not read.
        assert!(allowed.iter().all(|one| one.streams >= 4 && one.window / one.streams >= 1024));
        let of_500: u32 = allowed.iter().take(500).map(|one| one.window).sum();
        assert!(of_500 < 20 << 20, "{of_500} bytes in the windows of 500 connections");
        let of_all: u32 = allowed.iter().map(|one| one.window).sum();
        assert!(of_all < 80 << 20, "{of_all} bytes in all windows");
    }
}
