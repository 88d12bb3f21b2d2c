//! What an acknowledged append costs: 64 writers that each wait for their record before they write the next. With
//! parity and without, in one run.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use spanledger_benches::{Report, quantile};
use spanledger_load::own_cpu_seconds;
use spanledger_wal::{AppendError, Entry, Options, Wal};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const WRITERS: usize = 64;
const MEASURED_FOR: Duration = Duration::from_secs(4);
/// Enough that the log is not full before the time is over.
const LOG_BYTES_MAX: u64 = 16 << 30;

fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let mut report = Report::new("log", "acknowledged appends of 64 writers");
    for (name, body_bytes) in [("4 KiB", 4 << 10), ("64 KiB", 64 << 10)] {
        for (with, parity) in [("with parity", true), ("without parity", false)] {
            report.add(format!("{name} {with}"), measure(body_bytes, parity)?);
        }
    }
    report.print();
    Ok(())
}

fn measure(
    body_bytes: usize,
    parity: bool,
) -> Result<Vec<(&'static str, f64)>, Box<dyn std::error::Error + Send + Sync>> {
    let directory = tempfile::tempdir()?;
    #[expect(clippy::disallowed_methods, reason = "the log of a bench lives in real time")]
    let clock = Arc::new(SystemTime::now);
    let options = Options::new(directory.path(), clock);
    let wal = Wal::open(Options { max_bytes: LOG_BYTES_MAX, parity, ..options })?;
    let next = AtomicU64::new(0);
    let cpu_before = own_cpu_seconds()?;
    let started = Instant::now();
    let waits: Result<Vec<Vec<f64>>, AppendError> = std::thread::scope(|scope| {
        let writers: Vec<_> =
            (0..WRITERS).map(|_| scope.spawn(|| write(&wal, &next, body_bytes, started))).collect();
        writers.into_iter().filter_map(|writer| writer.join().ok()).collect()
    });
    let seconds = started.elapsed().as_secs_f64();
    let cpu = own_cpu_seconds()? - cpu_before;
    let mut waits = waits?.concat();
    let appends = waits.len() as f64;
    Ok(vec![
        ("MB/s", appends * body_bytes as f64 / 1e6 / seconds),
        ("CPU seconds / GB", cpu * 1e9 / (appends * body_bytes as f64)),
        ("appends/s", appends / seconds),
        ("p50 ms", quantile(&mut waits, 0.5)),
        ("p99 ms", quantile(&mut waits, 0.99)),
        ("fsyncs/s", wal.stats().fsyncs as f64 / seconds),
    ])
}

/// Appends until the time is over, and says how many milliseconds each append took.
fn write(wal: &Wal, next: &AtomicU64, body_bytes: usize, started: Instant) -> Result<Vec<f64>, AppendError> {
    let mut waits = Vec::new();
    while started.elapsed() < MEASURED_FOR {
        let entry = Entry {
            signal: 0,
            receiver: "otlp".into(),
            items: 1,
            rejected: Vec::new(),
            body: body(body_bytes, next.fetch_add(1, Ordering::Relaxed)),
        };
        let before = Instant::now();
        wal.append(entry)?.wait()?;
        waits.push(before.elapsed().as_secs_f64() * 1e3);
    }
    Ok(waits)
}

/// Like no other body: the log recognises repeats.
fn body(bytes: usize, ordinal: u64) -> Bytes {
    let mut body = vec![7; bytes];
    body.splice(..8, ordinal.to_be_bytes());
    body.into()
}
