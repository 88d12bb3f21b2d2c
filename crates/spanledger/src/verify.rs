//! `verify`: reads the whole log of a collector that does not run, and says what is wrong with it.

use std::process::ExitCode;
use std::sync::Arc;

use spanledger_component::{Error, Registry, SystemClock};
use spanledger_engine::offline::{self, Problem, Report, Severity};

use crate::args::ConfigArgs;
use crate::{load, run, show};

/// Prints what the log holds and each place that is not as it was written. 1 when there is one.
pub(crate) fn verify(config: &ConfigArgs, registry: &Registry) -> Result<ExitCode, Error> {
    let graph = load::load(config, registry)?.graph;
    let report = offline::verify(&graph, &run::default_wal(), Arc::new(SystemClock))?;
    report.problems.iter().for_each(|problem| show::error(&line(problem)));
    show::text(&sum(&report));
    Ok(if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn line(problem: &Problem) -> String {
    let Problem { file, offset, length, what, .. } = problem;
    let became = match problem.severity {
        Severity::Weakened => "nothing is lost, but it could not be repaired if more were damaged",
        Severity::Repaired => "repaired whenever it is read",
        Severity::Quarantined => "lost, as the log knows already",
        Severity::Lost => "lost",
    };
    let positions = problem.positions.map(|(first, last)| format!(", positions {} to {}", first.0, last.0));
    format!("{file}, byte {offset}, {length} bytes{}: {what}; {became}", positions.unwrap_or_default())
}

fn sum(report: &Report) -> String {
    let Report { log, segments, bytes, records, items, problems_total, .. } = report;
    let items: u64 = items.iter().sum();
    format!(
        "log {log}: {records} records of {items} items in {segments} segments, {bytes} bytes read, {problems_total} problems"
    )
}
