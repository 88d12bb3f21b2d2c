//! What processors' rows depend on beside the settings, such as a table of prices: kept beside the log with the epochs,
//! under the hash of the bytes, for as long as an epoch names it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use spanledger_component::{ComponentId, Error, Position, Source};
use spanledger_config::Epoch;
use spanledger_wal::Wal;
use tracing::{error, warn};

use crate::files;

/// What is pinned, by processor.
pub(crate) type Pins = BTreeMap<ComponentId, Bytes>;

/// Where other bytes may come from, by processor.
pub(crate) type Sources = BTreeMap<ComponentId, Box<dyn Source>>;

/// Where epochs and what they pin are kept.
pub(crate) fn folder(wal: &Wal) -> PathBuf {
    wal.directory().join("epochs")
}

/// The names that bytes are kept under.
pub(crate) fn names(pins: &Pins) -> BTreeMap<ComponentId, String> {
    pins.iter().map(|(id, bytes)| (id.clone(), files::content_name(bytes))).collect()
}

/// What a collector that starts pins: what a source on this machine gives, else what the log had last, else what the
/// program brings.
pub(crate) async fn at_start(epoch: &Epoch, wal: &Wal) -> Result<(Pins, Sources), Error> {
    let (mut pins, mut sources) = (Pins::new(), Sources::new());
    for (id, processor) in epoch.pipelines.iter().flat_map(|pipeline| &pipeline.processors) {
        let Some(pinned) = (processor.pinned)().filter(|_| !pins.contains_key(id)) else { continue };
        let Some(mut source) = pinned.source else {
            pins.insert(id.clone(), pinned.built_in);
            continue;
        };
        let before = || last_pinned(wal, id);
        let bytes = match source.is_local() {
            false => before().unwrap_or(pinned.built_in),
            true => match source.fetch().await {
                Ok(bytes) => bytes.unwrap_or(pinned.built_in),
                Err(error) => kept(id, source.name(), error, before())?,
            },
        };
        pins.insert(id.clone(), bytes);
        sources.insert(id.clone(), source);
    }
    Ok((pins, sources))
}

/// The same without asking any source.
pub(crate) fn without_sources(epoch: &Epoch, wal: &Wal) -> Pins {
    let processors = epoch.pipelines.iter().flat_map(|pipeline| &pipeline.processors);
    let pins = processors.filter_map(|(id, processor)| {
        let built_in = (processor.pinned)()?.built_in;
        Some((id.clone(), last_pinned(wal, id).unwrap_or(built_in)))
    });
    pins.collect()
}

/// What was in force before goes on where a source fails; a first start has nothing to go on with.
fn kept(id: &ComponentId, source: &str, error: Error, before: Option<Bytes>) -> Result<Bytes, Error> {
    let Some(before) = before else {
        return Err(Error::caused(format!("processors::{id}"), error));
    };
    error!(processor = %id, source, %error, "goes on with what it had before the start, until this can be read");
    Ok(before)
}

/// What the newest epoch of the log has pinned for a processor, if it can be read.
fn last_pinned(wal: &Wal, id: &ComponentId) -> Option<Bytes> {
    let state = wal.state();
    let payload = files::read_content(wal.disk(), &folder(wal), &state.epochs.last()?.payload_hash).ok()?;
    let name = Epoch::pinned_in(&payload).remove(id)?;
    files::read_named(wal.disk(), &folder(wal), &name).ok().map(Bytes::from)
}

/// What an epoch of the log has pinned.
pub(crate) fn of_epoch(wal: &Wal, epoch: &Epoch, first: Position) -> Result<Pins, Error> {
    let read = |(id, name): (&ComponentId, &String)| {
        let bytes = files::read_named(wal.disk(), &folder(wal), name).map_err(|error| {
            Error::new(format!(
                "processors::{id}: what records from position {first} on are priced or processed with cannot be read, and \
                 nothing else stands in for it: {error}; put the file back from a copy, or begin \
                 with another extensions::wal::directory and give up what waits in this one"
            ))
        })?;
        Ok((id.clone(), Bytes::from(bytes)))
    };
    epoch.pinned.iter().map(read).collect()
}

/// Makes what is pinned durable.
pub(crate) fn keep(wal: &Wal, pins: &Pins) -> Result<(), Error> {
    pins.values().try_for_each(|bytes| files::write_content(wal.disk(), &folder(wal), bytes).map(drop))
}

/// Removes what no epoch of the log names any more. What it cannot read it takes for needed.
pub(crate) fn remove_unneeded(wal: &Wal) {
    let (folder, state) = (folder(wal), wal.state());
    let mut needed = BTreeSet::new();
    for epoch in &state.epochs {
        let Ok(payload) = files::read_content(wal.disk(), &folder, &epoch.payload_hash) else { return };
        needed.insert(files::hex(&epoch.payload_hash));
        needed.extend(Epoch::pinned_in(&payload).into_values());
    }
    let Ok(there) = wal.disk().list(&folder) else { return };
    for (name, _) in there.iter().filter(|(name, _)| !needed.contains(name)) {
        remove(wal, &folder, name);
    }
}

fn remove(wal: &Wal, folder: &Path, name: &str) {
    let path = folder.join(name);
    if let Err(error) = wal.disk().remove(&path) {
        warn!(%error, path = %path.display(), "a file that no epoch needs could not be removed");
    }
}
