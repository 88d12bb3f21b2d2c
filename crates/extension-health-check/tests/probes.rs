//! Probes over a socket, against a host that is as a test wants it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use spanledger_component::{
    Clock, Context, DeadLetter, Error, Extension as _, Host, LetterOutcome, Letters, Replay, Replayed,
    Status, Waiting,
};
use spanledger_extension_health_check::{Config, HealthCheck};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

#[derive(Default)]
struct FakeHost {
    started: AtomicBool,
    refuses: Mutex<Option<String>>,
}

#[async_trait]
impl Host for FakeHost {
    fn status(&self) -> Status {
        Status::default()
    }

    fn started(&self) -> bool {
        self.started.load(Ordering::Relaxed)
    }

    fn ready(&self) -> Result<(), String> {
        self.refuses.lock().unwrap().clone().map_or(Ok(()), Err)
    }

    async fn flush(&self, _branch: Option<&str>, _timeout: Duration) -> Result<(), Vec<Waiting>> {
        Ok(())
    }

    async fn replay_dead_letters(&self, _: &Letters, _: Duration) -> Vec<LetterOutcome> {
        Vec::new()
    }

    async fn drop_dead_letters(&self, _: &Letters, _: Duration) -> Vec<LetterOutcome> {
        Vec::new()
    }

    fn dead_letters(&self) -> Vec<DeadLetter> {
        Vec::new()
    }

    async fn replay(&self, _: &Replay, _: Duration) -> Result<Replayed, Error> {
        Ok(Replayed::default())
    }

    async fn drain(&self, _timeout: Duration) -> Result<(), Vec<Waiting>> {
        Ok(())
    }
}

#[derive(Debug)]
struct Still;

impl Clock for Still {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)
    }
}

async fn serve(config: &str, host: Arc<FakeHost>) -> (SocketAddr, CancellationToken) {
    let mut config: Config = serde_json::from_str(config).unwrap();
    config.endpoint = "127.0.0.1:0".parse().unwrap();
    let context = Context { clock: Arc::new(Still), ..Context::new("health_check".parse().unwrap()) };
    let mut health = Box::new(HealthCheck::new(&config, &context));
    let host: Arc<dyn Host> = host;
    health.start(&host).await.unwrap();
    let address = health.address().unwrap();
    let stop = CancellationToken::new();
    tokio::spawn(health.run(host, stop.clone()));
    (address, stop)
}

/// The status line's number and the body.
async fn request(address: SocketAddr, method: &str, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!("{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

#[tokio::test]
async fn liveness_is_refused_only_before_the_start_is_done() {
    let host = Arc::new(FakeHost::default());
    let (address, _stop) = serve("{}", host.clone()).await;
    let not_yet = r#"{"status":"Server not available","upSince":"0001-01-01T00:00:00Z","uptime":""}"#;
    assert_eq!(request(address, "GET", "/").await, (503, not_yet.to_owned()));
    host.started.store(true, Ordering::Relaxed);
    *host.refuses.lock().unwrap() = Some("disk full".into());
    let available = r#"{"status":"Server available","upSince":"2023-11-14T22:13:20Z","uptime":"0s"}"#;
    assert_eq!(request(address, "GET", "/").await, (200, available.to_owned()));
}

#[tokio::test]
async fn readiness_follows_intake_and_says_why_not() {
    let host = Arc::new(FakeHost::default());
    let (address, _stop) = serve("{}", host.clone()).await;
    assert_eq!(request(address, "GET", "/ready").await.0, 503);
    host.started.store(true, Ordering::Relaxed);
    assert_eq!(request(address, "GET", "/ready").await.0, 200);
    *host.refuses.lock().unwrap() = Some("disk full".into());
    let (code, body) = request(address, "GET", "/ready").await;
    assert_eq!((code, body.contains("disk full")), (503, true));
}

#[tokio::test]
async fn own_bodies_and_an_own_path_are_used() {
    let host = Arc::new(FakeHost::default());
    let config = r#"{"path": "/live", "response_body": {"healthy": "fine", "unhealthy": "starting"}}"#;
    let (address, _stop) = serve(config, host.clone()).await;
    assert_eq!(request(address, "GET", "/live").await, (503, "starting".to_owned()));
    host.started.store(true, Ordering::Relaxed);
    assert_eq!(request(address, "GET", "/live").await, (200, "fine".to_owned()));
    assert_eq!(request(address, "GET", "/").await.0, 404);
    assert_eq!(request(address, "POST", "/live").await.0, 405);
}

/// Asks on this thread, and so blocks the test's runtime, which has no other: only another thread can answer.
fn blocking_request(address: SocketAddr) -> String {
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    std::io::Write::write_all(&mut stream, b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        .unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut answer = String::new();
    std::io::Read::read_to_string(&mut stream, &mut answer).unwrap();
    answer
}

#[tokio::test]
async fn probes_are_answered_while_the_collector_s_own_runtime_is_blocked() {
    let host = Arc::new(FakeHost::default());
    host.started.store(true, Ordering::Relaxed);
    let (address, _stop) = serve("{}", host).await;
    let answer = blocking_request(address);
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[tokio::test]
async fn it_ends_when_it_is_stopped() {
    let (address, stop) = serve("{}", Arc::default()).await;
    request(address, "GET", "/").await;
    stop.cancel();
    // The listener is closed once the thread has seen the stop; until then connections are taken or reset.
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
}
