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

mod arrivals;
mod call;
mod families;
mod histogram;
mod keys;
mod lineage;
mod merging;
mod near;
mod recent;
mod rows;
mod saved;
mod series;
mod settling;
mod snapshot;
mod span;
mod state;
mod waiting;

use std::time::{Duration, SystemTime};

use schemars::JsonSchema;
use serde::Deserialize;
use spanledger_component::settings::UnitDuration;
use spanledger_component::{Connector, ConnectorFactory, Context, Error, Rows, Signal, Stability};
use spanledger_schema::Spans;

use call::Call;
use keys::Keys;
use settling::Settling;
use span::Reader;
use state::{Limits, State};

/// More would make a scrape of gigabytes.
const MAX_SERIES_MAX: usize = 100_000;

/// What waits has to fit into memory, and a counter that is hours behind is of no use.
const WINDOW_MAX: Duration = Duration::from_secs(600);

/// The part of the memory that is for what waits and for what is known of calls that were counted; the rest is for series.
const SETTLING_PART: usize = 4;

/// Counts what is billable, by provider, model, operation, service and status.
#[derive(Debug)]
pub struct GenaiMetrics {
    state: State,
    settling: Settling,
    keys: Keys,
}

/// Settings of `genai_metrics`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How many combinations of provider, model, operation, service and status are told apart; 1 to 100000, or
    /// fewer: about 34 fit in each MiB of the connector's memory. What comes beyond is counted in one more, labelled
    /// `otel.metric.overflow="true"`.
    pub max_series: usize,
    /// How the spans of one call become one.
    pub settle: Settle,
}

/// How the spans of one call become one.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settle {
    /// How long a span waits for others of the same call before that is counted, by the time of the log; at most 10m. 0s
    /// counts every span that stands for a call by itself, and at once.
    pub window: UnitDuration,
}

impl Default for Settle {
    fn default() -> Self {
        // Twice what the batch processors of SDKs wait before they send.
        Self { window: UnitDuration(Duration::from_secs(10)) }
    }
}

impl Default for Config {
    fn default() -> Self {
        // The limit of the OpenTelemetry SDKs.
        Self { max_series: 2000, settle: Settle::default() }
    }
}

impl ConnectorFactory for GenaiMetrics {
    const TYPE: &'static str = "genai_metrics";
    const SIGNALS: &'static [(Signal, Signal)] = &[(Signal::Traces, Signal::Metrics)];
    const STABILITY: Stability = Stability::Alpha;
    const ONCE: bool = true;
    type Config = Config;

    fn check(config: &Config) -> Vec<(String, String)> {
        let mut problems = Vec::new();
        if !(1..=MAX_SERIES_MAX).contains(&config.max_series) {
            let problem = format!("{} is not between 1 and {MAX_SERIES_MAX}", config.max_series);
            problems.push(("max_series".to_owned(), problem));
        }
        let window = config.settle.window;
        if *window > WINDOW_MAX {
            problems.push(("settle::window".to_owned(), format!("{window} is more than 10m")));
        }
        problems
    }

    fn build(config: &Config, context: &Context) -> Result<Box<dyn Connector>, Error> {
        let window = config.settle.window;
        let settling_bytes = if window.is_zero() { 0 } else { context.memory_bytes / SETTLING_PART };
        let limits =
            Limits { max_series: config.max_series, memory_bytes: context.memory_bytes - settling_bytes };
        let settling = Settling::new(settling::Limits {
            window_nanos: i64::try_from(window.as_nanos()).unwrap_or(i64::MAX),
            memory_bytes: settling_bytes,
        });
        Ok(Box::new(Self { state: State::new(limits), settling, keys: Keys::default() }))
    }
}

impl GenaiMetrics {
    /// Counts every call as it comes.
    fn count_at_once(&mut self, spans: &Spans) {
        let rows = Reader::new(spans);
        for row in rows.rows().filter(|row| rows.is_billable(*row)) {
            let call = rows.call(row, rows.identity(row), &mut self.keys);
            self.state.add(&settling::told(&call, None));
        }
    }

    /// Lets calls wait for what else tells of them.
    fn let_wait(&mut self, spans: &Spans) {
        let rows = Reader::new(spans);
        let Self { state, settling, keys } = self;
        let mut count = |call: &Call<'_>| state.add(call);
        for row in rows.rows() {
            let identity = rows.identity(row);
            if identity.received_unix_nano > settling.log_unix_nano {
                settling.advance(identity.received_unix_nano, &mut count);
            }
            if rows.is_billable(row) {
                settling.relate(identity.span, identity.parent, true);
                settling.add_call(rows.call(row, identity, keys), &mut count);
            } else {
                let wrapper = rows.wrapper(row, identity);
                settling.relate(identity.span, identity.parent, wrapper.is_some());
                wrapper.into_iter().for_each(|wrapper| settling.add_wrapper(wrapper, &mut count));
            }
        }
    }
}

impl Connector for GenaiMetrics {
    fn fold(&mut self, rows: &Rows) {
        let Rows::Spans(spans) = rows else { return };
        match self.settling.limits().window_nanos {
            0 => self.count_at_once(spans),
            _ => self.let_wait(spans),
        }
    }

    fn tick(&mut self, log_time: SystemTime) {
        let since_1970 = log_time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let unix_nano = i64::try_from(since_1970.as_nanos()).unwrap_or(i64::MAX);
        self.settling.advance(unix_nano, &mut |call| self.state.add(call));
    }

    fn due(&self) -> Option<SystemTime> {
        let unix_nano = u64::try_from(self.settling.due_unix_nano()?).unwrap_or_default();
        Some(SystemTime::UNIX_EPOCH + Duration::from_nanos(unix_nano))
    }

    fn emit(&mut self) -> Rows {
        #[expect(
            clippy::expect_used,
            reason = "the columns are made from the schema they are checked against"
        )]
        let rows = families::rows(&self.state, &self.settling).expect("the columns fit their own schema");
        Rows::Metrics(rows)
    }

    fn snapshot(&self) -> Vec<u8> {
        snapshot::encode(&self.state, &self.settling)
    }

    fn restore(&mut self, snapshot: &[u8]) -> Result<(), Error> {
        (self.state, self.settling) = snapshot::decode(snapshot, self.state.limits, self.settling.limits())?;
        Ok(())
    }
}
