//! What a caller of the log may rely on, on a disk that works.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use common::{
    ALL, add_branch, append, bodies, crash_copy, entry, move_cursor, offset_of, open, options, segments,
};
use spanledger_wal::{
    AppendError, Checkpoint, Control, Counts, Entry, Epoch, OpenError, Options, Plan, PlanId, Position,
    ReadLimits, RealDisk, Wal,
};

/// Fills several segments; answers the last position.
fn append_fifty(wal: &Wal) -> Position {
    (0..50).fold(Position(0), |_, n| append(wal, vec![n; 5000]))
}

#[test]
fn a_record_reads_back_as_it_was_appended() {
    let directory = tempfile::tempdir().unwrap();
    for recent_bytes in [0, 1 << 20] {
        let wal = Wal::open(Options { recent_bytes, ..options(directory.path()) }).unwrap();
        let sent = Entry {
            signal: 2,
            receiver: "otlp/other".into(),
            items: 7,
            rejected: vec![1, 9],
            body: b"body"[..].into(),
        };
        let position = wal.append(sent).unwrap().wait().unwrap().position;
        let read = wal.read(position, None, ALL).unwrap();
        let record = &read.records[0];
        assert_eq!((record.position, record.signal, &*record.receiver), (position, 2, "otlp/other"));
        assert_eq!((record.items, &*record.rejected, &*record.body), (7, &[1, 9][..], &b"body"[..]));
        assert!(record.arrival_unix_ns >= 1_700_000_000_000_000_000);
        assert_eq!(read.next, position.next());
    }
}

#[test]
fn everything_acknowledged_is_there_after_a_crash() {
    let directory = tempfile::tempdir().unwrap();
    let wal = open(directory.path());
    let sent: Vec<_> = (0..100).map(|n| format!("body {n}").into_bytes()).collect();
    sent.iter().for_each(|body| _ = append(&wal, body.clone()));
    let copy = crash_copy(directory.path());
    assert_eq!(bodies(&open(copy.path())), sent);
}

#[test]
fn reading_goes_on_over_many_segments_and_reopenings() {
    let directory = tempfile::tempdir().unwrap();
    let mut sent = Vec::new();
    for round in 0..3_u8 {
        let wal = open(directory.path());
        for n in 0..40_u8 {
            let body = vec![round * 40 + n; 5000];
            append(&wal, body.clone());
            sent.push(body);
        }
    }
    assert!(segments(directory.path()).len() > 6);
    assert_eq!(bodies(&open(directory.path())), sent);
}

#[test]
fn a_record_larger_than_a_segment_gets_one_of_its_own() {
    let directory = tempfile::tempdir().unwrap();
    let wal = open(directory.path());
    let sent = [vec![1; 10], vec![2; 300 << 10], vec![3; 10]];
    sent.iter().for_each(|body| _ = append(&wal, body.clone()));
    assert_eq!(bodies(&wal), sent);
    let refused = wal.append(entry(vec![0; 65 << 20])).err().unwrap();
    assert!(matches!(refused, AppendError::TooLarge { .. }), "{refused}");
    drop(wal);
    assert_eq!(bodies(&open(directory.path())), sent);
}

#[test]
fn reading_stops_at_its_limits_but_always_gives_one_record() {
    let directory = tempfile::tempdir().unwrap();
    for recent_bytes in [0, 1 << 20] {
        let wal = Wal::open(Options { recent_bytes, ..options(directory.path()) }).unwrap();
        let first = append(&wal, *b"1234567890");
        append(&wal, *b"1234567890");
        append(&wal, *b"1234567890");
        let count = |limits, until| wal.read(first, until, limits).unwrap().records.len();
        assert_eq!(count(ReadLimits { items: 2, bytes: 100 }, None), 2);
        assert_eq!(count(ReadLimits { items: 100, bytes: 20 }, None), 2);
        assert_eq!(count(ReadLimits { items: 0, bytes: 0 }, None), 1);
        assert_eq!(count(ALL, Some(first.next())), 1);
        assert_eq!(count(ALL, None), 3);
    }
}

#[test]
fn control_records_are_passed_over_by_readers() {
    let directory = tempfile::tempdir().unwrap();
    let wal = open(directory.path());
    append(&wal, *b"a");
    add_branch(&wal, "parquet");
    append(&wal, *b"b");
    wal.record(Control::TimeMark { unix_ns: 5 }).wait().unwrap();
    let read = wal.read(Position::FIRST, None, ALL).unwrap();
    assert_eq!(read.records.iter().map(|record| record.position.0).collect::<Vec<_>>(), [1, 3]);
    assert_eq!((read.next, wal.durable_end(), wal.data_end()), (Position(5), Position(5), Position(4)));
}

#[test]
fn the_control_state_survives_reopening_and_the_deletion_of_the_segments_it_was_written_in() {
    let directory = tempfile::tempdir().unwrap();
    let wal = open(directory.path());
    add_branch(&wal, "parquet");
    wal.record(Control::Epoch(Epoch { first: Position(1), payload_hash: vec![7; 16] })).wait().unwrap();
    let checkpoint = Checkpoint { position: Position(2), file: "metrics-2".into() };
    wal.record(Control::Checkpoint {
        branch: "parquet".into(),
        checkpoint,
        counts: Counts::default(),
        replayed: vec![],
    })
    .wait()
    .unwrap();
    let first_segment = segments(directory.path())[0].clone();
    let last = append_fifty(&wal);
    move_cursor(&wal, "parquet", last);
    let plan = Plan {
        id: PlanId([9; 16]),
        branch: "parquet".into(),
        first: last,
        last,
        excluded: vec![Position(3)],
        replays: false,
    };
    wal.record(Control::Plan(plan)).wait().unwrap();
    let state = wal.state();
    assert!(!first_segment.exists());
    let crashed = crash_copy(directory.path());
    assert_eq!(open(crashed.path()).state(), state);
    drop(wal);
    assert_eq!(open(directory.path()).state(), state);
}

#[test]
fn an_epoch_without_a_first_position_begins_with_its_own_record_also_when_that_is_read_back() {
    let directory = tempfile::tempdir().unwrap();
    let wal = open(directory.path());
    append(&wal, *b"a");
    let epoch = |first, hash| Control::Epoch(Epoch { first: Position(first), payload_hash: vec![hash; 16] });
    wal.record(epoch(1, 7)).wait().unwrap();
    append(&wal, *b"b");
    let appended = wal.record(epoch(0, 8)).wait().unwrap();
    append(&wal, *b"c");
    let firsts = |wal: &Wal| wal.state().epochs.iter().map(|epoch| epoch.first).collect::<Vec<_>>();
    assert_eq!(firsts(&wal), [Position(1), appended.position]);
    let (end, state) = wal.durable();
    assert_eq!((end, state), (wal.durable_end(), wal.state()));
    let crashed = crash_copy(directory.path());
    assert_eq!(firsts(&open(crashed.path())), [Position(1), Position(4)]);
    drop(wal);
    assert_eq!(firsts(&open(directory.path())), [Position(1), Position(4)]);
}

#[test]
fn a_full_log_refuses_data_takes_control_records_and_frees_itself() {
    let directory = tempfile::tempdir().unwrap();
    let options = Options { max_bytes: 512 << 10, ..options(directory.path()) };
    let wal = Wal::open(options).unwrap();
    add_branch(&wal, "parquet");
    let full = loop {
        match wal.append(entry(vec![1; 10_000])) {
            Ok(appending) => drop(appending.wait().unwrap()),
            Err(error) => break error,
        }
    };
    assert!(matches!(full, AppendError::Full { .. }), "{full}");
    move_cursor(&wal, "parquet", wal.data_end());
    // The cursor is durable before the segments are gone; the next control record is answered after that.
    wal.record(Control::TimeMark { unix_ns: 1 }).wait().unwrap();
    append(&wal, vec![2; 10_000]);
    let on_disk: u64 = segments(directory.path()).iter().map(|path| fs::metadata(path).unwrap().len()).sum();
    assert!(on_disk < 64 << 10, "{on_disk} bytes are left");
}

#[test]
fn a_large_record_that_was_refused_finds_room_once_the_log_is_empty() {
    let directory = tempfile::tempdir().unwrap();
    let wal = Wal::open(Options { max_bytes: 512 << 10, ..options(directory.path()) }).unwrap();
    add_branch(&wal, "parquet");
    append(&wal, vec![1; 300 << 10]);
    move_cursor(&wal, "parquet", wal.data_end());
    let refused = wal.append(entry(vec![2; 300 << 10])).err().unwrap();
    assert!(matches!(refused, AppendError::Full { .. }), "{refused}");
    // Nothing else arrives: the refusal itself makes the log thread look for room.
    let appending = loop {
        match wal.append(entry(vec![2; 300 << 10])) {
            Ok(appending) => break appending,
            Err(_) => std::thread::yield_now(),
        }
    };
    appending.wait().unwrap();
}

#[test]
fn what_the_caller_has_beside_the_segments_counts_in_the_budget() {
    let directory = tempfile::tempdir().unwrap();
    let wal = Wal::open(Options { max_bytes: 512 << 10, ..options(directory.path()) }).unwrap();
    let used = wal.stats().used_bytes;
    wal.set_bytes_beside(300 << 10);
    assert_eq!(wal.stats().used_bytes, used + (300 << 10));
    let refused = wal.append(entry(vec![0; 200 << 10])).err().unwrap();
    assert!(matches!(refused, AppendError::Full { .. }), "{refused}");
    wal.set_bytes_beside(0);
    append(&wal, vec![0; 200 << 10]);
}

#[test]
fn control_records_alone_never_fill_the_disk() {
    let directory = tempfile::tempdir().unwrap();
    let wal = Wal::open(Options { max_bytes: 256 << 10, ..options(directory.path()) }).unwrap();
    append(&wal, *b"kept");
    for unix_ns in 0..2000 {
        wal.record(Control::TimeMark { unix_ns }).wait().unwrap();
    }
    let on_disk: u64 = segments(directory.path()).iter().map(|path| fs::metadata(path).unwrap().len()).sum();
    assert!(on_disk < 256 << 10, "{on_disk} bytes");
    assert_eq!(bodies(&wal), [b"kept"]);
    drop(wal);
    assert_eq!(bodies(&open(directory.path())), [b"kept"]);
}

#[test]
fn a_segment_stays_until_the_slowest_branch_has_passed_it() {
    let directory = tempfile::tempdir().unwrap();
    let wal = open(directory.path());
    add_branch(&wal, "fast");
    add_branch(&wal, "slow");
    append_fifty(&wal);
    let twentieth = Position(22);
    move_cursor(&wal, "fast", wal.data_end());
    move_cursor(&wal, "slow", twentieth);
    wal.record(Control::TimeMark { unix_ns: 1 }).wait().unwrap();
    assert!(wal.first_retained() > Position(3) && wal.first_retained() <= twentieth);
    let read = wal.read(twentieth, None, ALL).unwrap();
    assert_eq!(read.records.len(), 31);
}

#[test]
fn a_second_process_is_refused_until_the_log_is_closed() {
    let directory = tempfile::tempdir().unwrap();
    let wal = open(directory.path());
    let refused = Wal::open(options(directory.path())).err().unwrap();
    assert!(matches!(refused, OpenError::Locked { .. }), "{refused}");
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(wal.close());
    assert!(matches!(wal.append(entry(*b"late")), Err(AppendError::Stopped)));
    open(directory.path());
}

#[test]
fn only_the_owner_may_read_the_files() {
    let directory = tempfile::tempdir().unwrap();
    let wal = open(directory.path());
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(wal.directory()), 0o700);
    assert_eq!(mode(&segments(directory.path())[0]), 0o600);
}

#[test]
fn a_newer_format_is_refused_and_nothing_is_touched() {
    let directory = tempfile::tempdir().unwrap();
    append(&open(directory.path()), *b"a");
    let path = segments(directory.path()).pop().unwrap();
    common::edit(&path, |bytes| {
        for copy in [0, 2048] {
            bytes[copy + 8] = 2;
            let crc = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32Iscsi, &bytes[copy..copy + 508]) as u32;
            bytes[copy + 508..copy + 512].copy_from_slice(&crc.to_le_bytes());
        }
    });
    let before = fs::read(&path).unwrap();
    let refused = Wal::open(options(directory.path())).err().unwrap();
    assert!(matches!(refused, OpenError::Newer { found: 2, known: 1, .. }), "{refused}");
    assert_eq!((segments(directory.path()).len(), fs::read(&path).unwrap()), (1, before));
}

#[test]
fn a_new_identity_changes_the_name_and_keeps_the_records() {
    let directory = tempfile::tempdir().unwrap();
    let wal = open(directory.path());
    append(&wal, *b"a");
    let old = wal.id();
    drop(wal);
    let new = Wal::new_identity(options(directory.path())).unwrap();
    let wal = open(directory.path());
    assert_ne!(new, old);
    assert_eq!((wal.id(), bodies(&wal)), (new, vec![b"a".to_vec()]));
    assert_eq!(new.to_string().len(), 32);
}

#[test]
fn waiting_counts_what_lies_behind_a_position_wherever_it_is_kept() {
    let directory = tempfile::tempdir().unwrap();
    let counted = |wal: &Wal| {
        let waiting = |from| wal.waiting(Position(from));
        (0..=102)
            .map(|from| (waiting(from).records, waiting(from).items, waiting(from).bytes))
            .collect::<Vec<_>>()
    };
    let wal = Wal::open(Options { recent_bytes: 1 << 20, ..options(directory.path()) }).unwrap();
    for n in 1..=100_u32 {
        let entry = Entry { signal: (n % 2) as u8, items: n, ..entry(vec![0; 2000]) };
        wal.append(entry).unwrap().wait().unwrap();
    }
    let from_memory = counted(&wal);
    assert_eq!(from_memory[100].0, 1);
    assert_eq!(from_memory[99], (2, [100, 99, 0, 0, 0, 0, 0, 0], 4000));
    assert_eq!(from_memory[0], (100, [2550, 2500, 0, 0, 0, 0, 0, 0], 200_000));
    assert_eq!(from_memory[101].0, 0);
    drop(wal);
    let wal = open(directory.path());
    assert_eq!(counted(&wal), from_memory);
    let oldest = wal.read(Position(40), None, ALL).unwrap().records[0].arrival_unix_ns;
    assert_eq!(wal.waiting(Position(40)).oldest_arrival_unix_ns, Some(oldest));
}

#[test]
fn appends_from_many_threads_share_fsyncs_and_keep_their_order_within_a_thread() {
    let directory = tempfile::tempdir().unwrap();
    let wal = Arc::new(open(directory.path()));
    let write = |thread: u8| {
        let wal = wal.clone();
        std::thread::spawn(move || {
            let appending: Vec<_> = (0..50).map(|n| wal.append(entry([thread, n])).unwrap()).collect();
            appending.into_iter().map(|appending| appending.wait().unwrap().position).collect::<Vec<_>>()
        })
    };
    let threads: Vec<_> = (0..4).map(write).collect();
    for thread in threads {
        assert!(thread.join().unwrap().is_sorted());
    }
    let read = bodies(&wal);
    for thread in 0..4 {
        let own = read.iter().filter(|body| body[0] == thread).map(|body| body[1]);
        assert!(own.eq(0..50));
    }
    assert!(wal.stats().fsyncs < 200, "{:?}", wal.stats());
}

#[test]
fn arrival_times_go_on_while_the_wall_clock_is_behind() {
    let directory = tempfile::tempdir().unwrap();
    let (wall, monotonic) = (Arc::new(AtomicU64::new(1000)), Arc::new(AtomicU64::new(5)));
    let open = || {
        let (wall, monotonic) = (wall.clone(), monotonic.clone());
        let clock = move || SystemTime::UNIX_EPOCH + Duration::from_secs(wall.load(Ordering::Relaxed));
        let monotonic = move || Duration::from_secs(monotonic.load(Ordering::Relaxed));
        let (clock, monotonic) = (Arc::new(clock), Arc::new(monotonic));
        Wal::open(Options { clock, monotonic, ..options(directory.path()) }).unwrap()
    };
    let wal = open();
    let set = |wall_seconds, monotonic_seconds| {
        wall.store(wall_seconds, Ordering::Relaxed);
        monotonic.store(monotonic_seconds, Ordering::Relaxed);
    };
    append(&wal, *b"at first");
    set(400, 6);
    append(&wal, *b"a second after the clock was set back");
    drop(wal);
    set(300, 0);
    let wal = open();
    append(&wal, *b"after a restart");
    set(310, 10);
    append(&wal, *b"ten seconds later");
    set(2000, 20);
    append(&wal, *b"when the clock is right again");
    let read = wal.read(Position::FIRST, None, ALL).unwrap();
    let seconds = read.records.iter().map(|record| record.arrival_unix_ns / 1_000_000_000);
    assert_eq!(seconds.collect::<Vec<_>>(), [1000, 1001, 1001, 1011, 2000]);
}

#[test]
fn retained_segments_stay_after_every_branch_has_passed_them() {
    let directory = tempfile::tempdir().unwrap();
    let retain = std::time::Duration::from_secs(3600);
    let wal = Wal::open(Options { retain, ..options(directory.path()) }).unwrap();
    add_branch(&wal, "parquet");
    append_fifty(&wal);
    move_cursor(&wal, "parquet", wal.data_end());
    wal.record(Control::TimeMark { unix_ns: 1 }).wait().unwrap();
    assert_eq!(wal.first_retained(), Position(1));
}

#[test]
fn a_commit_moves_the_cursor_and_forgetting_a_branch_frees_what_it_held() {
    let directory = tempfile::tempdir().unwrap();
    let wal = open(directory.path());
    add_branch(&wal, "parquet");
    add_branch(&wal, "gone");
    let last = append_fifty(&wal);
    let (id, branch) = (PlanId([1; 16]), "parquet".to_owned());
    let plan =
        Plan { id, branch: branch.clone(), first: Position(3), last, excluded: vec![], replays: false };
    wal.record(Control::Plan(plan)).wait().unwrap();
    let counts = Counts { delivered: [50, 0, 0, 0, 0, 0, 0, 0], ..Counts::default() };
    wal.record(Control::Committed { plan: id, branch, counts }).wait().unwrap();
    assert_eq!(wal.state().branches["parquet"].cursor, last.next());
    assert_eq!(wal.first_retained(), Position(1));
    wal.record(Control::BranchForgotten { branch: "gone".into(), position: last }).wait().unwrap();
    wal.record(Control::TimeMark { unix_ns: 1 }).wait().unwrap();
    assert!(wal.first_retained() > Position(40));
}

#[test]
fn a_closed_log_is_opened_from_its_seal_without_reading_the_records() {
    let directory = tempfile::tempdir().unwrap();
    append(&open(directory.path()), *b"find me");
    let path = segments(directory.path()).pop().unwrap();
    let at = offset_of(&path, b"find me");
    common::edit(&path, |bytes| bytes[at] ^= 1);
    let wal = open(directory.path());
    assert_eq!((wal.data_end(), wal.waiting(Position::FIRST).records), (Position(2), 1));
    assert_eq!(wal.state().quarantined, []);
}

#[test]
fn a_log_without_a_thread_writes_when_it_is_stepped_and_not_before() {
    let directory = tempfile::tempdir().unwrap();
    let (wal, mut stepper) = Wal::open_stepped(options(directory.path()), Arc::new(RealDisk)).unwrap();
    let appending = wal.append(entry("a")).unwrap();
    assert!(bodies(&wal).is_empty());
    assert!(stepper.step());
    assert_eq!(bodies(&wal), [b"a"]);
    appending.wait().unwrap();
    drop(wal);
    assert!(!stepper.step(), "it is closed");
    assert_eq!(bodies(&open(directory.path())), [b"a"]);
}

#[test]
fn what_arrives_behind_a_time_mark_arrived_later_also_after_a_restart_with_the_wall_clock_behind() {
    let directory = tempfile::tempdir().unwrap();
    let wall = Arc::new(AtomicU64::new(1000));
    let open = || {
        let wall = wall.clone();
        let clock = move || SystemTime::UNIX_EPOCH + Duration::from_secs(wall.load(Ordering::Relaxed));
        Wal::open(Options { clock: Arc::new(clock), ..options(directory.path()) }).unwrap()
    };
    let wal = open();
    append(&wal, *b"before");
    wall.store(2000, Ordering::Relaxed);
    let (marked, noted) = wal.mark_time();
    noted.wait().unwrap();
    assert_eq!(marked, 2_000_000_000_000);
    wall.store(500, Ordering::Relaxed);
    append(&wal, *b"behind");
    drop(wal);
    let wal = open();
    assert_eq!(wal.state().time_mark_unix_ns, marked);
    append(&wal, *b"after");
    drop(wal);
    let records = open().read(Position(1), None, ReadLimits { items: 100, bytes: 1 << 20 }).unwrap().records;
    let arrivals: Vec<_> = records.iter().map(|record| record.arrival_unix_ns >= marked).collect();
    assert_eq!(arrivals, [false, true, true]);
}
