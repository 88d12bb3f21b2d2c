//! Keeps the bytes of what cannot be read, for people who may make more of them than we can.

use std::{
    collections::BTreeSet,
    io::{self, IoSlice},
    path::{Path, PathBuf},
    sync::Mutex,
};

use crate::{Options, control::Quarantined, disk::Disk};

const DIRECTORY: &str = "quarantine";
const CHUNK_BYTES: u64 = 1 << 20;

/// The files under `quarantine/` of a log.
pub(crate) struct Quarantine {
    directory: PathBuf,
    bytes_max: u64,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    names: BTreeSet<String>,
    bytes: u64,
}

impl Quarantine {
    /// With the files that are there already.
    pub(crate) fn open(options: &Options, disk: &dyn Disk) -> Self {
        let directory = options.directory.join(DIRECTORY);
        let mut kept = Kept::default();
        // Most logs have none, and what cannot be listed is no reason not to start.
        for (name, bytes) in disk.list(&directory).unwrap_or_default() {
            if is_name(&name) {
                kept.bytes += bytes;
                kept.names.insert(name);
            }
        }
        let bytes_max = options.quarantine_bytes_max();
        Self { directory, bytes_max, kept: Mutex::new(kept) }
    }

    /// What all files together have.
    pub(crate) fn bytes(&self) -> u64 {
        self.kept().bytes
    }

    /// Copies a range out of the segment in `path`; answers the bytes that were added. Where that fails, the bytes
    /// are left in the segment for as long as it is retained.
    pub(crate) fn keep(&self, disk: &dyn Disk, path: &Path, range: &Quarantined) -> u64 {
        let name = name_of(range);
        let mut kept = self.kept();
        if range.length == 0 || kept.names.contains(&name) {
            return 0;
        }
        if kept.bytes + range.length > self.bytes_max {
            tracing::warn!(path = %path.display(), bytes = range.length, "quarantine is full, bytes of the log are not kept there");
            return 0;
        }
        match self.copy(disk, path, range, &name) {
            Ok(bytes) => {
                kept.bytes += bytes;
                kept.names.insert(name);
                bytes
            }
            Err(error) => {
                tracing::warn!(%error, path = %path.display(), "bytes of the log could not be put into quarantine");
                0
            }
        }
    }

    fn copy(&self, disk: &dyn Disk, path: &Path, range: &Quarantined, name: &str) -> io::Result<u64> {
        let from = disk.open(path)?;
        disk.create_directory(&self.directory)?;
        let to = disk.create(&self.directory.join(name))?;
        let (mut offset, end) = (range.offset, range.offset + range.length);
        while offset < end {
            let chunk = from.read_at(offset, CHUNK_BYTES.min(end - offset) as usize)?;
            if chunk.is_empty() {
                break;
            }
            to.append(&mut [IoSlice::new(&chunk)])?;
            offset += chunk.len() as u64;
        }
        to.sync()?;
        disk.sync_directory(&self.directory)?;
        Ok(offset - range.offset)
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

fn name_of(range: &Quarantined) -> String {
    format!("{:016x}-{:016x}.bin", range.segment, range.offset)
}

fn is_name(name: &str) -> bool {
    let is_hex = |digits: &str| digits.len() == 16 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let parts = name.strip_suffix(".bin").and_then(|stem| stem.split_once('-'));
    parts.is_some_and(|(segment, offset)| is_hex(segment) && is_hex(offset))
}
