//! A point of full load: as much as Spanledger acknowledges, until it is delivered.

use std::sync::Arc;
use std::time::Duration;

use spanledger_load::{Failure, Pace, Requests, own_cpu_seconds};
use tokio::time::Instant;

use super::figure::{self, Figures, figures};
use super::running::Running;
use super::setup::{Settings, Setup};

/// Before anything is measured: caches, pools and the first segment.
const WARMING: Duration = Duration::from_millis(500);

/// Starts it in an empty folder, warms it up, loads it, and stops it.
pub(crate) async fn measure(settings: &Settings, setup: &Setup) -> Result<Figures, Failure> {
    let folder = tempfile::tempdir_in(&settings.folder)?;
    let requests = Arc::new(Requests::new(setup.shape, 1));
    let running = Running::start(settings, setup, folder.path(), 0).await?;
    running.send(setup, &requests, Pace::AsAcknowledged, WARMING).await?;
    running.flush().await?;

    let (began, cpu_before, own_before) =
        (Instant::now(), running.process.cpu_seconds()?, own_cpu_seconds()?);
    let outcome = running.send(setup, &requests, Pace::AsAcknowledged, settings.time).await?;
    let own_seconds = own_cpu_seconds()? - own_before;
    running.flush().await?;
    let delivered_after = began.elapsed().as_secs_f64();
    let cpu_seconds = running.process.cpu_seconds()? - cpu_before;

    let spans = outcome.acknowledged as f64 * setup.shape.spans as f64;
    let sent_for = outcome.took.as_secs_f64();
    Ok(figures([
        (figure::CPU, Some(cpu_seconds * 1e6 / spans)),
        (figure::ACKNOWLEDGED, Some(spans / sent_for)),
        (figure::DELIVERED, Some(spans / delivered_after)),
        (figure::P99, outcome.latency_ms(0.99)),
        (figure::PEAK, Some(running.process.peak_resident_mib()?)),
        (figure::GENERATOR, Some(own_seconds / sent_for)),
        (figure::REFUSED, Some(outcome.refused as f64)),
        (figure::FAILED, Some(outcome.failed as f64)),
        (figure::SCRAPE, Some(running.scrape_ms().await?)),
    ]))
}
