//! Agreeing with the log on which branches there are.

use spanledger_component::{ComponentId, Error, Position, Signal};
use spanledger_wal::{Branch, Control, Wal};

use crate::branch::Progress;
use crate::checkpoints::Resumed;
use crate::engine::Parts;
use crate::epochs::Pipeline;

/// The exporters and connectors that read the log: those that a pipeline with a receiver names.
pub(crate) fn fed_by_receivers(graph: &Parts, pipelines: &[Pipeline]) -> Vec<ComponentId> {
    let received = |source: &String| graph.receivers.keys().any(|id| id.to_string() == *source);
    let pipelines = pipelines.iter().filter(|pipeline| pipeline.sources.iter().any(received));
    let mut fed: Vec<_> = pipelines.flat_map(|pipeline| pipeline.branches.iter().cloned()).collect();
    fed.sort();
    fed.dedup();
    fed
}

/// What pipelines bring to a branch.
pub(crate) fn signals_of(pipelines: &[Pipeline], branch: &ComponentId) -> Vec<Signal> {
    let naming = pipelines.iter().filter(|pipeline| pipeline.branches.contains(branch));
    naming.map(|pipeline| pipeline.signal).collect()
}

/// Refuses to start while a branch that vanished from the config has a backlog.
pub(crate) fn refuse_vanished(wal: &Wal, fed: &[ComponentId]) -> Result<(), Error> {
    for (name, branch) in vanished(wal, fed) {
        let waiting = wal.waiting(branch.cursor);
        if waiting.records > 0 {
            let items: u64 = waiting.items.iter().sum();
            return Err(Error::new(format!(
                "{name} is no longer in the config, but {items} items wait for it in {}: put it back, or run `spanledger forget {name}` to give them up",
                wal.directory().display(),
            )));
        }
    }
    Ok(())
}

fn vanished(wal: &Wal, fed: &[ComponentId]) -> Vec<(String, Branch)> {
    let known = |name: &str| fed.iter().any(|id| id.to_string() == name);
    wal.state().branches.clone().into_iter().filter(|(name, _)| !known(name)).collect()
}

/// Adds new branches to the log, and takes those out that vanished.
pub(crate) async fn note_branches(wal: &Wal, fed: &[ComponentId]) -> Result<(), Error> {
    for (branch, _) in vanished(wal, fed) {
        note(wal, Control::BranchForgotten { branch, position: wal.data_end() }).await?;
    }
    let state = wal.state();
    for branch in fed.iter().map(ToString::to_string).filter(|id| !state.branches.contains_key(id)) {
        let position = state.forgotten.get(&branch).copied().unwrap_or_default().max(wal.first_retained());
        let before = wal.accepted_before(position);
        note(wal, Control::BranchAdded { branch, position, before }).await?;
    }
    Ok(())
}

async fn note(wal: &Wal, control: Control) -> Result<(), Error> {
    wal.record(control).await.map(drop).map_err(|error| Error::caused("note the branches in the log", error))
}

/// Where a branch goes on: by its own state, else by the log.
pub(crate) fn progress(
    wal: &Wal,
    id: &ComponentId,
    pipelines: &[Pipeline],
    resumed: Option<&Resumed>,
) -> Progress {
    let signals = signals_of(pipelines, id);
    let (cursor, counts) = match resumed {
        Some(resumed) => (spanledger_wal::Position(resumed.position.0), resumed.counts),
        None => {
            let branch = wal.state().branches.get(&id.to_string()).cloned().unwrap_or_default();
            (branch.cursor, branch.counts)
        }
    };
    let retained = wal.first_retained();
    let progress = Progress::new(id.clone(), &signals, Position(cursor.0.max(retained.0)), counts);
    if cursor < retained {
        // Segments are missing.
        let mut counts = counts;
        counts += progress.lost_before(wal, Position(retained.0), &counts);
        progress.set_done(Position(retained.0), counts);
    }
    progress
}
