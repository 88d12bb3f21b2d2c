//! One contender under one kind of load.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use spanledger_load::{
    Failure, Outcome, Pace, Plan, Process, Protocol, Requests, Sink, acknowledged_first, flush, free_ports,
    own_cpu_seconds, send,
};
use tokio::time::{Instant, sleep};

use crate::contender::{Contender, Ports};
use crate::machine::busy_share;
use crate::results::{Latency, Run};

const CONNECTIONS: usize = 4;
/// Requests under way on each connection.
const IN_FLIGHT: usize = 16;
const READY_WITHIN: Duration = Duration::from_secs(20);
/// How long it is sent as much as it takes before anything counts: caches, pools, the first files.
const WARMED_FOR: Duration = Duration::from_secs(1);
/// After its start, before its memory is looked at.
const IDLE_FOR: Duration = Duration::from_secs(1);
/// How long a contender may go on working for what it acknowledged.
const PATIENCE: Duration = Duration::from_secs(30);

/// What each run has in common.
pub(crate) struct Settings<'settings> {
    /// How long a contender is sent as much as it takes; then as long at half of the rate that it delivered.
    pub(crate) time: Duration,
    /// Where folders for contenders are made.
    pub(crate) folder: &'settings Path,
    pub(crate) round: u32,
}

/// Starts it in an empty folder, loads it, and stops it.
pub(crate) async fn measure(
    contender: &Contender,
    path: &Path,
    case: &str,
    requests: &Arc<Requests>,
    settings: &Settings<'_>,
) -> Result<Run, Failure> {
    let busy_before = busy_share().await?;
    let folder = tempfile::tempdir_in(settings.folder)?;
    let sink = Sink::start().await?;
    let [grpc, metrics, admin, own] = free_ports()?;
    let ports = Ports { grpc, metrics, admin, own, sink: sink.port() };
    let process = Process::start(&mut contender.command(path, ports)?, folder.path())?;
    let ready = acknowledged_first(&address(grpc), Protocol::Grpc, process.started, READY_WITHIN).await;
    let ready = ready.map_err(|failure| with_output(&failure, folder.path()))?;
    sleep(IDLE_FOR).await;
    let (idle_mib, idle_file_mib) = (process.resident_mib()?, process.resident_file_mib()?);

    send(&plan(grpc, Pace::AsAcknowledged, WARMED_FOR), requests).await?;
    settle(contender, &process, admin).await?;

    let (cpu_before, written_before) = (process.cpu_seconds()?, process.written_bytes()?);
    let (began, own_before, sunk_before) = (Instant::now(), own_cpu_seconds()?, sink.taken_bytes());
    let full = send(&plan(grpc, Pace::AsAcknowledged, settings.time), requests).await?;
    let own_seconds = own_cpu_seconds()? - own_before;
    let (rested, delivered) = settle(contender, &process, admin).await?;
    let delivered_after = delivered.duration_since(began).as_secs_f64();
    let cpu_seconds = process.cpu_seconds()? - cpu_before;
    let written_bytes = process.written_bytes()? - written_before;
    let sunk_bytes = (sink.taken_bytes() - sunk_before) as f64;

    // What it acknowledges faster than it delivers it could not go on with.
    let half_rate = Pace::PerSecond(full.acknowledged as f64 / delivered_after / 2.0);
    let half = send(&plan(grpc, half_rate, settings.time), requests).await?;
    let spans = full.acknowledged as f64 * requests.shape().spans as f64;
    let arrived = sunk_bytes / (spans * requests.bytes_a_span());
    Ok(Run {
        contender: contender.name.to_owned(),
        case: case.to_owned(),
        round: settings.round,
        ready_ms: ready.as_secs_f64() * 1e3,
        idle_mib,
        idle_file_mib,
        acknowledged_spans: spans,
        refused_requests: full.refused + half.refused,
        failed_requests: full.failed + half.failed,
        unsent_requests: half.unsent,
        causes: full
            .causes
            .iter()
            .chain(&half.causes)
            .map(|(kind, text)| (kind.clone(), text.clone()))
            .collect(),
        arrived_share: contender.sends_on().then_some(arrived),
        generator_cores: own_seconds / full.took.as_secs_f64(),
        busy_before,
        cpu_seconds,
        cpu_seconds_a_million: cpu_seconds * 1e6 / spans,
        spans_a_second: spans / full.took.as_secs_f64(),
        delivered_spans_a_second: spans / delivered_after,
        full: latency(&full),
        half: latency(&half),
        written_bytes_a_span: written_bytes as f64 / spans,
        peak_mib: process.peak_resident_mib()?,
        rested,
    })
}

/// Waits until what was acknowledged is where it should go, and says when it was. Of whom cannot be asked that, it is
/// when it came to rest; whether it did.
async fn settle(contender: &Contender, process: &Process, admin: u16) -> Result<(bool, Instant), Failure> {
    let mut flushed = None;
    if contender.is_flushed() {
        flush(admin).await?;
        flushed = Some(Instant::now());
    }
    let (rested, since) = process.rest(PATIENCE).await?;
    Ok((rested, flushed.unwrap_or(since)))
}

fn plan(port: u16, pace: Pace, time: Duration) -> Plan {
    Plan {
        address: address(port),
        protocol: Protocol::Grpc,
        connections: CONNECTIONS,
        in_flight: IN_FLIGHT,
        pace,
        time,
    }
}

fn address(port: u16) -> String {
    format!("127.0.0.1:{port}")
}

fn latency(outcome: &Outcome) -> Latency {
    Latency {
        p50_ms: outcome.latency_ms(0.5),
        p99_ms: outcome.latency_ms(0.99),
        p999_ms: outcome.latency_ms(0.999),
    }
}

/// The failure with what the contender printed.
fn with_output(failure: &Failure, folder: &Path) -> Failure {
    let output = std::fs::read_to_string(folder.join("output.log")).unwrap_or_default();
    format!("{failure}\n{output}").into()
}
