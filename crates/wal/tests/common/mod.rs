//! Logs in temporary directories, and damage to them.
#![allow(dead_code, reason = "each test file uses its part")]

pub(crate) mod fake_disk;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use spanledger_wal::{Control, Counts, Entry, Options, Position, ReadLimits, SIGNALS, Wal};
use tempfile::TempDir;

pub(crate) const ALL: ReadLimits = ReadLimits { items: u64::MAX, bytes: u64::MAX };

/// A clock that advances by one millisecond each time it is read.
pub(crate) fn clock() -> Arc<dyn Fn() -> SystemTime + Send + Sync> {
    let reads = AtomicU64::new(1_700_000_000_000);
    Arc::new(move || SystemTime::UNIX_EPOCH + Duration::from_millis(reads.fetch_add(1, Ordering::Relaxed)))
}

pub(crate) fn options(directory: &Path) -> Options {
    Options {
        max_bytes: 64 << 20,
        segment_bytes: 64 << 10,
        recent_bytes: 0,
        mark_after: Duration::MAX,
        ..Options::new(directory.join("wal"), clock())
    }
}

pub(crate) fn open(directory: &Path) -> Wal {
    Wal::open(options(directory)).unwrap()
}

pub(crate) fn entry(body: impl Into<Vec<u8>>) -> Entry {
    let body: Vec<u8> = body.into();
    Entry { signal: 0, receiver: "otlp".into(), items: 1, rejected: vec![], body: body.into() }
}

pub(crate) fn append(wal: &Wal, body: impl Into<Vec<u8>>) -> Position {
    wal.append(entry(body)).unwrap().wait().unwrap().position
}

/// All bodies, read in small steps.
pub(crate) fn bodies(wal: &Wal) -> Vec<Vec<u8>> {
    let limits = ReadLimits { items: 3, bytes: u64::MAX };
    let (mut from, mut bodies) = (Position::FIRST, Vec::new());
    loop {
        let read = wal.read(from, None, limits).unwrap();
        if read.next == from {
            return bodies;
        }
        from = read.next;
        bodies.extend(read.records.into_iter().map(|record| record.body.to_vec()));
    }
}

pub(crate) fn add_branch(wal: &Wal, name: &str) {
    let control =
        Control::BranchAdded { branch: name.into(), position: Position::FIRST, before: [0; SIGNALS] };
    wal.record(control).wait().unwrap();
}

pub(crate) fn move_cursor(wal: &Wal, name: &str, position: Position) {
    let control = Control::Cursor { branch: name.into(), position, counts: Counts::default() };
    wal.record(control).wait().unwrap();
}

/// What a crash at this moment leaves behind, if the disk kept everything that was written.
pub(crate) fn crash_copy(directory: &Path) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    fs::create_dir(copy.path().join("wal")).unwrap();
    for entry in fs::read_dir(directory.join("wal")).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), copy.path().join("wal").join(entry.file_name())).unwrap();
    }
    copy
}

/// The segments, oldest first.
pub(crate) fn segments(directory: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(directory.join("wal"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "seg"))
        .collect();
    files.sort();
    files
}

/// Changes a file's bytes.
pub(crate) fn edit(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).unwrap();
    change(&mut bytes);
    fs::write(path, bytes).unwrap();
}

/// Where a text stands in a file.
pub(crate) fn offset_of(path: &Path, text: &[u8]) -> usize {
    let bytes = fs::read(path).unwrap();
    bytes.windows(text.len()).position(|window| window == text).unwrap()
}
