//! Replays on request: what is asked for is checked, then carried out, one at a time, beside the branches that run.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use spanledger_component::{
    Budget, ComponentId, Configured, Context, Error, Exporter, Listing, LogId, Position, Replay, Replayed,
    Signal,
};
use spanledger_telemetry::Meter;
use spanledger_wal::{Counts, ReadLimits, Wal};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::branch::Progress;
use crate::budget::Shares;
use crate::engine::Options;
use crate::epochs::{Epochs, Live};
use crate::files;
use crate::matching::Matching;
use crate::reader::Reader;
use crate::rereading::{Rereading, Source};

/// How long a replay waits for its memory.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a replay is carried out with.
pub(crate) struct Replays {
    pub(crate) wal: Wal,
    pub(crate) options: Options,
    /// Those that run, and those that are only declared.
    pub(crate) exporters: BTreeMap<ComponentId, Configured<dyn Exporter>>,
    /// What those get that receivers feed.
    pub(crate) fed: BTreeMap<ComponentId, Vec<Signal>>,
    /// For positions of which no epoch of the log names an exporter.
    pub(crate) present: Option<Arc<Live>>,
    /// The memory for requests, of which a replay takes a quarter while it runs.
    pub(crate) memory: Budget,
    pub(crate) limits: ReadLimits,
    pub(crate) one: tokio::sync::Mutex<()>,
    pub(crate) stop: CancellationToken,
}

/// An exporter, and whose rows it gets.
struct Chosen<'a> {
    id: ComponentId,
    configured: &'a Configured<dyn Exporter>,
    listing: Listing,
    rows_of: ComponentId,
    signals: &'a [Signal],
}

impl Replays {
    /// Without a collector that runs: of a log that nobody else has open.
    pub(crate) fn limits_of(shares: &Shares, branches: usize) -> ReadLimits {
        let (items, bytes) = shares.window(branches + 1);
        ReadLimits { items: items as u64, bytes: bytes as u64 }
    }

    /// Carries a replay out, for as long as `timeout` at most. An error when nothing can be replayed as asked for.
    pub(crate) async fn run(&self, what: &Replay, timeout: Duration) -> Result<Replayed, Error> {
        let chosen = self.choose(what)?;
        let Ok(_alone) = self.one.try_lock() else {
            return Err(Error::new("another replay runs: try again when it has ended"));
        };
        let memory_bytes = self.memory.bytes_max() / 4;
        let _room = self.memory.reserve(memory_bytes, PATIENCE).await.ok_or_else(|| {
            Error::new(format!("the collector is too busy to spare {memory_bytes} bytes: try again later"))
        })?;
        let stop = self.stop.child_token();
        // Whoever asked may go: then it stops, too.
        let _stopping = stop.clone().drop_guard();
        let report = Arc::new(Mutex::new(Replayed::default()));
        let rereading = self.rereading(what, &chosen, memory_bytes, report.clone())?;
        let mut running = JoinSet::new();
        let ends = (what.from, what.to);
        self.options.threads.spawn(&mut running, rereading.run(ends, stop.clone()));
        let is_late = tokio::select! {
            biased;
            ended = running.join_next() => {
                ended_well(ended)?;
                false
            }
            () = tokio::time::sleep(timeout) => {
                stop.cancel();
                ended_well(running.join_next().await)?;
                true
            }
        };
        let mut replayed = report.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if is_late && replayed.stopped.is_some() {
            replayed.stopped = Some("the time was up".to_owned());
        }
        Ok(replayed)
    }

    fn choose(&self, what: &Replay) -> Result<Chosen<'_>, Error> {
        let unknown = || {
            let known: Vec<_> = self.exporters.keys().map(ToString::to_string).collect();
            Error::new(format!("no exporter {:?}: there are {}", what.exporter, known.join(", ")))
        };
        let id: ComponentId = what.exporter.parse().map_err(|_| unknown())?;
        let configured = self.exporters.get(&id).ok_or_else(unknown)?;
        let listing =
            self.options.registry.exporter(id.kind()).map(|entry| entry.listing).ok_or_else(unknown)?;
        let rows_of = match &what.rows_of {
            Some(other) => {
                self.fed.keys().find(|fed| fed.to_string() == *other).cloned().ok_or_else(|| {
                    Error::new(format!("no receiver feeds an exporter {other:?}: {}", self.name_fed()))
                })?
            }
            None => self.rows_of(&id)?,
        };
        let signals = self.fed.get(&rows_of).map(Vec::as_slice).unwrap_or_default();
        if !signals.iter().any(|signal| listing.signals.contains(signal)) {
            return Err(Error::new(format!(
                "{id} takes {}, and {rows_of} gets {}",
                words(listing.signals),
                words(signals)
            )));
        }
        if listing.once && self.fed.contains_key(&id) && !what.again {
            return Err(Error::new(format!(
                "{id} has delivered what the log has retained, or is about to: where its files are, the rows would stand \
                 twice. Declare another exporter of its type with a path of its own, in no pipeline, and replay into that; or, \
                 where the files are gone, say --again"
            )));
        }
        Ok(Chosen { id, configured, listing, rows_of, signals })
    }

    /// Whose rows an exporter gets when nobody says.
    fn rows_of(&self, id: &ComponentId) -> Result<ComponentId, Error> {
        if self.fed.contains_key(id) {
            return Ok(id.clone());
        }
        let alike: Vec<_> = self.fed.keys().filter(|fed| fed.kind() == id.kind()).collect();
        let all: Vec<_> = self.fed.keys().collect();
        match (alike.as_slice(), all.as_slice()) {
            ([one], _) | ([], [one]) => Ok((*one).clone()),
            _ => Err(Error::new(format!(
                "{id} is in no pipeline with a receiver, so say whose rows it gets: {}",
                self.name_fed()
            ))),
        }
    }

    fn name_fed(&self) -> String {
        let fed: Vec<_> = self.fed.keys().map(ToString::to_string).collect();
        format!("expected --rows-of {}", fed.join(" or "))
    }

    fn rereading(
        &self,
        what: &Replay,
        chosen: &Chosen<'_>,
        memory_bytes: usize,
        report: Arc<Mutex<Replayed>>,
    ) -> Result<Rereading, Error> {
        let id = replay_id(&chosen.id, &self.options.random.id())?;
        // What it counts is nothing that the collector counts.
        let meter = Meter::default();
        let log = LogId(self.wal.id().0);
        let context = |id: &ComponentId, memory_bytes| Context {
            clock: self.options.clock.clone(),
            meter: meter.clone(),
            memory_bytes,
            log,
            ..Context::new(id.clone())
        };
        let exporter = (chosen.configured.build)(&context(&id, memory_bytes))?;
        let Options { registry, env, .. } = &self.options;
        let context = |id: &ComponentId| context(id, 0);
        let epochs = Epochs::retained(&self.wal, registry, env.as_ref(), &context, self.present.clone())?;
        let reader = Reader::new(self.wal.clone(), Arc::new(epochs), self.limits);
        let source = Source {
            reader,
            wal: self.wal.clone(),
            rows_of: Progress::new(chosen.rows_of.clone(), chosen.signals, Position(0), Counts::default()),
            signals: chosen.listing.signals,
            matching: Matching::new(what.filters.clone()),
        };
        Ok(Rereading::new(exporter, id, source, self.options.random.clone(), report))
    }
}

fn ended_well(ended: Option<Result<Result<(), Error>, tokio::task::JoinError>>) -> Result<(), Error> {
    match ended {
        Some(Ok(ended)) => ended,
        Some(Err(panicked)) => Err(Error::caused("replay", panicked)),
        None => Ok(()),
    }
}

/// A name that no other exporter has, so that what it delivers never has the name of what another one delivers.
fn replay_id(exporter: &ComponentId, random: &[u8; 16]) -> Result<ComponentId, Error> {
    let suffix = format!("replay-{}", files::hex(random.get(..4).unwrap_or_default()));
    let id = match exporter.name() {
        "" => format!("{}/{suffix}", exporter.kind()),
        name => format!("{}/{name}-{suffix}", exporter.kind()),
    };
    id.parse().map_err(|error| Error::caused("name the replay", error))
}

fn words(signals: &[Signal]) -> String {
    let words: Vec<_> = signals.iter().map(|signal| signal.word()).collect();
    words.join(" and ")
}
