//! The collector as a process, and what the kernel says of it.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::Failure;

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

/// `SPANLEDGER_BIN`, or `release/spanledger` beside `release/deps/path-*`.
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

/// A collector that runs; killed when dropped.
pub(crate) struct Collector {
    pub(crate) grpc: u16,
    pub(crate) ready_after: Duration,
    admin: u16,
    child: Child,
}

impl Collector {
    /// Starts the program and waits until it is ready.
    pub(crate) async fn start(program: &Path, folder: &Path, settings: Settings) -> Result<Self, Failure> {
        let [grpc, prometheus, admin, own] = free_ports()?;
        let ports = [("GRPC", grpc), ("PROMETHEUS", prometheus), ("ADMIN", admin), ("OWN", own)];
        let config = CONFIG.replace("WAL", settings.wal).replace("PARQUET", settings.parquet);
        let config = ports.iter().fold(config, |text, (word, port)| text.replace(word, &port.to_string()));
        let started = Instant::now();
        let mut command = Command::new(program);
        command.current_dir(folder).args(["--config", &format!("yaml:{config}")]);
        let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
        let mut child = child.map_err(|error| format!("start {}: {error}", program.display()))?;
        let stderr = child.stderr.take().ok_or("the collector has no stderr")?;
        let mut collector = Self { grpc, ready_after: Duration::ZERO, admin, child };
        tokio::task::spawn_blocking(|| wait_until_ready(stderr)).await??;
        collector.ready_after = started.elapsed();
        Ok(collector)
    }

    /// Waits until all that was accepted is delivered.
    pub(crate) async fn flush(&self) -> Result<(), Failure> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.admin)).await?;
        let request = "PUT /flush?timeout=600s HTTP/1.1\r\nhost: bench\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        if answer.starts_with("HTTP/1.1 200") { Ok(()) } else { Err(format!("flush: {answer}").into()) }
    }

    /// Time on any core since it was started, its own and the kernel's for it.
    pub(crate) fn cpu_seconds(&self) -> Result<f64, Failure> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // The name, in parentheses, may hold anything; user and system time are the 12th and 13th field after it.
        let (_, fields) = stat.rsplit_once(')').ok_or("/proc/PID/stat has no name")?;
        let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<u64>);
        let ticks = ticks.sum::<Result<u64, _>>()?;
        Ok(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
    }

    /// A figure of `/proc/PID/status`.
    pub(crate) fn resident_mib(&self, name: &str) -> Result<f64, Failure> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let value = status.lines().find_map(|line| line.strip_prefix(name)).ok_or("no such figure")?;
        let kib: f64 = value.trim().trim_end_matches(" kB").parse()?;
        Ok(kib / 1024.0)
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads the log until it says so; what follows is read too, so that the collector never waits to log.
fn wait_until_ready(stderr: ChildStderr) -> Result<(), Failure> {
    let mut lines = BufReader::new(stderr).lines();
    let mut log = String::new();
    for line in lines.by_ref() {
        let line = line?;
        if line.contains("Everything is ready") {
            std::thread::spawn(|| lines.map_while(Result::ok).for_each(drop));
            return Ok(());
        }
        log.push_str(&line);
        log.push('\n');
    }
    Err(format!("the collector ended before it was ready:\n{log}").into())
}

/// Ports that were free a moment ago, all different.
fn free_ports<const N: usize>() -> Result<[u16; N], Failure> {
    let held: Vec<TcpListener> =
        (0..N).map(|_| TcpListener::bind("127.0.0.1:0")).collect::<Result<_, _>>()?;
    let ports: Vec<u16> =
        held.iter().map(|held| Ok(held.local_addr()?.port())).collect::<std::io::Result<_>>()?;
    ports.try_into().map_err(|_| "as many ports as asked for".into())
}
