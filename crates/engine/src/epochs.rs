//! Epochs: which pipelines and processors make the rows of a position, also after a restart or a change.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use spanledger_component::{ComponentId, Context, Error, Position, Processor, Registry, Signal};
use spanledger_config::{Env, Epoch};
use spanledger_wal::{Control, Wal};

use crate::counting::Counting;
use crate::files;
use crate::pinning::{self, Pins};
use crate::window::signal_index;

/// A pipeline fed by receivers, with its processors built.
pub(crate) struct Pipeline {
    pub(crate) name: String,
    pub(crate) signal: Signal,
    /// Ids of the receivers and connectors that feed it.
    pub(crate) sources: Vec<String>,
    /// Whether a receiver is among them. A receiver and an exporter may have one id, so that ids do not tell.
    pub(crate) is_fed_by_receiver: bool,
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
        let naming = |pipeline: &Pipeline| pipeline.is_fed_by_receiver && pipeline.branches.contains(branch);
        self.pipelines.iter().any(naming)
    }
}

/// An epoch that is built but not in force yet.
pub(crate) struct Pinnable {
    pub(crate) pipelines: Vec<Pipeline>,
    pins: Pins,
    payload: Vec<u8>,
}

impl Pinnable {
    /// Builds the processors of an epoch.
    pub(crate) fn build(
        epoch: &Epoch,
        pins: Pins,
        context: &dyn Fn(&ComponentId) -> Context,
    ) -> Result<Self, Error> {
        let payload = epoch.payload(&pinning::names(&pins));
        Ok(Self { pipelines: pipelines(epoch, &pins, context)?, pins, payload })
    }

    /// Makes what it consists of durable; says under which hash.
    fn keep(&self, wal: &Wal) -> Result<Vec<u8>, Error> {
        pinning::keep(wal, &self.pins)?;
        files::write_content(wal.disk(), &pinning::folder(wal), &self.payload).map(|hash| hash.to_vec())
    }
}

/// Every epoch whose positions may still be read, oldest first; the last is the present one.
#[derive(Default)]
pub(crate) struct Epochs {
    live: RwLock<Vec<Arc<Live>>>,
    /// The one that is being written into the log, by the hash of its payload.
    next: Mutex<Option<(Vec<u8>, Vec<Pipeline>)>>,
}

/// Up to where the epochs are known.
pub(crate) struct Followed {
    pub(crate) durable_end: Position,
    /// Where an epoch begins that was not built here: the config changed after a replay looked.
    pub(crate) unknown: Option<Position>,
}

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
        pin(wal, &present).await?;
        let pinned = wal.state().epochs.clone();
        let Some((last, before)) = pinned.split_last() else {
            return Err(Error::new("the log has no epoch"));
        };
        let mut live = Vec::new();
        for (epoch, next) in before.iter().zip(pinned.iter().skip(1)) {
            if next.first.0 <= oldest.0 {
                continue;
            }
            live.push(self::live(wal, epoch, registry, env, context)?);
        }
        live.push(Arc::new(Live { first: Position(last.first.0), pipelines: present.pipelines }));
        Ok(Self { live: RwLock::new(live), next: Mutex::default() })
    }

    /// Every epoch that positions still in the log were made with, and one that follows them.
    pub(crate) fn retained(
        wal: &Wal,
        registry: &Registry,
        env: &dyn Env,
        context: &dyn Fn(&ComponentId) -> Context,
        next: Option<Arc<Live>>,
    ) -> Result<Self, Error> {
        let live = |epoch: &spanledger_wal::Epoch| live(wal, epoch, registry, env, context);
        let mut live = wal.state().epochs.iter().map(live).collect::<Result<Vec<_>, _>>()?;
        live.extend(next);
        Ok(Self { live: RwLock::new(live), next: Mutex::default() })
    }

    /// Puts an epoch in force while records come in: from the position that its record gets. `None` when it is in force.
    pub(crate) async fn begin(&self, wal: &Wal, next: Pinnable) -> Result<Option<Position>, Error> {
        let payload_hash = next.keep(wal)?;
        if wal.state().epochs.last().is_some_and(|last| last.payload_hash == payload_hash) {
            return Ok(None);
        }
        *self.next() = Some((payload_hash.clone(), next.pipelines));
        let epoch = spanledger_wal::Epoch { first: spanledger_wal::Position(0), payload_hash };
        let recorded = wal.record(Control::Epoch(epoch)).await;
        recorded.map_err(|error| Error::caused("pin the epoch in the log", error))?;
        self.follow(wal);
        Ok(self.present().map(|present| present.first))
    }

    /// Takes over the epoch that the log has begun since, if it has. What is read up to the durable end of that moment, and
    /// before an epoch that is not known here, is read with the right one.
    pub(crate) fn follow(&self, wal: &Wal) -> Followed {
        let mut next = self.next();
        let (end, state) = wal.durable();
        let known = self.present().map_or(Position(0), |present| present.first);
        let Some(begun) = state.epochs.iter().find(|epoch| epoch.first.0 > known.0) else {
            return Followed { durable_end: Position(end.0), unknown: None };
        };
        match next.take_if(|(payload_hash, _)| *payload_hash == begun.payload_hash) {
            Some((_, pipelines)) => {
                self.live_mut().push(Arc::new(Live { first: Position(begun.first.0), pipelines }));
                Followed { durable_end: Position(end.0), unknown: None }
            }
            None => Followed { durable_end: Position(end.0), unknown: Some(Position(begun.first.0)) },
        }
    }

    /// Forgets the epochs that every branch has passed.
    pub(crate) fn forget_passed(&self, wal: &Wal) {
        let state = wal.state();
        let Some(cursor) = state.branches.values().map(|branch| branch.cursor.0).min() else { return };
        let mut live = self.live_mut();
        let passed =
            live.windows(2).take_while(|pair| pair.get(1).is_some_and(|next| next.first.0 <= cursor)).count();
        live.drain(..passed);
    }

    /// The epoch in force now.
    pub(crate) fn present(&self) -> Option<Arc<Live>> {
        self.live().last().cloned()
    }

    /// The epoch that makes `branch`'s rows of `position`, and where the next one begins: the one in force, or, when
    /// that does not name the branch, the first one after it that does.
    pub(crate) fn of(
        &self,
        branch: &ComponentId,
        position: Position,
    ) -> Option<(Arc<Live>, Option<Position>)> {
        let live = self.live();
        let in_force = live.iter().rposition(|epoch| epoch.first <= position).unwrap_or(0);
        let (index, epoch) = live.iter().enumerate().skip(in_force).find(|(_, epoch)| epoch.names(branch))?;
        Some((epoch.clone(), live.get(index + 1).map(|next| next.first)))
    }

    fn live(&self) -> RwLockReadGuard<'_, Vec<Arc<Live>>> {
        self.live.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn live_mut(&self) -> RwLockWriteGuard<'_, Vec<Arc<Live>>> {
        self.live.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self) -> MutexGuard<'_, Option<(Vec<u8>, Vec<Pipeline>)>> {
        self.next.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Builds an epoch that the log names.
fn live(
    wal: &Wal,
    epoch: &spanledger_wal::Epoch,
    registry: &Registry,
    env: &dyn Env,
    context: &dyn Fn(&ComponentId) -> Context,
) -> Result<Arc<Live>, Error> {
    let first = Position(epoch.first.0);
    let payload = files::read_content(wal.disk(), &pinning::folder(wal), &epoch.payload_hash)?;
    let epoch = Epoch::read(&payload, registry, env).map_err(|problems| {
        Error::new(format!(
            "read the config that records from position {first} on were taken in with: {problems}"
        ))
    })?;
    let pins = pinning::of_epoch(wal, &epoch, first)?;
    Ok(Arc::new(Live { first, pipelines: pipelines(&epoch, &pins, context)? }))
}

async fn pin(wal: &Wal, present: &Pinnable) -> Result<(), Error> {
    let payload_hash = present.keep(wal)?;
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

fn pipelines(
    epoch: &Epoch,
    pins: &Pins,
    context: &dyn Fn(&ComponentId) -> Context,
) -> Result<Vec<Pipeline>, Error> {
    let mut pipelines = Vec::new();
    for pipeline in &epoch.pipelines {
        let mut processors = Vec::new();
        for (id, processor) in &pipeline.processors {
            let context = Context { pinned: pins.get(id).cloned(), ..context(id) };
            let built = (processor.build)(&context)?;
            let counting = Counting::new(built, &context, pipeline.id.signal);
            processors.push(Box::new(counting) as Box<dyn Processor>);
        }
        pipelines.push(Pipeline {
            name: pipeline.id.to_string(),
            signal: pipeline.id.signal,
            sources: pipeline.receivers.iter().map(ToString::to_string).collect(),
            is_fed_by_receiver: pipeline.receivers.iter().any(|id| !epoch.is_connector(id)),
            processors,
            branches: pipeline.exporters.clone(),
        });
    }
    Ok(pipelines)
}
