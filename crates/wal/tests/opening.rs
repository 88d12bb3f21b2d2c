//! How much is read of the disk: no backlog before a log is open, and nothing of it twice afterwards.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use std::{
    io::{self, IoSlice},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use common::{append, bodies, crash_copy, options, segments};
use spanledger_wal::{Disk, DiskFile, Options, Position, ReadLimits, RealDisk, Wal};

const SEGMENT_BYTES: u64 = 256 << 10;
const RECORD_BYTES: usize = 8 << 10;

/// The operating system's disk, with what is read from it counted.
#[derive(Default)]
struct Counting(Arc<AtomicU64>);

struct CountingFile(Box<dyn DiskFile>, Arc<AtomicU64>);

impl Counting {
    fn count(&self, file: Box<dyn DiskFile>) -> Box<dyn DiskFile> {
        Box::new(CountingFile(file, self.0.clone()))
    }
}

impl Disk for Counting {
    fn create_directory(&self, path: &Path) -> io::Result<()> {
        RealDisk.create_directory(path)
    }
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        RealDisk.create(path).map(|file| self.count(file))
    }
    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        RealDisk.open(path).map(|file| self.count(file))
    }
    fn list(&self, directory: &Path) -> io::Result<Vec<(String, u64)>> {
        RealDisk.list(directory)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        RealDisk.rename(from, to)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        RealDisk.remove(path)
    }
    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        RealDisk.sync_directory(path)
    }
    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn Send + Sync>>> {
        RealDisk.lock(path)
    }
}

impl DiskFile for CountingFile {
    fn append(&self, slices: &mut [IoSlice<'_>]) -> io::Result<()> {
        self.0.append(slices)
    }
    fn read_at(&self, offset: u64, bytes: usize) -> io::Result<Vec<u8>> {
        let read = self.0.read_at(offset, bytes)?;
        self.1.fetch_add(read.len() as u64, Ordering::Relaxed);
        Ok(read)
    }
    fn sync(&self) -> io::Result<()> {
        self.0.sync()
    }
    fn length(&self) -> io::Result<u64> {
        self.0.length()
    }
}

fn small_segments(directory: &Path) -> Options {
    Options { segment_bytes: SEGMENT_BYTES, max_bytes: 64 << 20, ..options(directory) }
}

/// Bytes that opening a log in `directory` reads, and the bodies in it.
fn opened(directory: &Path) -> (u64, usize) {
    let disk = Counting::default();
    let read = disk.0.clone();
    let wal = Wal::open_on(small_segments(directory), Arc::new(disk)).unwrap();
    let before_ready = read.load(Ordering::Relaxed);
    (before_ready, bodies(&wal).len())
}

#[test]
fn after_a_crash_one_segment_is_read_and_of_the_others_their_heads_and_seals() {
    let directory = tempfile::tempdir().unwrap();
    let wal = Wal::open(small_segments(directory.path())).unwrap();
    common::add_branch(&wal, "parquet");
    for number in 0_u32..1500 {
        let body: Vec<u8> = number.to_le_bytes().into_iter().cycle().take(RECORD_BYTES).collect();
        append(&wal, body);
    }
    let crashed = crash_copy(directory.path());
    let found = segments(crashed.path()).len() as u64;
    assert!(found > 40, "{found} segments");
    let (read, records) = opened(crashed.path());
    assert_eq!(records, 1500);
    // A head is a page; a seal has 40 bytes for each of the 30 records, and the state.
    let of_others = found * (4096 + 8192);
    assert!(read <= SEGMENT_BYTES + of_others, "{read} bytes of {found} segments");

    drop(wal);
    let (read, records) = opened(directory.path());
    assert_eq!(records, 1500);
    assert!(read <= of_others, "{read} bytes after a clean stop");
}

#[test]
fn large_records_are_read_once() {
    const LARGE_RECORD_BYTES: usize = 700 << 10;
    let directory = tempfile::tempdir().unwrap();
    let large_segments =
        || Options { segment_bytes: 64 << 20, max_bytes: 128 << 20, ..options(directory.path()) };
    let wal = Wal::open(large_segments()).unwrap();
    common::add_branch(&wal, "parquet");
    for number in 0..40 {
        append(&wal, vec![number; LARGE_RECORD_BYTES]);
    }
    drop(wal);
    let disk = Counting::default();
    let read = disk.0.clone();
    let wal = Wal::open_on(large_segments(), Arc::new(disk)).unwrap();
    let before = read.load(Ordering::Relaxed);
    let all = wal.read(Position::FIRST, None, ReadLimits { items: 40, bytes: u64::MAX }).unwrap();
    assert_eq!(all.records.len(), 40);
    let read = read.load(Ordering::Relaxed) - before;
    // The first piece is read before it is known that what stands there is large.
    assert!(read < 30 << 20, "{read} bytes of 27 MiB");
}
