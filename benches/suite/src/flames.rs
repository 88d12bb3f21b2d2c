//! Where Spanledger's processor time goes under each load, as flame graphs.

use std::fs::File;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use rustix::process::{Pid, Signal, kill_process};
use spanledger_load::{Failure, Pace, Requests};

use crate::case::{CASES, Case};
use crate::growth::running::Running;
use crate::growth::setup::{Settings, Setup};
use crate::{absolute, say};

/// Samples a second of each core; no round number, so that it does not fall in step with timers.
const FREQUENCY: &str = "499";
/// What is kept of a stack, from which its callers are found.
const CALL_GRAPH: &str = "dwarf,16384";
/// Frames of less than so much of the whole, in per cent, are left out.
const LEAST_PER_CENT: &str = "0.6";
const WARMED_FOR: Duration = Duration::from_secs(1);

/// Draws where processor time goes, from the socket to the file.
#[derive(Args)]
pub(crate) struct Arguments {
    /// How long it is sent as much as it takes.
    #[arg(long, default_value = "2", value_parser = clap::value_parser!(u32).range(1..))]
    seconds: u32,
    /// The program of Spanledger, with the names of its functions.
    #[arg(long, env = "SPANLEDGER_BIN")]
    spanledger: PathBuf,
    /// The folder with the programs of inferno.
    #[arg(long, env = "SPANLEDGER_INFERNO")]
    inferno: PathBuf,
    /// Where what was recorded goes, and where the program writes meanwhile.
    #[arg(long, default_value = "target/bench")]
    folder: PathBuf,
    /// The folder of the pictures.
    #[arg(long, default_value = "docs/performance")]
    pictures: PathBuf,
    /// What the names of the pictures begin with.
    #[arg(long, default_value = "flames")]
    name: String,
}

/// Records each load, and draws it.
pub(crate) async fn run(arguments: &Arguments) -> Result<(), Failure> {
    std::fs::create_dir_all(&arguments.folder)?;
    let settings = Settings {
        program: absolute(&arguments.spanledger)?,
        time: Duration::from_secs(arguments.seconds.into()),
        folder: absolute(&arguments.folder)?,
    };
    for case in &CASES {
        let recorded = settings.folder.join(format!("{}.perf", case.name));
        record(case, &settings, &recorded).await?;
        let picture = arguments.pictures.join(format!("{}-{}.svg", arguments.name, case.name));
        std::fs::write(&picture, draw(case, &recorded, &arguments.inferno)?)?;
        say(&format!("{} is in {}", case.title, picture.display()));
    }
    Ok(())
}

/// Samples the program, warmed up, while it is sent as much as it takes and until that is delivered.
async fn record(case: &Case, settings: &Settings, to: &Path) -> Result<(), Failure> {
    let folder = tempfile::tempdir_in(&settings.folder)?;
    let requests = Arc::new(Requests::new(case.shape, 1));
    let setup = Setup { shape: case.shape, ..Setup::default() };
    let running = Running::start(settings, &setup, folder.path(), 0).await?;
    running.send(&setup, &requests, Pace::AsAcknowledged, WARMED_FOR).await?;
    running.flush().await?;
    // What an earlier run left is not to be drawn again.
    let _ = std::fs::remove_file(to);
    let perf = attach(running.process.id(), to)?;
    let sent = running.send(&setup, &requests, Pace::AsAcknowledged, settings.time).await;
    let flushed = running.flush().await;
    end(perf)?;
    sent?;
    flushed
}

fn attach(process: u32, to: &Path) -> Result<Child, Failure> {
    let mut perf = Command::new("perf");
    perf.args(["record", "--quiet", "--freq", FREQUENCY, "--call-graph", CALL_GRAPH]);
    perf.args(["--pid", &process.to_string(), "--output"]).arg(to).stdout(Stdio::null());
    perf.spawn().map_err(|error| format!("start perf, which the package linux-perf has: {error}").into())
}

/// Has perf write what it still holds.
fn end(mut perf: Child) -> Result<(), Failure> {
    kill_process(Pid::from_child(&perf), Signal::INT)?;
    let status = perf.wait()?;
    match status.success() || status.signal() == Some(Signal::INT.as_raw()) {
        true => Ok(()),
        false => Err(format!("perf record ended with {status}: see kernel.perf_event_paranoid").into()),
    }
}

/// The flame graph of what was recorded.
fn draw(case: &Case, recorded: &Path, inferno: &Path) -> Result<String, Failure> {
    let (stacks, folded) = (recorded.with_extension("stacks"), recorded.with_extension("folded"));
    write(Command::new("perf").args(["script", "--no-inline", "--input"]).arg(recorded), &stacks)?;
    write(Command::new(inferno.join("inferno-collapse-perf")).arg(&stacks), &folded)?;
    std::fs::remove_file(stacks)?;
    let picture = recorded.with_extension("svg");
    let mut graph = Command::new(inferno.join("inferno-flamegraph"));
    graph.args(["--title", &format!("Spanledger: {}", case.title), "--minwidth", LEAST_PER_CENT]);
    write(graph.args(["--colors", "rust"]).arg(&folded), &picture)?;
    Ok(without_script(&std::fs::read_to_string(picture)?))
}

/// The picture alone: a page that shows it runs no script, and what the script would do has another licence.
fn without_script(svg: &str) -> String {
    let parts =
        svg.split_once("<script").and_then(|(head, rest)| Some((head, rest.split_once("</script>")?.1)));
    let svg = parts.map_or_else(|| svg.to_owned(), |(head, rest)| format!("{head}{rest}"));
    svg.replace(" onload=\"init(evt)\"", "")
}

/// Runs it with what it prints in a file.
fn write(command: &mut Command, to: &Path) -> Result<(), Failure> {
    let name = command.get_program().to_string_lossy().into_owned();
    let file = File::create(to).map_err(|error| format!("make {}: {error}", to.display()))?;
    let output = command.stdout(file).stderr(Stdio::piped()).output();
    let output = output.map_err(|error| format!("start {name}: {error}"))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(format!("{name} failed: {}", String::from_utf8_lossy(&output.stderr)).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_has_no_script() {
        let svg =
            r#"<svg onload="init(evt)" width="1"><script type="x"><![CDATA[f()]]></script><rect/></svg>"#;
        assert_eq!(without_script(svg), r#"<svg width="1"><rect/></svg>"#);
        assert_eq!(without_script("<svg/>"), "<svg/>");
    }
}
