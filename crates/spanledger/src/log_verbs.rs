//! The verbs that act on the log of a collector that does not run: `forget` and `wal new-identity`.

use std::sync::Arc;

use spanledger_component::{Error, Registry, SystemClock};
use spanledger_engine::offline;

use crate::args::ConfigArgs;
use crate::{load, run, show};

/// Gives up what waits for a branch.
pub(crate) async fn forget(config: ConfigArgs, registry: Arc<Registry>, branch: String) -> Result<(), Error> {
    let graph = load::load(&config, &registry)?.graph;
    let items = offline::forget(&graph, &run::default_wal(), Arc::new(SystemClock), &branch).await?;
    show::text(&match items {
        0 => format!("{branch} is forgotten, nothing waited for it"),
        items => format!("{branch} is forgotten, and with it {items} items that waited for it"),
    });
    Ok(())
}

/// Gives the log an identity of its own.
pub(crate) fn new_identity(config: ConfigArgs, registry: &Registry) -> Result<(), Error> {
    let graph = load::load(&config, registry)?.graph;
    let id = offline::new_identity(&graph, &run::default_wal(), Arc::new(SystemClock))?;
    show::text(&format!("the log is {id} now"));
    Ok(())
}
