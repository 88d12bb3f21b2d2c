//! `cargo xtask test` and `soak`: the tests, in stages.
//!
//! Tests of the whole program stand in modules named after the real part they need (`minio::`, `python::`, ...);
//! each part is a stage of its own, so that a machine without it runs all the rest.

use std::process::Command;

use crate::chaos;
use crate::check::check;
use crate::command::{Failure, cargo, program, read, run};
use crate::instructions;
use crate::stage::{Outcome, Stages};
use crate::tools::{self, Installed, Tool};
use crate::workspace::{Metadata, PROGRAM_TESTS, SIMULATION_TESTS, build_program};

/// Worlds of the test command, and of the long one.
const TEST_SEEDS: u64 = 200;
const SOAK_SEEDS: u64 = 2_000;

/// Adds the stages of `check`, of the tests, and of the real parts, which are installed meanwhile.
pub(crate) fn test(stages: &mut Stages) {
    std::thread::scope(|scope| {
        let installing = Tool::install_each(&Tool::ALL, scope);
        check(stages);
        stages.run("tests of the crates", test_crates);
        stages.run("examples in the docs", || run(cargo().args(["test", "--workspace", "--doc"])));
        stages.run("tests of the program", test_program);
        stages.run("demo", run_demo);
        installing.for_each(|installed| test_with(installed, stages));
        stages.run("chaos", || chaos::run_for(chaos::SHORT_MINUTES, &[]));
        simulate(stages, TEST_SEEDS);
        stages.run("faults planted in the simulation", run_planted);
    });
}

/// Adds the stage of the tests that take longer. They are marked as ignored.
pub(crate) fn soak(stages: &mut Stages) {
    tools::install(stages);
    stages.run("soak", || run(program_tests().args(["--", "--ignored"])));
    stages.run("chaos", || chaos::run_for(chaos::LONG_MINUTES, &[]));
    simulate(stages, SOAK_SEEDS);
}

/// Adds the stage of so many simulated worlds. DuckDB judges them, so Python is installed before.
fn simulate(stages: &mut Stages, seeds: u64) {
    stages.run(&format!("simulation of {seeds} seeds"), || {
        let mut command = cargo();
        command.args(["test", "--workspace", "--test", SIMULATION_TESTS[0]]);
        run(command.envs(Tool::Python.variables()).env("SPANLEDGER_SEEDS", seeds.to_string()))
    });
}

/// What a simulated world has to notice. Prints by what, and at which seed, each fault was caught.
fn run_planted() -> Result<(), Failure> {
    // With the features of chaos, so that little is compiled once more.
    let planted =
        ["--features", "spanledger/planted,spanledger-simulation/planted", "--test", SIMULATION_TESTS[1]];
    run(cargo().args(["test", "--workspace"]).args(planted).args(["--", "--nocapture"]))
}

fn test_crates() -> Result<(), Failure> {
    let mut command = cargo();
    command.args(["test", "--workspace", "--no-fail-fast", "--lib", "--bins"]);
    for name in Metadata::read()?.crate_tests() {
        command.args(["--test", &name]);
    }
    run(&mut command)
}

/// Those that need no real part.
fn test_program() -> Result<(), Failure> {
    let mut command = program_tests();
    command.arg("--");
    for tool in Tool::TESTED {
        command.args(["--skip", &module(tool)]);
    }
    run(&mut command)
}

/// The program on its embedded default, in a folder that holds nothing.
fn run_demo() -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    run(program(build_program()?).arg("demo").current_dir(folder.path()))
}

/// Adds the stage of a real part, where it could be installed: its tests, or the counts that valgrind is for.
fn test_with(installed: Installed, stages: &mut Stages) {
    let tool = installed.tool;
    let name = match tool {
        Tool::Valgrind => instructions::STAGE.to_owned(),
        tested if Tool::TESTED.contains(&tested) => format!("tests with {}", tool.name()),
        _ => return installed.add_to(stages),
    };
    match installed.outcome {
        Outcome::Passed => {
            installed.add_to(stages);
            stages.run(&name, || if tool == Tool::Valgrind { instructions::check() } else { run_with(tool) });
        }
        lacking => stages.add(&name, installed.time, lacking),
    }
}

fn run_with(tool: Tool) -> Result<(), Failure> {
    let module = module(tool);
    let listed = read(program_tests().args(["--", "--list", &module]))?;
    if !listed.lines().any(|line| line.ends_with(": test")) {
        return Err(format!("no test is in a module {module}").into());
    }
    run(program_tests().args(["--", &module]))
}

/// The tests of the whole program, told where the real parts are.
fn program_tests() -> Command {
    let mut command = cargo();
    command.args(PROGRAM_TESTS);
    for tool in Tool::ALL {
        command.envs(tool.variables());
    }
    command
}

fn module(tool: Tool) -> String {
    format!("{}::", tool.name())
}
