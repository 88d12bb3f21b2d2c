//! `cargo xtask bench [suite|growth [WORD...] | instructions | flames]`: the benchmarks of the parts, then Spanledger beside its
//! peers, then alone as it is given more.

use std::process::Command;

use crate::command::{Failure, cargo, run};
use crate::instructions;
use crate::stage::Stages;
use crate::tools::{self, Tool};
use crate::workspace::{Metadata, build_dist};

/// Runs the suite or the curves of growth alone, with what follows as arguments, or only counts instructions or draws flame
/// graphs, or runs everything that is measured. An error when the first word is another.
pub(crate) fn bench(arguments: &[String], stages: &mut Stages) -> Result<(), Failure> {
    let rest = arguments.get(1..).unwrap_or_default();
    match arguments.first().map(String::as_str) {
        None => {
            stages.run("benchmarks of the parts", run_parts);
            suite(rest, stages);
            stages.run("growth", || run_growth(rest));
        }
        Some("suite") => suite(rest, stages),
        Some("growth") => {
            stages.run("growth", || run_growth(rest));
        }
        Some("instructions") => return instructions::bench(rest, stages),
        Some("flames") => {
            tools::install_those(&[Tool::Inferno], stages);
            stages.run("flames", run_flames);
        }
        Some(word) => {
            return Err(format!(
                "bench {word}: only bench, bench suite [WORD...], bench growth [WORD...], bench instructions or bench flames"
            )
            .into());
        }
    }
    Ok(())
}

fn suite(arguments: &[String], stages: &mut Stages) {
    tools::install_those(&Tool::OF_BENCH, stages);
    stages.run("suite", || run_suite(arguments));
}

fn run_parts() -> Result<(), Failure> {
    let program = build_dist()?;
    let benches = ["bench", "--package", "spanledger-benches", "--benches"];
    run(cargo().args(benches).env("SPANLEDGER_BIN", program))
}

fn run_suite(arguments: &[String]) -> Result<(), Failure> {
    let mut suite = measure("peers", arguments)?;
    for tool in Tool::OF_BENCH {
        // A peer that could not be installed is left out.
        suite.envs(tool.variables().into_iter().filter(|(_, path)| path.exists()));
    }
    run(&mut suite)
}

fn run_growth(arguments: &[String]) -> Result<(), Failure> {
    run(&mut measure("growth", arguments)?)
}

/// Of a build without link-time optimisation, so that functions keep their names.
fn run_flames() -> Result<(), Failure> {
    let target = Metadata::read()?.target_folder();
    let built = target.join("flames");
    let mut build = cargo();
    build.args(["build", "--release", "--package", "spanledger", "--config", "profile.release.lto=\"off\""]);
    run(build.arg("--target-dir").arg(&built))?;
    let mut suite = cargo();
    suite.args(["run", "--release", "--package", "spanledger-suite", "--", "flames"]);
    suite.arg("--folder").arg(target.join("bench"));
    suite.env("SPANLEDGER_BIN", built.join("release/spanledger"));
    run(suite.envs(Tool::Inferno.variables()))
}

/// The program that measures, with the collector as it is released.
fn measure(verb: &str, arguments: &[String]) -> Result<Command, Failure> {
    let program = build_dist()?;
    let mut suite = cargo();
    suite.args(["run", "--release", "--package", "spanledger-suite", "--", verb]).args(arguments);
    suite.arg("--folder").arg(Metadata::read()?.target_folder().join("bench"));
    suite.env("SPANLEDGER_BIN", program);
    Ok(suite)
}
