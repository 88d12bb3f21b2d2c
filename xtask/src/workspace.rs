//! The workspace as cargo sees it, and the program built from it.
//!
//! Everything is built as part of the whole workspace: with one package selected, cargo would choose other features
//! for what is shared and compile most of the tree once more.

use std::path::PathBuf;

use serde_json::Value;

use crate::command::{Failure, cargo, read, run};

/// The target that tests the whole program.
pub(crate) const PROGRAM_TESTS: [&str; 4] = ["test", "--workspace", "--test", "program"];

/// The target of chaos, with the faults and points that only tests know.
pub(crate) const CHAOS: [&str; 6] =
    ["test", "--workspace", "--features", "spanledger/planted", "--test", "chaos"];

/// The targets that run simulated worlds: by their seeds, and with faults planted.
pub(crate) const SIMULATION_TESTS: [&str; 2] = ["seeds", "negative_controls"];

/// `cargo metadata` of the workspace's own packages.
pub(crate) struct Metadata(Value);

impl Metadata {
    /// Asks cargo.
    pub(crate) fn read() -> Result<Self, Failure> {
        let text = read(cargo().args(["metadata", "--no-deps", "--format-version", "1"]))?;
        Ok(Self(serde_json::from_str(&text)?))
    }

    #[cfg(test)]
    pub(crate) fn of(value: Value) -> Self {
        Self(value)
    }

    /// Every package of the workspace.
    pub(crate) fn packages(&self) -> impl Iterator<Item = &Value> {
        self.0.get("packages").and_then(Value::as_array).into_iter().flatten()
    }

    /// The names of the integration tests in the crates' own folders.
    pub(crate) fn crate_tests(&self) -> Vec<String> {
        let targets = self.packages().filter_map(|package| package.get("targets")?.as_array()).flatten();
        let tests = targets.filter(|target| target.pointer("/kind/0").is_some_and(|kind| kind == "test"));
        let names = tests.map(|target| text(target, "name").to_owned());
        let others = ["program", "chaos"].into_iter().chain(SIMULATION_TESTS);
        names.filter(|name| others.clone().all(|other| name != other)).collect()
    }

    /// Where everything is built.
    pub(crate) fn target_folder(&self) -> PathBuf {
        text(&self.0, "target_directory").into()
    }
}

/// A field that is text; empty where there is none.
pub(crate) fn text<'value>(value: &'value Value, field: &str) -> &'value str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// Builds the program, as its tests run it, and says where it is.
pub(crate) fn build_program() -> Result<PathBuf, Failure> {
    run(cargo().args(PROGRAM_TESTS).args(["--quiet", "--no-run"]))?;
    Ok(Metadata::read()?.target_folder().join("debug/spanledger"))
}

/// Builds the program as it is handed out, and says where it is.
pub(crate) fn build_dist() -> Result<PathBuf, Failure> {
    run(cargo().args(["build", "--profile", "dist", "--package", "spanledger"]))?;
    Ok(Metadata::read()?.target_folder().join("dist/spanledger"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_crates_own_integration_tests_are_found_and_those_of_the_program_and_of_worlds_are_left_out() {
        let metadata = Metadata::of(json!({"packages": [
            {"name": "spanledger", "targets": [{"kind": ["bin"], "name": "spanledger"}, {"kind": ["test"], "name": "program"}, {"kind": ["test"], "name": "chaos"}]},
            {"name": "spanledger-simulation", "targets": [{"kind": ["test"], "name": "seeds"}]},
            {"name": "spanledger-wal", "targets": [{"kind": ["lib"], "name": "spanledger_wal"}, {"kind": ["test"], "name": "recovery"}]},
        ]}));
        assert_eq!(metadata.crate_tests(), ["recovery"]);
    }
}
