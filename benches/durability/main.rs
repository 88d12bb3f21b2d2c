//! What it costs that nothing is lost: the whole path with parity and the recognition of repeats and without, in turns; what hashing
//! and control records take of it; and what a backlog costs at a start.
//!
//! `SPANLEDGER_BIN` says where the program is; without it, it is looked for in the folder this bench was built in.

mod collector;
mod recovery;

use std::hint::black_box;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use collector::{Collector, Settings};
use spanledger_benches::{Report, quantile};
use spanledger_load::{Failure, Requests, Shape, own_cpu_seconds, send};
use spanledger_wal::{Control, Counts, Options, Position, Wal};
use xxhash_rust::xxh3::xxh3_128;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const SENT_FOR: Duration = Duration::from_secs(5);
const ROUNDS: usize = 3;

/// What was delivered stays, so that all control records can be counted.
const ON: Settings = Settings { wal: "retain: 1h", parquet: "path: ./lake" };
const OFF: Settings =
    Settings { wal: "retain: 1h, parity: false, repeat_window: 0s", parquet: "path: ./lake" };

#[tokio::main(worker_threads = 1)]
async fn main() -> Result<(), Failure> {
    let program = collector::program()?;
    let control_us = tokio::task::spawn_blocking(control_record_us).await??;
    let mut report =
        Report::new("durability", "what of the whole path's processor time is spent on not losing anything");
    for (name, spans_a_request, message_bytes) in
        [("small, 100 a request", 100, 0), ("small, 4 a request", 4, 0), ("8 KB, 10 a request", 10, 8192)]
    {
        let requests =
            Arc::new(Requests::new(Shape { spans: spans_a_request, message_bytes, ..Shape::USUAL }, 1));
        report.add(name, shares(&program, &requests, control_us).await?);
    }
    report.print();
    let mut report = Report::new("recovery", "a start with a backlog of 2 GiB");
    report.add("8 KB, 10 a request", recovery::measure(&program).await?);
    report.print();
    Ok(())
}

/// The shares of one kind of load.
async fn shares(
    program: &Path,
    requests: &Arc<Requests>,
    control_us: f64,
) -> Result<Vec<(&'static str, f64)>, Failure> {
    let (mut on, mut off, mut controls) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        off.push(run(program, requests, OFF).await?.us_a_span);
        let run = run(program, requests, ON).await?;
        on.push(run.us_a_span);
        controls.push(run.controls_a_span);
    }
    let (on, off) = (quantile(&mut on, 0.5), quantile(&mut off, 0.5));
    let hash = requests.bytes_a_span() * hash_us_a_byte();
    let control = quantile(&mut controls, 0.5) * control_us;
    Ok(vec![
        ("us a span, on", on),
        ("us a span, off", off),
        ("parity and repeats %", 100.0 * (on - off) / on),
        ("hashing %", 100.0 * hash / on),
        ("plans and control records %", 100.0 * control / on),
        ("control records / 1000 spans", 1e3 * quantile(&mut controls, 0.5)),
    ])
}

/// What one run took.
struct Run {
    us_a_span: f64,
    controls_a_span: f64,
}

async fn run(program: &Path, requests: &Arc<Requests>, settings: Settings) -> Result<Run, Failure> {
    let folder = tempfile::tempdir()?;
    let collector = Collector::start(program, folder.path(), settings).await?;
    let before = collector.process.cpu_seconds()?;
    let outcome = send(&collector.full_load(SENT_FOR), requests).await?;
    collector.flush().await?;
    let seconds = collector.process.cpu_seconds()? - before;
    drop(collector);
    let spans = outcome.acknowledged as f64 * requests.shape().spans as f64;
    Ok(Run { us_a_span: seconds * 1e6 / spans, controls_a_span: controls(program, folder.path())? / spans })
}

/// How many control records a log has, as `verify` counts them.
fn controls(program: &Path, folder: &Path) -> Result<f64, Failure> {
    let set = ["--set", "extensions.wal.directory=./wal"];
    let verified =
        Command::new(program).args(["verify", "--log-only"]).args(set).current_dir(folder).output()?;
    let text = String::from_utf8(verified.stdout)?;
    let (before, _) = text.split_once(" control records").ok_or_else(|| format!("verify printed {text}"))?;
    Ok(before.rsplit(' ').next().unwrap_or_default().parse()?)
}

/// Processor time of a control record that nothing else shares an fsync with, which is the most it can take.
fn control_record_us() -> Result<f64, Failure> {
    const RECORDS: u64 = 3_000;
    let directory = tempfile::tempdir()?;
    #[expect(clippy::disallowed_methods, reason = "the log of a bench lives in real time")]
    let wal = Wal::open(Options::new(directory.path(), Arc::new(SystemTime::now)))?;
    let before = own_cpu_seconds()?;
    for position in 0..RECORDS {
        let (branch, counts) = ("parquet".to_owned(), Counts::default());
        wal.record(Control::Cursor { branch, position: Position(position), counts }).wait()?;
    }
    Ok((own_cpu_seconds()? - before) * 1e6 / RECORDS as f64)
}

/// Time that the hash of a request takes, a byte.
fn hash_us_a_byte() -> f64 {
    const BODY: usize = 64 << 10;
    const TIMES: usize = 2_000;
    let body = vec![7_u8; BODY];
    let began = Instant::now();
    for _ in 0..TIMES {
        black_box(xxh3_128(black_box(&body)));
    }
    began.elapsed().as_secs_f64() * 1e6 / (BODY * TIMES) as f64
}
