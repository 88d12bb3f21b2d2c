//! Worlds by their seeds.

use std::sync::Mutex;

use spanledger_simulation::{Faults, Lake, number, records, run, run_all};

#[test]
fn whatever_happens_in_a_world_nothing_acknowledged_is_lost_and_nothing_is_stored_twice() {
    let (first, count) = (number("SPANLEDGER_FIRST_SEED", 1), number("SPANLEDGER_SEEDS", 200));
    let (failures, faults) = (Mutex::new(Vec::new()), Mutex::new(Faults::default()));
    let lake = Lake::new();
    run_all(first, count, |outcome| {
        lake.add(&outcome);
        failures.lock().unwrap().extend(outcome.failure());
        *faults.lock().unwrap() += outcome.faults;
    });
    let (failures, faults) = (failures.into_inner().unwrap(), faults.into_inner().unwrap());
    for (number, name, _, count) in faults.list() {
        println!("{number:>3}  {count:>7}  {name}");
    }
    assert!(failures.is_empty(), "{} of {count} seeds fail\n{}", failures.len(), failures.join("\n"));
    match lake.judge() {
        Some(found) => assert!(found.is_empty(), "DuckDB finds:\n{}", found.join("\n")),
        None if std::env::var("CI").is_ok_and(|value| value == "true") => panic!("DuckDB is not installed"),
        None => println!("skipped: the judgement of DuckDB, which is not installed"),
    }
    records::write(&faults, count);
}

#[test]
fn the_same_seed_gives_the_same_events() {
    for seed in 1..=30 {
        let (one, other) = (run(seed), run(seed));
        assert_eq!((one.trace_hash, one.events), (other.trace_hash, other.events), "seed {seed}");
    }
}

/// Each of these once found a bug.
#[test]
fn seeds_that_once_failed_do_not_fail_again() {
    // 35, 41: a cursor that two crashes in a row left unproven made delivered segments count as missing.
    // 46: a mark that a crash took was reported as a lost record.
    // 136: the requests of a segment that was given up were forgotten with the next restart.
    // 318: a seal that a crash tore was reported as damage.
    // 253, 446, 651, 666, 1022, 1153, 1243: records that were destroyed with their headers were laid to the wrong place.
    // 952: a file of an epoch that a kill left unsynced was named by the log, and gone after a power loss.
    for seed in [35, 41, 46, 136, 253, 318, 446, 651, 666, 952, 1022, 1153, 1243] {
        let failure = run(seed).failure();
        assert!(failure.is_none(), "{}", failure.unwrap_or_default());
    }
}
