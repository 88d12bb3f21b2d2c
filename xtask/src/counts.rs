//! Instructions an item, by path: as counted, as committed, and how the two differ.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::command::{Failure, root};
use crate::tools::read_file;

/// Where the committed counts stand.
pub(crate) const FILE: &str = "benches/instructions.json";

/// Another kind of processor has other instructions.
pub(crate) const ARCHITECTURE: &str = "x86_64";

/// Runs on one machine differ by less than a thousandth, by the seeds of hash maps. The rest is for another C library,
/// whose copies and comparisons are counted as well.
const TOLERANCE_PERCENT: f64 = 3.0;

/// Instructions an item, by the name of the path.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Counts(pub(crate) BTreeMap<String, f64>);

/// How counts differ from the committed ones, a sentence for each path.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Differences {
    /// What takes more than is let pass.
    pub(crate) dearer: Vec<String>,
    /// What takes less than that.
    pub(crate) cheaper: Vec<String>,
    /// What is counted or committed, and not both.
    pub(crate) unmatched: Vec<String>,
}

impl Counts {
    /// Those of the repository.
    pub(crate) fn committed() -> Result<Self, Failure> {
        Self::of_json(&serde_json::from_slice(&read_file(&root().join(FILE))?)?)
    }

    fn of_json(file: &Value) -> Result<Self, Failure> {
        let counts = file.get("instructions_an_item").and_then(Value::as_object);
        let counts = counts.ok_or_else(|| format!("{FILE}: instructions_an_item is no map"))?;
        let number = |(name, count): (&String, &Value)| Some((name.clone(), count.as_f64()?));
        let counts: Option<BTreeMap<_, _>> = counts.iter().map(number).collect();
        counts.map(Self).ok_or_else(|| format!("{FILE}: a count is no number").into())
    }

    /// What the file says of them.
    pub(crate) fn json(&self) -> String {
        format!("{:#}\n", json!({"architecture": ARCHITECTURE, "instructions_an_item": self.0}))
    }

    /// How they differ from those committed.
    pub(crate) fn differences(&self, committed: &Self) -> Differences {
        let mut differences = Differences::default();
        for name in self.names(committed) {
            match self.change_percent(committed, name) {
                None => {
                    differences.unmatched.push(format!("{name} is not both counted and in {FILE}"));
                }
                Some(more) if more > TOLERANCE_PERCENT => {
                    differences.dearer.push(self.sentence(committed, name, "more", more));
                }
                Some(more) if more < -TOLERANCE_PERCENT => {
                    differences.cheaper.push(self.sentence(committed, name, "fewer", -more));
                }
                Some(_) => {}
            }
        }
        differences
    }

    /// Both, side by side.
    pub(crate) fn table(&self, committed: &Self) -> String {
        let figure =
            |counts: &Self, name| counts.0.get(name).map_or("-".to_owned(), |count| format!("{count:.1}"));
        let row = |name| {
            let (counted, committed_count) = (figure(self, name), figure(committed, name));
            let change = self.change_percent(committed, name);
            let change = change.map_or("-".to_owned(), |more| format!("{more:+.2}"));
            format!("\n{name:<16}  {counted:>12}  {committed_count:>12}  {change:>8}")
        };
        let rows: String = self.names(committed).map(row).collect();
        format!("{:<16}  {:>12}  {:>12}  {:>8}{rows}", "instructions", "an item", "committed", "%")
    }

    /// The names of all that are counted, committed, or both.
    fn names<'counts>(&'counts self, committed: &'counts Self) -> impl Iterator<Item = &'counts str> {
        let only_committed = committed.0.keys().filter(|name| !self.0.contains_key(*name));
        self.0.keys().chain(only_committed).map(String::as_str)
    }

    fn change_percent(&self, committed: &Self, name: &str) -> Option<f64> {
        let (count, committed) = (self.0.get(name)?, committed.0.get(name)?);
        Some((count / committed - 1.0) * 100.0)
    }

    fn sentence(&self, committed: &Self, name: &str, word: &str, percent: f64) -> String {
        let count = |counts: &Self| counts.0.get(name).copied().unwrap_or_default();
        format!(
            "{name} takes {:.0} instructions an item: {percent:.1} % {word} than the {:.0} in {FILE}, where {TOLERANCE_PERCENT} % are let pass",
            count(self),
            count(committed),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts<const N: usize>(counts: [(&str, f64); N]) -> Counts {
        Counts(counts.into_iter().map(|(name, count)| (name.to_owned(), count)).collect())
    }

    #[test]
    fn what_takes_more_than_is_let_pass_is_named_with_both_counts() {
        let committed = counts([("decode", 1000.0), ("encode", 2000.0)]);
        let differences = counts([("decode", 1031.0), ("encode", 2059.0)]).differences(&committed);
        let expected = "decode takes 1031 instructions an item: 3.1 % more than the 1000 in \
            benches/instructions.json, where 3 % are let pass";
        let dearer = vec![expected.to_owned()];
        assert_eq!(differences, Differences { dearer, ..Differences::default() });
    }

    #[test]
    fn what_takes_less_is_told_as_well() {
        let differences = counts([("decode", 900.0)]).differences(&counts([("decode", 1000.0)]));
        assert!(differences.cheaper[0].contains("10.0 % fewer than the 1000"), "{differences:?}");
        assert!(differences.dearer.is_empty());
    }

    #[test]
    fn a_path_that_is_only_counted_or_only_committed_is_named() {
        let differences = counts([("new", 1.0)]).differences(&counts([("old", 1.0)]));
        assert_eq!(differences.unmatched.len(), 2);
    }

    #[test]
    fn what_is_written_down_is_read_again() {
        let written = counts([("decode", 1000.5)]);
        let read = Counts::of_json(&serde_json::from_str(&written.json()).unwrap()).unwrap();
        assert_eq!(read, written);
        assert!(Counts::of_json(&json!({"instructions_an_item": {"decode": "many"}})).is_err());
    }
}
