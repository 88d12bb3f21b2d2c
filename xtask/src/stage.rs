//! The stages of a run: each is timed, all are run, and the end says how every one of them went.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::command::Failure;

/// What was done so far.
#[derive(Default)]
pub(crate) struct Stages {
    stages: Vec<Stage>,
}

struct Stage {
    name: String,
    time: Duration,
    outcome: Outcome,
}

/// How a stage went.
pub(crate) enum Outcome {
    /// It did what it should.
    Passed,
    /// It did not, and why.
    Failed(String),
    /// It was not tried, and why.
    Skipped(String),
}

impl Outcome {
    /// A stage that needs what this machine lacks: a failure in CI, where everything has to be tested.
    pub(crate) fn lacking(reason: String) -> Self {
        if in_ci() { Self::Failed(reason) } else { Self::Skipped(reason) }
    }

    fn word(&self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed(_) => "FAILED",
            Self::Skipped(_) => "skipped",
        }
    }
}

impl From<Result<(), Failure>> for Outcome {
    fn from(result: Result<(), Failure>) -> Self {
        result.map_or_else(|failure| Self::Failed(failure.to_string()), |()| Self::Passed)
    }
}

impl Stages {
    /// Does the work now. A failure is kept for the end and does not keep the next stage from running.
    pub(crate) fn run(&mut self, name: &str, work: impl FnOnce() -> Result<(), Failure>) {
        say(&format!("\n== {name}"));
        let started = Instant::now();
        let outcome = work().into();
        self.add(name, started.elapsed(), outcome);
    }

    /// Notes how a stage went that ran elsewhere, or not at all.
    pub(crate) fn add(&mut self, name: &str, time: Duration, outcome: Outcome) {
        match &outcome {
            Outcome::Passed => {}
            Outcome::Failed(reason) => say(&format!("{name}: failed: {reason}")),
            Outcome::Skipped(reason) => say(&format!("{name}: skipped: {reason}")),
        }
        self.stages.push(Stage { name: name.to_owned(), time, outcome });
    }

    /// Prints the table of stages, what did not pass, and the count as the last line.
    pub(crate) fn finish(self) -> ExitCode {
        say(&format!("\n{}", self.summary()));
        if self.count("FAILED") == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    fn summary(&self) -> String {
        let width = self.stages.iter().map(|stage| stage.name.len()).max().unwrap_or(0);
        let mut lines: Vec<String> = self.stages.iter().map(|stage| stage.row(width)).collect();
        lines.extend(self.stages.iter().filter_map(Stage::trouble));
        lines.push(format!("{} passed, {} failed", self.count("passed"), self.count("FAILED")));
        lines.join("\n")
    }

    fn count(&self, word: &str) -> usize {
        self.stages.iter().filter(|stage| stage.outcome.word() == word).count()
    }
}

impl Stage {
    fn row(&self, width: usize) -> String {
        format!("{:width$}  {:>8.1} s  {}", self.name, self.time.as_secs_f64(), self.outcome.word())
    }

    /// Why it did not pass.
    fn trouble(&self) -> Option<String> {
        match &self.outcome {
            Outcome::Passed => None,
            Outcome::Failed(reason) => Some(format!("failed: {}: {reason}", self.name)),
            Outcome::Skipped(reason) => Some(format!("not run: {}: {reason}", self.name)),
        }
    }
}

/// Whether this is the run that decides, where a stage that cannot run is a failure.
fn in_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| value == "true")
}

#[expect(clippy::print_stdout, reason = "this program's output is its purpose; it prints here alone")]
pub(crate) fn say(text: &str) {
    println!("{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stages() -> Stages {
        let mut stages = Stages::default();
        stages.run("format", || Ok(()));
        stages.run("lints", || Err("one warning".into()));
        stages.add("minio", Duration::ZERO, Outcome::Skipped("go is not installed".to_owned()));
        stages
    }

    #[test]
    fn the_last_line_counts_the_stages() {
        assert_eq!(stages().summary().lines().last(), Some("1 passed, 1 failed"));
    }

    #[test]
    fn what_did_not_pass_is_named_again_with_its_reason() {
        let summary = stages().summary();
        assert!(summary.contains("\nfailed: lints: one warning\nnot run: minio: go is not installed\n"));
    }

    #[test]
    fn one_failed_stage_fails_the_run() {
        assert_eq!(stages().finish(), ExitCode::FAILURE);
    }
}
