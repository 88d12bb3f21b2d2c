//! The requests of segments that are gone or have no seal, kept in files until the window of repeats has passed.

use std::{
    collections::BTreeMap,
    io::{self, IoSlice},
    path::{Path, PathBuf},
};

use bytes::{Buf, BufMut};
use spanledger_faults::Point;

use crate::{
    Options, Position,
    disk::Disk,
    record::crc32c,
    repairs::Repairs,
    repeats::{Known, Repeats},
    seal,
    segment::Segment,
    shared::View,
    tail::Tail,
};

const MAGIC: &[u8; 8] = b"SPLWWIN1";
const ENTRY_BYTES: usize = 40;
/// More than a full segment of the smallest requests has.
const FILE_BYTES_MAX: u64 = 64 << 20;

/// The files, by the number of their segment.
#[derive(Default)]
pub(crate) struct Windows {
    directory: PathBuf,
    files: BTreeMap<u64, File>,
}

struct File {
    newest_unix_ns: u64,
    bytes: u64,
}

impl Windows {
    /// What all files together have.
    pub(crate) fn bytes(&self) -> u64 {
        self.files.values().map(|file| file.bytes).sum()
    }

    /// Writes down the requests of a segment, unless that was done; answers the bytes that were added, `None` when it
    /// failed.
    pub(crate) fn keep(&mut self, disk: &dyn Disk, number: u64, known: &[Known]) -> Option<u64> {
        let Some(newest) = known.last().filter(|_| !self.files.contains_key(&number)) else { return Some(0) };
        let path = self.directory.join(file_name(number));
        let temporary = path.with_extension("window.tmp");
        let encoded = encode(known);
        let written = disk.create(&temporary).and_then(|file| {
            file.append(&mut [IoSlice::new(&encoded)])?;
            file.sync()?;
            Point::BeforeRename.pass();
            disk.rename(&temporary, &path)?;
            disk.sync_directory(&self.directory)
        });
        if let Err(error) = written {
            tracing::warn!(%error, path = %path.display(), "after a restart, repeats of some requests will not be recognised");
            let _ = disk.remove(&temporary);
            return None;
        }
        let bytes = encoded.len() as u64;
        self.files.insert(number, File { newest_unix_ns: newest.arrival_unix_ns, bytes });
        Some(bytes)
    }

    /// Removes the files that are of no use any more; answers the bytes that were freed.
    pub(crate) fn expire(&mut self, disk: &dyn Disk, is_within: impl Fn(u64) -> bool) -> u64 {
        let mut freed = 0;
        while let Some(oldest) =
            self.files.first_entry().filter(|oldest| !is_within(oldest.get().newest_unix_ns))
        {
            let path = self.directory.join(file_name(*oldest.key()));
            freed += oldest.remove().bytes;
            if let Err(error) = disk.remove(&path) {
                tracing::warn!(%error, path = %path.display(), "old file of the log could not be deleted");
            }
        }
        freed
    }
}

/// Fills the window from the files, the seals, and what recovery `read` of the newest segment, if that has neither.
pub(crate) fn rebuild(
    options: &Options,
    disk: &dyn Disk,
    view: &View,
    (newest, read): (u64, Vec<Known>),
) -> (Repeats, Windows) {
    let repeats = Repeats::new(options.repeat_window, options.repeats_max);
    let mut windows = Windows { directory: options.directory.clone(), files: BTreeMap::new() };
    let mut known = load(&mut windows, disk);
    let now = options.now_unix_ns().max(view.totals.last_arrival_unix_ns);
    let nexts = view.segments.iter().skip(1).map(|next| (next.head.totals, next.head.base));
    for (segment, (last, until)) in view.segments.iter().zip(nexts.chain([(view.totals, view.durable_end)])) {
        let number = segment.head.number;
        let was_read = number == newest && !read.is_empty();
        let is_wanted = repeats.is_within(last.last_arrival_unix_ns, now) && !was_read;
        if is_wanted && !known.contains_key(&number) {
            known.insert(number, told_by(disk, segment, until));
        }
    }
    if repeats.is_on() && !read.is_empty() {
        // Not before it is given up or goes does it matter whether this fails.
        let _ = windows.keep(disk, newest, &read);
        known.insert(newest, read);
    }
    known.into_values().flatten().for_each(|known| repeats.durable(known));
    repeats.expire(now);
    for range in &view.state.quarantined {
        repeats.forget(range.first..range.last.next());
    }
    (repeats, windows)
}

/// What the seal of a segment tells of its requests. One that was given up has none, and is read through.
fn told_by(disk: &dyn Disk, segment: &Segment, until: Position) -> Vec<Known> {
    let sealed = disk.open(&segment.path).and_then(|file| seal::known(&*file, &segment.head));
    let told = sealed.and_then(|sealed| match sealed {
        Some(known) => Ok(known),
        None => {
            let tail = Tail::read(disk, &segment.path, &segment.head, Some(until), &mut Repairs::default());
            tail.map(|tail| tail.known)
        }
    });
    told.unwrap_or_default()
}

/// Reads the files that are there; one that is damaged is of no use.
fn load(windows: &mut Windows, disk: &dyn Disk) -> BTreeMap<u64, Vec<Known>> {
    let files = disk.list(&windows.directory).unwrap_or_default();
    let mut all = BTreeMap::new();
    for (name, bytes) in files {
        let Some(number) = number_of(&name) else { continue };
        let known = read(disk, &windows.directory.join(&name), bytes).unwrap_or_default();
        if known.is_none() {
            tracing::warn!(
                file = name,
                "damaged file of the log, repeats of some requests may not be recognised"
            );
        }
        let newest_unix_ns =
            known.as_ref().and_then(|known| known.last()).map_or(0, |newest| newest.arrival_unix_ns);
        windows.files.insert(number, File { newest_unix_ns, bytes });
        all.extend(known.map(|known| (number, known)));
    }
    all
}

/// The names of those among `files` that cannot be read.
pub(crate) fn damaged(disk: &dyn Disk, directory: &Path, files: &[(String, u64)]) -> Vec<String> {
    let is_damaged = |(name, bytes): &&(String, u64)| {
        number_of(name).is_some() && !matches!(read(disk, &directory.join(name), *bytes), Ok(Some(_)))
    };
    files.iter().filter(is_damaged).map(|(name, _)| name.clone()).collect()
}

fn read(disk: &dyn Disk, path: &Path, bytes: u64) -> io::Result<Option<Vec<Known>>> {
    if bytes > FILE_BYTES_MAX {
        return Ok(None);
    }
    Ok(decode(&disk.open(path)?.read_at(0, bytes as usize)?))
}

fn encode(known: &[Known]) -> Vec<u8> {
    let mut out = Vec::with_capacity(MAGIC.len() + known.len() * ENTRY_BYTES + 4);
    out.put_slice(MAGIC);
    for known in known {
        out.put_u128_le(known.key);
        out.put_u64_le(known.position.0);
        out.put_u64_le(known.arrival_unix_ns);
        out.put_u32_le(known.rejected);
        out.put_u32_le(0);
    }
    let crc = crc32c(&[&out]);
    out.put_u32_le(crc);
    out
}

fn decode(bytes: &[u8]) -> Option<Vec<Known>> {
    let (checked, mut crc) = bytes.split_at_checked(bytes.len().checked_sub(4)?)?;
    let entries = checked.strip_prefix(MAGIC)?;
    if crc.try_get_u32_le().ok()? != crc32c(&[checked]) {
        return None;
    }
    let known = |mut entry: &[u8]| {
        let key = entry.try_get_u128_le().ok()?;
        let position = Position(entry.try_get_u64_le().ok()?);
        let arrival_unix_ns = entry.try_get_u64_le().ok()?;
        let rejected = entry.try_get_u32_le().ok()?;
        Some(Known { key, position, arrival_unix_ns, rejected })
    };
    entries.chunks_exact(ENTRY_BYTES).map(known).collect()
}

fn file_name(number: u64) -> String {
    format!("{number:016x}.window")
}

fn number_of(file_name: &str) -> Option<u64> {
    let digits = file_name.strip_suffix(".window").filter(|digits| digits.len() == 16)?;
    u64::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_reads_back_and_counts_only_while_it_is_whole() {
        let known = |n: u32| Known {
            key: u128::MAX - u128::from(n),
            position: Position(n.into()),
            arrival_unix_ns: 7,
            rejected: n,
        };
        let all: Vec<Known> = (0..3).map(known).collect();
        let bytes = encode(&all);
        assert_eq!(decode(&bytes), Some(all));
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(decode(&damaged), None, "bit {bit}");
        }
        assert_eq!(decode(&bytes[..20]), None);
        assert_eq!(decode(&[]), None);
    }
}
