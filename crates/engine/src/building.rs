//! Building what the graph names. Nothing is started here.

use std::collections::BTreeMap;

use spanledger_component::{
    ComponentId, Configured, Connector, Context, Error, Exporter, Extension, LogId, Receiver,
};
use spanledger_wal::Wal;

use crate::budget::Shares;
use crate::checkpoints::{self, Resumed};
use crate::engine::{Options, Parts};

/// What the graph names, built and not started.
pub(crate) struct Built {
    pub(crate) receivers: Vec<(ComponentId, Box<dyn Receiver>)>,
    pub(crate) connectors: Vec<(ComponentId, Box<dyn Connector>)>,
    pub(crate) exporters: Vec<(ComponentId, Box<dyn Exporter>)>,
}

impl Built {
    pub(crate) fn new(
        graph: &Parts,
        options: &Options,
        shares: &Shares,
        fed: &[ComponentId],
        log: LogId,
    ) -> Result<Self, Error> {
        let exporters = graph.exporters.keys().filter(|id| fed.contains(id)).count().max(1);
        let exporter_bytes = shares.exporters / exporters;
        let connector_bytes = shares.connectors / graph.connectors.len().max(1);
        Ok(Self {
            receivers: build_all(&graph.receivers, |id| context(id, options, 0, log))?,
            connectors: build_all(&graph.connectors, |id| context(id, options, connector_bytes, log))?,
            exporters: build_all(&graph.exporters, |id| context(id, options, exporter_bytes, log))?,
        })
    }
}

/// A connector with its state of before.
pub(crate) struct Resuming {
    pub(crate) connector: Box<dyn Connector>,
    /// Its state when it has none.
    pub(crate) empty: Vec<u8>,
    pub(crate) resumed: Resumed,
}

/// Gives connectors their state back, once the log knows their branches.
pub(crate) fn resume_all(
    connectors: Vec<(ComponentId, Box<dyn Connector>)>,
    wal: &Wal,
) -> BTreeMap<ComponentId, Resuming> {
    checkpoints::remove_orphans(wal, connectors.iter().map(|(id, _)| id));
    let resume = |(id, mut connector): (ComponentId, Box<dyn Connector>)| {
        let empty = connector.snapshot();
        let resumed = checkpoints::resume(connector.as_mut(), wal, &id);
        (id, Resuming { connector, empty, resumed })
    };
    connectors.into_iter().map(resume).collect()
}

fn build_all<C: ?Sized>(
    configured: &BTreeMap<ComponentId, Configured<C>>,
    context: impl Fn(&ComponentId) -> Context,
) -> Result<Vec<(ComponentId, Box<C>)>, Error> {
    configured.iter().map(|(id, configured)| Ok((id.clone(), (configured.build)(&context(id))?))).collect()
}

pub(crate) fn build_extensions(
    extensions: &[(ComponentId, Configured<dyn Extension>)],
    options: &Options,
) -> Result<Vec<Box<dyn Extension>>, Error> {
    let build = |(id, configured): &(ComponentId, Configured<dyn Extension>)| {
        (configured.build)(&context(id, options, 0, LogId::default()))
    };
    extensions.iter().map(build).collect()
}

pub(crate) fn context(id: &ComponentId, options: &Options, memory_bytes: usize, log: LogId) -> Context {
    Context {
        id: id.clone(),
        clock: options.clock.clone(),
        meter: options.meter.clone(),
        memory_bytes,
        log,
        pinned: None,
        notices: options.notices.clone(),
    }
}
