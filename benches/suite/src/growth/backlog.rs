//! Backlog: what waits for an exporter whose target is away, what it costs a start, and how fast it is delivered.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use spanledger_load::{Failure, Pace, Requests, Shape, Sink, free_ports};
use tokio::time::{Instant, sleep};

use super::figure::{self, Figures, figures};
use super::running::Running;
use super::setup::{Settings, Setup};
use crate::say;

const GIB: f64 = (1_u64 << 30) as f64;
/// What stays free on the disk.
const KEPT_FREE_GIB: f64 = 15.0;
/// No larger backlog is begun after this.
const PATIENCE: Duration = Duration::from_secs(180);
/// How long delivering is watched.
const WATCHED_FOR: Duration = Duration::from_secs(5);
const FILLED_FOR: Duration = Duration::from_millis(500);
/// What waits is what is to be sent on; no files are written.
const CONFIG: &str = "{extensions: {wal: {max_size: 40GiB}}, exporters: {otlp: {endpoint: 'http://127.0.0.1:${env:SUITE_SINK}', compression: none}}, \
                      service: {pipelines: {traces: {exporters: [otlp, genai_metrics]}}}}";

/// Lets one log grow from size to size, in GiB, as far as the disk and the time allow.
pub(crate) async fn measure(
    settings: &Settings,
    sizes: &[f64],
    keep: &mut impl FnMut(f64, Figures),
) -> Result<(), Failure> {
    let folder = tempfile::tempdir_in(&settings.folder)?;
    let shape = Shape { message_bytes: 8192, ..Shape::USUAL };
    let setup = Setup { shape, config: CONFIG.to_owned(), ..Setup::default() };
    let requests = Arc::new(Requests::new(shape, 1));
    let began = Instant::now();
    for size in sizes {
        let free_gib = free_bytes(folder.path())? / GIB;
        if began.elapsed() > PATIENCE || free_gib - size < KEPT_FREE_GIB {
            say(&format!(
                "no backlog of {size} GiB: {free_gib:.1} GiB are free, {KEPT_FREE_GIB} of which stay, after {:.0?}",
                began.elapsed()
            ));
            return Ok(());
        }
        fill(settings, &setup, &requests, folder.path(), *size).await?;
        keep(*size, start(settings, &setup, folder.path()).await?);
    }
    Ok(())
}

/// Sends while the target is away, until the log is as large; then it is killed.
async fn fill(
    settings: &Settings,
    setup: &Setup,
    requests: &Arc<Requests>,
    folder: &Path,
    size: f64,
) -> Result<(), Failure> {
    let log = folder.join("wal");
    if size <= 0.0 {
        return Ok(());
    }
    let [closed] = free_ports()?;
    let running = Running::start(settings, setup, folder, closed).await?;
    while bytes_in(&log)? < size * GIB {
        running.send(setup, requests, Pace::AsAcknowledged, FILLED_FOR).await?;
    }
    Ok(())
}

/// Starts it with its target there and watches it deliver.
async fn start(settings: &Settings, setup: &Setup, folder: &Path) -> Result<Figures, Failure> {
    let sink = Sink::start().await?;
    let running = Running::start(settings, setup, folder, sink.port()).await?;
    let ready_mib = running.process.resident_mib()?;
    let (began, taken_before) = (Instant::now(), sink.taken_bytes());
    sleep(WATCHED_FOR).await;
    let taken = (sink.taken_bytes() - taken_before) as f64;
    let seconds = began.elapsed().as_secs_f64();
    // Of next to nothing there is no rate.
    let delivering = (taken > GIB / 100.0).then(|| seconds * GIB / taken);
    Ok(figures([
        (figure::READY, Some(running.ready_ms)),
        (figure::READY_MIB, Some(ready_mib)),
        (figure::DELIVERING, delivering),
        (figure::PEAK, Some(running.process.peak_resident_mib()?)),
    ]))
}

/// What can still be written to the disk of a folder.
fn free_bytes(folder: &Path) -> Result<f64, Failure> {
    let disk = rustix::fs::statvfs(folder)?;
    Ok(disk.f_bavail as f64 * disk.f_frsize as f64)
}

/// What the files of a folder take; 0 of one that is not there.
fn bytes_in(folder: &Path) -> Result<f64, Failure> {
    let Ok(files) = std::fs::read_dir(folder) else { return Ok(0.0) };
    let mut bytes = 0;
    for file in files {
        // One may be gone since.
        bytes += file?.metadata().map_or(0, |metadata| metadata.len());
    }
    Ok(bytes as f64)
}
