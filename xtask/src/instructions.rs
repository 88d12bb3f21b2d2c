//! `cargo xtask bench instructions [--bless]`: how many instructions each path takes, against what is committed.
//!
//! Valgrind's callgrind counts them, so a busy machine makes no difference. It also shows programs the same processor on
//! every one that has AVX2, without AVX-512, so neither does what libraries choose by the processor that they find.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::command::{Failure, cargo, program, read, root, run};
use crate::counts::{Counts, FILE};
use crate::stage::{Stages, say};
use crate::tools::{self, Tool};
use crate::workspace::Metadata;

/// The stage that compares.
pub(crate) const STAGE: &str = "instructions";

const PACKAGE: &str = "spanledger-instructions";

/// What is counted is what this function does; the stars stand for how its name is mangled.
const COUNTED: &str = "*spanledger_instructions*counted*";

/// Installs valgrind, and compares, or commits to what is counted. An error when the word is another.
pub(crate) fn bench(arguments: &[String], stages: &mut Stages) -> Result<(), Failure> {
    let work = match arguments {
        [] => check,
        [flag] if flag == "--bless" => bless,
        words => return Err(format!("bench instructions {}: only --bless", words.join(" ")).into()),
    };
    tools::install_those(&[Tool::Valgrind], stages);
    stages.run(STAGE, work);
    Ok(())
}

/// Counts, and fails with each path that takes more than is committed.
pub(crate) fn check() -> Result<(), Failure> {
    let (counted, committed) = (count()?, Counts::committed()?);
    say(&counted.table(&committed));
    let differences = counted.differences(&committed);
    if !differences.cheaper.is_empty() {
        say(&differences.cheaper.join("\n"));
        say("to keep it so: cargo xtask bench instructions --bless");
    }
    let failures = [differences.dearer, differences.unmatched].concat();
    if failures.is_empty() {
        return Ok(());
    }
    let folder = folder()?;
    Err(format!(
        "{}\n`{} --inclusive=yes {}/PATH.out` says where; mend it, or run `cargo xtask bench instructions --bless` \
         and say in the commit what it is spent on",
        failures.join("\n"),
        tools::folder().join("valgrind/usr/bin/callgrind_annotate").display(),
        folder.display(),
    )
    .into())
}

/// Counts, and writes that down as what is to be.
fn bless() -> Result<(), Failure> {
    let (counted, committed) = (count()?, Counts::committed().unwrap_or_default());
    say(&counted.table(&committed));
    fs::write(root().join(FILE), counted.json()).map_err(|error| format!("write {FILE}: {error}").into())
}

/// Takes every path, as many at a time as there are cores.
fn count() -> Result<Counts, Failure> {
    run(cargo().args(["build", "--profile", "instructions", "--package", PACKAGE]))?;
    let binary = Metadata::read()?.target_folder().join("instructions").join(PACKAGE);
    let folder = folder()?;
    fs::create_dir_all(&folder)?;
    let names = read(&mut program(&binary))?;
    let left = Mutex::new(names.lines());
    let next = || left.lock().unwrap_or_else(PoisonError::into_inner).next();
    let count_some = || -> Result<Vec<(String, f64)>, Failure> {
        let count = |name: &str| Ok((name.to_owned(), count_path(&binary, &folder, name)?));
        std::iter::from_fn(next).map(count).collect()
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let counted: Result<Vec<_>, Failure> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(count_some)).collect();
        let panicked = |_| Err("count instructions: a panic".into());
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(panicked)).collect()
    });
    Ok(Counts(counted?.into_iter().flatten().collect()))
}

/// Where callgrind leaves what it found, a file for each path.
fn folder() -> Result<PathBuf, Failure> {
    Ok(Metadata::read()?.target_folder().join("callgrind"))
}

/// Instructions an item of that path.
fn count_path(binary: &Path, folder: &Path, name: &str) -> Result<f64, Failure> {
    let profile = folder.join(format!("{name}.out"));
    let mut valgrind = program(tools::folder().join("valgrind/usr/bin/valgrind"));
    valgrind.envs(Tool::Valgrind.variables());
    // Memory would be given back by the clock.
    valgrind.env("MIMALLOC_PURGE_DELAY", "-1");
    // Copies by `rep movsb` would be counted byte by byte.
    valgrind.env("GLIBC_TUNABLES", "glibc.cpu.hwcaps=-ERMS");
    valgrind.args(["--quiet", "--tool=callgrind"]);
    valgrind.arg(format!("--toggle-collect={COUNTED}"));
    valgrind.arg(format!("--callgrind-out-file={}", profile.display()));
    let printed = read(valgrind.arg(binary).arg(name))?;
    let items: f64 =
        printed.trim().parse().map_err(|_| format!("{name}: {printed:?} is no number of items"))?;
    let written = tools::read_file(&profile)?;
    match total(&String::from_utf8_lossy(&written)) {
        Some(total) if total > 0.0 => Ok((total / items * 10.0).round() / 10.0),
        _ => Err(format!("{name}: nothing was counted: is there a function {COUNTED}?").into()),
    }
}

/// All that was counted, as callgrind writes it down.
fn total(profile: &str) -> Option<f64> {
    profile.lines().find_map(|line| line.strip_prefix("totals: "))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_of_a_profile_is_found() {
        let profile = "version: 1\nevents: Ir\n\nfl=(1) ???\nfn=(1) main\n0 5\n\ntotals: 609250\n";
        assert_eq!(total(profile), Some(609_250.0));
    }
}
