//! What can be done to the log of a collector that does not run.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use spanledger_component::{
    Budget, Clock, ComponentId, Context, Error, LogId, Position, Replay, Replayed, WalSettings,
};
use spanledger_config::Graph;
use spanledger_telemetry::Meter;
use spanledger_wal::{Control, Options, Wal};
pub use spanledger_wal::{Problem, Report, Severity};
use tokio_util::sync::CancellationToken;

use crate::agreeing::signals_of;
use crate::budget::Shares;
use crate::building::{build_extensions, context};
use crate::engine::{log_options, open_log};
use crate::epochs::{Live, Pinnable};
use crate::pinning;
use crate::replays::Replays;
pub use crate::verifying::{Verified, verify};

/// Forgets a branch, and returns how many items that waited for it are given up. An error when a pipeline with a
/// receiver still names it, and when the log does not know it, with those it knows.
pub async fn forget(
    graph: &Graph,
    default: &WalSettings,
    clock: Arc<dyn Clock>,
    branch: &str,
) -> Result<u64, Error> {
    let wal = Wal::open(existing_log_of(graph, default, clock)?)
        .map_err(|error| Error::caused("extensions::wal", error))?;
    let forgotten = match pipeline_with(graph, branch) {
        Some(pipeline) => Err(Error::new(format!(
            "service::pipelines::{pipeline}: {branch} is still in the config, so what waits for it is not given up: take it out of the config first"
        ))),
        None => try_forget(&wal, branch).await,
    };
    wal.close().await;
    forgotten
}

/// A pipeline that brings to a branch what a receiver takes in.
fn pipeline_with(graph: &Graph, branch: &str) -> Option<String> {
    let is_received = |id| graph.receivers.contains_key(id);
    let mut naming = graph.epoch.pipelines.iter().filter(|pipeline| {
        pipeline.receivers.iter().any(is_received)
            && pipeline.exporters.iter().any(|exporter| exporter.to_string() == branch)
    });
    naming.next().map(|pipeline| pipeline.id.to_string())
}

async fn try_forget(wal: &Wal, branch: &str) -> Result<u64, Error> {
    let state = wal.state();
    let Some(known) = state.branches.get(branch) else {
        let known: Vec<_> = state.branches.keys().map(String::as_str).collect();
        return Err(Error::new(format!(
            "the log knows no branch {branch:?}; it knows: {}",
            known.join(", ")
        )));
    };
    let items = wal.waiting(known.cursor).items.iter().sum();
    let position = wal.durable_end();
    let forgotten = wal.record(Control::BranchForgotten { branch: branch.to_owned(), position }).await;
    forgotten.map(|_| items).map_err(|error| Error::caused(format!("forget {branch}"), error))
}

/// Gives records of a log that nobody has open to an exporter once more, until `stop`. Branches and their cursors stay
/// where they are.
pub async fn replay(
    graph: Graph,
    options: crate::Options,
    what: &Replay,
    timeout: Duration,
    stop: CancellationToken,
) -> Result<Replayed, Error> {
    let Graph { service, receivers, mut exporters, spare_exporters, extensions, epoch, .. } = graph;
    Shares::check(service.memory)?;
    let shares = Shares::of(service.memory.unwrap_or_else(Shares::default_bytes));
    let wal = open_log(&build_extensions(&extensions, &options)?, &options, &shares)?;
    let is_fed = |exporter: &ComponentId| {
        let mut naming = epoch.pipelines.iter().filter(|pipeline| pipeline.exporters.contains(exporter));
        naming.any(|pipeline| pipeline.receivers.iter().any(|id| receivers.contains_key(id)))
    };
    let fed: Vec<_> = exporters.keys().filter(|id| is_fed(id)).cloned().collect();
    let (meter, log) = (Meter::default(), LogId(wal.id().0));
    let silent = crate::Options { meter, ..options.clone() };
    let pins = pinning::without_sources(&epoch, &wal);
    let pipelines = Pinnable::build(&epoch, pins, &|id| context(id, &silent, 0, log))?.pipelines;
    let fed: BTreeMap<_, _> = fed.into_iter().map(|id| (id.clone(), signals_of(&pipelines, &id))).collect();
    exporters.extend(spare_exporters);
    let present = Live { first: Position(wal.data_end().0), pipelines };
    let replays = Replays {
        wal: wal.clone(),
        limits: Replays::limits_of(&shares, fed.len()),
        options,
        exporters,
        fed,
        present: Some(Arc::new(present)),
        memory: Budget::new(shares.exporters),
        one: tokio::sync::Mutex::default(),
        stop,
    };
    let replayed = replays.run(what, timeout).await;
    wal.close().await;
    replayed
}

/// Whether there is a log in a folder. Opening one where there is none makes one.
pub fn holds_a_log(folder: &Path) -> bool {
    let files = folder.read_dir().into_iter().flatten().flatten();
    files.map(|file| file.path()).any(|path| path.extension().is_some_and(|extension| extension == "seg"))
}

/// Gives the log a new identity, so that what it delivers never has the name of what the log it was copied from
/// delivers. Returns the identity, 32 hex digits.
pub fn new_identity(graph: &Graph, default: &WalSettings, clock: Arc<dyn Clock>) -> Result<String, Error> {
    let id = Wal::new_identity(existing_log_of(graph, default, clock)?);
    id.map(|id| id.to_string()).map_err(|error| Error::caused("extensions::wal", error))
}

fn existing_log_of(graph: &Graph, default: &WalSettings, clock: Arc<dyn Clock>) -> Result<Options, Error> {
    let options = log_of(graph, default, clock)?;
    match holds_a_log(&options.directory) {
        true => Ok(options),
        false => {
            Err(Error::new(format!("extensions::wal: there is no log in {}", options.directory.display())))
        }
    }
}

pub(crate) fn log_of(graph: &Graph, default: &WalSettings, clock: Arc<dyn Clock>) -> Result<Options, Error> {
    let mut settings = None;
    for (id, configured) in &graph.extensions {
        let context = Context { clock: clock.clone(), ..Context::new(id.clone()) };
        settings = settings.or((configured.build)(&context)?.wal());
    }
    log_options(settings.as_ref().unwrap_or(default), clock)
}
