//! Spanledger as a process with a setup.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use spanledger_load::{
    Failure, Outcome, Pace, Plan, Process, Protocol, Requests, acknowledged_first, flush, free_ports, get,
    send,
};

use tokio::time::Instant;

use super::setup::{Settings, Setup};
use crate::contender::{CONTENDERS, Ports};

/// How long it may take until it is ready, with a backlog too.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// Spanledger, ready; killed when dropped.
pub(crate) struct Running {
    pub(crate) process: Process,
    /// From its start to the first acknowledgement.
    pub(crate) ready_ms: f64,
    ports: Ports,
}

impl Running {
    /// Starts it in a folder and waits until it acknowledges. `sink` is a port to which it may send on.
    pub(crate) async fn start(
        settings: &Settings,
        setup: &Setup,
        folder: &Path,
        sink: u16,
    ) -> Result<Self, Failure> {
        let [grpc, metrics, admin, own] = free_ports()?;
        let ports = Ports { grpc, metrics, admin, own, sink };
        let process = Process::start(&mut command(settings, setup, ports)?, folder)?;
        let address = format!("127.0.0.1:{grpc}");
        let ready = acknowledged_first(&address, Protocol::Grpc, process.started, READY_WITHIN).await;
        let ready = ready.map_err(|failure| {
            let output = std::fs::read_to_string(folder.join("output.log")).unwrap_or_default();
            format!("{failure}\n{output}")
        })?;
        Ok(Self { process, ready_ms: ready.as_secs_f64() * 1e3, ports })
    }

    /// Sends for a time.
    pub(crate) async fn send(
        &self,
        setup: &Setup,
        requests: &Arc<Requests>,
        pace: Pace,
        time: Duration,
    ) -> Result<Outcome, Failure> {
        send(&self.plan(setup, pace, time), requests).await
    }

    /// What is sent to it.
    pub(crate) fn plan(&self, setup: &Setup, pace: Pace, time: Duration) -> Plan {
        Plan {
            address: format!("127.0.0.1:{}", self.ports.grpc),
            protocol: Protocol::Grpc,
            connections: setup.connections,
            in_flight: setup.in_flight,
            pace,
            time,
        }
    }

    /// Waits until all that was accepted is delivered.
    pub(crate) async fn flush(&self) -> Result<(), Failure> {
        flush(self.ports.admin).await
    }

    /// How long its metrics of calls take to be read.
    pub(crate) async fn scrape_ms(&self) -> Result<f64, Failure> {
        let began = Instant::now();
        get(self.ports.metrics, "/metrics").await?;
        Ok(began.elapsed().as_secs_f64() * 1e3)
    }

    /// Spans that it says its exporter `parquet` has delivered.
    pub(crate) async fn delivered_spans(&self) -> Result<f64, Failure> {
        const NAME: &str = "otelcol_exporter_sent_spans{exporter=\"parquet\"} ";
        let metrics = get(self.ports.own, "/metrics").await?;
        let spans = metrics.lines().find_map(|line| line.strip_prefix(NAME));
        Ok(spans.ok_or_else(|| format!("its metrics lack {NAME}"))?.parse()?)
    }
}

fn command(settings: &Settings, setup: &Setup, ports: Ports) -> Result<Command, Failure> {
    let [spanledger, ..] = &CONTENDERS;
    let mut command = spanledger.command(&settings.program, ports)?;
    if !setup.config.is_empty() {
        command.arg("--config").arg(format!("yaml:{}", setup.config));
    }
    let Some(cores) = &setup.cores else { return Ok(command) };
    let mut pinned = Command::new("taskset");
    pinned.args(["-c", cores]).arg(command.get_program()).args(command.get_args());
    pinned.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    Ok(pinned)
}
