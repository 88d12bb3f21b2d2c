//! `prometheus`: serves the latest metrics to whoever scrapes `/metrics`.
//!
//! ```
//! use spanledger_component::{Registry, Signal};
//! use spanledger_exporter_prometheus::Prometheus;
//!
//! let registry = Registry::default().with_exporter::<Prometheus>();
//! let entry = registry.exporter("prometheus").unwrap();
//! assert_eq!(entry.listing.signals, [Signal::Metrics]);
//! ```

mod config;
mod families;
mod server;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use spanledger_component::{
    Batch, Context, Delivery, Error, ExportError, Exporter, ExporterFactory, Listener, Plan, Rows, Service,
    Signal, Stability,
};
use spanledger_telemetry::text::MetricFamily;
use tokio_util::sync::CancellationToken;

pub use config::{Config, ResourceToTelemetryConversion, TranslationStrategy};
use families::Naming;
use server::Server;

/// The latest families by name, once there were any to hand in: a scrape takes the pointers and renders without the lock.
#[derive(Debug, Clone, Default)]
struct Latest(Arc<RwLock<Option<Families>>>);

type Families = BTreeMap<String, Arc<MetricFamily>>;

/// Serves the latest metrics that it was given. A family that is exported again replaces what stood there.
#[derive(Debug)]
pub struct Prometheus {
    listener: Listener,
    enable_open_metrics: bool,
    naming: Naming,
    latest: Latest,
}

impl Prometheus {
    /// Opens nothing yet, and has nothing to serve.
    pub fn new(config: &Config, context: &Context) -> Self {
        Self {
            listener: Listener::new(format!("exporters::{}::endpoint", context.id), &config.endpoint),
            enable_open_metrics: config.enable_open_metrics,
            naming: Naming {
                namespace: config.namespace.clone(),
                const_labels: config.const_labels.clone(),
                has_suffixes: config.has_suffixes(),
            },
            latest: Latest::default(),
        }
    }

    /// Where it listens, once started.
    pub fn address(&self) -> Option<SocketAddr> {
        self.listener.address()
    }
}

impl Latest {
    fn replace(&self, families: BTreeMap<String, MetricFamily>) {
        let families = families.into_iter().map(|(name, family)| (name, Arc::new(family)));
        self.0.write().unwrap_or_else(PoisonError::into_inner).get_or_insert_default().extend(families);
    }

    /// `None` before the first export: the counters are not where they were yet.
    fn all(&self) -> Option<Vec<Arc<MetricFamily>>> {
        let latest = self.0.read().unwrap_or_else(PoisonError::into_inner);
        latest.as_ref().map(|families| families.values().cloned().collect())
    }
}

impl ExporterFactory for Prometheus {
    const TYPE: &'static str = "prometheus";
    const SIGNALS: &'static [Signal] = &[Signal::Metrics];
    const STABILITY: Stability = Stability::Alpha;
    const WITHOUT_EFFECT: &'static [(&'static str, &'static str)] = &[
        ("metric_expiration", "snapshots are complete, so that no series grows stale"),
        ("without_scope_info", "there are no scope labels"),
    ];
    type Config = Config;

    fn check(config: &Config) -> Vec<(String, String)> {
        config.problems()
    }

    fn build(config: &Config, context: &Context) -> Result<Box<dyn Exporter>, Error> {
        Ok(Box::new(Self::new(config, context)))
    }
}

#[async_trait]
impl Exporter for Prometheus {
    async fn start(&mut self, stop: CancellationToken) -> Result<Option<Service>, Error> {
        self.listener.open().await?;
        let server = Server { latest: self.latest.clone(), enable_open_metrics: self.enable_open_metrics };
        Ok(Some(Box::pin(server.serve(self.listener.take()?, stop))))
    }

    async fn export(&mut self, batch: &Batch) -> Result<(), ExportError> {
        let metrics = batch.rows.iter().filter_map(|rows| match rows {
            Rows::Metrics(metrics) => Some(metrics),
            Rows::Spans(_) | Rows::Logs(_) => None,
        });
        self.latest.replace(self.naming.families(metrics));
        Ok(())
    }

    /// Never asked: nothing is held.
    fn seal(&mut self, _plan: &Plan) -> Result<Box<dyn Delivery>, ExportError> {
        Err(ExportError::Reject { source: Error::new("seal prometheus: it holds nothing") })
    }

    fn abandon(&mut self) {}
}
