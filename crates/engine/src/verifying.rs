//! `verify`: the log of a collector that does not run, the small files beside it, and what its exporters delivered, each
//! held against the others.

use std::collections::BTreeMap;
use std::sync::Arc;

use spanledger_component::{
    Audit, Clock, ComponentId, Context, Delivered, Error, LogId, Position, Signal, WalSettings,
};
use spanledger_config::{Epoch, Graph};
use spanledger_wal::{Branch, RealDisk, Report, SIGNALS, State, Wal};

use crate::files;
use crate::offline::log_of;

/// What was found, and what is wrong.
pub struct Verified {
    /// The log itself.
    pub log: Report,
    /// What is wrong with the files beside the log: each names its file.
    pub beside: Vec<Error>,
    /// What the exporters' targets hold, where one can be read back; an error where it could not be reached.
    pub targets: BTreeMap<ComponentId, Result<Audit, Error>>,
}

impl Verified {
    /// Whether all is as it was written.
    pub fn is_clean(&self) -> bool {
        let is_clean =
            |target: &Result<Audit, Error>| target.as_ref().is_ok_and(|audit| audit.problems_total == 0);
        self.log.is_clean() && self.beside.is_empty() && self.targets.values().all(is_clean)
    }
}

/// Reads through the whole log and says what is wrong with it; then what its exporters delivered, unless only the log
/// is asked for. Changes nothing.
pub async fn verify(
    graph: &Graph,
    default: &WalSettings,
    clock: Arc<dyn Clock>,
    log_only: bool,
) -> Result<Verified, Error> {
    let options = log_of(graph, default, clock.clone())?;
    let log = Wal::verify(&options).map_err(|error| Error::caused("extensions::wal", error))?;
    let beside = beside(&options.directory, &log.state);
    let mut targets = BTreeMap::new();
    for id in graph.exporters.keys().filter(|_| !log_only) {
        let Some(branch) = log.state.branches.get(&id.to_string()) else { continue };
        let audited = audit(graph, id, branch, LogId(log.log.0), clock.clone()).await;
        if let Some(audited) = audited.transpose() {
            targets.insert(id.clone(), audited);
        }
    }
    Ok(Verified { log, beside, targets })
}

/// Files that the control records name, and that are not what they should be.
fn beside(directory: &std::path::Path, state: &State) -> Vec<Error> {
    let epochs: Vec<_> = state.epochs.iter().map(|epoch| ("epochs", &epoch.payload_hash)).collect();
    let letters = state.branches.values().flat_map(|branch| &branch.dead_letters);
    let letters = letters.map(|letter| ("dead-letters", &letter.file_hash));
    let pinned = epochs.iter().flat_map(|(folder, hash)| {
        let payload = files::read_content(&RealDisk, &directory.join(folder), hash).unwrap_or_default();
        Epoch::pinned_in(&payload).into_values()
    });
    let pinned: std::collections::BTreeSet<String> = pinned.collect();
    let pinned =
        pinned.iter().filter_map(|name| files::read_named(&RealDisk, &directory.join("epochs"), name).err());
    let content = epochs
        .into_iter()
        .chain(letters)
        .filter_map(|(folder, hash)| files::read_content(&RealDisk, &directory.join(folder), hash).err());
    let checkpoints = state.branches.values().filter_map(|branch| branch.checkpoint.as_ref());
    let missing = checkpoints.filter_map(|checkpoint| {
        let path = directory.join("checkpoints").join(&checkpoint.file);
        let read = std::fs::read(&path).err()?;
        Some(Error::caused(format!("read {}", path.display()), read))
    });
    content.chain(pinned).chain(missing).collect()
}

/// Has an exporter read back what it delivered.
async fn audit(
    graph: &Graph,
    id: &ComponentId,
    branch: &Branch,
    log: LogId,
    clock: Arc<dyn Clock>,
) -> Result<Option<Audit>, Error> {
    let Some(configured) = graph.exporters.get(id) else { return Ok(None) };
    let context = Context { clock, log, ..Context::new(id.clone()) };
    (configured.build)(&context)?.audit(&delivered(branch)).await
}

fn delivered(branch: &Branch) -> Delivered {
    let [now, before]: [&[u64; SIGNALS]; 2] = [&branch.counts.delivered, &branch.delivered_under_old_ids];
    let items = now.iter().zip(before).map(|(now, before)| now.saturating_sub(*before));
    Delivered {
        items: Signal::ALL.into_iter().zip(items).collect(),
        from: Position(branch.added.0),
        open: branch.plan.as_ref().map(|plan| (Position(plan.first.0), Position(plan.last.0))),
    }
}
