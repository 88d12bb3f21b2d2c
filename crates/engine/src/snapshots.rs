//! Snapshots: what connectors hand to the exporters of the pipelines they feed. The latest wins; nothing is queued.

use std::collections::BTreeMap;
use std::sync::Arc;

use spanledger_component::{ComponentId, Error, Position, Rows};
use tokio::sync::watch;

use crate::engine::Parts;
use crate::epochs::Live;
use crate::window::process;

/// A connector's rows at some position.
#[derive(Clone)]
pub(crate) struct Snapshot {
    /// Everything before it is folded in.
    pub(crate) position: Position,
    pub(crate) rows: Rows,
}

/// One connector's way to one exporter through one pipeline.
pub(crate) struct Feed {
    epoch: Arc<Live>,
    pipeline: usize,
    latest: watch::Receiver<Option<Snapshot>>,
    seen: watch::Sender<Position>,
    refused: bool,
}

impl Feed {
    /// The feeds of `exporter` from a connector whose snapshots come by `latest`.
    pub(crate) fn of(
        epoch: &Arc<Live>,
        connector: &ComponentId,
        exporter: &ComponentId,
        latest: &watch::Receiver<Option<Snapshot>>,
    ) -> Vec<Self> {
        let fed = |pipeline: &crate::epochs::Pipeline| {
            pipeline.takes_from(&connector.to_string()) && pipeline.branches.contains(exporter)
        };
        let pipelines = epoch.pipelines.iter().enumerate().filter(|(_, pipeline)| fed(pipeline));
        let feed = |(pipeline, _)| {
            let seen = watch::channel(Position(0)).0;
            Self { epoch: epoch.clone(), pipeline, latest: latest.clone(), seen, refused: false }
        };
        pipelines.map(feed).collect()
    }

    /// Tells how far the exporter has taken snapshots in.
    pub(crate) fn seen(&self) -> watch::Receiver<Position> {
        self.seen.subscribe()
    }

    /// Waits for a snapshot that was not taken yet; for ever when the connector is gone.
    pub(crate) async fn changed(&mut self) {
        if self.latest.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// The latest snapshot as the pipeline's processors make it.
    pub(crate) fn take(&mut self) -> Option<Result<Snapshot, Error>> {
        let Snapshot { position, rows } = self.latest.borrow_and_update().clone()?;
        let pipeline = self.epoch.pipelines.get(self.pipeline)?;
        let rows = process(&pipeline.processors, rows);
        Some(rows.map(|rows| Snapshot { position, rows }).map_err(Error::new))
    }

    /// The latest snapshot was not taken in for now: it counts as new.
    pub(crate) fn take_again(&mut self) {
        self.refused = true;
        self.latest.mark_changed();
    }

    /// Everything before `position` has been taken in by the exporter. Whether that failed just before.
    pub(crate) fn taken(&mut self, position: Position) -> bool {
        self.seen.send_replace(position);
        std::mem::take(&mut self.refused)
    }
}

/// Where connectors hand out.
pub(crate) type Outlets = BTreeMap<ComponentId, watch::Sender<Option<Snapshot>>>;

/// A way from every connector to every exporter that it feeds.
pub(crate) fn connect(graph: &Parts, live: &Arc<Live>) -> (Outlets, BTreeMap<ComponentId, Vec<Feed>>) {
    let mut outlets = Outlets::new();
    let mut feeds: BTreeMap<ComponentId, Vec<Feed>> = BTreeMap::new();
    for connector in graph.connectors.keys() {
        let (out, latest) = watch::channel(None);
        for exporter in graph.exporters.keys() {
            feeds.entry(exporter.clone()).or_default().extend(Feed::of(live, connector, exporter, &latest));
        }
        outlets.insert(connector.clone(), out);
    }
    (outlets, feeds)
}
