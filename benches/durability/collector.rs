//! The collector as a process, and what it is sent.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use spanledger_load::{Failure, Pace, Plan, Process, Protocol, acknowledged_first, flush, free_ports};

/// The embedded default's pipelines, in a folder and on ports of their own.
const CONFIG: &str = "
receivers:
  otlp: {protocols: {grpc: {endpoint: '127.0.0.1:GRPC'}}}
processors: {genai: {}}
connectors: {genai_metrics: {}}
exporters:
  parquet: {PARQUET}
  prometheus: {endpoint: '127.0.0.1:PROMETHEUS'}
extensions:
  wal: {directory: ./wal, max_size: 10GiB, WAL}
  admin: {endpoint: '127.0.0.1:ADMIN'}
service:
  extensions: [wal, admin]
  telemetry: {metrics: {address: '127.0.0.1:OWN'}}
  pipelines:
    traces: {receivers: [otlp], processors: [genai], exporters: [parquet, genai_metrics]}
    metrics: {receivers: [genai_metrics], exporters: [prometheus]}
";

/// `SPANLEDGER_BIN`, or `release/spanledger` beside `release/deps/durability-*`.
pub(crate) fn program() -> Result<PathBuf, Failure> {
    if let Some(path) = std::env::var_os("SPANLEDGER_BIN") {
        return Ok(path.into());
    }
    let bench = std::env::current_exe()?;
    let folder = bench.ancestors().nth(2).ok_or("this bench stands in no folder")?;
    let program = folder.join("spanledger");
    if program.exists() {
        return Ok(program);
    }
    Err(format!("{} is missing: cargo build --release --package spanledger", program.display()).into())
}

/// What a bench changes of the config.
#[derive(Clone, Copy)]
pub(crate) struct Settings {
    /// Of the log, beside its folder and size.
    pub(crate) wal: &'static str,
    /// Of the exporter.
    pub(crate) parquet: &'static str,
}

impl Default for Settings {
    fn default() -> Self {
        Self { wal: "", parquet: "path: ./lake" }
    }
}

/// How long a collector may take until it is ready, with a backlog too.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// A collector that runs; killed when dropped.
pub(crate) struct Collector {
    pub(crate) process: Process,
    /// From its start to the first acknowledgement.
    pub(crate) ready_after: Duration,
    grpc: u16,
    admin: u16,
}

impl Collector {
    /// Starts the program and waits until it acknowledges.
    pub(crate) async fn start(program: &Path, folder: &Path, settings: Settings) -> Result<Self, Failure> {
        let [grpc, prometheus, admin, own] = free_ports()?;
        let ports = [("GRPC", grpc), ("PROMETHEUS", prometheus), ("ADMIN", admin), ("OWN", own)];
        let config = CONFIG.replace("WAL", settings.wal).replace("PARQUET", settings.parquet);
        let config = ports.iter().fold(config, |text, (word, port)| text.replace(word, &port.to_string()));
        let mut command = Command::new(program);
        let process = Process::start(command.args(["--config", &format!("yaml:{config}")]), folder)?;
        let address = format!("127.0.0.1:{grpc}");
        let ready_after = acknowledged_first(&address, Protocol::Grpc, process.started, READY_WITHIN).await?;
        Ok(Self { process, ready_after, grpc, admin })
    }

    /// Waits until all that was accepted is delivered.
    pub(crate) async fn flush(&self) -> Result<(), Failure> {
        flush(self.admin).await
    }

    /// As much as it takes over 4 connections with 16 requests under way on each.
    pub(crate) fn full_load(&self, time: Duration) -> Plan {
        Plan {
            address: format!("127.0.0.1:{}", self.grpc),
            protocol: Protocol::Grpc,
            connections: 4,
            in_flight: 16,
            pace: Pace::AsAcknowledged,
            time,
        }
    }
}
