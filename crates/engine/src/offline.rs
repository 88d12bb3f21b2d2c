//! What can be done to the log of a collector that does not run.

use std::sync::Arc;

use spanledger_component::{Clock, Context, Error, LogId, WalSettings};
use spanledger_config::Graph;
use spanledger_telemetry::Meter;
use spanledger_wal::{Control, Options, Wal};
pub use spanledger_wal::{Problem, Report, Severity};

use crate::engine::log_options;

/// Forgets a branch: what waits for it is no longer kept. An error when the log does not know it, with those it knows.
pub async fn forget(
    graph: &Graph,
    default: &WalSettings,
    clock: Arc<dyn Clock>,
    branch: &str,
) -> Result<(), Error> {
    let wal =
        Wal::open(log_of(graph, default, clock)?).map_err(|error| Error::caused("extensions::wal", error))?;
    let forgotten = try_forget(&wal, branch).await;
    wal.close().await;
    forgotten
}

async fn try_forget(wal: &Wal, branch: &str) -> Result<(), Error> {
    let state = wal.state();
    if !state.branches.contains_key(branch) {
        let known: Vec<_> = state.branches.keys().map(String::as_str).collect();
        return Err(Error::new(format!(
            "the log knows no branch {branch:?}; it knows: {}",
            known.join(", ")
        )));
    }
    let position = *wal.durable_end().borrow();
    let forgotten = wal.record(Control::BranchForgotten { branch: branch.to_owned(), position }).await;
    forgotten.map(drop).map_err(|error| Error::caused(format!("forget {branch}"), error))
}

/// Reads through the whole log and says what is wrong with it. Changes nothing.
pub fn verify(graph: &Graph, default: &WalSettings, clock: Arc<dyn Clock>) -> Result<Report, Error> {
    Wal::verify(&log_of(graph, default, clock)?).map_err(|error| Error::caused("extensions::wal", error))
}

/// Gives the log a new identity, so that what it delivers never has the name of what the log it was copied from
/// delivers. Returns the identity, 32 hex digits.
pub fn new_identity(graph: &Graph, default: &WalSettings, clock: Arc<dyn Clock>) -> Result<String, Error> {
    let id = Wal::new_identity(log_of(graph, default, clock)?);
    id.map(|id| id.to_string()).map_err(|error| Error::caused("extensions::wal", error))
}

fn log_of(graph: &Graph, default: &WalSettings, clock: Arc<dyn Clock>) -> Result<Options, Error> {
    let mut settings = None;
    for (id, configured) in &graph.extensions {
        let (id, clock, meter) = (id.clone(), clock.clone(), Meter::default());
        let context = Context { id, clock, meter, memory_bytes: 0, log: LogId::default() };
        settings = settings.or((configured.build)(&context)?.wal());
    }
    log_options(settings.as_ref().unwrap_or(default), clock)
}
