//! `cargo xtask reliability`: the table of faults in `docs/reliability.md`, from what the harnesses wrote down.
//!
//! Each harness that ran a fault to its end leaves `<target>/reliability/<fault>-<harness>.json` with the fields `fault`
//! (its number), `name`, `how`, `result`, `runs` and `unit`.

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

fn table(records: &Records) -> String {
    let mut faults: Vec<u64> = records.keys().map(|(fault, _)| *fault).collect();
    faults.dedup();
    let mut table = format!("{} faults were run.\n\n", faults.len());
    table.push_str(
        "| # | fault | how it is made | what must hold, and held | runs |\n|---|---|---|---|---|\n",
    );
    for ((fault, _), record) in records {
        let runs = record.get("runs").and_then(Value::as_u64).unwrap_or_default();
        let [name, how, result, unit] =
            ["name", "how", "result", "unit"].map(|field| cell(text(record, field)));
        table.push_str(&format!("| {fault} | {name} | {how} | {result} | {runs} {unit} |\n"));
    }
    table
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
        let table = table(&Records::from([record(10, "page"), record(2, "points"), record(2, "again")]));
        assert!(table.starts_with("2 faults were run.\n"), "{table}");
        let numbers: Vec<_> = table.lines().skip(4).map(|line| &line[2..4]).collect();
        assert_eq!(numbers, ["2 ", "2 ", "10"]);
        assert!(table.contains(r"| a\|b | ok | 3 seeds |"), "{table}");
    }

    #[test]
    fn only_what_is_between_the_marks_is_written() {
        let page = format!("before\n{BEGIN}old\n{END}after\n");
        assert_eq!(replaced(&page, "new\n").unwrap(), format!("before\n{BEGIN}\nnew\n\n{END}after\n"));
        assert!(replaced("no marks", "new").is_err());
    }
}
