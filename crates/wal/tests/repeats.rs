//! What comes twice is stored once, and its sender is answered as before.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use common::fake_disk::{FakeDisk, Faults};
use common::{
    add_branch, append, bodies, crash_copy, edit, entry, move_cursor, offset_of, options, segments,
};
use spanledger_wal::{Appended, Control, Entry, Options, Position, ReadLimits, Wal};

const WINDOW: Duration = Duration::from_secs(900);

/// A clock that stands still until it is moved.
#[derive(Clone)]
struct Clock(Arc<AtomicU64>);

impl Clock {
    fn new() -> Self {
        Self(Arc::new(AtomicU64::new(1_700_000_000)))
    }

    fn pass(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::Relaxed);
    }

    fn options(&self, directory: &Path) -> Options {
        let seconds = self.0.clone();
        let clock =
            Arc::new(move || SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.load(Ordering::Relaxed)));
        Options { clock, repeat_window: WINDOW, ..options(directory) }
    }

    fn open(&self, directory: &Path) -> Wal {
        Wal::open(self.options(directory)).unwrap()
    }

    fn open_on(&self, disk: &FakeDisk) -> Wal {
        Wal::open_on(self.options(Path::new("")), Arc::new(disk.clone())).unwrap()
    }
}

fn send(wal: &Wal, body: &[u8]) -> Appended {
    wal.append(entry(body)).unwrap().wait().unwrap()
}

fn is_repeat(wal: &Wal, body: &[u8]) -> bool {
    send(wal, body).repeats.is_some()
}

/// Appends `count` bodies of 8 KB, which takes several segments, and lets the only branch pass them.
fn deliver(wal: &Wal, count: u8) {
    add_branch(wal, "parquet");
    for n in 0..count {
        append(wal, vec![n; 8 << 10]);
    }
    move_cursor(wal, "parquet", wal.data_end());
    wal.record(Control::TimeMark { unix_ns: 1 }).wait().unwrap();
}

fn window_files(directory: &Path) -> usize {
    let files = fs::read_dir(directory.join("wal")).unwrap();
    files.filter(|file| file.as_ref().unwrap().path().extension().is_some_and(|end| end == "window")).count()
}

#[test]
fn a_repeat_is_answered_like_the_first_and_not_stored() {
    let directory = tempfile::tempdir().unwrap();
    let clock = Clock::new();
    let wal = clock.open(directory.path());
    let first = Entry { rejected: vec![2, 5], ..entry(*b"again") };
    let position = wal.append(first.clone()).unwrap().wait().unwrap().position;
    clock.pass(10);
    let second = wal.append(first).unwrap().wait().unwrap();
    assert_eq!(second.position, position);
    let repeats = second.repeats.unwrap();
    assert_eq!((repeats.rejected, repeats.arrival_unix_ns), (2, 1_700_000_000_000_000_000));
    assert_eq!(bodies(&wal), [b"again"]);
    assert_eq!(wal.stats().appended_records, 1);
}

#[test]
fn the_same_bytes_for_another_receiver_or_signal_are_no_repeat() {
    let directory = tempfile::tempdir().unwrap();
    let wal = Clock::new().open(directory.path());
    let sent = entry(*b"same");
    let others =
        [sent.clone(), Entry { signal: 1, ..sent.clone() }, Entry { receiver: "otlp/b".into(), ..sent }];
    for other in others {
        assert_eq!(wal.append(other).unwrap().wait().unwrap().repeats, None);
    }
    assert_eq!(bodies(&wal).len(), 3);
}

#[test]
fn of_many_at_once_one_is_stored() {
    let directory = tempfile::tempdir().unwrap();
    let wal = Clock::new().open(directory.path());
    let all: Vec<_> = (0..50).map(|_| wal.append(entry(*b"same")).unwrap()).collect();
    let all: Vec<Appended> = all.into_iter().map(|appending| appending.wait().unwrap()).collect();
    assert!(all.iter().all(|appended| appended.position == all[0].position));
    assert_eq!(all.iter().filter(|appended| appended.repeats.is_none()).count(), 1);
    assert_eq!(bodies(&wal).len(), 1);
}

#[test]
fn what_comes_again_after_the_window_is_stored_again() {
    let directory = tempfile::tempdir().unwrap();
    let clock = Clock::new();
    let wal = clock.open(directory.path());
    assert!(!is_repeat(&wal, b"a"));
    clock.pass(899);
    assert!(is_repeat(&wal, b"a"));
    clock.pass(1);
    assert!(!is_repeat(&wal, b"a"), "the window is counted from the first");
    assert_eq!(bodies(&wal).len(), 2);
}

#[test]
fn a_repeat_of_what_was_refused_is_stored() {
    let disk = FakeDisk::default();
    let clock = Clock::new();
    let wal = clock.open_on(&disk);
    append(&wal, *b"a");
    disk.fail(Faults { syncs: 1, creates: 1, ..Faults::default() });
    wal.append(entry(*b"b")).unwrap().wait().unwrap_err();
    assert!(!is_repeat(&wal, b"b"));
    assert!(is_repeat(&wal, b"a"));
    assert_eq!(bodies(&wal), [b"a", b"b"]);
    let wal = clock.open_on(&disk.kill());
    assert!(is_repeat(&wal, b"a"), "its segment was given up, so it has no seal");
    assert!(is_repeat(&wal, b"b"));
}

#[test]
fn a_restart_forgets_no_request_of_the_window() {
    let directory = tempfile::tempdir().unwrap();
    let clock = Clock::new();
    let wal = clock.open(directory.path());
    assert!(!is_repeat(&wal, b"before the crash"));
    let killed = crash_copy(directory.path());
    let wal = clock.open(killed.path());
    assert!(is_repeat(&wal, b"before the crash"));
    assert!(!is_repeat(&wal, b"before the stop"));
    drop(wal);
    let wal = clock.open(killed.path());
    assert!(is_repeat(&wal, b"before the crash"));
    assert!(is_repeat(&wal, b"before the stop"));
    assert_eq!(bodies(&wal), [&b"before the crash"[..], b"before the stop"]);
}

#[test]
fn requests_are_remembered_when_their_segment_is_gone() {
    let directory = tempfile::tempdir().unwrap();
    let clock = Clock::new();
    let wal = clock.open(directory.path());
    deliver(&wal, 40);
    assert!(wal.first_retained() > Position(10));
    drop(wal);
    let wal = clock.open(directory.path());
    assert!((0..40).all(|n| is_repeat(&wal, &vec![n; 8 << 10])));
    assert!(window_files(directory.path()) > 0);
    clock.pass(900);
    append(&wal, *b"later");
    append(&wal, *b"and later");
    assert_eq!(window_files(directory.path()), 0, "of no use after the window");
}

#[test]
fn a_damaged_file_of_the_window_makes_it_shorter_and_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let clock = Clock::new();
    deliver(&clock.open(directory.path()), 40);
    for file in fs::read_dir(directory.path().join("wal")).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|end| end == "window") {
            edit(&path, |bytes| bytes[20] ^= 1);
        }
    }
    let wal = clock.open(directory.path());
    assert!(!is_repeat(&wal, &vec![0; 8 << 10]));
    assert!(is_repeat(&wal, &vec![39; 8 << 10]), "the last segment has a seal");
}

#[test]
fn a_record_that_was_lost_is_stored_when_it_comes_again() {
    let directory = tempfile::tempdir().unwrap();
    let clock = Clock::new();
    let unprotected = || Options { parity: false, ..clock.options(directory.path()) };
    let wal = Wal::open(unprotected()).unwrap();
    add_branch(&wal, "parquet");
    for body in ["whole", "flipped", "behind"] {
        append(&wal, body);
    }
    drop(wal);
    let path = segments(directory.path()).pop().unwrap();
    let at = offset_of(&path, b"flipped");
    edit(&path, |bytes| bytes[at] ^= 1);
    let wal = Wal::open(unprotected()).unwrap();
    wal.read(Position::FIRST, None, ReadLimits { items: 100, bytes: 1 << 20 }).unwrap();
    wal.record(Control::TimeMark { unix_ns: 1 }).wait().unwrap();
    assert_eq!(wal.state().quarantined.len(), 1);
    assert!(!is_repeat(&wal, b"flipped"));
    assert!(is_repeat(&wal, b"whole") && is_repeat(&wal, b"behind"));
    drop(wal);
    let wal = Wal::open(unprotected()).unwrap();
    assert!(is_repeat(&wal, b"flipped"), "the second one, which is whole");
    assert_eq!(bodies(&wal), [&b"whole"[..], b"behind", b"flipped"]);
}

#[test]
fn a_repeat_is_answered_only_for_what_a_power_cut_would_leave() {
    // Killed between write and fsync: the record is in the page cache alone.
    let disk = FakeDisk::default();
    let clock = Clock::new();
    let wal = clock.open_on(&disk);
    append(&wal, *b"a");
    disk.fail(Faults { syncs: u32::MAX, ..Faults::default() });
    wal.append(entry(*b"b")).unwrap().wait().unwrap_err();
    let killed = disk.kill();
    let wal = clock.open_on(&killed);
    send(&wal, b"b");
    let after_power_cut = clock.open_on(&killed.crash(0));
    assert_eq!(bodies(&after_power_cut), [b"a", b"b"]);
}

#[test]
fn requests_of_a_segment_that_was_given_up_are_remembered() {
    for fails in 0..6 {
        let (disk, clock) = (FakeDisk::default(), Clock::new());
        let wal = clock.open_on(&disk);
        assert!(!is_repeat(&wal, b"a"));
        // The fsync of the segment fails, and with luck that of what is to take its place.
        disk.fail(Faults { syncs: fails, ..Faults::default() });
        let _ = wal.append(entry(*b"b")).unwrap().wait();
        disk.fail(Faults::default());
        assert!(is_repeat(&clock.open_on(&disk.crash(0)), b"a"), "after {fails} failures");
    }
}

#[test]
fn requests_of_a_segment_that_went_while_nothing_could_be_written_down_are_remembered() {
    let (disk, clock) = (FakeDisk::default(), Clock::new());
    let wal = clock.open_on(&disk);
    add_branch(&wal, "parquet");
    for n in 0..20 {
        append(&wal, vec![n; 8 << 10]);
    }
    let move_on = |wal: &Wal| {
        move_cursor(wal, "parquet", wal.data_end());
        wal.record(Control::TimeMark { unix_ns: 1 }).wait().unwrap();
    };
    disk.fail(Faults { creates: 1, ..Faults::default() });
    move_on(&wal);
    disk.fail(Faults::default());
    move_on(&wal);
    assert!(is_repeat(&clock.open_on(&disk.crash(0)), &[0; 8 << 10]));
}

#[test]
fn too_many_requests_shorten_the_window() {
    let directory = tempfile::tempdir().unwrap();
    let clock = Clock::new();
    let wal = Wal::open(Options { repeats_max: 3, ..clock.options(directory.path()) }).unwrap();
    assert_eq!(wal.stats().repeat_reach, WINDOW);
    for n in 0..5 {
        clock.pass(10);
        append(&wal, [n]);
    }
    assert_eq!(wal.stats().repeat_reach, Duration::from_secs(30));
    assert!(is_repeat(&wal, &[2]) && is_repeat(&wal, &[4]));
    assert!(!is_repeat(&wal, &[1]));
}
