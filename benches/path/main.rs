//! The whole path: the program as it is released takes spans in by gRPC and writes them as Parquet to the local disk,
//! with `genai`, `genai_metrics` and `prometheus` at work.
//!
//! `SPANLEDGER_BIN` says where the program is; without it, it is looked for in the folder this bench was built in.

mod collector;
mod load;
mod sender;

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use collector::{Collector, Settings};
use load::Load;
use spanledger_benches::{Report, quantile};

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const CONNECTIONS: usize = 4;
/// Requests under way on each connection.
const STREAMS: usize = 16;
const SENT_FOR: Duration = Duration::from_secs(8);

struct Case {
    name: &'static str,
    spans_a_request: usize,
    message_bytes: usize,
}

const CASES: [Case; 3] = [
    Case { name: "small, 100 a request", spans_a_request: 100, message_bytes: 0 },
    Case { name: "small, 4 a request", spans_a_request: 4, message_bytes: 0 },
    Case { name: "8 KB, 10 a request", spans_a_request: 10, message_bytes: 8192 },
];

#[tokio::main(worker_threads = 1)]
async fn main() -> Result<(), Failure> {
    let program = collector::program()?;
    let mut report = Report::new("path", "gRPC to Parquet on the local disk, metrics on");
    for case in &CASES {
        report.add(case.name, case.measure(&program).await?);
    }
    report.add("the program", about(&program).await?);
    report.print();
    Ok(())
}

impl Case {
    async fn measure(&self, program: &Path) -> Result<Vec<(&'static str, f64)>, Failure> {
        let load = Arc::new(Load::new(self.spans_a_request, self.message_bytes));
        let folder = tempfile::tempdir()?;
        let collector = Collector::start(program, folder.path(), Settings::default()).await?;
        let cpu_before = collector.cpu_seconds()?;
        let started = Instant::now();
        let mut waits = sender::send(&load, collector.grpc, CONNECTIONS, STREAMS, SENT_FOR).await?;
        let sent = started.elapsed().as_secs_f64();
        collector.flush().await?;
        let flushed = started.elapsed().as_secs_f64();
        let cpu = collector.cpu_seconds()? - cpu_before;
        let spans = (waits.len() * self.spans_a_request) as f64;
        let lake_bytes = folder_bytes(&folder.path().join("lake"))?;
        Ok(vec![
            ("bytes a span", load.bytes_a_span()),
            ("spans", spans),
            ("spans / CPU second", spans / cpu),
            ("acknowledged spans/s", spans / sent),
            ("flushed spans/s", spans / flushed),
            ("p50 ms", quantile(&mut waits, 0.5)),
            ("p99 ms", quantile(&mut waits, 0.99)),
            ("Parquet bytes a span", lake_bytes as f64 / spans),
            ("peak resident MiB", collector.resident_mib("VmHWM:")?),
        ])
    }
}

/// What the program is without load.
async fn about(program: &Path) -> Result<Vec<(&'static str, f64)>, Failure> {
    const STARTS: usize = 5;
    let mut ready = Vec::new();
    let mut idle = Vec::new();
    for _ in 0..STARTS {
        let folder = tempfile::tempdir()?;
        let collector = Collector::start(program, folder.path(), Settings::default()).await?;
        ready.push(collector.ready_after.as_secs_f64() * 1e3);
        tokio::time::sleep(Duration::from_secs(1)).await;
        idle.push(collector.resident_mib("VmRSS:")?);
    }
    Ok(vec![
        ("ready after ms", quantile(&mut ready, 0.5)),
        ("idle resident MiB", quantile(&mut idle, 0.5)),
        ("size MB", program.metadata()?.len() as f64 / 1e6),
        ("stripped MB", stripped_bytes(program)? as f64 / 1e6),
    ])
}

fn stripped_bytes(program: &Path) -> Result<u64, Failure> {
    let folder = tempfile::tempdir()?;
    let stripped = folder.path().join("spanledger");
    let status = Command::new("strip").arg("-o").arg(&stripped).arg(program).status()?;
    if !status.success() {
        return Err(format!("strip ended with {status}").into());
    }
    Ok(stripped.metadata()?.len())
}

fn folder_bytes(folder: &Path) -> Result<u64, Failure> {
    let mut bytes = 0;
    for entry in folder.read_dir()? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        bytes += if metadata.is_dir() { folder_bytes(&entry.path())? } else { metadata.len() };
    }
    Ok(bytes)
}
