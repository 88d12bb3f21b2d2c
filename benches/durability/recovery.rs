//! A backlog of 2 GiB, left by a collector that was killed while its bucket was away: how soon the next one takes requests, and how fast
//! it catches up, beside how fast the first one took them in.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use spanledger_load::{Failure, Requests, Shape, send};

use crate::collector::{Collector, Settings};

const BACKLOG_BYTES: u64 = 2 << 30;
const SPANS_A_REQUEST: usize = 10;
/// Sent at a time, until there is enough.
const SENT_FOR: Duration = Duration::from_secs(3);

/// A bucket where nobody listens.
const AWAY: Settings = Settings {
    wal: "",
    parquet: "path: 's3://ledger/lake', endpoint: 'http://127.0.0.1:1', access_key_id: key, secret_access_key: secret",
};

pub(crate) async fn measure(program: &Path) -> Result<Vec<(&'static str, f64)>, Failure> {
    let load =
        Arc::new(Requests::new(Shape { spans: SPANS_A_REQUEST, message_bytes: 8192, ..Shape::USUAL }, 1));
    let folder = tempfile::tempdir()?;
    let first = Collector::start(program, folder.path(), AWAY).await?;
    let (mut requests, began) = (0, Instant::now());
    while log_bytes(folder.path())? < BACKLOG_BYTES {
        requests += send(&first.full_load(SENT_FOR), &load).await?.acknowledged;
    }
    let taken_in = began.elapsed().as_secs_f64();
    // Killed, not stopped.
    drop(first);
    let backlog = log_bytes(folder.path())? as f64;
    let second = Collector::start(program, folder.path(), Settings::default()).await?;
    let began = Instant::now();
    second.flush().await?;
    let caught_up = began.elapsed().as_secs_f64();
    let spans = requests as f64 * SPANS_A_REQUEST as f64;
    Ok(vec![
        ("backlog GiB", backlog / f64::from(1 << 30)),
        ("ready after ms", second.ready_after.as_secs_f64() * 1e3),
        ("taken in spans/s", spans / taken_in),
        ("caught up spans/s", spans / caught_up),
        ("caught up / live", live_ratio(program, &load, spans / caught_up).await?),
        ("peak resident MiB", second.process.peak_resident_mib()?),
    ])
}

/// How much faster than live traffic, senders and all, on the same machine.
async fn live_ratio(program: &Path, load: &Arc<Requests>, caught_up: f64) -> Result<f64, Failure> {
    let folder = tempfile::tempdir()?;
    let collector = Collector::start(program, folder.path(), Settings::default()).await?;
    let began = Instant::now();
    let requests = send(&collector.full_load(SENT_FOR * 3), load).await?.acknowledged;
    collector.flush().await?;
    let live = requests as f64 * SPANS_A_REQUEST as f64 / began.elapsed().as_secs_f64();
    Ok(caught_up / live)
}

fn log_bytes(folder: &Path) -> Result<u64, Failure> {
    let mut bytes = 0;
    for entry in folder.join("wal").read_dir()? {
        bytes += entry?.metadata().map_or(0, |metadata| metadata.len());
    }
    Ok(bytes)
}
