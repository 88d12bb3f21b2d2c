//! What a caller of the log may rely on when parts of a record are damaged.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    sync::{Arc, OnceLock},
};

use common::{append, bodies, crash_copy, edit, fake_disk::FakeDisk, offset_of, open, options, segments};
use proptest::prelude::*;
use spanledger_wal::{Options, Position, Wal};
use tempfile::TempDir;

/// Bodies of many sizes, no two the same.
fn sent() -> Vec<Vec<u8>> {
    let sizes = [3, 900, 0, 5000, 40, 121, 20_000, 1, 8, 300];
    let body = |(index, size): (usize, usize)| {
        (0..size).map(|at| (at * 7 + index * 13 + at / 256) as u8).chain([index as u8]).collect()
    };
    sizes.into_iter().enumerate().map(body).collect()
}

fn log_with(options: impl Fn(&Path) -> Options) -> (TempDir, Wal) {
    let directory = tempfile::tempdir().unwrap();
    let wal = Wal::open(options(directory.path())).unwrap();
    common::add_branch(&wal, "parquet");
    sent().into_iter().for_each(|body| _ = append(&wal, body));
    common::move_cursor(&wal, "parquet", Position(3));
    (directory, wal)
}

/// The one file of a log as it is found after a crash, and after a clean stop.
fn files() -> [BTreeMap<String, Vec<u8>>; 2] {
    let (directory, wal) = log_with(options);
    let read = || {
        let path = segments(directory.path()).remove(0);
        BTreeMap::from([(path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(path).unwrap())])
    };
    let crashed = read();
    drop(wal);
    [crashed, read()]
}

#[test]
fn a_repaired_record_is_counted_once_however_often_it_is_read() {
    let (log, wal) = log_with(options);
    drop(wal);
    let path = segments(log.path()).pop().unwrap();
    let at = offset_of(&path, &sent()[1]);
    edit(&path, |bytes| bytes[at..at + 40].fill(0));
    let before = fs::read(&path).unwrap();
    let wal = open(log.path());
    assert_eq!(wal.stats().repaired_records, 0);
    for _ in 0..3 {
        assert!(bodies(&wal) == sent());
        let stats = wal.stats();
        assert_eq!((stats.repaired_records, stats.repaired_items), (1, 1));
    }
    assert_eq!(fs::read(&path).unwrap(), before, "a damaged file is left as it is");
}

#[test]
fn a_log_reads_the_same_with_and_without_parity_whoever_wrote_it() {
    let bare = |directory: &Path| Options { parity: false, ..options(directory) };
    let (directory, wal) = log_with(bare);
    let (protected, _kept) = log_with(options);
    let bytes = |directory: &Path| fs::metadata(&segments(directory)[0]).unwrap().len();
    assert!(bytes(directory.path()) < bytes(protected.path()));
    drop(wal);
    for options in [options, bare] {
        let wal = Wal::open(options(directory.path())).unwrap();
        assert!(bodies(&wal) == sent());
        let copy = crash_copy(protected.path());
        assert!(bodies(&Wal::open(options(copy.path())).unwrap()) == sent());
    }
}

#[test]
fn a_record_that_may_not_be_durable_is_repaired_before_it_is_copied() {
    let (directory, wal) = log_with(options);
    let last = append(&wal, *b"the last one, for which there is no proof");
    let crashed = crash_copy(directory.path());
    let path = segments(crashed.path()).pop().unwrap();
    let at = offset_of(&path, b"the last one");
    edit(&path, |bytes| bytes[at] ^= 4);
    drop(open(crashed.path()));
    // Only the copy is left to read.
    let newest = segments(crashed.path()).pop().unwrap();
    assert_ne!(newest, path);
    offset_of(&newest, b"the last one");
    let read = open(crashed.path()).read(last, None, common::ALL).unwrap();
    assert_eq!(read.records[0].body, b"the last one, for which there is no proof".as_slice());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bit_that_flips_in_a_log_file_is_healed(is_closed in any::<bool>(), bit in any::<prop::sample::Index>()) {
        static LOGS: OnceLock<[BTreeMap<String, Vec<u8>>; 2]> = OnceLock::new();
        let mut files = LOGS.get_or_init(files)[usize::from(is_closed)].clone();
        let bytes = files.first_entry().unwrap().into_mut();
        let bit = bit.index(bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
        let disk = Arc::new(FakeDisk::with_files(&files));
        let wal = Wal::open_on(options(Path::new("/fake")), disk).unwrap();
        prop_assert!(bodies(&wal) == sent());
        prop_assert_eq!(&wal.state().quarantined, &[]);
        prop_assert_eq!(wal.state().branches["parquet"].cursor, Position(3));
    }
}
