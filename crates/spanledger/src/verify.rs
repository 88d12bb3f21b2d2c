//! `verify`: reads the whole log of a collector that does not run, and what it delivered, and says what is wrong with
//! them.

use std::process::ExitCode;
use std::sync::Arc;

use spanledger_component::{Audit, ComponentId, Error, Registry, SystemClock};
use spanledger_engine::offline::{self, Problem, Report, Severity};

use crate::args::ConfigArgs;
use crate::{load, run, show};

/// Prints what the log holds, what of it stands at the targets of exporters, and each place that is not as it was
/// written. 1 when there is one, or a target cannot be read.
pub(crate) async fn verify(
    config: ConfigArgs,
    registry: Arc<Registry>,
    log_only: bool,
) -> Result<ExitCode, Error> {
    let graph = load::load(&config, &registry)?.graph;
    let found = offline::verify(&graph, &run::default_wal(), Arc::new(SystemClock), log_only).await?;
    found.log.problems.iter().for_each(|problem| show::error(&line(problem)));
    found.beside.iter().for_each(|problem| show::error(&problem.to_string()));
    show::text(&sum(&found.log));
    for (exporter, target) in &found.targets {
        match target {
            Ok(audit) => show_audit(exporter, audit),
            Err(error) => show::error(&format!("{exporter}: what it delivered could not be read: {error}")),
        }
    }
    Ok(if found.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn show_audit(exporter: &ComponentId, audit: &Audit) {
    let Audit { files, bytes, rows, problems, problems_total } = audit;
    problems.iter().for_each(|problem| show::error(&format!("{exporter}: {problem}")));
    let rows: u64 = rows.values().sum();
    show::text(&format!(
        "{exporter}: {rows} items in {files} files, {bytes} bytes read, {problems_total} problems"
    ));
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
    let Report { log, segments, bytes, records, items, control_records, problems_total, .. } = report;
    let items: u64 = items.iter().sum();
    format!(
        "log {log}: {records} records of {items} items and {control_records} control records in {segments} segments, {bytes} bytes read, {problems_total} problems"
    )
}
