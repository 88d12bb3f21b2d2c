//! What a caller of the log may rely on when its files are damaged.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use std::{fs, path::Path, sync::OnceLock};

use common::{append, bodies, crash_copy, edit, offset_of, open, options, segments};
use proptest::prelude::*;
use spanledger_wal::{OpenError, Position, Wal};
use tempfile::TempDir;

/// Bytes of meta of a record from the receiver `otlp`.
const META_BYTES: usize = 12;

/// A log of one segment that was not closed, with these bodies, each fsynced by itself.
fn crashed_with(texts: &[&str]) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let wal = open(directory.path());
    texts.iter().for_each(|text| _ = append(&wal, text.as_bytes()));
    crash_copy(directory.path())
}

fn texts(wal: &Wal) -> Vec<String> {
    bodies(wal).into_iter().map(|body| String::from_utf8(body).unwrap()).collect()
}

fn newest(directory: &Path) -> std::path::PathBuf {
    segments(directory).pop().unwrap()
}

/// Damages two stripes of the record with this body: more than can be repaired.
fn spoil(path: &Path, body: &[u8]) {
    let at = offset_of(path, body);
    edit(path, |bytes| {
        bytes[at] ^= 1;
        bytes[at - META_BYTES] ^= 1;
    });
}

/// Positions that are written down as unreadable.
fn quarantined(wal: &Wal) -> Vec<(u64, u64)> {
    // A reader's finding is written by the log thread; any later control record comes after it.
    wal.record(spanledger_wal::Control::TimeMark { unix_ns: 1 }).wait().unwrap();
    wal.state().quarantined.iter().map(|range| (range.first.0, range.last.0)).collect()
}

#[test]
fn a_torn_last_record_is_not_delivered_and_its_file_is_left_alone() {
    let directory = crashed_with(&["a", "b", "c"]);
    let path = newest(directory.path());
    edit(&path, |bytes| bytes.truncate(bytes.len() - 170));
    let torn = fs::read(&path).unwrap();
    let wal = open(directory.path());
    assert_eq!(texts(&wal), ["a", "b"]);
    assert_eq!(quarantined(&wal), []);
    assert_eq!(fs::read(&path).unwrap(), torn);
    append(&wal, *b"d");
    drop(wal);
    assert_eq!(texts(&open(directory.path())), ["a", "b", "d"]);
}

#[test]
fn garbage_behind_the_last_record_is_passed_over() {
    let directory = crashed_with(&["a", "b"]);
    edit(&newest(directory.path()), |bytes| bytes.extend([0xa5; 1003]));
    let wal = open(directory.path());
    assert_eq!(texts(&wal), ["a", "b"]);
    assert_eq!(quarantined(&wal), []);
}

#[test]
fn damage_beyond_repair_before_later_records_is_quarantined_and_the_rest_delivered() {
    let directory = crashed_with(&["one", "two", "three", "four"]);
    let path = newest(directory.path());
    spoil(&path, b"two");
    for _ in 0..2 {
        let wal = open(directory.path());
        // Known from opening, before anybody reads.
        assert_eq!(quarantined(&wal), [(2, 2)]);
        assert_eq!(texts(&wal), ["one", "three", "four"]);
    }
}

#[test]
fn damage_beyond_repair_in_a_sealed_segment_is_found_by_the_reader_and_quarantined_once() {
    let directory = tempfile::tempdir().unwrap();
    let wal = open(directory.path());
    ["one", "two", "three"].iter().for_each(|text| _ = append(&wal, text.as_bytes()));
    drop(wal);
    let path = newest(directory.path());
    spoil(&path, b"two");
    let wal = open(directory.path());
    for _ in 0..2 {
        assert_eq!(texts(&wal), ["one", "three"]);
        assert_eq!(quarantined(&wal), [(2, 2)]);
    }
    assert_eq!(wal.state().quarantined[0].items, [1, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!((wal.waiting(Position(2)).records, wal.waiting(Position(3)).records), (2, 1));
    drop(wal);
    assert_eq!(quarantined(&open(directory.path())), [(2, 2)]);
}

#[test]
fn a_damaged_header_is_restored_from_the_trailer() {
    let directory = crashed_with(&["one", "two", "three"]);
    let path = newest(directory.path());
    let header = offset_of(&path, b"two") - META_BYTES - 80;
    edit(&path, |bytes| bytes[header..header + 80].fill(0));
    assert_eq!(texts(&open(directory.path())), ["one", "two", "three"]);
}

#[test]
fn a_zeroed_page_loses_only_the_records_in_it() {
    let long = "x".repeat(1500);
    let directory = crashed_with(&["one", &long, &long, "four", "five"]);
    let path = newest(directory.path());
    let from = offset_of(&path, b"xxxx");
    let to = offset_of(&path, b"four") - 100;
    edit(&path, |bytes| bytes[from - 20..to].fill(0));
    let wal = open(directory.path());
    assert_eq!(texts(&wal), ["one", "four", "five"]);
    assert_eq!(quarantined(&wal), [(2, 3)]);
}

#[test]
fn a_damaged_head_is_made_again_from_the_snapshot_behind_it() {
    let directory = crashed_with(&["one", "two"]);
    edit(&newest(directory.path()), |bytes| bytes[..4096].fill(0));
    let id = open(crashed_with(&[]).path()).id();
    let wal = open(directory.path());
    assert_eq!(texts(&wal), ["one", "two"]);
    assert_ne!(wal.id(), id);
    drop(wal);
    assert_eq!(texts(&open(directory.path())), ["one", "two"]);
}

#[test]
fn a_segment_without_head_and_snapshot_is_quarantined_and_its_positions_are_not_used_again() {
    for damaged in 0..3 {
        let directory = tempfile::tempdir().unwrap();
        for text in ["one", "two", "three"] {
            append(&open(directory.path()), text.as_bytes());
        }
        let path = segments(directory.path()).remove(damaged);
        edit(&path, |bytes| bytes.fill(0x5a));
        for _ in 0..2 {
            let wal = open(directory.path());
            common::add_branch(&wal, "parquet");
            let left = ["one", "two", "three"].into_iter().enumerate().filter(|(index, _)| *index != damaged);
            assert_eq!(texts(&wal), left.map(|(_, text)| text).collect::<Vec<_>>());
            assert!(wal.durable_end() > Position(3));
        }
        let wal = open(directory.path());
        let lost = damaged as u64 + 1;
        let ranges = quarantined(&wal);
        assert!(ranges.iter().any(|(first, last)| *first <= lost && lost <= *last), "{damaged}: {ranges:?}");
    }
}

#[test]
fn a_missing_segment_is_reported_and_the_others_are_delivered() {
    let directory = tempfile::tempdir().unwrap();
    for text in ["one", "two", "three"] {
        append(&open(directory.path()), text.as_bytes());
    }
    fs::remove_file(&segments(directory.path())[1]).unwrap();
    let wal = open(directory.path());
    assert_eq!(texts(&wal), ["one", "three"]);
    assert_eq!(quarantined(&wal), [(2, 2)]);
    assert_eq!(wal.state().quarantined[0].items, [1, 0, 0, 0, 0, 0, 0, 0]);
}

#[test]
fn a_damaged_snapshot_leaves_the_control_state_to_the_segment_before() {
    let directory = tempfile::tempdir().unwrap();
    let wal = open(directory.path());
    common::add_branch(&wal, "parquet");
    append(&wal, *b"one");
    drop(wal);
    let wal = open(directory.path());
    append(&wal, *b"two");
    let copy = crash_copy(directory.path());
    edit(&newest(copy.path()), |bytes| bytes[4096..4200].fill(0));
    assert_eq!(open(copy.path()).state().branches, wal.state().branches);
}

#[test]
fn segments_of_another_log_are_refused() {
    let (ours, theirs) = (crashed_with(&["a"]), crashed_with(&["b"]));
    let stranger = ours.path().join("wal/0000000000000009.seg");
    fs::copy(newest(theirs.path()), &stranger).unwrap();
    let refused = Wal::open(options(ours.path())).err().unwrap();
    // The newest one names the log, so an older one is the stranger.
    assert!(matches!(refused, OpenError::Foreign { .. }), "{refused}");
}

#[test]
fn records_that_may_not_be_durable_are_copied_before_they_count() {
    let directory = crashed_with(&["one", "two"]);
    let torn = newest(directory.path());
    let wal = open(directory.path());
    let at = offset_of(&torn, b"two");
    // Power goes, and with it the pages that were never fsynced.
    edit(&torn, |bytes| bytes.truncate(at - 92));
    let after = crash_copy(directory.path());
    drop(wal);
    assert_eq!(texts(&open(after.path())), ["one", "two"]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_as_a_segment_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..9000)) {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("wal")).unwrap();
        fs::write(directory.path().join("wal/0000000000000001.seg"), bytes).unwrap();
        if let Ok(wal) = Wal::open(options(directory.path())) {
            append(&wal, *b"new");
            prop_assert_eq!(texts(&wal), ["new"]);
        }
    }

    #[test]
    fn damage_anywhere_never_panics_and_never_changes_a_body(
        edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 1_usize..200), 1..6),
        cut in 0_usize..400,
    ) {
        static UNDAMAGED: OnceLock<TempDir> = OnceLock::new();
        let sent: Vec<_> = (0..20).map(|n| format!("body {n}")).collect();
        let texts_sent: Vec<_> = sent.iter().map(String::as_str).collect();
        let directory = crash_copy(UNDAMAGED.get_or_init(|| crashed_with(&texts_sent)).path());
        edit(&newest(directory.path()), |bytes| {
            for (index, value, length) in edits {
                let at = index.index(bytes.len());
                let to = (at + length).min(bytes.len());
                bytes[at..to].fill(value);
            }
            bytes.truncate(bytes.len() - cut);
        });
        if let Ok(wal) = Wal::open(options(directory.path())) {
            let read = texts(&wal);
            let mut left = sent.iter();
            prop_assert!(read.iter().all(|text| left.any(|sent| sent == text)), "{:?}", read);
            append(&wal, *b"new");
            drop(wal);
            let wal = open(directory.path());
            prop_assert!(texts(&wal).ends_with(&["new".to_owned()]));
        }
    }
}
