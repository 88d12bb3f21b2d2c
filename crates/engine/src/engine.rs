//! Building the graph, starting it in order, and stopping it in order.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use spanledger_component::{
    Budget, Clock, ComponentId, Configured, Connector, Context, Error, Exporter, Extension, Host as _,
    Intake, LogId, Notices, Position, Receiver, Registry, Service, Waiting, WalSettings,
};
use spanledger_config::{Env, Epoch, Graph, Service as ServiceSettings};
use spanledger_telemetry::Meter;
use spanledger_wal::{Counts, ReadLimits, Wal};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::agreeing::{self, fed_by_receivers, note_branches, refuse_vanished};
use crate::branch::{Ask, Progress};
use crate::budget::Shares;
use crate::building::{Built, Resuming, build_extensions, context, resume_all};
use crate::dead_letters;
use crate::door::Door;
use crate::epochs::{Epochs, Live, Pinnable};
use crate::exporting::Exporting;
use crate::files;
use crate::folding::Folding;
use crate::gate::Gate;
use crate::host::Host;
use crate::own_metrics;
use crate::pinning;
use crate::random::Random;
use crate::reader::Reader;
use crate::readiness;
use crate::replays::Replays;
use crate::scrubbing::scrub;
use crate::snapshots::{Feed, Outlets, connect};
use crate::threads::Threads;
use crate::watching::Watching;

/// How long tasks that were told to stop may take, once the time for deliveries is over. Branches and extensions have it one
/// after the other: with the default of 20 s for deliveries, a stop ends within the 30 s that Kubernetes gives.
const STOP_PATIENCE: Duration = Duration::from_secs(4);

/// What remembering a request takes.
const REPEAT_BYTES: usize = 96;

/// What an engine needs beside the graph.
#[derive(Clone)]
pub struct Options {
    /// The components, for epochs that are read back.
    pub registry: Arc<Registry>,
    /// The environment, for epochs that are read back.
    pub env: Arc<dyn Env>,
    /// The wall clock.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// Where everything counts.
    pub meter: Meter,
    /// The log when no extension has its settings.
    pub wal: WalSettings,
    /// On what the log and the branches run.
    pub threads: Threads,
    /// What senders are to be told.
    pub notices: Notices,
}

/// Starts collectors.
pub struct Engine;

/// A collector that runs.
pub struct Running {
    receivers: JoinSet<Result<(), Error>>,
    tasks: JoinSet<Result<(), Error>>,
    branches: JoinSet<Result<(), Error>>,
    host: Arc<Host>,
    wal: Wal,
    shutdown_timeout: Duration,
    stop: StopAll,
}

/// Stops the parts of a collector, in this order, or all at once when it is dropped.
#[derive(Default)]
struct StopAll {
    receivers: CancellationToken,
    branches: CancellationToken,
    rest: CancellationToken,
}

/// What was left when a collector stopped. It is in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// What each branch had not delivered.
    pub waiting: Vec<Waiting>,
    /// Where the log is.
    pub directory: PathBuf,
}

impl Engine {
    /// Opens the log, builds the graph and starts it. Ready when it returns.
    pub async fn start(graph: Graph, options: Options) -> Result<Running, Error> {
        let Graph { service, receivers, connectors, exporters, spare_exporters, extensions, epoch } = graph;
        Shares::check(service.memory)?;
        let shares = Shares::of(service.memory.unwrap_or_else(Shares::default_bytes));
        let extensions = build_extensions(&extensions, &options)?;
        let wal = open_log(&extensions, &options, &shares)?;
        let parts = Parts { service, receivers, connectors, exporters, spare_exporters };
        let mut starting = Starting::new(parts, epoch, options, shares, wal).await?;
        starting.start_extensions(extensions).await?;
        let receivers = starting.start_receivers().await?;
        starting.start_branches().await?;
        let (wal, stop) = (starting.wal.clone(), starting.stop.rest.clone());
        starting.tasks.spawn(scrub(wal, starting.options.threads.clone(), stop.clone()));
        starting.tasks.spawn(readiness::watch(starting.host.clone(), stop.clone()));
        starting.tasks.spawn(watch_log(starting.wal.clone(), stop.clone()));
        if let Some(watching) = starting.watching.take() {
            starting.options.threads.spawn(&mut starting.tasks, watching.run(stop));
        }
        let running = starting.running(receivers);
        info!("Everything is ready. Begin running and processing data.");
        Ok(running)
    }

    /// Opens a log that another collector left behind, to deliver what waits in it: nothing listens, nothing is taken
    /// in, and exporters that only connectors feed are left out.
    pub async fn start_draining(graph: Graph, options: Options) -> Result<Running, Error> {
        let Graph { service, receivers, connectors, mut exporters, spare_exporters, extensions, epoch } =
            graph;
        Shares::check(service.memory)?;
        let shares = Shares::of(service.memory.unwrap_or_else(Shares::default_bytes));
        let wal = open_log(&build_extensions(&extensions, &options)?, &options, &shares)?;
        exporters.retain(|exporter, _| {
            let is_received = |id| receivers.contains_key(id);
            let mut naming = epoch.pipelines.iter().filter(|pipeline| pipeline.exporters.contains(exporter));
            naming.any(|pipeline| pipeline.receivers.iter().any(is_received))
        });
        let parts = Parts { service, receivers, connectors, exporters, spare_exporters };
        let mut starting = Starting::new(parts, epoch, options, shares, wal).await?;
        starting.start_branches().await?;
        let running = starting.running(Vec::new());
        running.host.gate.shut();
        Ok(running)
    }
}

/// What the graph is made of, beside extensions and the epoch.
pub(crate) struct Parts {
    service: ServiceSettings,
    pub(crate) receivers: BTreeMap<ComponentId, Configured<dyn Receiver>>,
    pub(crate) connectors: BTreeMap<ComponentId, Configured<dyn Connector>>,
    pub(crate) exporters: BTreeMap<ComponentId, Configured<dyn Exporter>>,
    pub(crate) spare_exporters: BTreeMap<ComponentId, Configured<dyn Exporter>>,
}

pub(crate) fn open_log(
    extensions: &[Box<dyn Extension>],
    options: &Options,
    shares: &Shares,
) -> Result<Wal, Error> {
    let settings =
        extensions.iter().find_map(|extension| extension.wal()).unwrap_or_else(|| options.wal.clone());
    if let Some(weakness) = spanledger_wal::weakness(&settings.directory) {
        warn!(directory = %settings.directory.display(), "the log promises less here: {weakness}");
    }
    let mut wal = log_options(&settings, options.clock.clone())?;
    wal.recent_bytes = shares.recent;
    wal.repeats_max = shares.repeats / REPEAT_BYTES;
    wal.segment_bytes = wal.segment_bytes.min(shares.segment_bytes_max);
    let opened = options.threads.open(wal).map_err(|error| Error::caused("extensions::wal", error))?;
    info!(directory = %settings.directory.display(), log = %opened.id(), "log opened");
    Ok(opened)
}

/// A log whose thread is gone takes nothing in and delivers nothing: better to begin anew.
async fn watch_log(wal: Wal, stop: CancellationToken) -> Result<(), Error> {
    match stop.run_until_cancelled(wal.ended()).await {
        Some(()) => Err(Error::new(
            "the log's thread ended, nothing can be taken in; what was acknowledged is on disk",
        )),
        None => Ok(()),
    }
}

/// How the log of these settings is opened.
pub(crate) fn log_options(
    settings: &WalSettings,
    clock: Arc<dyn Clock>,
) -> Result<spanledger_wal::Options, Error> {
    let mut wal = spanledger_wal::Options::new(&settings.directory, Arc::new(move || clock.now()));
    let by_volume = || spanledger_wal::default_max_bytes(&settings.directory);
    wal.max_bytes = settings.max_bytes.map_or_else(by_volume, Ok).map_err(|error| {
        Error::caused(
            format!("extensions::wal: ask how large the volume of {} is", settings.directory.display()),
            error,
        )
    })?;
    wal.retain = settings.retain;
    wal.parity = settings.parity;
    wal.repeat_window = settings.repeat_window;
    Ok(wal)
}

/// A collector that is being started.
struct Starting {
    graph: Parts,
    options: Options,
    shares: Shares,
    wal: Wal,
    epochs: Arc<Epochs>,
    live: Arc<Live>,
    reader: Arc<Reader>,
    built: Built,
    connectors: BTreeMap<ComponentId, Resuming>,
    progress: BTreeMap<ComponentId, Arc<Progress>>,
    outlets: Outlets,
    feeds: BTreeMap<ComponentId, Vec<Feed>>,
    host: Arc<Host>,
    watching: Option<Watching>,
    tasks: JoinSet<Result<(), Error>>,
    branches: JoinSet<Result<(), Error>>,
    stop: StopAll,
}

/// What processors that are built while the collector runs are given.
fn watching_context(options: &Options, log: LogId) -> Box<dyn Fn(&ComponentId) -> Context + Send + Sync> {
    let options = options.clone();
    Box::new(move |id| context(id, &options, 0, log))
}

impl Starting {
    async fn new(
        graph: Parts,
        epoch: Epoch,
        options: Options,
        shares: Shares,
        wal: Wal,
    ) -> Result<Self, Error> {
        let log = LogId(wal.id().0);
        let context_of = |id: &ComponentId| context(id, &options, 0, log);
        // Everything that can be wrong with the config is found before the log takes note of it.
        let (pins, sources) = pinning::at_start(&epoch, &wal).await?;
        let present = Pinnable::build(&epoch, pins.clone(), &context_of)?;
        let fed = fed_by_receivers(&graph, &present.pipelines);
        refuse_vanished(&wal, &fed)?;
        let mut built = Built::new(&graph, &options, &shares, &fed, log)?;
        note_branches(&wal, &fed).await?;
        let connectors = resume_all(std::mem::take(&mut built.connectors), &wal);
        let begin = |id: &ComponentId| {
            let resumed = connectors.get(id).map(|connector| &connector.resumed);
            (id.clone(), Arc::new(agreeing::progress(&wal, id, &present.pipelines, resumed)))
        };
        let progress: BTreeMap<_, _> = fed.iter().map(begin).collect();
        let cursors = progress.values().map(|progress| progress.delivered());
        let behind = cursors.filter(|cursor| wal.waiting(spanledger_wal::Position(cursor.0)).records > 0);
        let oldest = behind.min().unwrap_or(Position(u64::MAX));
        let epochs =
            Epochs::open(&wal, present, oldest, &options.registry, options.env.as_ref(), &context_of).await?;
        let live = epochs.present().ok_or_else(|| Error::new("the log has no epoch"))?;
        pinning::remove_unneeded(&wal);
        files::charge(&wal);
        let epochs = Arc::new(epochs);
        let watching = Watching {
            epoch,
            pins,
            sources,
            epochs: epochs.clone(),
            wal: wal.clone(),
            troubles: BTreeMap::new(),
            context: watching_context(&options, log),
        };
        // One more, for a replay.
        let (items, bytes) = shares.window(fed.len() + 1);
        let reader = Arc::new(Reader::new(
            wal.clone(),
            epochs.clone(),
            ReadLimits { items: items as u64, bytes: bytes as u64 },
        ));
        let (outlets, feeds) = connect(&graph, &live);
        let stop = StopAll::default();
        let host = Arc::new(Host {
            wal: wal.clone(),
            branches: progress.values().cloned().collect(),
            feeds: feeds
                .iter()
                .flat_map(|(id, feeds)| feeds.iter().map(|feed| (id.to_string(), feed.seen())))
                .collect(),
            clock: options.clock.clone(),
            started: AtomicBool::new(false),
            gate: Arc::new(Gate::open()),
            replays: OnceLock::new(),
        });
        own_metrics::observe(&options.meter, &host, &shares, |id| graph.exporters.contains_key(id));
        Ok(Self {
            graph,
            options,
            shares,
            wal,
            epochs,
            live,
            reader,
            built,
            connectors,
            progress,
            outlets,
            feeds,
            host,
            watching: Some(watching),
            tasks: JoinSet::new(),
            branches: JoinSet::new(),
            stop,
        })
    }

    /// Extensions are there before anything else, so that probes see the start.
    async fn start_extensions(&mut self, extensions: Vec<Box<dyn Extension>>) -> Result<(), Error> {
        let host: Arc<dyn spanledger_component::Host> = self.host.clone();
        for mut extension in extensions {
            extension.start(&host).await?;
            self.tasks.spawn(extension.run(host.clone(), self.stop.rest.clone()));
        }
        Ok(())
    }

    /// Receivers listen before branches read, so that a port that is taken is found before work begins.
    async fn start_receivers(&mut self) -> Result<Vec<(ComponentId, Box<dyn Receiver>)>, Error> {
        let mut receivers = std::mem::take(&mut self.built.receivers);
        for (_, receiver) in &mut receivers {
            receiver.start().await?;
        }
        Ok(receivers)
    }

    async fn start_branches(&mut self) -> Result<(), Error> {
        for (id, mut exporter) in std::mem::take(&mut self.built.exporters) {
            if let Some(service) = exporter.start(self.stop.rest.clone()).await? {
                self.serve(service);
            }
            self.start_exporter(&id, exporter);
        }
        self.start_connectors();
        Ok(())
    }

    fn serve(&mut self, service: Service) {
        self.tasks.spawn(service);
    }

    fn start_exporter(&mut self, id: &ComponentId, exporter: Box<dyn Exporter>) {
        let feeds = self.feeds.remove(id).unwrap_or_default();
        // An exporter that only connectors feed has no place in the log: it waits behind its end for ever.
        let behind = || Arc::new(Progress::new(id.clone(), &[], Position(u64::MAX), Counts::default()));
        let exporting = Exporting::new(
            exporter,
            self.progress.get(id).cloned().unwrap_or_else(behind),
            self.reader.clone(),
            self.wal.clone(),
            self.options.clock.clone(),
            self.options.random.clone(),
            feeds,
            self.stop.branches.clone(),
            own_metrics::sent(&self.options.meter, &id.to_string()),
        );
        self.options.threads.spawn(&mut self.branches, exporting.run());
    }

    fn start_connectors(&mut self) {
        for (id, connector) in std::mem::take(&mut self.connectors) {
            let (Some(out), Some(progress)) = (self.outlets.remove(&id), self.progress.get(&id).cloned())
            else {
                continue;
            };
            let folding = Folding::new(
                connector,
                progress,
                self.reader.clone(),
                self.wal.clone(),
                self.options.clock.clone(),
                self.options.random.clone(),
                out,
                self.stop.branches.clone(),
            );
            self.options.threads.spawn(&mut self.branches, folding.run());
        }
    }

    fn running(self, receivers: Vec<(ComponentId, Box<dyn Receiver>)>) -> Running {
        let budget = Budget::new(self.shares.intake);
        let mut serving = JoinSet::new();
        for (id, receiver) in receivers {
            let door = Door::new(
                self.wal.clone(),
                &id,
                &self.live,
                budget.clone(),
                self.shares.request_max,
                self.host.gate.clone(),
                self.options.notices.clone(),
            );
            serving.spawn(receiver.run(Intake::new(door), self.stop.receivers.clone()));
        }
        for progress in self.progress.values() {
            for position in dead_letters::outdated(&self.wal, &progress.id.to_string()) {
                progress.ask(position, Ask::Replay);
            }
        }
        let fed = self.progress.keys().filter(|id| self.graph.exporters.contains_key(id));
        let signals = |id: &ComponentId| (id.clone(), agreeing::signals_of(&self.live.pipelines, id));
        let fed: BTreeMap<_, _> = fed.map(signals).collect();
        let mut exporters = self.graph.exporters;
        exporters.extend(self.graph.spare_exporters);
        let replays = Replays {
            wal: self.wal.clone(),
            limits: Replays::limits_of(&self.shares, self.progress.len()),
            options: self.options,
            exporters,
            fed,
            present: None,
            memory: budget,
            one: tokio::sync::Mutex::default(),
            stop: self.stop.branches.clone(),
        };
        // It is set once, here.
        let _ = self.host.replays.set(replays);
        self.host.started.store(true, Ordering::Release);
        drop(self.epochs);
        Running {
            receivers: serving,
            tasks: self.tasks,
            branches: self.branches,
            host: self.host,
            wal: self.wal,
            shutdown_timeout: self.graph.service.shutdown_timeout,
            stop: self.stop,
        }
    }
}

/// A collector that is dropped without a stop, or whose start fails half-way, ends at once: what was not delivered is
/// in the log.
impl Drop for StopAll {
    fn drop(&mut self) {
        for token in [&self.receivers, &self.branches, &self.rest] {
            token.cancel();
        }
    }
}

impl Running {
    /// Waits until a component fails; the collector is then to be stopped. Never returns while all is well.
    pub async fn failed(&mut self) -> Error {
        loop {
            let ended = tokio::select! {
                biased;
                Some(ended) = self.receivers.join_next() => ended,
                Some(ended) = self.tasks.join_next() => ended,
                Some(ended) = self.branches.join_next() => ended,
                else => std::future::pending().await,
            };
            match ended {
                Ok(Ok(())) => {}
                Ok(Err(error)) => return error,
                Err(panicked) => return Error::caused("a component panicked", panicked),
            }
        }
    }

    /// What extensions ask; for those who run the engine in their own process.
    pub fn host(&self) -> Arc<dyn spanledger_component::Host> {
        self.host.clone()
    }

    /// Takes no more in, delivers what it can within the time of `service::shutdown::timeout`, and says what is left.
    pub async fn stop(self) -> Summary {
        self.stop_or(std::future::pending()).await
    }

    /// The same, but does not wait for deliveries any longer than until `hurry` is there.
    pub async fn stop_or(mut self, hurry: impl Future<Output = ()>) -> Summary {
        info!("Stopping: no more requests are taken in.");
        self.host.gate.shut();
        self.stop.receivers.cancel();
        tokio::select! {
            biased;
            () = self.deliver() => {}
            () = hurry => {}
        }
        for waiting in self.host.branches.iter().filter_map(|progress| self.host.waiting(progress)) {
            warn!(
                branch = waiting.branch,
                items = waiting.items,
                error = waiting.error,
                "not delivered before the end; it is in the log and goes on at the next start"
            );
        }
        self.stop.branches.cancel();
        end(&mut self.branches, STOP_PATIENCE).await;
        self.stop.rest.cancel();
        end(&mut self.tasks, STOP_PATIENCE).await;
        self.wal.close().await;
        let waiting = self.host.branches.iter().filter_map(|progress| self.host.waiting(progress)).collect();
        info!("Shutdown complete.");
        Summary { waiting, directory: self.wal.directory().to_owned() }
    }

    async fn deliver(&mut self) {
        let began = Instant::now();
        end(&mut self.receivers, self.shutdown_timeout.max(Duration::from_secs(1))).await;
        // What is left is looked at once the waiting is over, however it ends.
        let _ = self.host.flush(None, self.shutdown_timeout.saturating_sub(began.elapsed())).await;
    }
}

/// Waits for tasks that were told to stop; those that do not are cut off.
async fn end(tasks: &mut JoinSet<Result<(), Error>>, patience: Duration) {
    let ended = async {
        while let Some(ended) = tasks.join_next().await {
            if let Ok(Err(error)) = ended {
                warn!(%error, "a component ended with an error");
            }
        }
    };
    if tokio::time::timeout(patience, ended).await.is_err() {
        warn!(tasks = tasks.len(), "components did not stop in time and are cut off");
        tasks.abort_all();
    }
}
