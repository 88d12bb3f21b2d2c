//! `cargo xtask chaos [--minutes N] [WORD...]`: the real process under real faults.
//!
//! Everything in `tests/chaos` runs once, and again from the first as long as there is time.

use crate::command::{Failure, cargo, run};
use crate::stage::Stages;
use crate::tools::{self, Tool};
use crate::workspace;

/// Enough for every scenario once.
pub(crate) const SHORT_MINUTES: u64 = 4;
/// Enough for some hundred crashes.
pub(crate) const LONG_MINUTES: u64 = 30;

/// Installs what it needs, and runs the scenarios whose names have one of the words, or all. An error when the words
/// after `--minutes` are no number.
pub(crate) fn chaos(arguments: &[String], stages: &mut Stages) -> Result<(), Failure> {
    let (minutes, words) = match arguments {
        [flag, minutes, words @ ..] if flag == "--minutes" => (minutes.parse()?, words),
        words => (SHORT_MINUTES, words),
    };
    tools::install_those(&Tool::OF_CHAOS, stages);
    stages.run("chaos", || run_for(minutes, words));
    Ok(())
}

/// Runs the scenarios for about so many minutes, at least once each.
pub(crate) fn run_for(minutes: u64, words: &[String]) -> Result<(), Failure> {
    let mut command = cargo();
    command.args(workspace::CHAOS).arg("--").args(words);
    command.env("SPANLEDGER_CHAOS_MINUTES", minutes.to_string());
    for tool in Tool::OF_CHAOS {
        command.envs(tool.variables());
    }
    let programs = Tool::OF_CHAOS.into_iter().filter_map(Tool::programs);
    command.env("SPANLEDGER_PROGRAMS", std::env::join_paths(programs)?);
    run(&mut command)
}
