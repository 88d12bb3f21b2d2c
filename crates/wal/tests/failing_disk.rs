//! What a caller of the log may rely on when the disk fails.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use common::{
    add_branch, append, bodies, entry,
    fake_disk::{FakeDisk, Faults},
    move_cursor, options,
};
use proptest::prelude::*;
use spanledger_wal::{AppendError, Appending, Options, Wal};

fn open(disk: &FakeDisk) -> Wal {
    Wal::open_on(options(Path::new("/fake")), Arc::new(disk.clone())).unwrap()
}

#[test]
fn after_a_failed_fsync_the_waiting_records_are_answered_from_a_new_segment() {
    let disk = FakeDisk::default();
    let wal = open(&disk);
    append(&wal, *b"a");
    disk.fail(Faults { syncs: 1, ..Faults::default() });
    append(&wal, *b"b");
    append(&wal, *b"c");
    assert_eq!(disk.names().len(), 2, "{:?}", disk.names());
    assert_eq!(bodies(&wal), [b"a", b"b", b"c"]);
    for kept in [0, usize::MAX] {
        assert_eq!(bodies(&open(&disk.crash(kept))), [b"a", b"b", b"c"]);
    }
}

#[test]
fn a_file_is_never_fsynced_again_after_a_failure() {
    let disk = FakeDisk::default();
    let wal = open(&disk);
    disk.fail(Faults { syncs: 1, ..Faults::default() });
    append(&wal, *b"a");
    append(&wal, *b"b");
    drop(wal);
    assert!(!disk.synced_after_failure());
}

#[test]
fn a_disk_that_keeps_failing_refuses_appends_until_it_works_again() {
    let disk = FakeDisk::default();
    let wal = open(&disk);
    append(&wal, *b"a");
    disk.fail(Faults { writes: 4, ..Faults::default() });
    for _ in 0..3 {
        let refused = wal.append(entry(*b"lost")).unwrap().wait();
        assert!(matches!(refused, Err(AppendError::Unavailable { .. })), "{refused:?}");
        assert!(!wal.stats().healthy);
    }
    append(&wal, *b"b");
    assert!(wal.stats().healthy);
    assert_eq!(bodies(&wal), [b"a", b"b"]);
    assert_eq!(bodies(&open(&disk.crash(0))), [b"a", b"b"]);
}

#[test]
fn a_disk_that_does_not_answer_shows_in_how_long_the_log_is_busy() {
    let (disk, seconds) = (FakeDisk::default(), Arc::new(AtomicU64::new(1)));
    let now = seconds.clone();
    let monotonic = Arc::new(move || Duration::from_secs(now.load(Ordering::Relaxed)));
    let options = Options { monotonic, ..options(Path::new("/fake")) };
    let wal = Wal::open_on(options, Arc::new(disk.clone())).unwrap();
    append(&wal, *b"a");
    let stalled = disk.stall();
    let appending = wal.append(entry(*b"b")).unwrap();
    while wal.condition().busy < Duration::from_secs(5) {
        seconds.fetch_add(1, Ordering::Relaxed);
        std::thread::yield_now();
    }
    drop(stalled);
    appending.wait().unwrap();
    while !wal.condition().busy.is_zero() {
        std::thread::yield_now();
    }
}

#[test]
fn refused_records_give_their_room_back() {
    let disk = FakeDisk::default();
    let wal = open(&disk);
    let used = wal.stats().used_bytes;
    disk.fail(Faults { writes: 1, creates: 10, ..Faults::default() });
    for _ in 0..10 {
        wal.append(entry(vec![0; 5000])).unwrap().wait().unwrap_err();
    }
    // What was left in the segment that failed stays.
    assert!(wal.stats().used_bytes < used + 6000, "{:?}", wal.stats());
}

#[test]
fn a_log_that_cannot_make_a_segment_does_not_open() {
    let disk = FakeDisk::default();
    disk.fail(Faults { creates: 1, ..Faults::default() });
    let refused = Wal::open_on(options(Path::new("/fake")), Arc::new(disk)).err().unwrap();
    assert_eq!(refused.to_string(), "open the log: write to /fake/wal: no");
}

#[test]
fn a_crash_that_loses_a_mark_loses_nothing_else() {
    let append_one = |mark_after| {
        let disk = FakeDisk::default();
        let options = Options { mark_after, ..options(Path::new("/fake")) };
        let wal = Wal::open_on(options, Arc::new(disk.clone())).unwrap();
        append(&wal, *b"a");
        (disk, wal)
    };
    let written = |disk: &FakeDisk| disk.files().values().map(Vec::len).sum::<usize>();
    let without_mark = written(&append_one(Duration::from_secs(3600)).0);
    let (disk, _wal) = append_one(Duration::from_millis(1));
    while written(&disk) == without_mark {
        std::thread::yield_now();
    }
    // Killed first, so that the next segment links to this one; then the power fails, and the mark is gone.
    let killed = disk.kill();
    append(&open(&killed), *b"b");
    let report = Wal::verify_on(&options(Path::new("/fake")), &killed.crash(0)).unwrap();
    assert!(report.is_clean(), "{report:?}");
}

#[test]
fn a_crash_after_a_crash_does_not_miss_what_was_delivered_before_the_first() {
    let disk = FakeDisk::default();
    let wal = open(&disk);
    add_branch(&wal, "parquet");
    for _ in 0..8 {
        append(&wal, vec![7; 10_000]);
    }
    move_cursor(&wal, "parquet", wal.data_end());
    let crashed = disk.crash(0);
    // Nothing is appended after the start, so nothing says that the copied cursor is durable.
    let again = open(&crashed);
    let report = Wal::verify_on(&options(Path::new("/fake")), &crashed.crash(0)).unwrap();
    assert!(report.is_clean(), "{report:?}");
    assert_eq!(again.stats().quarantined_ranges, 0);
    assert_eq!(open(&crashed.crash(0)).stats().quarantined_ranges, 0);
}

#[test]
fn what_was_read_after_a_kill_is_there_after_a_power_cut() {
    let disk = FakeDisk::default();
    let wal = open(&disk);
    append(&wal, *b"a");
    disk.fail(Faults { syncs: 1, creates: 1, ..Faults::default() });
    // One group, so that none of it says that another is durable.
    wal.append(entry(*b"b")).unwrap().wait().unwrap_err();
    let killed = disk.kill();
    assert_eq!(bodies(&open(&killed)), [b"a", b"b"]);
    assert_eq!(bodies(&open(&killed.crash(0))), [b"a", b"b"]);
}

#[derive(Clone, Debug)]
enum Act {
    Append(usize),
    AppendTogether(u8),
    Fail(Faults),
    Reopen,
    Kill,
    Crash(usize),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let fault = || prop_oneof![4 => Just(0_u32), 1 => 1_u32..4];
    let faults = (fault(), fault(), fault());
    let act = prop_oneof![
        4 => prop_oneof![0_usize..100, 4000_usize..30_000, Just(100_000)].prop_map(Act::Append),
        3 => (1_u8..20).prop_map(Act::AppendTogether),
        1 => faults.prop_map(|(syncs, creates, writes)| Act::Fail(Faults { syncs, creates, writes })),
        1 => Just(Act::Reopen),
        2 => Just(Act::Kill),
        2 => prop_oneof![Just(0), 1_usize..10_000, Just(usize::MAX)].prop_map(Act::Crash),
    ];
    proptest::collection::vec(act, 1..25)
}

/// What was sent, and which of it was acknowledged.
#[derive(Default)]
struct Model {
    sent: Vec<Vec<u8>>,
    acknowledged: Vec<Vec<u8>>,
    /// What readers saw last: they may have delivered it.
    seen: Vec<Vec<u8>>,
}

impl Model {
    fn next_body(&mut self, bytes: usize) -> Vec<u8> {
        let mut body = (self.sent.len() as u64).to_be_bytes().to_vec();
        body.resize(8 + bytes, 7);
        self.sent.push(body.clone());
        body
    }

    fn append(&mut self, wal: &Wal, sizes: impl Iterator<Item = usize>) {
        let bodies: Vec<_> = sizes.map(|bytes| self.next_body(bytes)).collect();
        let appending: Vec<Appending> =
            bodies.iter().map(|body| wal.append(entry(body.clone())).unwrap()).collect();
        for (body, appending) in bodies.into_iter().zip(appending) {
            if appending.wait().is_ok() {
                self.acknowledged.push(body);
            }
        }
    }

    /// Everything acknowledged is there, once and in order; anything else was at least sent.
    fn check(&mut self, read: &[Vec<u8>]) -> Result<(), TestCaseError> {
        prop_assert!(read.is_sorted(), "out of order or twice");
        prop_assert!(read.windows(2).all(|pair| pair[0] != pair[1]), "twice");
        prop_assert!(read.iter().all(|body| self.sent.contains(body)), "never sent");
        for body in &self.acknowledged {
            prop_assert!(read.contains(body), "acknowledged and lost: {:?}", &body[..8]);
        }
        prop_assert!(read.starts_with(&self.seen), "read once and lost");
        self.seen = read.to_vec();
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_acknowledged_is_read_once_and_in_order_whatever_fails(
        acts in acts(),
        recent_bytes in prop_oneof![Just(0_usize), Just(1 << 20)],
        mark_after in prop_oneof![Just(Duration::ZERO), Just(Duration::MAX)],
    ) {
        let mut disk = FakeDisk::default();
        let mut model = Model::default();
        let open = |disk: &FakeDisk| {
            disk.fail(Faults::default());
            let options = Options { recent_bytes, mark_after, ..options(Path::new("/fake")) };
            Wal::open_on(options, Arc::new(disk.clone())).unwrap()
        };
        let mut wal = open(&disk);
        for act in acts {
            match act {
                Act::Append(bytes) => model.append(&wal, [bytes].into_iter()),
                Act::AppendTogether(count) => model.append(&wal, (0..usize::from(count)).map(|n| n * 500)),
                Act::Fail(faults) => disk.fail(faults),
                Act::Reopen => {
                    drop(wal);
                    wal = open(&disk);
                }
                Act::Kill => {
                    let killed = disk.kill();
                    drop(wal);
                    disk = killed;
                    wal = open(&disk);
                }
                Act::Crash(kept) => {
                    let crashed = disk.crash(kept);
                    drop(wal);
                    disk = crashed;
                    wal = open(&disk);
                }
            }
            model.check(&bodies(&wal))?;
            prop_assert_eq!(wal.waiting(spanledger_wal::Position(0)).records, bodies(&wal).len() as u64);
        }
        prop_assert!(wal.state().quarantined.is_empty(), "{:?}", wal.state().quarantined);
    }
}
