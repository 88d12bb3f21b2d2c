//! `cargo xtask check`: what can be said about the code without running its tests.

use std::path::PathBuf;
use std::time::Duration;

use crate::command::{self, Failure, cargo, exists, read, root, run};
use crate::layering;
use crate::stage::{Outcome, Stages};
use crate::workspace::build_program;

/// The features that plant faults.
const PLANTED: &str = "spanledger/planted,spanledger-simulation/planted";

/// Adds a stage for each check.
pub(crate) fn check(stages: &mut Stages) {
    stages.run("format", || run(cargo().args(["fmt", "--all", "--check"])));
    stages.run("lints", || {
        // With planted faults, so that the tests which need them are looked at as well.
        run(cargo().args([
            "clippy",
            "--workspace",
            "--all-targets",
            "--features",
            PLANTED,
            "--",
            "--deny",
            "warnings",
        ]))
    });
    stages.run("layering", layering::check);
    stages.run("no planted faults", refuse_planted_faults);
    stages.run("config examples", validate_examples);
    if exists("cargo-deny", "--version") {
        // Not the advisories: a commit that was good yesterday must not fail today.
        stages.run("licences", || run(cargo().args(["deny", "check", "bans", "licenses", "sources"])));
    } else {
        stages.add("licences", Duration::ZERO, Outcome::Skipped("cargo-deny is not installed".to_owned()));
    }
}

/// What a release is built from has none of the faults that tests plant.
fn refuse_planted_faults() -> Result<(), Failure> {
    let tree =
        ["tree", "--package", "spanledger", "--edges", "normal", "--prefix", "none", "--format", "{p} {f}"];
    let tree = read(cargo().args(tree))?;
    let mut lines = tree.lines().filter(|line| line.starts_with("spanledger-faults "));
    match lines.next() {
        None => Err("spanledger does not depend on spanledger-faults, so this check sees nothing".into()),
        Some(line) if line.contains("planted") => Err(format!("the program is built with {line}").into()),
        Some(_) => Ok(()),
    }
}

/// Each file is validated, so that one run names all that are wrong.
fn validate_examples() -> Result<(), Failure> {
    let examples = examples()?;
    if examples.is_empty() {
        return Err("config/ holds no .yaml".into());
    }
    let program = build_program()?;
    let validate = |path| run(command::program(&program).args(["validate", "--config"]).arg(path));
    let failures: Vec<String> =
        examples.iter().filter_map(|path| validate(path).err()).map(|failure| failure.to_string()).collect();
    if failures.is_empty() { Ok(()) } else { Err(failures.join("\n").into()) }
}

fn examples() -> Result<Vec<PathBuf>, Failure> {
    let folder = root().join("config");
    let mut paths = Vec::new();
    for entry in folder.read_dir().map_err(|error| format!("list {}: {error}", folder.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "yaml") {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}
