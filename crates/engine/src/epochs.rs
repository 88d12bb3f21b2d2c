//! Epochs: which pipelines and processors make the rows of a position, also after a restart or a change.

use std::path::Path;
use std::sync::Arc;

use spanledger_component::{ComponentId, Context, Error, Position, Processor, Registry, Signal};
use spanledger_config::{Env, Epoch};
use spanledger_wal::{Control, Wal};

use crate::counting::Counting;
use crate::files;
use crate::window::signal_index;

/// A pipeline fed by receivers, with its processors built.
pub(crate) struct Pipeline {
    pub(crate) name: String,
    pub(crate) signal: Signal,
    /// Ids of the receivers and connectors that feed it.
    pub(crate) sources: Vec<String>,
    pub(crate) processors: Vec<Box<dyn Processor>>,
    pub(crate) branches: Vec<ComponentId>,
}

impl Pipeline {
    /// Whether that receiver or connector feeds it.
    pub(crate) fn takes_from(&self, source: &str) -> bool {
        self.sources.iter().any(|id| id == source)
    }

    /// Whether a record of the log with this signal and receiver belongs to it.
    pub(crate) fn owns(&self, signal: u8, receiver: &str) -> bool {
        signal == signal_index(self.signal) && self.takes_from(receiver)
    }
}

/// What is in force from a position on.
pub(crate) struct Live {
    /// Where it begins; a branch that it is the first to name gets older positions by it too.
    pub(crate) first: Position,
    pub(crate) pipelines: Vec<Pipeline>,
}

impl Live {
    /// Whether the branch gets records of the log: a pipeline names it that more than connectors feed.
    fn names(&self, branch: &ComponentId) -> bool {
        let is_connector = |source: &String| {
            self.pipelines.iter().any(|pipeline| pipeline.branches.iter().any(|id| id.to_string() == *source))
        };
        let naming = self.pipelines.iter().filter(|pipeline| pipeline.branches.contains(branch));
        naming.flat_map(|pipeline| &pipeline.sources).any(|source| !is_connector(source))
    }
}

/// The present epoch, built but not in force yet.
pub(crate) struct Pinnable {
    pub(crate) pipelines: Vec<Pipeline>,
    payload: Vec<u8>,
}

impl Pinnable {
    /// Builds the processors of an epoch.
    pub(crate) fn build(epoch: Epoch, context: &dyn Fn(&ComponentId) -> Context) -> Result<Self, Error> {
        let payload = epoch.payload().to_vec();
        Ok(Self { pipelines: pipelines(epoch, context)?, payload })
    }
}

/// Every epoch whose positions may still be read, oldest first; the last is the present one.
#[derive(Default)]
pub(crate) struct Epochs(Vec<Arc<Live>>);

impl Epochs {
    /// Pins the present epoch in the log when it differs from the last one there, and builds those before it that
    /// positions from `oldest` on are made with.
    pub(crate) async fn open(
        wal: &Wal,
        present: Pinnable,
        oldest: Position,
        registry: &Registry,
        env: &dyn Env,
        context: &dyn Fn(&ComponentId) -> Context,
    ) -> Result<Self, Error> {
        let folder = wal.directory().join("epochs");
        pin(wal, &folder, &present.payload).await?;
        let pinned = wal.state().epochs.clone();
        let Some((last, before)) = pinned.split_last() else {
            return Err(Error::new("the log has no epoch"));
        };
        let mut live = Vec::new();
        for (epoch, next) in before.iter().zip(pinned.iter().skip(1)) {
            if next.first.0 <= oldest.0 {
                continue;
            }
            live.push(self::live(wal, &folder, epoch, registry, env, context)?);
        }
        live.push(Arc::new(Live { first: Position(last.first.0), pipelines: present.pipelines }));
        Ok(Self(live))
    }

    /// Every epoch that positions still in the log were made with.
    pub(crate) fn retained(
        wal: &Wal,
        registry: &Registry,
        env: &dyn Env,
        context: &dyn Fn(&ComponentId) -> Context,
    ) -> Result<Self, Error> {
        let folder = wal.directory().join("epochs");
        let live = |epoch: &spanledger_wal::Epoch| live(wal, &folder, epoch, registry, env, context);
        wal.state().epochs.iter().map(live).collect::<Result<_, _>>().map(Self)
    }

    /// Adds one that follows the others.
    pub(crate) fn extend(&mut self, next: Option<Arc<Live>>) {
        self.0.extend(next);
    }

    /// The epoch in force now.
    pub(crate) fn present(&self) -> Option<&Arc<Live>> {
        self.0.last()
    }

    /// The epoch that makes `branch`'s rows of `position`, and where the next one begins: the one in force, or, when
    /// that does not name the branch, the first one after it that does.
    pub(crate) fn of(
        &self,
        branch: &ComponentId,
        position: Position,
    ) -> Option<(Arc<Live>, Option<Position>)> {
        let in_force = self.0.iter().rposition(|epoch| epoch.first <= position).unwrap_or(0);
        let naming = self.0.iter().enumerate().skip(in_force).find(|(_, epoch)| epoch.names(branch));
        let (index, _) = naming?;
        let next = self.0.get(index + 1).map(|epoch| epoch.first);
        Some((self.0.get(index)?.clone(), next))
    }
}

/// Builds an epoch that the log names.
fn live(
    wal: &Wal,
    folder: &Path,
    epoch: &spanledger_wal::Epoch,
    registry: &Registry,
    env: &dyn Env,
    context: &dyn Fn(&ComponentId) -> Context,
) -> Result<Arc<Live>, Error> {
    let first = Position(epoch.first.0);
    let payload = files::read_content(wal.disk(), folder, &epoch.payload_hash)?;
    let epoch = Epoch::read(&payload, registry, env).map_err(|problems| {
        Error::new(format!(
            "read the config that records from position {first} on were taken in with: {problems}"
        ))
    })?;
    Ok(Arc::new(Live { first, pipelines: pipelines(epoch, context)? }))
}

async fn pin(wal: &Wal, folder: &Path, payload: &[u8]) -> Result<(), Error> {
    let payload_hash = files::write_content(wal.disk(), folder, payload)?.to_vec();
    if wal.state().epochs.last().is_some_and(|last| last.payload_hash == payload_hash) {
        return Ok(());
    }
    // No receiver runs yet, so nothing is appended between this position and the record.
    let first = wal.state().epochs.last().map_or(spanledger_wal::Position(1), |_| wal.durable_end());
    let epoch = spanledger_wal::Epoch { first, payload_hash };
    wal.record(Control::Epoch(epoch))
        .await
        .map(drop)
        .map_err(|error| Error::caused("pin the epoch in the log", error))
}

fn pipelines(epoch: Epoch, context: &dyn Fn(&ComponentId) -> Context) -> Result<Vec<Pipeline>, Error> {
    let mut pipelines = Vec::new();
    for pipeline in epoch.pipelines {
        let mut processors = Vec::new();
        for (id, processor) in &pipeline.processors {
            let context = context(id);
            let built = (processor.build)(&context)?;
            let counting = Counting::new(built, &context, pipeline.id.signal);
            processors.push(Box::new(counting) as Box<dyn Processor>);
        }
        pipelines.push(Pipeline {
            name: pipeline.id.to_string(),
            signal: pipeline.id.signal,
            sources: pipeline.receivers.iter().map(ToString::to_string).collect(),
            processors,
            branches: pipeline.exporters,
        });
    }
    Ok(pipelines)
}
