//! `drain --wal`: delivers what waits in a log that a collector left behind, as on a volume whose pod is gone.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use spanledger_component::{Error, Registry, WalSettings};
use spanledger_engine::{Engine, offline};
use spanledger_telemetry::Meter;

use crate::admin::left;
use crate::args::ConfigArgs;
use crate::{load, run, show};

/// Delivers it to the exporters of the config. 1 when something is left after `timeout`, which is printed.
pub(crate) async fn drain(
    mut config: ConfigArgs,
    registry: Arc<Registry>,
    folder: &Path,
    timeout: Duration,
) -> Result<ExitCode, Error> {
    if !offline::holds_a_log(folder) {
        return Err(Error::new(format!("there is no log in {}", folder.display())));
    }
    config.sets.push(format!("extensions.wal.directory={}", folder.display()));
    let loaded = load::load(&config, &registry)?;
    run::start_logs(&loaded.graph.service.telemetry);
    let wal = WalSettings { directory: folder.to_owned(), ..run::default_wal() };
    let options = run::options(registry, Meter::default(), wal);
    let running = Engine::start_draining(loaded.graph, options).await?;
    let drained = running.host().flush(None, timeout).await;
    running.stop().await;
    let waiting = drained.err().unwrap_or_default();
    waiting.iter().for_each(|waiting| show::error(&left(waiting)));
    if !waiting.is_empty() {
        return Ok(ExitCode::FAILURE);
    }
    show::text(&format!("everything in {} is delivered", folder.display()));
    Ok(ExitCode::SUCCESS)
}
