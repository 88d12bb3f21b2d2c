//! Files in the lake: what those that are there already cost a start and a flush.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use spanledger_load::{Failure, Pace, Requests};
use tokio::time::Instant;

use super::figure::{self, Figures, figures};
use super::running::Running;
use super::setup::{Settings, Setup};
use crate::results::Spread;

const FLUSHES: usize = 20;

/// Starts it beside so many files, and flushes one request after the other.
pub(crate) async fn measure(settings: &Settings, files: usize) -> Result<Figures, Failure> {
    let folder = tempfile::tempdir_in(&settings.folder)?;
    let setup = Setup::default();
    let requests = Arc::new(Requests::new(setup.shape, 1));
    let first = Running::start(settings, &setup, folder.path(), 0).await?;
    send_one(&first, &setup, &requests).await?;
    first.flush().await?;
    drop(first);
    multiply(&folder.path().join("lake/v1/spans"), files)?;

    let running = Running::start(settings, &setup, folder.path(), 0).await?;
    let mut taken = Vec::new();
    for _ in 0..FLUSHES {
        send_one(&running, &setup, &requests).await?;
        let began = Instant::now();
        running.flush().await?;
        taken.push(began.elapsed().as_secs_f64() * 1e3);
    }
    Ok(figures([
        (figure::READY, Some(running.ready_ms)),
        (figure::FLUSH, Spread::of(taken.into_iter()).map(|spread| spread.median)),
        (figure::PEAK, Some(running.process.peak_resident_mib()?)),
    ]))
}

async fn send_one(running: &Running, setup: &Setup, requests: &Arc<Requests>) -> Result<(), Failure> {
    // One is due at once, and none after it.
    running.send(setup, requests, Pace::PerSecond(1.0), Duration::from_millis(1)).await?;
    Ok(())
}

/// Gives the file of each date so many names more, as if there had been other ranges before.
fn multiply(spans: &Path, files: usize) -> Result<(), Failure> {
    for date in fs::read_dir(spans)? {
        let date = date?.path();
        let there: Vec<PathBuf> =
            fs::read_dir(&date)?.map(|file| Ok(file?.path())).collect::<std::io::Result<_>>()?;
        let Some(file) = there.first() else { continue };
        let name = file.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
        let kept = name.rsplitn(3, '-').nth(2).unwrap_or_default();
        for number in 0..files {
            fs::hard_link(file, date.join(format!("{kept}-f{number:015x}-f{number:015x}.parquet")))?;
        }
    }
    Ok(())
}
