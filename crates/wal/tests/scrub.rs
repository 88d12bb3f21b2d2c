//! What a caller of the log may rely on when it looks for damage.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use std::{collections::BTreeMap, fs, path::Path};

use common::{append, crash_copy, edit, entry, offset_of, open, options, segments};
use spanledger_wal::{OpenError, Position, Report, Scrubbed, Severity, Wal};
use tempfile::TempDir;

fn text(index: usize) -> String {
    format!("body {index:03} ").repeat(30)
}

/// A log of two sealed segments with ten records each.
fn log() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    for start in [0, 10] {
        let wal = open(directory.path());
        common::add_branch(&wal, "parquet");
        (start..start + 10).for_each(|index| _ = append(&wal, text(index)));
    }
    directory
}

/// Where the record with a body begins.
fn record_of(path: &Path, index: usize) -> usize {
    offset_of(path, text(index).as_bytes()) - 92
}

fn scrub_all(wal: &Wal, slice_bytes: usize) -> Scrubbed {
    let mut all = Scrubbed::default();
    while !all.is_complete {
        let slice = wal.scrub_next(slice_bytes).unwrap();
        assert!(slice.is_complete || slice.bytes > 0);
        all.bytes += slice.bytes;
        all.records += slice.records;
        all.repaired += slice.repaired;
        all.weakened += slice.weakened;
        all.unreadable += slice.unreadable;
        all.is_complete = slice.is_complete;
    }
    all
}

fn verify(directory: &Path) -> Report {
    let before = contents(directory);
    let report = Wal::verify(&options(directory)).unwrap();
    assert_eq!(contents(directory), before, "nothing may change");
    report
}

fn contents(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = fs::read_dir(directory.join("wal")).unwrap().map(|file| file.unwrap().path());
    let read = |path: std::path::PathBuf| (path.display().to_string(), fs::read(path).unwrap_or_default());
    files.map(read).collect()
}

#[test]
fn every_record_is_read_once_a_round_whatever_the_slices() {
    let log = log();
    let wal = open(log.path());
    for slice_bytes in [1, 700, 5000, 1 << 20] {
        let round = scrub_all(&wal, slice_bytes);
        // Twenty records, two of the branch, and a snapshot in each of three segments.
        assert_eq!((round.records, round.repaired, round.unreadable), (25, 0, 0), "{slice_bytes}");
    }
}

#[test]
fn damage_is_repaired_or_quarantined_before_anybody_reads() {
    let log = log();
    let path = segments(log.path()).remove(0);
    let (repairable, beyond) = (record_of(&path, 3), record_of(&path, 7));
    let (trailer, parity) = (record_of(&path, 6) - 40, record_of(&path, 9) - 100);
    edit(&path, |bytes| {
        bytes[100] ^= 1;
        bytes[repairable + 200] ^= 1;
        bytes[beyond + 100..beyond + 300].fill(0);
        bytes[trailer] ^= 1;
        bytes[parity] ^= 1;
    });
    let wal = open(log.path());
    let round = scrub_all(&wal, 2000);
    assert_eq!((round.repaired, round.weakened, round.unreadable), (2, 2, 1));
    wal.record(spanledger_wal::Control::TimeMark { unix_ns: 1 }).wait().unwrap();
    assert_eq!(wal.stats().repaired_records, 1);
    assert_eq!(wal.state().quarantined[0].first, Position(9));
    // Told once.
    assert_eq!(scrub_all(&wal, 2000).repaired, 0);
    assert_eq!(wal.stats().quarantined_ranges, 1);
}

#[test]
fn a_round_goes_on_when_segments_come_and_go() {
    let log = log();
    let wal = open(log.path());
    wal.scrub_next(3000).unwrap();
    let pending: Vec<_> = (20..60).map(|index| wal.append(entry(text(index))).unwrap()).collect();
    let last = pending.into_iter().map(|pending| pending.wait().unwrap().position).last().unwrap();
    common::move_cursor(&wal, "parquet", last.next());
    assert!(scrub_all(&wal, 1000).records >= 40);
}

#[test]
fn a_whole_log_verifies_clean_whether_it_was_closed_or_not() {
    let log = log();
    let wal = open(log.path());
    append(&wal, text(20));
    let crashed = crash_copy(log.path());
    drop(wal);
    for directory in [&crashed, &log] {
        let report = verify(directory.path());
        assert_eq!(report.problems, []);
        assert!(report.is_clean());
        assert_eq!(report.segments, 3);
        if directory.path() == log.path() {
            assert_eq!((report.records, report.items[0], report.control_records), (21, 21, 5));
        }
    }
}

#[test]
fn a_log_that_is_open_is_not_verified() {
    let log = log();
    let wal = open(log.path());
    let refused = Wal::verify(&options(log.path()));
    assert!(matches!(refused, Err(OpenError::Locked { .. })), "{refused:?}");
    drop(wal);
}

#[test]
fn each_problem_is_named_with_its_file_and_offset() {
    let log = log();
    let paths = segments(log.path());
    let (repairable, beyond) = (record_of(&paths[0], 3), record_of(&paths[1], 12));
    let trailer = record_of(&paths[0], 6) - 40;
    edit(&paths[0], |bytes| {
        bytes[repairable + 200] ^= 1;
        bytes[trailer] ^= 1;
    });
    edit(&paths[1], |bytes| {
        bytes[2048 + 7] ^= 1;
        bytes[beyond + 100..beyond + 300].fill(0);
    });
    let found = |report: &Report| -> Vec<(String, u64, Severity)> {
        report.problems.iter().map(|found| (found.file.clone(), found.offset, found.severity)).collect()
    };
    let name = |number: u64| format!("{number:016x}.seg");
    let expected = |lost| {
        vec![
            (name(1), repairable as u64, Severity::Repaired),
            (name(1), record_of(&paths[0], 5) as u64, Severity::Weakened),
            (name(2), 0, Severity::Repaired),
            (name(2), beyond as u64, lost),
        ]
    };
    assert_eq!(found(&verify(log.path())), expected(Severity::Lost));
    let wal = open(log.path());
    scrub_all(&wal, 1 << 20);
    drop(wal);
    assert_eq!(found(&verify(log.path())), expected(Severity::Quarantined));
}

#[test]
fn a_missing_segment_and_an_unreadable_one_are_problems() {
    let log = log();
    append(&open(log.path()), text(20));
    let paths = segments(log.path());
    let missing = crash_copy(log.path());
    fs::remove_file(&segments(missing.path())[1]).unwrap();
    let report = verify(missing.path());
    assert_eq!(report.problems[0].positions, Some((Position(12), Position(22))));
    edit(&paths[1], |bytes| bytes.fill(1));
    assert!(!verify(log.path()).is_clean());
}
