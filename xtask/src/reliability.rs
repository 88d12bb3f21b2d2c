//! `cargo xtask reliability`: the table of faults in `docs/reliability.md`, from what the harnesses wrote down.
//!
//! Each harness that ran a fault to its end leaves `<target>/reliability/<fault>-<harness>.json` with the fields `fault`
//! (its number), `name`, `how`, `result`, `runs` and `unit`. Faults that single tests run are listed here.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::command::{Failure, root};
use crate::workspace::{Metadata, text};

const BEGIN: &str = "<!-- faults: written by cargo xtask reliability -->\n";
const END: &str = "<!-- end of faults -->\n";

/// Writes the table anew.
pub(crate) fn write() -> Result<(), Failure> {
    let records = read(&Metadata::read()?.target_folder().join("reliability"))?;
    let path = root().join("docs/reliability.md");
    let page = fs::read_to_string(&path).map_err(|error| format!("read {}: {error}", path.display()))?;
    fs::write(&path, replaced(&page, &table(&records))?)?;
    Ok(())
}

/// What the harnesses left, by fault and file.
type Records = BTreeMap<(u64, String), Value>;

fn read(folder: &Path) -> Result<Records, Failure> {
    let mut records = Records::new();
    for entry in folder.read_dir().map_err(|error| format!("list {}: {error}", folder.display()))? {
        let path = entry?.path();
        let record: Value = serde_json::from_str(&fs::read_to_string(&path)?)
            .map_err(|error| format!("read {}: {error}", path.display()))?;
        let number = record.get("fault").and_then(Value::as_u64);
        let number = number.ok_or_else(|| format!("{} does not number its fault", path.display()))?;
        records.insert((number, path.display().to_string()), record);
    }
    Ok(records)
}

/// A fault that a single test runs, in every `cargo xtask test`.
struct Single {
    fault: u64,
    name: &'static str,
    how: &'static str,
    result: &'static str,
    file: &'static str,
    test: &'static str,
}

const SINGLES: &[Single] = &[
    Single {
        fault: 8,
        name: "one bit flips",
        how: "200 random bits of a log file, head to seal",
        result: "healed, every record is delivered",
        file: "crates/wal/tests/repair.rs",
        test: "any_bit_that_flips_in_a_log_file_is_healed",
    },
    Single {
        fault: 9,
        name: "head of a segment damaged",
        how: "its page is zeroed",
        result: "made again from the snapshot behind it",
        file: "crates/wal/tests/damage.rs",
        test: "a_damaged_head_is_made_again_from_the_snapshot_behind_it",
    },
    Single {
        fault: 10,
        name: "a page is zeroed",
        how: "4 KiB in the middle of a segment",
        result: "repaired or put aside and counted; all else is delivered",
        file: "crates/wal/tests/damage.rs",
        test: "a_zeroed_page_loses_only_the_records_in_it",
    },
    Single {
        fault: 11,
        name: "more than one stripe damaged",
        how: "a record is overwritten",
        result: "put aside with its range and counted; what follows is delivered",
        file: "crates/wal/tests/damage.rs",
        test: "damage_beyond_repair_before_later_records_is_quarantined_and_the_rest_delivered",
    },
    Single {
        fault: 12,
        name: "control state damaged",
        how: "the snapshot of a segment is overwritten",
        result: "taken from the segment before",
        file: "crates/wal/tests/damage.rs",
        test: "a_damaged_snapshot_leaves_the_control_state_to_the_segment_before",
    },
    Single {
        fault: 12,
        name: "checkpoint damaged, missing or old",
        how: "a bit of it flips, it is cut off, removed, replaced by an older one",
        result: "counters go on, folded again from the log",
        file: "crates/engine/tests/collector/connectors.rs",
        test: "counters_go_on_although_the_last_checkpoint_or_every_one_is_lost",
    },
    Single {
        fault: 13,
        name: "a segment is missing",
        how: "its file is removed",
        result: "told, counted; the others are delivered",
        file: "crates/wal/tests/damage.rs",
        test: "a_missing_segment_is_reported_and_the_others_are_delivered",
    },
    Single {
        fault: 30,
        name: "the store loses or damages an object",
        how: "a bit flips in a file, or the file is removed, after it was delivered",
        result: "`verify` finds it, for every 40th of the file tried",
        file: "tests/program/audit.rs",
        test: "one_flipped_bit_in_a_file_is_found_and_the_file_is_named",
    },
    Single {
        fault: 31,
        name: "the store knows no conditions",
        how: "it takes every object, or refuses the condition",
        result: "same names, a look before each upload, said once; nothing foreign is overwritten",
        file: "crates/exporter-parquet/src/delivery.rs",
        test: "a_store_without_conditions_gets_the_same_names_and_still_nothing_foreign_is_overwritten",
    },
    Single {
        fault: 11,
        name: "records destroyed with their headers",
        how: "overwritten with zeros, before and behind a cursor",
        result: "put aside, and each of their items counted; what follows is delivered",
        file: "crates/engine/tests/collector/damage.rs",
        test: "what_is_destroyed_behind_the_cursor_is_counted_although_more_is_destroyed_before_it",
    },
    Single {
        fault: 43,
        name: "a record that metrics counted is destroyed",
        how: "it is overwritten with zeros before the next checkpoint, and the process dies",
        result: "no counter steps back: all begin anew behind it, and say so",
        file: "crates/engine/tests/collector/connectors.rs",
        test: "counters_begin_anew_behind_a_destroyed_record_that_was_in_them_and_in_no_checkpoint",
    },
    Single {
        fault: 36,
        name: "records that cannot be taken",
        how: "rejected, or a processor or exporter panics",
        result: "the one record goes to the dead letters, all else is delivered",
        file: "crates/engine/tests/collector/culprits.rs",
        test: "several_culprits_in_one_range",
    },
    Single {
        fault: 39,
        name: "two processes on one directory",
        how: "the second is started while the first runs",
        result: "refused until the first has ended",
        file: "crates/wal/tests/log.rs",
        test: "a_second_process_is_refused_until_the_log_is_closed",
    },
    Single {
        fault: 40,
        name: "one exporter stuck",
        how: "its target never takes anything",
        result: "the other delivers",
        file: "crates/engine/tests/collector/delivery.rs",
        test: "an_exporter_that_is_stuck_holds_up_no_other",
    },
    Single {
        fault: 44,
        name: "the log's thread panics",
        how: "its disk panics",
        result: "the collector fails; the next one delivers what was acknowledged",
        file: "crates/engine/tests/collector/stop.rs",
        test: "when_the_thread_of_the_log_panics_the_collector_fails_and_the_next_one_has_what_was_acknowledged",
    },
];

fn table(records: &Records) -> String {
    let is_control = |record: &&Value| text(record, "name").starts_with("control: ");
    let mut rows: Vec<(u64, String)> = Vec::new();
    for ((fault, _), record) in records.iter().filter(|(_, record)| !is_control(record)) {
        let runs = record.get("runs").and_then(Value::as_u64).unwrap_or_default();
        let [name, how, result, unit] =
            ["name", "how", "result", "unit"].map(|field| cell(text(record, field)));
        rows.push((*fault, format!("| {fault} | {name} | {how} | {result} | {runs} {unit} |\n")));
    }
    for Single { fault, name, how, result, file, test } in SINGLES {
        rows.push((
            *fault,
            format!("| {fault} | {name} | {how} | {result} | [test](../{file} \"{test}\") |\n"),
        ));
    }
    rows.sort_by_key(|(fault, _)| *fault);
    let mut faults: Vec<u64> = rows.iter().map(|(fault, _)| *fault).collect();
    faults.dedup();
    let head = "| # | fault | how it is made | what must hold, and held | runs |\n|---|---|---|---|---|\n";
    let rows: String = rows.into_iter().map(|(_, row)| row).collect();
    format!("{} faults were run.\n\n{head}{rows}", faults.len())
}

/// Text that does not end a cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

fn replaced(page: &str, table: &str) -> Result<String, Failure> {
    let parts = page.split_once(BEGIN).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let (before, after) = parts.ok_or_else(|| format!("docs/reliability.md lacks the lines {BEGIN}{END}"))?;
    Ok(format!("{before}{BEGIN}\n{table}\n{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn record(fault: u64, name: &str) -> ((u64, String), Value) {
        let record =
            json!({"fault": fault, "name": name, "how": "a|b", "result": "ok", "runs": 3, "unit": "seeds"});
        ((fault, format!("{fault}-{name}.json")), record)
    }

    #[test]
    fn faults_stand_in_the_order_of_their_numbers_and_one_that_ran_twice_counts_once() {
        let alone = table(&Records::new());
        let count = |table: &str| table.split_once(' ').unwrap().0.parse::<usize>().unwrap();
        let with = table(&Records::from([record(101, "page"), record(1, "points"), record(1, "again")]));
        assert_eq!(count(&with), count(&alone) + 2, "{with}");
        let numbers: Vec<u64> =
            with.lines().skip(4).map(|line| line.split(' ').nth(1).unwrap().parse().unwrap()).collect();
        assert!(numbers.is_sorted() && numbers.starts_with(&[1, 1, 8]), "{numbers:?}");
        assert!(with.contains(r"| a\|b | ok | 3 seeds |"), "{with}");
    }

    #[test]
    fn what_shows_that_the_harness_works_is_no_fault_that_was_withstood() {
        assert_eq!(table(&Records::from([record(1, "control: no fsync")])), table(&Records::new()));
    }

    #[test]
    fn every_test_that_is_named_is_there() {
        for Single { file, test, .. } in SINGLES {
            let code = fs::read_to_string(root().join(file)).unwrap();
            assert!(code.contains(&format!("fn {test}(")), "{file} has no {test}");
        }
    }

    #[test]
    fn only_what_is_between_the_marks_is_written() {
        let page = format!("before\n{BEGIN}old\n{END}after\n");
        assert_eq!(replaced(&page, "new\n").unwrap(), format!("before\n{BEGIN}\nnew\n\n{END}after\n"));
        assert!(replaced("no marks", "new").is_err());
    }
}
