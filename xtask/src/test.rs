//! `cargo xtask test` and `soak`: the tests, in stages.
//!
//! Tests of the whole program stand in modules named after the real part they need (`minio::`, `python::`, ...);
//! each part is a stage of its own, so that a machine without it runs all the rest.

use std::time::Duration;

use crate::check::check;
use crate::command::{Failure, cargo, read, root, run};
use crate::stage::{Outcome, Stages};
use crate::tools::{self, Installed, Tool};

/// Adds the stages of `check`, of the tests, and of the real parts, which are installed meanwhile.
pub(crate) fn test(stages: &mut Stages) {
    std::thread::scope(|scope| {
        let installing = Tool::install_all(scope);
        check(stages);
        stages.run("tests of the crates", test_crates);
        stages.run("tests of the program", test_program);
        stages.run("demo", run_demo);
        installing.for_each(|installed| test_with(installed, stages));
    });
}

/// Adds the stage of the tests that take longer. They are marked as ignored.
pub(crate) fn soak(stages: &mut Stages) {
    tools::install(stages);
    stages.run("soak", || run(test_target().args(["--", "--ignored"])));
}

fn test_crates() -> Result<(), Failure> {
    run(cargo().args(["test", "--workspace", "--exclude", "spanledger", "--no-fail-fast"]))
}

/// All that needs no real part: the program's own unit tests are in here too.
fn test_program() -> Result<(), Failure> {
    let mut command = cargo();
    command.args(["test", "--package", "spanledger", "--no-fail-fast", "--"]);
    for tool in Tool::ALL {
        command.args(["--skip", &module(tool)]);
    }
    run(&mut command)
}

/// The program on its embedded default, in a folder that holds nothing.
fn run_demo() -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let manifest = root().join("Cargo.toml");
    let mut command = cargo();
    command.args(["run", "--quiet", "--package", "spanledger", "--manifest-path"]).arg(manifest);
    run(command.args(["--", "demo"]).current_dir(folder.path()))
}

/// Adds the stage of a real part: its tests, where it could be installed.
fn test_with(installed: Installed, stages: &mut Stages) {
    let name = format!("tests with {}", installed.tool.name());
    let tool = installed.tool;
    let lacking = match &installed.outcome {
        Outcome::Passed => None,
        Outcome::Failed(_) | Outcome::Skipped(_) => Some(format!("{} could not be installed", tool.name())),
    };
    installed.add_to(stages);
    match lacking {
        Some(reason) => stages.add(&name, Duration::ZERO, Outcome::lacking(reason)),
        None => stages.run(&name, || run_with(tool)),
    }
}

fn run_with(tool: Tool) -> Result<(), Failure> {
    let module = module(tool);
    let listed = read(test_target().args(["--", "--list", &module]))?;
    if !listed.lines().any(|line| line.ends_with(": test")) {
        return Err(format!("no test is in a module {module}").into());
    }
    run(test_target().args(["--", &module]))
}

/// The tests of the whole program, told where the real parts are.
fn test_target() -> std::process::Command {
    let mut command = cargo();
    command.args(["test", "--package", "spanledger", "--test", "program"]);
    for tool in Tool::ALL {
        command.envs(tool.variables());
    }
    command
}

fn module(tool: Tool) -> String {
    format!("{}::", tool.name())
}
