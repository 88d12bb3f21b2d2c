//! `cargo xtask bench [suite [WORD...] | instructions]`: the benchmarks of the parts, then Spanledger beside its peers.

use crate::command::{Failure, cargo, run};
use crate::instructions;
use crate::stage::Stages;
use crate::tools::{self, Tool};
use crate::workspace::{Metadata, build_release};

/// Runs the suite alone, with what follows as its arguments, or only counts instructions, or runs everything. An error
/// when the first word is another.
pub(crate) fn bench(arguments: &[String], stages: &mut Stages) -> Result<(), Failure> {
    match arguments {
        [] => stages.run("benchmarks of the parts", run_parts),
        [word, ..] if word == "suite" => {}
        [word, rest @ ..] if word == "instructions" => return instructions::bench(rest, stages),
        [word, ..] => {
            return Err(
                format!("bench {word}: only bench, bench suite [WORD...] or bench instructions").into()
            );
        }
    }
    tools::install_those(&Tool::OF_BENCH, stages);
    stages.run("suite", || run_suite(arguments.get(1..).unwrap_or_default()));
    Ok(())
}

fn run_parts() -> Result<(), Failure> {
    let program = build_release()?;
    let benches = ["bench", "--package", "spanledger-benches", "--benches"];
    run(cargo().args(benches).env("SPANLEDGER_BIN", program))
}

fn run_suite(arguments: &[String]) -> Result<(), Failure> {
    let program = build_release()?;
    let mut suite = cargo();
    suite.args(["run", "--release", "--package", "spanledger-suite", "--"]).args(arguments);
    suite.arg("--folder").arg(Metadata::read()?.target_folder().join("bench"));
    for tool in Tool::OF_BENCH {
        // A peer that could not be installed is left out.
        suite.envs(tool.variables().into_iter().filter(|(_, path)| path.exists()));
    }
    run(suite.env("SPANLEDGER_BIN", program))
}
