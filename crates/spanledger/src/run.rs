//! Running the collector: config, logs, engine, signals, and the way down.

use std::sync::Arc;
use std::time::Duration;

use spanledger_component::{Error, Notices, Registry, SystemClock, WalSettings};
use spanledger_config::{Graph, LogEncoding, LogLevel, SystemEnv, TelemetrySettings};
use spanledger_engine::{Engine, Options, Running, Summary, SystemRandom, Threads};
use spanledger_telemetry::{Meter, logs, observe_process};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::args::ConfigArgs;
use crate::{load, own_metrics, show};

/// How long a start that is told to stop may take to its end, to be stopped in order after it.
const LAST_STEP: Duration = Duration::from_millis(500);

/// Runs until a signal or until a component fails. An error when it failed; what was taken in is in the log.
pub(crate) async fn run(config: ConfigArgs, registry: Arc<Registry>) -> Result<(), Error> {
    let loaded = load::load(&config, &registry)?;
    start_logs(&loaded.graph.service.telemetry);
    for warning in &loaded.warnings {
        warn!("{warning}");
    }
    let mut signals = Signals::listen()?;
    info!(version = env!("CARGO_PKG_VERSION"), "Starting spanledger.");
    let encoding = loaded.graph.service.telemetry.log_encoding;
    // On a thread of its own: reading a large log back does not keep it from heeding a signal.
    let runtime = tokio::runtime::Handle::current();
    let mut starting = tokio::task::spawn_blocking(move || runtime.block_on(start(loaded.graph, registry)));
    let (started, is_told) = tokio::select! {
        started = &mut starting => (Some(started), false),
        // It may have taken requests in already, and be about to say that it is there.
        () = signals.stop() => (tokio::time::timeout(LAST_STEP, starting).await.ok(), true),
    };
    let Some(started) = started else {
        info!("Stopped before the start was done.");
        return Ok(());
    };
    let mut collector = started.map_err(|error| Error::caused("start the collector", error))??;
    let failed = match is_told {
        true => None,
        false => collector.until_told(&mut signals).await,
    };
    collector.end(signals, encoding).await;
    failed.map_or(Ok(()), Err)
}

/// Begins to write the log, as the config says.
pub(crate) fn start_logs(telemetry: &TelemetrySettings) {
    let level = match telemetry.log_level {
        LogLevel::Debug => logs::Level::Debug,
        LogLevel::Info => logs::Level::Info,
        LogLevel::Warn => logs::Level::Warn,
        LogLevel::Error => logs::Level::Error,
    };
    let encoding = match telemetry.log_encoding {
        LogEncoding::Console => logs::Encoding::Console,
        LogEncoding::Json => logs::Encoding::Json,
    };
    // An error means that a test, or a program around this one, listens already.
    let _ = logs::init(level, encoding);
}

/// A collector that runs, with its own metrics served beside it.
pub(crate) struct Collector {
    pub(crate) running: Running,
    own_metrics: JoinSet<()>,
    stop: CancellationToken,
}

/// Starts the collector of a config. Ready when it returns.
pub(crate) async fn start(graph: Graph, registry: Arc<Registry>) -> Result<Collector, Error> {
    let meter = Meter::default();
    observe_process(&meter);
    let stop = CancellationToken::new();
    let own_metrics = own_metrics::serve(&graph.service.telemetry, &meter, stop.clone()).await?;
    let running = Engine::start(graph, options(registry, meter, default_wal())).await?;
    Ok(Collector { running, own_metrics, stop })
}

/// What an engine needs beside the graph, from the real world.
pub(crate) fn options(registry: Arc<Registry>, meter: Meter, wal: WalSettings) -> Options {
    Options {
        registry,
        env: Arc::new(SystemEnv),
        clock: Arc::new(SystemClock),
        random: Arc::new(SystemRandom),
        meter,
        wal,
        threads: Threads::Own,
        notices: Notices::default(),
    }
}

/// Where the log is when the config does not say: with the data of a service, else in the working directory.
pub(crate) fn default_wal() -> WalSettings {
    let as_service = std::env::var_os("INVOCATION_ID").is_some() || std::process::id() == 1;
    let directory = if as_service { "/var/lib/spanledger/wal" } else { "./data/wal" };
    spanledger_extension_wal::Config { directory: directory.into(), ..Default::default() }.settings()
}

impl Collector {
    /// Waits for a signal, or a failure, which is returned.
    async fn until_told(&mut self, signals: &mut Signals) -> Option<Error> {
        tokio::select! {
            error = self.running.failed() => {
                error!(%error, "a component failed, terminating");
                Some(error)
            }
            () = signals.stop() => None,
        }
    }

    /// Stops, and says what is left; a signal meanwhile ends the waiting for deliveries.
    async fn end(self, mut signals: Signals, encoding: LogEncoding) {
        let hurry = async {
            signals.stop().await;
            warn!("another signal: what is not delivered yet stays in the log");
        };
        let summary = self.stop_or(hurry).await;
        // As JSON the log is for programs; what is left is in it, too.
        if encoding == LogEncoding::Console {
            report(&summary);
        }
    }

    /// Stops, and says what is left in the log.
    pub(crate) async fn stop(self) -> Summary {
        self.stop_or(std::future::pending()).await
    }

    async fn stop_or(self, hurry: impl Future<Output = ()>) -> Summary {
        let summary = self.running.stop_or(hurry).await;
        self.stop.cancel();
        self.own_metrics.join_all().await;
        summary
    }
}

fn report(summary: &Summary) {
    for waiting in &summary.waiting {
        show::error(&format!(
            "{}: {} items are not delivered yet; they are in {} and go on at the next start",
            waiting.branch,
            waiting.items,
            summary.directory.display(),
        ));
    }
}

/// The signals that the collector heeds, from the moment it listens to them.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    /// Listens from now on.
    pub(crate) fn listen() -> Result<Self, Error> {
        let listen = |kind| signal(kind).map_err(|error| Error::caused("listen for signals", error));
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
            hang_up: listen(SignalKind::hangup())?,
        })
    }

    /// Waits for SIGTERM or SIGINT. SIGHUP is taken note of and changes nothing.
    pub(crate) async fn stop(&mut self) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                _ = self.hang_up.recv() => warn!("SIGHUP: reloading is not supported yet, restart to change the config"),
            }
        }
    }
}
