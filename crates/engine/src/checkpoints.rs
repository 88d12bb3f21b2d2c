//! Checkpoints of connectors: files that say of which branch and position they are, and which one a start goes on from.
//!
//! The newest is named by a control record; the one before it stays as a reserve. What is damaged, or missing, or older than
//! its record says, is made good from the log as far as that still holds what followed: nothing is counted twice or falls.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use spanledger_component::{ComponentId, Connector, Error, Position};
use spanledger_wal::{Branch, Counts, SIGNALS, Wal};
use tracing::{error, warn};
use xxhash_rust::xxh3::xxh3_128;

use crate::files;

const MAGIC: &[u8; 8] = b"SPLCKPT1";
const HASH_BYTES: usize = 16;

/// How many files of a branch are kept.
const KEPT: usize = 2;

/// What a file says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Head {
    branch: String,
    position: u64,
    delivered: [u64; SIGNALS],
    dropped: [u64; SIGNALS],
    dead_lettered: [u64; SIGNALS],
    quarantined: [u64; SIGNALS],
    elsewhere: [u64; SIGNALS],
}

impl Head {
    fn new(branch: &ComponentId, position: Position, counts: Counts) -> Self {
        let Counts { delivered, dropped, dead_lettered, quarantined, elsewhere } = counts;
        let (branch, position) = (branch.to_string(), position.0);
        Self { branch, position, delivered, dropped, dead_lettered, quarantined, elsewhere }
    }

    fn counts(&self) -> Counts {
        let Self { delivered, dropped, dead_lettered, quarantined, elsewhere, .. } = *self;
        Counts { delivered, dropped, dead_lettered, quarantined, elsewhere }
    }
}

/// Where a connector goes on.
pub(crate) struct Resumed {
    /// Everything before it is in the state.
    pub(crate) position: Position,
    /// What became of it.
    pub(crate) counts: Counts,
    /// Where the branch was by the log, when that is further, and what it was done with there.
    pub(crate) by_log: (Position, Counts),
    /// The files that are kept, newest first.
    pub(crate) files: Vec<String>,
}

/// Gives the connector its state back: from the last checkpoint; from the one before it, or from nothing, when the log
/// still holds what followed; else it begins anew with what follows, which it tells.
pub(crate) fn resume(connector: &mut dyn Connector, wal: &Wal, id: &ComponentId) -> Resumed {
    let branch = wal.state().branches.get(&id.to_string()).cloned().unwrap_or_default();
    let by_log = (Position(branch.cursor.0), branch.counts);
    let mut files = remove_others(wal, id, &branch);
    let Some(noted) = &branch.checkpoint else {
        return Resumed { position: by_log.0, counts: by_log.1, by_log, files };
    };
    let empty = connector.snapshot();
    let mut why = Vec::new();
    for file in candidates(&files, &noted.file) {
        match take_back(connector, wal, id, &branch, &file) {
            Ok((position, counts)) => {
                if position < by_log.0 {
                    let error = why.join("; ");
                    warn!(branch = %id, checkpoint = file, from = %position, error,
                        "the last checkpoint cannot be used: what followed an older one is counted again");
                }
                return Resumed { position, counts, by_log, files };
            }
            Err(error) => why.push(error.to_string()),
        }
        // It is of no use as a reserve either.
        files.retain(|kept| *kept != file);
        // It may be half way in another state.
        let _ = connector.restore(&empty);
    }
    let error = why.join("; ");
    if wal.first_retained() <= branch.added {
        warn!(branch = %id, from = %branch.added, error,
            "no checkpoint can be used: all is counted again, since the log still holds all");
        let counts = Counts { elsewhere: wal.accepted_before(branch.added), ..Counts::default() };
        return Resumed { position: Position(branch.added.0), counts, by_log, files };
    }
    // What is before was counted by somebody already; counting it again would show as new.
    error!(branch = %id, position = %by_log.0, error,
        "the state of the connector is lost: its counters begin again at 0 with what follows");
    Resumed { position: by_log.0, counts: by_log.1, by_log, files }
}

/// The noted one, be it there or not, then the others, newest first.
fn candidates(files: &[String], noted: &str) -> Vec<String> {
    let others = files.iter().filter(|file| *file != noted).cloned();
    std::iter::once(noted.to_owned()).chain(others).collect()
}

fn take_back(
    connector: &mut dyn Connector,
    wal: &Wal,
    id: &ComponentId,
    branch: &Branch,
    file: &str,
) -> Result<(Position, Counts), Error> {
    let bytes = wal.disk().read(&folder(wal).join(file));
    let bytes = bytes.map_err(|error| Error::caused(format!("read {file}"), error))?;
    let (head, state) = parse(&bytes).map_err(|error| Error::caused(format!("read {file}"), error))?;
    if head.branch != id.to_string() {
        return Err(Error::new(format!("read {file}: it is of {}", head.branch)));
    }
    let (mut position, mut counts) = (Position(head.position), head.counts());
    match head.position.cmp(&branch.cursor.0) {
        std::cmp::Ordering::Greater => {
            return Err(Error::new(format!("read {file}: it is newer than the log")));
        }
        // Dead letters may have been given up since.
        std::cmp::Ordering::Equal => counts = branch.counts,
        std::cmp::Ordering::Less => {
            let goes_on = goes_on_at(wal, branch, &head);
            position = goes_on.map_err(|error| Error::caused(format!("use {file}"), error))?;
        }
    }
    connector.restore(state).map_err(|error| Error::caused(format!("use {file}"), error))?;
    Ok((position, counts))
}

/// Where the log holds what follows an older state; an error when it does not, and when that state lacks what was counted
/// since.
fn goes_on_at(wal: &Wal, branch: &Branch, head: &Head) -> Result<Position, Error> {
    let retained = wal.first_retained();
    // Between may be the log's own records.
    if retained.0 > head.position && wal.accepted_before(retained) != head.counts().sum() {
        return Err(Error::new(format!(
            "it ends at position {}, and the log begins at {retained}",
            head.position
        )));
    }
    let before = branch.dead_letters.iter().filter(|letter| letter.position.0 < head.position);
    let listed: u64 = before.map(|letter| u64::from(letter.items)).sum();
    match listed == head.dead_lettered.iter().sum::<u64>() {
        true => Ok(Position(head.position.max(retained.0))),
        false => Err(Error::new("dead letters from before it were counted, or given up, since")),
    }
}

/// Writes the state at a position durably, and says under which name. `mark` tells files of the same position apart.
pub(crate) fn write(
    wal: &Wal,
    id: &ComponentId,
    (position, counts): (Position, Counts),
    mark: Option<Position>,
    state: &[u8],
) -> Result<String, Error> {
    let mark = mark.map(|mark| format!("-{:016x}", mark.0)).unwrap_or_default();
    let file = format!("{}{:016x}{mark}", prefix(id), position.0);
    let bytes = frame(&Head::new(id, position, counts), state)?;
    files::write_durable(wal.disk(), &folder(wal), &file, &bytes)?;
    Ok(file)
}

/// Puts a file that was noted before the others, and removes those that are too many.
pub(crate) fn keep(wal: &Wal, files: &mut Vec<String>, file: String) {
    files.retain(|known| *known != file);
    files.insert(0, file);
    for old in files.drain(KEPT.min(files.len())..) {
        // One that stays is removed by the next start.
        let _ = wal.disk().remove(&folder(wal).join(old));
    }
}

fn frame(head: &Head, state: &[u8]) -> Result<Vec<u8>, Error> {
    let head = serde_json::to_vec(head).map_err(|error| Error::caused("write a checkpoint", error))?;
    let head_bytes = u32::try_from(head.len()).map_err(|error| Error::caused("write a checkpoint", error))?;
    let mut bytes = MAGIC.to_vec();
    bytes.extend(head_bytes.to_le_bytes());
    bytes.extend(head);
    bytes.extend(state);
    bytes.extend(xxh3_128(&bytes).to_be_bytes());
    Ok(bytes)
}

fn parse(bytes: &[u8]) -> Result<(Head, &[u8]), Error> {
    let damaged = || Error::new("it is damaged");
    let end = bytes.len().checked_sub(HASH_BYTES).ok_or_else(damaged)?;
    let (framed, hash) = bytes.split_at_checked(end).ok_or_else(damaged)?;
    if hash != xxh3_128(framed).to_be_bytes() {
        return Err(damaged());
    }
    let rest = framed.strip_prefix(MAGIC).ok_or_else(|| Error::new("it is of another program"))?;
    let (head_bytes, rest) = rest.split_first_chunk::<4>().ok_or_else(damaged)?;
    let head_bytes = usize::try_from(u32::from_le_bytes(*head_bytes)).map_err(|_| damaged())?;
    let (head, state) = rest.split_at_checked(head_bytes).ok_or_else(damaged)?;
    let head = serde_json::from_slice(head).map_err(|error| Error::caused("read its head", error))?;
    Ok((head, state))
}

fn folder(wal: &Wal) -> PathBuf {
    wal.directory().join("checkpoints")
}

fn prefix(id: &ComponentId) -> String {
    format!("{}-", id.to_string().replace('/', "%2F"))
}

/// The position in the name of one of this branch's files.
fn position_of(id: &ComponentId, name: &str) -> Option<u64> {
    let hex = |text: &str| (text.len() == 16).then(|| u64::from_str_radix(text, 16).ok()).flatten();
    let rest = name.strip_prefix(&prefix(id))?;
    match rest.split_once('-') {
        None => hex(rest),
        Some((position, mark)) => hex(mark).and_then(|_| hex(position)),
    }
}

/// Removes what a crash left behind: files that are newer than the noted one, and temporary ones. Gives the rest, newest
/// first.
fn remove_others(wal: &Wal, id: &ComponentId, branch: &Branch) -> Vec<String> {
    let noted = branch.checkpoint.as_ref().map(|checkpoint| checkpoint.file.as_str());
    let listed = wal.disk().list(&folder(wal)).unwrap_or_default();
    let of_branch = listed.into_iter().filter_map(|(name, _)| Some((position_of(id, &name)?, name)));
    let mut files: Vec<_> = of_branch.collect();
    files.sort_unstable_by(|one, other| other.cmp(one));
    let is_old = |position: u64| noted.is_some() && position < branch.cursor.0;
    let (kept, rest): (Vec<_>, Vec<_>) =
        files.into_iter().partition(|(position, name)| noted == Some(name) || is_old(*position));
    let mut kept: Vec<_> = kept.into_iter().map(|(_, name)| name).collect();
    let too_many = kept.split_off(KEPT.min(kept.len()));
    for name in rest.into_iter().map(|(_, name)| name).chain(too_many) {
        let _ = wal.disk().remove(&folder(wal).join(name));
    }
    kept
}

/// Removes checkpoints of connectors that are gone.
pub(crate) fn remove_orphans<'a>(wal: &Wal, connectors: impl Iterator<Item = &'a ComponentId> + Clone) {
    for (name, _) in wal.disk().list(&folder(wal)).unwrap_or_default() {
        if !connectors.clone().any(|id| position_of(id, &name).is_some()) {
            let _ = wal.disk().remove(&folder(wal).join(name));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> ComponentId {
        text.parse().unwrap()
    }

    #[test]
    fn a_checkpoint_that_differs_in_one_bit_or_is_cut_off_is_refused() {
        let head = Head::new(&id("genai_metrics"), Position(7), Counts::default());
        let bytes = frame(&head, b"state").unwrap();
        assert_eq!(parse(&bytes).unwrap(), (head, &b"state"[..]));
        for place in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[place] ^= 1 << (place % 8);
            assert!(parse(&flipped).is_err(), "bit flipped at {place}");
            assert!(parse(&bytes[..place]).is_err(), "cut at {place}");
        }
    }

    #[test]
    fn a_file_is_of_one_branch_only() {
        let name = "genai_metrics%2Fa-1-00000000000000ff";
        assert_eq!(position_of(&id("genai_metrics/a-1"), name), Some(255));
        assert_eq!(position_of(&id("genai_metrics/a"), name), None);
        assert_eq!(position_of(&id("genai_metrics"), name), None);
        let marked = "genai_metrics-00000000000000ff-0000000000000003";
        assert_eq!(position_of(&id("genai_metrics"), marked), Some(255));
    }
}
