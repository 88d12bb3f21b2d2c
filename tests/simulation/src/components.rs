//! The components of a simulated collector that reach out of it: the receiver, the store and the scrape.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use arrow_array::Array as _;
use arrow_array::cast::AsArray as _;
use arrow_array::types::Int64Type;
use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use spanledger_component::{
    Batch, Context, Delivery, Error, ExportError, Exporter, ExporterFactory, Intake, Plan, Receiver,
    ReceiverFactory, Registry, Rows, Signal, Stability,
};
use spanledger_schema::{Metrics, Table as _, metrics};
use tokio_util::sync::CancellationToken;

use crate::lock;
use crate::store::SimulatedStore;

/// Where the components of one life meet the world. A world has one thread, by which they find it.
#[derive(Clone)]
pub(crate) struct Stage {
    pub(crate) store: SimulatedStore,
    pub(crate) intake: Arc<Mutex<Option<Intake>>>,
    /// What a scrape would see; `None` before anything was handed out.
    pub(crate) metrics: Arc<Mutex<Option<Scrape>>>,
}

/// Values by series.
pub(crate) type Scrape = BTreeMap<String, f64>;

thread_local! {
    static STAGE: RefCell<Option<Stage>> = const { RefCell::new(None) };
}

impl Stage {
    pub(crate) fn new(store: SimulatedStore) -> Self {
        Self { store, intake: Arc::default(), metrics: Arc::default() }
    }

    /// Has what is built on this thread meet here.
    pub(crate) fn set(&self) {
        STAGE.set(Some(self.clone()));
    }

    fn of(context: &Context) -> Result<Self, Error> {
        let missing = || Error::new(format!("{}: there is no world on this thread", context.id));
        STAGE.with_borrow(Clone::clone).ok_or_else(missing)
    }
}

/// The real components, but for those that would reach out of the process.
pub(crate) fn registry() -> Registry {
    Registry::default()
        .with_receiver::<Handed>()
        .with_processor::<spanledger_processor_genai::Genai>()
        .with_processor::<spanledger_testkit::processors::Suffixing>()
        .with_connector::<spanledger_connector_genai_metrics::GenaiMetrics>()
        .with_exporter::<Parquet>()
        .with_exporter::<Scraped>()
}

/// The settings of what has none.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Nothing {}

/// A receiver that hands its intake out.
pub(crate) struct Handed(Stage);

impl ReceiverFactory for Handed {
    const TYPE: &'static str = "handed";
    const SIGNALS: &'static [Signal] = &[Signal::Traces];
    const STABILITY: Stability = Stability::Alpha;
    type Config = Nothing;

    fn build(_: &Nothing, context: &Context) -> Result<Box<dyn Receiver>, Error> {
        Ok(Box::new(Self(Stage::of(context)?)))
    }
}

#[async_trait]
impl Receiver for Handed {
    async fn start(&mut self) -> Result<(), Error> {
        Ok(())
    }

    async fn run(self: Box<Self>, intake: Intake, stop: CancellationToken) -> Result<(), Error> {
        *lock(&self.0.intake) = Some(intake);
        stop.cancelled().await;
        Ok(())
    }
}

/// The exporter `parquet`, to the simulated store.
pub(crate) struct Parquet;

impl ExporterFactory for Parquet {
    const TYPE: &'static str = "parquet";
    const SIGNALS: &'static [Signal] = &[Signal::Traces, Signal::Logs];
    const STABILITY: Stability = Stability::Beta;
    const ONCE: bool = true;
    type Config = spanledger_exporter_parquet::Config;

    fn build(config: &Self::Config, context: &Context) -> Result<Box<dyn Exporter>, Error> {
        let store = Arc::new(Stage::of(context)?.store);
        spanledger_exporter_parquet::Parquet::in_store(config, context, store)
    }
}

/// An exporter that keeps the latest metrics, as a scrape would see them.
pub(crate) struct Scraped(Stage);

impl ExporterFactory for Scraped {
    const TYPE: &'static str = "scraped";
    const SIGNALS: &'static [Signal] = &[Signal::Metrics];
    const STABILITY: Stability = Stability::Alpha;
    type Config = Nothing;

    fn build(_: &Nothing, context: &Context) -> Result<Box<dyn Exporter>, Error> {
        Ok(Box::new(Self(Stage::of(context)?)))
    }
}

#[async_trait]
impl Exporter for Scraped {
    async fn export(&mut self, batch: &Batch) -> Result<(), ExportError> {
        for rows in &batch.rows {
            if let Rows::Metrics(rows) = rows {
                *lock(&self.0.metrics) = Some(series(rows));
            }
        }
        Ok(())
    }

    fn seal(&mut self, _: &Plan) -> Result<Box<dyn Delivery>, ExportError> {
        Err(ExportError::Reject { source: Error::new("nothing is held") })
    }

    fn abandon(&mut self) {}
}

/// Everything of these rows that may only rise: counters, and of histograms count, sum and buckets. The time since when a
/// series is counted is among it, since it may not change at all.
fn series(rows: &Metrics) -> Scrape {
    let mut scrape = Scrape::new();
    let kinds = rows.get(metrics::KIND);
    for row in (0..rows.len()).filter(|row| kinds.value(*row) != "gauge") {
        let attributes = rows.get(metrics::ATTRIBUTES).value(row);
        let (keys, values) = (attributes.column(0).as_string_view(), attributes.column(1).as_string_view());
        let labels: Vec<_> = keys
            .iter()
            .zip(values)
            .map(|(key, value)| format!("{}={}", key.unwrap_or_default(), value.unwrap_or_default()))
            .collect();
        let name = format!("{}{{{}}}", rows.get(metrics::NAME).value(row), labels.join(","));
        let mut add = |part: &str, value: f64| _ = scrape.insert(format!("{name} {part}"), value);
        let (value, count, sum) =
            (rows.get(metrics::VALUE), rows.get(metrics::COUNT), rows.get(metrics::SUM));
        if value.is_valid(row) {
            add("value", value.value(row));
        }
        if count.is_valid(row) {
            add("count", count.value(row) as f64);
            add("sum", sum.value(row));
            let buckets = rows.get(metrics::BUCKET_COUNTS).value(row);
            for (place, bucket) in buckets.as_primitive::<Int64Type>().values().iter().enumerate() {
                add(&format!("bucket {place}"), *bucket as f64);
            }
        }
        add("created", rows.get(metrics::START_TIME_UNIX_NANO).value(row) as f64);
    }
    scrape
}
