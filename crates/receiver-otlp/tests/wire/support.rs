//! A receiver on free ports before a door that is in memory.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use spanledger_component::{
    Accepted, Budget, Context, Door, Error, Intake, Receiver as _, Refused, Request, Reservation, Signal,
};
use spanledger_receiver_otlp::{Config, Otlp};
use spanledger_telemetry::Meter;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

/// The largest request that the door takes.
pub(crate) const BYTES_MAX: usize = 1024 * 1024;

/// What the door is to say to the next requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Mood {
    /// Takes everything in.
    Takes,
    /// Takes a request in, and rejects some of its items.
    Rejects(u64, &'static str),
    /// Finds the bytes to be no message.
    Malformed,
    /// Has no room.
    Full,
    DiskFull,
    /// Is stopping.
    Stopping,
}

/// A door that remembers what came through.
#[derive(Debug)]
pub(crate) struct FakeDoor {
    /// What came through.
    pub(crate) taken: Mutex<Vec<(Signal, Bytes)>>,
    /// What it says.
    pub(crate) mood: Mutex<Mood>,
    /// What it may promise.
    pub(crate) budget: Budget,
    /// The most that was promised at a time.
    pub(crate) most_bytes: AtomicUsize,
}

/// The door is shared with the test.
#[derive(Debug, Clone)]
pub(crate) struct Shared(Arc<FakeDoor>);

#[async_trait]
impl Door for Shared {
    async fn reserve(&self, bytes: usize) -> Result<Reservation, Refused> {
        let after = Duration::from_secs(2);
        match *self.0.mood.lock().unwrap() {
            Mood::Full => return Err(Refused::Full { reason: "memory".into(), after, items: 0 }),
            Mood::Stopping => return Err(Refused::Stopping { after, items: 0 }),
            _ => {}
        }
        let permit = self.0.budget.reserve(bytes, Duration::from_secs(1)).await;
        let permit = permit.ok_or(Refused::Full { reason: "memory".into(), after, items: 0 })?;
        Ok(Reservation::new(permit, BYTES_MAX))
    }

    async fn accept(&self, request: Request, room: Reservation) -> Result<Accepted, Refused> {
        let promised = self.0.budget.bytes_max() - self.0.budget.bytes_free();
        self.0.most_bytes.fetch_max(promised, Ordering::Relaxed);
        drop(room);
        let mood = self.0.mood.lock().unwrap().clone();
        let (rejected, message) = match mood {
            Mood::Rejects(rejected, message) => (rejected, message.to_owned()),
            Mood::DiskFull => {
                let after = Duration::from_secs(2);
                return Err(Refused::Full { reason: "the log".into(), after, items: 10 });
            }
            Mood::Malformed => {
                let error = Error::new("resourceSpans[0]: ends within a value, at byte 7");
                return Err(Refused::Malformed(error));
            }
            _ => (0, String::new()),
        };
        self.0.taken.lock().unwrap().push((request.signal, request.body));
        // One id is dropped of every request.
        Ok(Accepted { items: 10, rejected, dropped_ids: 1, is_repeat: false, message })
    }

    fn takes(&self, signal: Signal) -> bool {
        signal != Signal::Metrics
    }
}

/// A receiver that runs until it is dropped. No pipeline takes metrics.
pub(crate) struct Running {
    /// Where it takes gRPC.
    pub(crate) grpc: SocketAddr,
    /// Where it takes HTTP.
    pub(crate) http: SocketAddr,
    /// What is behind it.
    pub(crate) door: Arc<FakeDoor>,
    /// What it counts.
    pub(crate) meter: Meter,
    stop: CancellationToken,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Running {
    /// With the default settings.
    pub(crate) async fn start() -> Self {
        Self::with("{}", "{}").await
    }

    /// With these settings of gRPC and HTTP.
    pub(crate) async fn with(grpc: &str, http: &str) -> Self {
        let yaml = format!("protocols: {{grpc: {grpc}, http: {http}}}");
        let mut config: Config = serde_saphyr::from_str(&yaml).unwrap();
        let free = "127.0.0.1:0".parse::<spanledger_component::settings::Endpoint>().unwrap();
        config.protocols.grpc.as_mut().unwrap().endpoint = free.clone();
        config.protocols.http.as_mut().unwrap().endpoint = free;
        let meter = Meter::default();
        let context = Context { meter: meter.clone(), ..Context::new("otlp".parse().unwrap()) };
        let mut receiver = Box::new(Otlp::new(&config, &context));
        receiver.start().await.unwrap();
        let (grpc, http) = (receiver.grpc_address().unwrap(), receiver.http_address().unwrap());
        let door = Arc::new(FakeDoor {
            taken: Mutex::default(),
            mood: Mutex::new(Mood::Takes),
            budget: Budget::new(4 * BYTES_MAX),
            most_bytes: AtomicUsize::new(0),
        });
        let stop = CancellationToken::new();
        tokio::spawn(receiver.run(Intake::new(Shared(door.clone())), stop.clone()));
        Self { grpc, http, door, meter, stop }
    }

    /// From now on the door says this.
    pub(crate) fn mood(&self, mood: Mood) {
        *self.door.mood.lock().unwrap() = mood;
    }

    /// What came through the door, in order.
    pub(crate) fn taken(&self) -> Vec<(Signal, Bytes)> {
        self.door.taken.lock().unwrap().clone()
    }

    /// What a counter has come to, over all series whose labels have these values.
    pub(crate) fn count(&self, name: &str, values: &[&str]) -> f64 {
        let families = self.meter.collect();
        let samples = families.iter().filter(|family| family.name == name).flat_map(|family| &family.samples);
        let chosen = samples.filter(|sample| {
            values.iter().all(|value| sample.labels.iter().any(|(_, found)| found == value))
        });
        chosen.map(|sample| sample.value).sum()
    }

    /// Sends a request of HTTP/1.1 as it is written here, and reads the answer.
    pub(crate) async fn send(&self, line: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(self.http).await.unwrap();
        stream.write_all(head(line, headers, body.len()).as_bytes()).await.unwrap();
        stream.write_all(body).await.unwrap();
        Answer::read(&mut stream).await
    }
}

/// The head of a request that has a body of that size.
pub(crate) fn head(line: &str, headers: &[(&str, &str)], body_bytes: usize) -> String {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!(
        "{line} HTTP/1.1\r\nhost: x\r\ncontent-length: {body_bytes}\r\nconnection: close\r\n{headers}\r\n"
    )
}

/// An answer of HTTP/1.1.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The status.
    pub(crate) code: u16,
    head: String,
    /// The body.
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// Reads until the connection is closed.
    pub(crate) async fn read(stream: &mut TcpStream) -> Self {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.unwrap();
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").expect("an answer has a head");
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap().to_lowercase();
        let code = head.split(' ').nth(1).unwrap().parse().unwrap();
        Self { code, head, body: bytes[end + 4..].to_vec() }
    }

    /// The value of a header; empty when it is not there.
    pub(crate) fn header(&self, name: &str) -> &str {
        let line = self.head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
        line.unwrap_or_default()
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }
}
