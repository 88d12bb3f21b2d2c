//! Extensions: what serves the collector itself, and what they can ask of it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::{Context, Error, Position, Replay, Replayed, Stability};

/// Serves the collector itself: health, administration, the settings of the log.
#[async_trait]
pub trait Extension: Send {
    /// Opens what it listens on, before anything else of the collector starts. What has a thread of its own may answer
    /// from then on.
    async fn start(&mut self, host: &Arc<dyn Host>) -> Result<(), Error> {
        let _ = host;
        Ok(())
    }

    /// Serves until `stop`. An error ends the collector.
    async fn run(self: Box<Self>, host: Arc<dyn Host>, stop: CancellationToken) -> Result<(), Error>;

    /// The settings of the log, from the extension that has them.
    fn wal(&self) -> Option<WalSettings> {
        None
    }
}

/// Where the log is and how large it may grow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WalSettings {
    /// Its folder.
    pub directory: PathBuf,
    /// The most it may take on disk; `None`: the smaller of 10 GiB and 80 % of the volume.
    pub max_bytes: Option<u64>,
    /// How long delivered segments are kept for replay.
    pub retain: Duration,
    /// Whether records carry what a damaged one is repaired from, a fifteenth of their size.
    pub parity: bool,
    /// How long a request is remembered, so that it is not stored again when its sender repeats it; zero: not at all.
    pub repeat_window: Duration,
}

/// Which dead letters: all, those of a branch, or one of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Letters {
    /// Of this exporter or connector.
    pub branch: Option<String>,
    /// Of this record in the log.
    pub position: Option<Position>,
}

/// What became of a dead letter that was tried again, or was to be given up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LetterOutcome {
    /// Of which branch.
    pub branch: String,
    /// Of which record in the log.
    pub position: Position,
    /// Why it is a dead letter still; `None`: it is none any more.
    pub error: Option<String>,
}

/// What an extension can ask of the running collector.
#[async_trait]
pub trait Host: Send + Sync {
    /// The safe points and the lag of every branch.
    fn status(&self) -> Status;

    /// Whether the start is done: listeners are open and the log can be appended to. Never waits.
    fn started(&self) -> bool;

    /// Whether intake takes requests now, and will take those that come next; the reason when it does not. Never waits.
    fn ready(&self) -> Result<(), String>;

    /// Waits until everything accepted before the call is delivered by the branch (by all when `None`) and folded by
    /// connectors. After `timeout`, or for an unknown branch, says what still waits.
    async fn flush(&self, branch: Option<&str>, timeout: Duration) -> Result<(), Vec<Waiting>>;

    /// The newest records that could not be delivered, by branch, oldest first.
    fn dead_letters(&self) -> Vec<DeadLetter>;

    /// Tries dead letters again, and waits for what becomes of them. Each is delivered to its branch alone.
    async fn replay_dead_letters(&self, which: &Letters, timeout: Duration) -> Vec<LetterOutcome>;

    /// Gives dead letters up for good: their items count as dropped, and their files are removed.
    async fn drop_dead_letters(&self, which: &Letters, timeout: Duration) -> Vec<LetterOutcome>;

    /// Gives records that the log still holds to an exporter once more, for as long as `timeout` at most. An error when
    /// nothing can be replayed as asked for.
    async fn replay(&self, what: &Replay, timeout: Duration) -> Result<Replayed, Error>;

    /// Takes no more requests in, for good, and waits until nothing waits for delivery. After `timeout`, says what
    /// still does; it goes on being delivered.
    async fn drain(&self, timeout: Duration) -> Result<(), Vec<Waiting>>;
}

/// What a branch has not delivered yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// Which branch.
    pub branch: String,
    /// The first position that is not delivered.
    pub from: Position,
    /// Spans, log records and points that wait.
    pub items: u64,
    /// The last error of a delivery, if that is why.
    pub error: Option<String>,
}

/// The safe points of the log and of every branch.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// Of the program.
    pub version: String,
    /// Whether intake takes requests.
    pub ready: bool,
    /// The log.
    pub log: LogStatus,
    /// Every exporter and connector that reads the log.
    pub branches: Vec<BranchStatus>,
}

/// The log's side of the status.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LogStatus {
    /// Its identity, 32 hex digits.
    pub id: String,
    /// Its folder.
    pub directory: PathBuf,
    /// The last durable position; 0 when the log is empty.
    pub durable: Position,
    /// Spans, log records and points that were accepted since the log was made.
    pub accepted_items: u64,
    /// What it takes on disk.
    pub bytes: u64,
    /// The most it may take.
    pub max_bytes: u64,
}

/// One branch's side of the status.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct BranchStatus {
    /// The exporter or connector id.
    pub id: String,
    /// The last delivered position; 0 when nothing is.
    pub delivered: Position,
    /// Spans, log records and points that wait.
    pub waiting_items: u64,
    /// Their bytes in the log.
    pub waiting_bytes: u64,
    /// How long the oldest of them has waited, in seconds.
    pub oldest_seconds: f64,
    /// Records that went to the dead letters.
    pub dead_letters: u64,
    /// What became of everything that was accepted for it.
    pub ledger: Ledger,
    /// Why the last delivery failed, while it fails.
    pub error: Option<String>,
}

/// The loss ledger of a branch: spans, log records and points since the branch began. What was accepted is delivered,
/// waiting, dead-lettered, quarantined or dropped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    /// What is durable and meant for it.
    pub accepted: u64,
    /// What its target has taken, or a connector has folded.
    pub delivered: u64,
    /// What is neither delivered nor given up yet.
    pub waiting: u64,
    /// What it can never take.
    pub dead_lettered: u64,
    /// What is damaged on disk beyond repair.
    pub quarantined: u64,
    /// What the configuration drops.
    pub dropped: u64,
    /// How much the log counted more, or less, than the branch accounts for: 0, or a bug.
    pub imbalance: u64,
}

/// A record that a branch can never take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// Which branch.
    pub branch: String,
    /// Of the record in the log.
    pub position: Position,
    /// Why it could not take it.
    pub reason: String,
    /// When it was put aside, in ns since 1970.
    pub unix_nano: u64,
    /// The version of the program that could not deliver it.
    pub version: String,
    /// The config that it could not be delivered with: pipelines, processors and connectors, by their hash.
    pub config: String,
    /// `traces`, `metrics` or `logs`.
    pub signal: String,
    /// The receiver that took it in.
    pub receiver: String,
    /// When it was taken in, in ns since 1970.
    pub arrival_unix_nano: u64,
    /// Its spans, log records or points, without those that were rejected.
    pub items: u64,
    /// The request as it was taken in: an OTLP request in protobuf.
    pub file: PathBuf,
    /// The size of that file; `None` when it is missing.
    pub bytes: Option<u64>,
}

/// How an extension is named, configured and built.
pub trait ExtensionFactory: Send + Sync + 'static {
    /// The word in the YAML.
    const TYPE: &'static str;
    /// Other words for it.
    const ALIASES: &'static [&'static str] = &[];
    /// How settled it is.
    const STABILITY: Stability;
    /// Whether only one of this type can run.
    const SINGLE: bool = false;
    /// Keys that are accepted for the Collector's sake and do nothing here: path below the component's (`a.b`), and what
    /// became of it.
    const WITHOUT_EFFECT: &'static [(&'static str, &'static str)] = &[];
    /// Its settings.
    type Config: DeserializeOwned + JsonSchema + Default + Send + Sync + 'static;

    /// What is wrong with settings that could be read, each with its path below the component's.
    fn check(_config: &Self::Config) -> Vec<(String, String)> {
        Vec::new()
    }

    /// Builds it. Opens nothing yet.
    fn build(config: &Self::Config, context: &Context) -> Result<Box<dyn Extension>, Error>;
}
