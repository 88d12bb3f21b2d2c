//! What a caller of the log may rely on when a part of it is beyond repair.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use std::{fs, path::Path, time::Duration};

use common::{append, bodies, crash_copy, edit, offset_of, open, options, segments};
use spanledger_wal::{Options, Position, Wal};
use tempfile::TempDir;

fn texts(wal: &Wal) -> Vec<String> {
    bodies(wal).into_iter().map(|body| String::from_utf8(body).unwrap()).collect()
}

/// A log of one sealed segment with these bodies.
fn closed_with(texts: &[&str]) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let wal = open(directory.path());
    texts.iter().for_each(|text| _ = append(&wal, text.as_bytes()));
    directory
}

/// Fills the record with this body with zeros, header and trailer included.
fn wipe(path: &Path, body: &str) -> std::ops::Range<usize> {
    let at = offset_of(path, body.as_bytes());
    let record = at - 92..at + body.len();
    let end = (record.end.next_multiple_of(8) + 160).min(fs::metadata(path).unwrap().len() as usize);
    edit(path, |bytes| bytes[record.start..end - 80].fill(0));
    record.start..end
}

fn quarantine_files(directory: &Path) -> Vec<std::path::PathBuf> {
    let listed = fs::read_dir(directory.join("wal/quarantine"));
    let mut files: Vec<_> = listed.into_iter().flatten().map(|file| file.unwrap().path()).collect();
    files.sort();
    files
}

/// What was found is written by the log thread; any later control record comes after it.
fn settle(wal: &Wal) {
    wal.record(spanledger_wal::Control::TimeMark { unix_ns: 1 }).wait().unwrap();
}

#[test]
fn the_bytes_of_what_cannot_be_read_are_kept_for_the_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let directory = closed_with(&["one", "two", "three"]);
    let path = segments(directory.path()).pop().unwrap();
    wipe(&path, "two");
    for _ in 0..2 {
        let wal = open(directory.path());
        assert_eq!(texts(&wal), ["one", "three"]);
        settle(&wal);
        let range = wal.state().quarantined[0].clone();
        let files = quarantine_files(directory.path());
        assert_eq!(files.len(), 1);
        let segment = fs::read(&path).unwrap();
        let damaged = &segment[range.offset as usize..][..range.length as usize];
        assert_eq!(fs::read(&files[0]).unwrap(), damaged);
        assert_eq!(fs::metadata(&files[0]).unwrap().permissions().mode() & 0o777, 0o600);
        let stats = wal.stats();
        assert_eq!((stats.quarantined_ranges, stats.quarantined_positions), (1, 1));
        assert_eq!(stats.quarantined_bytes, range.length);
        assert_eq!(stats.quarantined_items, [1, 0, 0, 0, 0, 0, 0, 0]);
    }
}

#[test]
fn what_is_kept_counts_in_the_budget_and_has_a_limit() {
    let directory = closed_with(&["one", "two", "three"]);
    let used = open(directory.path()).stats().used_bytes;
    let path = segments(directory.path()).remove(0);
    wipe(&path, "two");
    let small = |directory: &Path| Options { max_bytes: 1024, ..options(directory) };
    let wal = Wal::open(small(directory.path())).unwrap();
    assert_eq!(texts(&wal), ["one", "three"]);
    assert_eq!(quarantine_files(directory.path()), [] as [std::path::PathBuf; 0]);
    drop(wal);
    let other = closed_with(&["one", "two", "three"]);
    wipe(&segments(other.path())[0], "two");
    let wal = open(other.path());
    assert_eq!(texts(&wal), ["one", "three"]);
    settle(&wal);
    assert!(wal.stats().used_bytes > used);
}

#[test]
fn damage_to_the_last_record_is_quarantined_once_the_log_was_idle() {
    let directory = tempfile::tempdir().unwrap();
    let marking = Options { mark_after: Duration::ZERO, ..options(directory.path()) };
    let wal = Wal::open(marking).unwrap();
    append(&wal, *b"one");
    let path = segments(directory.path()).pop().unwrap();
    let unmarked = fs::metadata(&path).unwrap().len();
    append(&wal, *b"two");
    // The mark is written when nothing more comes; the second record alone has 248 bytes.
    while fs::metadata(&path).unwrap().len() < unmarked + 248 + 160 {
        std::thread::yield_now();
    }
    let crashed = crash_copy(directory.path());
    let path = segments(crashed.path()).pop().unwrap();
    let at = offset_of(&path, b"two");
    edit(&path, |bytes| bytes[at - 92..at + 84].fill(0));
    let wal = open(crashed.path());
    assert_eq!(texts(&wal), ["one"]);
    let ranges: Vec<_> = wal.state().quarantined.iter().map(|range| (range.first, range.last)).collect();
    assert_eq!(ranges, [(Position(2), Position(2))]);
}

#[test]
fn a_sealed_segment_that_was_cut_short_is_quarantined_from_there_on() {
    let directory = closed_with(&["one", "two", "three"]);
    append(&open(directory.path()), *b"four");
    let path = segments(directory.path()).remove(0);
    let at = offset_of(&path, b"two");
    edit(&path, |bytes| bytes.truncate(at));
    for _ in 0..2 {
        let wal = open(directory.path());
        assert_eq!(texts(&wal), ["one", "four"]);
        settle(&wal);
        let ranges: Vec<_> = wal.state().quarantined.iter().map(|range| (range.first, range.last)).collect();
        assert_eq!(ranges, [(Position(2), Position(3))]);
    }
}

#[test]
fn a_segment_that_vanishes_while_the_log_is_open_is_reported_and_passed_over() {
    let directory = closed_with(&["one", "two"]);
    let wal = open(directory.path());
    append(&wal, *b"three");
    fs::remove_file(&segments(directory.path())[0]).unwrap();
    assert_eq!(texts(&wal), ["three"]);
    settle(&wal);
    let range = wal.state().quarantined[0].clone();
    assert_eq!((range.first, range.last), (Position(1), Position(2)));
}

#[test]
fn records_are_delivered_though_head_and_snapshot_of_their_segment_are_gone() {
    for damaged in 0..3 {
        let directory = tempfile::tempdir().unwrap();
        for text in ["one", "two", "three"] {
            append(&open(directory.path()), text.as_bytes());
        }
        let id = open(directory.path()).id();
        let path = segments(directory.path()).remove(damaged);
        let first_record = offset_of(&path, ["one", "two", "three"][damaged].as_bytes()) - 92;
        edit(&path, |bytes| bytes[..first_record].fill(0));
        for _ in 0..2 {
            let wal = open(directory.path());
            assert_eq!(texts(&wal), ["one", "two", "three"], "{damaged}");
            assert_eq!(wal.stats().accepted_items[0], 3, "{damaged}");
            assert_eq!(wal.id(), id, "{damaged}");
            assert_eq!(wal.state().quarantined, [], "{damaged}");
            assert_eq!(wal.waiting(Position(2)).records, 2, "{damaged}");
        }
    }
}

#[test]
fn a_seal_whose_end_is_damaged_still_proves_what_came_before_it() {
    let directory = closed_with(&["one", "two", "three"]);
    let path = segments(directory.path()).pop().unwrap();
    edit(&path, |bytes| {
        let end = bytes.len();
        bytes[end - 80..].fill(0);
    });
    wipe(&path, "three");
    let wal = open(directory.path());
    assert_eq!(texts(&wal), ["one", "two"]);
    assert_eq!(wal.state().quarantined[0].last, Position(3));
}
