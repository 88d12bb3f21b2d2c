//! The collector as a process of its own.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};

use rustix::process::Signal;
use serde_json::Value;

use super::{free_ports, http};

/// How to start a collector: a folder for its data, a config, and the environment.
#[derive(Clone)]
pub struct Setup {
    pub folder: PathBuf,
    pub grpc: u16,
    pub http: u16,
    pub prometheus: u16,
    pub health: u16,
    pub admin: u16,
    pub own_metrics: u16,
    pub config: String,
    pub sets: Vec<String>,
    pub env: Vec<(String, String)>,
    /// The words before the program's own: what starts it, if that is not this process itself.
    pub before: Vec<String>,
}

/// Log, one pipeline of traces with genai, metrics to Prometheus, Parquet to a folder. Files are cut small. Calls are counted
/// at once, so that the counters say what was sent.
const CONFIG: &str = "
receivers:
  otlp:
    protocols: {grpc: , http: }
extensions:
  wal: {max_size: 1GiB}
  admin:
  health_check:
processors:
  genai:
connectors:
  genai_metrics: {settle: {window: 0s}}
exporters:
  parquet: {path: ./data/lake, rotation: {max_age: 1s, max_rows: 2000}}
  prometheus:
service:
  memory: 256MiB
  extensions: [wal, admin, health_check]
  pipelines:
    traces: {receivers: [otlp], processors: [genai], exporters: [parquet, genai_metrics]}
    metrics: {receivers: [genai_metrics], exporters: [prometheus]}
";

impl Setup {
    /// The usual pipelines in `folder`, on free ports.
    pub fn new(folder: &Path) -> Self {
        let [grpc, http, prometheus, health, admin, own_metrics] = free_ports();
        let (config, sets, env) = (CONFIG.to_owned(), Vec::new(), Vec::new());
        Self {
            folder: folder.to_owned(),
            grpc,
            http,
            prometheus,
            health,
            admin,
            own_metrics,
            config,
            sets,
            env,
            before: Vec::new(),
        }
    }

    /// Another config. Its ports and folders are still set to this setup's where it has those components.
    pub fn config(mut self, config: &str) -> Self {
        config.clone_into(&mut self.config);
        self
    }

    /// One more `--set`.
    pub fn set(mut self, set: impl Into<String>) -> Self {
        self.sets.push(set.into());
        self
    }

    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Started by another program, which is to become this one.
    pub fn before(mut self, words: &[&str]) -> Self {
        self.before = words.iter().map(|word| (*word).to_owned()).collect();
        self
    }

    pub fn lake(&self) -> PathBuf {
        self.folder.join("data/lake")
    }

    fn arguments(&self) -> Vec<String> {
        let endpoint = |key: &str, port: u16| format!("{key}=127.0.0.1:{port}");
        let candidates = [
            ("otlp:", endpoint("receivers.otlp.protocols.grpc.endpoint", self.grpc)),
            ("otlp:", endpoint("receivers.otlp.protocols.http.endpoint", self.http)),
            ("prometheus:", endpoint("exporters.prometheus.endpoint", self.prometheus)),
            ("health_check:", endpoint("extensions.health_check.endpoint", self.health)),
            ("admin:", endpoint("extensions.admin.endpoint", self.admin)),
            ("", endpoint("service.telemetry.metrics.address", self.own_metrics)),
        ];
        let sets = candidates.into_iter().filter(|(word, _)| self.config.contains(word)).map(|(_, set)| set);
        let mut arguments = vec!["--config".to_owned(), format!("yaml:{}", self.config)];
        for set in sets.chain(self.sets.iter().cloned()) {
            arguments.extend(["--set".to_owned(), set]);
        }
        arguments
    }

    /// The program with this setup's arguments and those given, not started yet.
    pub fn command(&self, more: &[&str]) -> Command {
        let program = env!("CARGO_BIN_EXE_spanledger");
        let mut words = self.before.iter().map(String::as_str).chain([program]);
        let mut command = Command::new(words.next().unwrap_or(program));
        command.args(words);
        command.current_dir(&self.folder).envs(self.env.iter().cloned()).args(more).args(self.arguments());
        command
    }

    /// Starts the collector and waits until it says that it is ready.
    pub fn start(&self) -> Collector {
        self.start_until("Everything is ready")
    }

    /// Starts the collector and waits until it says something.
    pub fn start_until(&self, text: &str) -> Collector {
        let mut child = self.command(&[]).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let log = Arc::new(Mutex::new(String::new()));
        let mut line = String::new();
        while !line.contains(text) {
            line.clear();
            let read = stderr.read_line(&mut line).unwrap();
            log.lock().unwrap().push_str(&line);
            assert!(read > 0, "the collector ended before it said {text:?}:\n{}", log.lock().unwrap());
        }
        let rest = log.clone();
        let reader = std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                let mut log = rest.lock().unwrap();
                log.push_str(&line);
                log.push('\n');
            }
        });
        Collector { setup: self.clone(), child, log, reader: Some(reader) }
    }
}

/// A running collector; killed when dropped.
pub struct Collector {
    pub setup: Setup,
    child: Child,
    log: Arc<Mutex<String>>,
    reader: Option<std::thread::JoinHandle<()>>,
}

impl Collector {
    /// SIGKILL: what is not durable is gone.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM, and how it ended, with all that it logged.
    pub fn stop(self) -> (ExitStatus, String) {
        self.end(Signal::TERM)
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// Waits until it has logged something.
    pub fn wait_for(&self, text: &str) {
        while !self.log().contains(text) {
            std::thread::yield_now();
        }
    }

    /// Sends a signal that ends it, and how it ended, with all that it logged.
    pub fn end(self, signal: Signal) -> (ExitStatus, String) {
        self.signal(signal);
        self.ended()
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until it ends by itself, and how it ended, with all that it logged.
    pub fn ended(mut self) -> (ExitStatus, String) {
        let status = self.child.wait().unwrap();
        self.reader.take().unwrap().join().unwrap();
        (status, self.log.lock().unwrap().clone())
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Waits until everything accepted is delivered and counted.
    pub async fn flush(&self) {
        self.flush_within("120s").await;
    }

    /// The same with another patience, for what takes long.
    pub async fn flush_within(&self, timeout: &str) {
        let path = format!("/flush?timeout={timeout}");
        let answer = http::send("PUT", self.setup.admin, &path, &[], "").await.unwrap();
        let body = String::from_utf8_lossy(answer.body()).into_owned();
        assert_eq!(answer.status(), 200, "flush: {body}\n{}", self.log());
        for branch in self.status().await["branches"].as_array().unwrap() {
            assert_eq!(branch["ledger"]["imbalance"], 0, "{branch}");
        }
    }

    pub async fn status(&self) -> Value {
        serde_json::from_str(&http::get(self.setup.admin, "/status").await).unwrap()
    }

    /// The sum of all series of a family that the Prometheus exporter serves.
    pub async fn metric(&self, name: &str) -> f64 {
        let text = http::get(self.setup.prometheus, "/metrics").await;
        let series = text
            .lines()
            .filter(|line| line.starts_with(&format!("{name}{{")) || line.starts_with(&format!("{name} ")));
        series.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
    }

    /// The status of one branch.
    pub async fn branch(&self, id: &str) -> Value {
        let status = self.status().await;
        status["branches"].as_array().unwrap().iter().find(|branch| branch["id"] == id).unwrap().clone()
    }

    /// The most memory that was ever resident, in bytes.
    pub fn peak_resident_bytes(&self) -> u64 {
        self.memory_bytes("VmHWM:")
    }

    /// The memory that is resident, in bytes.
    pub fn resident_bytes(&self) -> u64 {
        self.memory_bytes("VmRSS:")
    }

    fn memory_bytes(&self, field: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with(field)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
