//! Overload: ten times what is sustained, from many connections, whether the last requests are answered or not.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use spanledger_load::{Failure, Outcome, Pace, Plan, Requests, Shape, own_cpu_seconds, send};
use tokio::time::Instant;

use super::figure::{self, Figures, figures};
use super::running::Running;
use super::setup::{Settings, Setup};

const TIMES_SUSTAINED: f64 = 10.0;
const FLOODED_FOR: Duration = Duration::from_secs(4);
/// Model calls with their messages, some in each request, as SDKs send them.
const SHAPE: Shape = Shape { spans: 10, message_bytes: 8192, ..Shape::USUAL };
const CONNECTIONS: usize = 500;
/// More than can be due while the first ones wait for their answers.
const IN_FLIGHT: usize = 30;

/// Senders beside the flood, on a thread of their own, that say how long an answer takes: those of the flood wait for each
/// other and for a generator that takes most of a core.
const PROBE_CONNECTIONS: usize = 2;
const PROBE_IN_FLIGHT: usize = 8;
const PROBES_A_SECOND: f64 = 200.0;

/// Finds out what is sustained with so much memory, sends ten times as much, and waits until what was acknowledged is
/// delivered.
pub(crate) async fn measure(settings: &Settings, memory_mib: f64) -> Result<Figures, Failure> {
    let folder = tempfile::tempdir_in(&settings.folder)?;
    let requests = Arc::new(Requests::new(SHAPE, 1));
    let config = format!("{{service: {{memory: {memory_mib}MiB}}}}");
    let usual = Setup { shape: SHAPE, config, ..Setup::default() };
    let running = Running::start(settings, &usual, folder.path(), 0).await?;
    let began = Instant::now();
    let full = running.send(&usual, &requests, Pace::AsAcknowledged, settings.time).await?;
    running.flush().await?;
    let spans = SHAPE.spans as f64;
    let sustained = full.acknowledged as f64 * spans / began.elapsed().as_secs_f64();

    let few = Setup { connections: PROBE_CONNECTIONS, in_flight: PROBE_IN_FLIGHT, ..usual.clone() };
    let many = Setup { connections: CONNECTIONS, in_flight: IN_FLIGHT, ..usual };
    let probe = running.plan(&few, Pace::PerSecond(PROBES_A_SECOND), FLOODED_FOR);
    let own_before = own_cpu_seconds()?;
    let rate = Pace::Flood(TIMES_SUSTAINED * sustained / spans);
    let probe = tokio::task::spawn_blocking({
        let requests = requests.clone();
        move || apart(&probe, &requests)
    });
    let flood = running.send(&many, &requests, rate, FLOODED_FOR).await?;
    let probe = probe.await??;
    let own_seconds = own_cpu_seconds()? - own_before;
    let peak_mib = running.process.peak_resident_mib()?;
    running.flush().await?;
    // The one by which it was seen to be ready counts too.
    let acknowledged = (full.acknowledged + flood.acknowledged + probe.acknowledged) as f64 * spans + 1.0;
    let delivered = running.delivered_spans().await?;
    told(&flood, folder.path())?;
    told(&probe, folder.path())?;
    Ok(figures([
        (figure::SUSTAINED, Some(sustained)),
        (figure::OFFERED, Some(flood.sent() as f64 * spans / FLOODED_FOR.as_secs_f64() / sustained)),
        (figure::UNSENT, Some(flood.unsent as f64)),
        (figure::ACKNOWLEDGED, Some(flood.per_second() * spans)),
        (figure::P50, probe.latency_ms(0.5)),
        // Of few answers the longest stands for it.
        (figure::P99, probe.latency_ms(0.99).or(Some(probe.longest_ms()))),
        (figure::REFUSED, Some((flood.refused + probe.refused) as f64)),
        (figure::FAILED, Some((flood.failed + probe.failed) as f64)),
        (figure::LOST, Some((acknowledged - delivered).max(0.0))),
        (figure::PEAK, Some(peak_mib)),
        (figure::ABOVE_BUDGET, Some(peak_mib - memory_mib)),
        (figure::GENERATOR, Some(own_seconds / flood.took.as_secs_f64())),
    ]))
}

/// Sends on a thread that does nothing else.
fn apart(plan: &Plan, requests: &Arc<Requests>) -> Result<Outcome, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(send(plan, requests))
}

/// An error when requests failed that should have been refused: with what was answered, and what the program printed.
fn told(flood: &Outcome, folder: &Path) -> Result<(), Failure> {
    if flood.failed == 0 {
        return Ok(());
    }
    let output = std::fs::read_to_string(folder.join("output.log")).unwrap_or_default();
    let causes: Vec<String> =
        flood.causes.iter().map(|(kind, message)| format!("{kind}: {message}")).collect();
    crate::say(&format!("{} requests failed: {}\n{output}", flood.failed, causes.join("; ")));
    Ok(())
}
