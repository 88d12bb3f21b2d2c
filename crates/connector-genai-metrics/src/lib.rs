//! `genai_metrics`: counts model calls, with their duration, tokens and cost, from the spans that stand for them.
//!
//! ```
//! use spanledger_component::{ConnectorFactory as _, Registry, Signal};
//! use spanledger_connector_genai_metrics::GenaiMetrics;
//!
//! let registry = Registry::default().with_connector::<GenaiMetrics>();
//! let entry = registry.connector("genai_metrics").unwrap();
//! assert_eq!(entry.listing.turns, [(Signal::Traces, Signal::Metrics)]);
//! assert_eq!(<GenaiMetrics as spanledger_component::ConnectorFactory>::Config::default().max_series, 2000);
//! ```

mod call;
mod families;
mod histogram;
mod rows;
mod series;
mod snapshot;
mod state;

use std::time::SystemTime;

use schemars::JsonSchema;
use serde::Deserialize;
use spanledger_component::{Connector, ConnectorFactory, Context, Error, Rows, Signal, Stability};

use state::{Limits, State};

/// More would make a scrape of gigabytes.
const MAX_SERIES_MAX: usize = 100_000;

/// Counts what is billable, by provider, model, operation, service and status.
#[derive(Debug)]
pub struct GenaiMetrics {
    state: State,
}

/// Settings of `genai_metrics`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How many combinations of provider, model, operation, service and status are told apart; 1 to 100000, or
    /// fewer: about 45 fit in each MiB of the connector's memory. What comes beyond is counted in one more, labelled
    /// `otel.metric.overflow="true"`.
    pub max_series: usize,
}

impl Default for Config {
    fn default() -> Self {
        // The limit of the OpenTelemetry SDKs.
        Self { max_series: 2000 }
    }
}

impl ConnectorFactory for GenaiMetrics {
    const TYPE: &'static str = "genai_metrics";
    const SIGNALS: &'static [(Signal, Signal)] = &[(Signal::Traces, Signal::Metrics)];
    const STABILITY: Stability = Stability::Alpha;
    const ONCE: bool = true;
    type Config = Config;

    fn check(config: &Config) -> Vec<(String, String)> {
        if (1..=MAX_SERIES_MAX).contains(&config.max_series) {
            return Vec::new();
        }
        let problem = format!("{} is not between 1 and {MAX_SERIES_MAX}", config.max_series);
        vec![("max_series".to_owned(), problem)]
    }

    fn build(config: &Config, context: &Context) -> Result<Box<dyn Connector>, Error> {
        let limits = Limits { max_series: config.max_series, memory_bytes: context.memory_bytes };
        Ok(Box::new(Self { state: State::new(limits) }))
    }
}

impl Connector for GenaiMetrics {
    fn fold(&mut self, rows: &Rows) {
        if let Rows::Spans(spans) = rows {
            call::for_each(spans, |call| self.state.add(call));
        }
    }

    /// Nothing here waits for time to pass.
    fn tick(&mut self, _log_time: SystemTime) {}

    fn emit(&mut self) -> Rows {
        #[expect(
            clippy::expect_used,
            reason = "the columns are made from the schema they are checked against"
        )]
        Rows::Metrics(families::rows(&self.state).expect("the columns fit their own schema"))
    }

    fn snapshot(&self) -> Vec<u8> {
        snapshot::encode(&self.state)
    }

    fn restore(&mut self, snapshot: &[u8]) -> Result<(), Error> {
        self.state = snapshot::decode(snapshot, self.state.limits)?;
        Ok(())
    }
}
