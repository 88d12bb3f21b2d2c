//! The peers that benchmarks compare with: built and installed by the pins in `benches/peers`.

use std::fs;
use std::path::{Path, PathBuf};

use crate::command::{Failure, program, read, root};
use crate::tools::{hash, install_python, python_version, read_file};

/// The Collector's own builder, of the release that `builder.yaml` names.
const BUILDER: &str = "go.opentelemetry.io/collector/cmd/builder@v0.155.0";

fn folder() -> PathBuf {
    root().join("benches/peers")
}

/// Changes with the list of components.
pub(crate) fn collector_version() -> Result<String, Failure> {
    Ok(hash(&[read_file(&folder().join("builder.yaml"))?]))
}

/// Makes `otelcol` in a folder.
pub(crate) fn build_collector(target: &Path) -> Result<(), Failure> {
    fs::copy(folder().join("builder.yaml"), target.join("builder.yaml"))?;
    let mut builder = program("nice");
    builder.args(["go", "run", BUILDER, "--config=builder.yaml", "--skip-compilation"]);
    let written = read(builder.current_dir(target));
    let sources = target.join("build");
    // The builder fails where the proxy lacks what only tests of components need. By then it has written the sources.
    if !sources.join("go.mod").exists() {
        written?;
    }
    read(program("go").args(["mod", "tidy", "-e"]).current_dir(&sources))?;
    let mut build = program("nice");
    build.args(["go", "build", "-trimpath", "-ldflags=-s -w", "-o", "../otelcol", "."]);
    read(build.current_dir(&sources))?;
    fs::remove_dir_all(&sources)?;
    Ok(())
}

/// Changes with the pins and with the interpreter.
pub(crate) fn rotel_version() -> Result<String, Failure> {
    python_version(&folder().join("requirements.txt"))
}

/// Makes a virtual environment with `rotel-agent` in it.
pub(crate) fn install_rotel(target: &Path) -> Result<(), Failure> {
    install_python(target, &["--no-deps", "--requirement"], &[&folder().join("requirements.txt")])?;
    // The wheel holds the program beside its modules, in a folder that is named after the interpreter.
    for entry in target.join("lib").read_dir()? {
        let agent = entry?.path().join("site-packages/rotel/rotel-agent");
        if agent.exists() {
            fs::copy(agent, target.join("rotel-agent"))?;
            return Ok(());
        }
    }
    Err("the package rotel holds no rotel-agent".into())
}
