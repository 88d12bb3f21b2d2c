//! The `service` section as it is written: memory, shutdown, own telemetry, and which components run.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use spanledger_component::settings::{ByteSize, UnitDuration};

/// `service`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ServiceSettings {
    /// The memory everything together may take; unset: 512 MiB, or what the control group leaves.
    pub(crate) memory: Option<ByteSize>,
    /// How the collector stops.
    pub(crate) shutdown: Shutdown,
    /// The collector's own logs and metrics.
    pub(crate) telemetry: Telemetry,
    /// Extensions that run, in the order they start.
    pub(crate) extensions: Vec<String>,
    /// `traces`, `logs` or `metrics`, perhaps with a name: `traces/eu`.
    pub(crate) pipelines: BTreeMap<String, PipelineSettings>,
}

/// `service::shutdown`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Shutdown {
    /// How long a stop may wait for deliveries; what is left waits in the log.
    pub(crate) timeout: UnitDuration,
}

impl Default for Shutdown {
    fn default() -> Self {
        Self { timeout: UnitDuration(std::time::Duration::from_secs(20)) }
    }
}

/// One pipeline.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct PipelineSettings {
    /// Ids of receivers or connectors.
    pub(crate) receivers: Vec<String>,
    /// Ids of processors, in order.
    pub(crate) processors: Vec<String>,
    /// Ids of exporters or connectors.
    pub(crate) exporters: Vec<String>,
}

/// `service::telemetry`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Telemetry {
    /// The collector's own logs.
    pub(crate) logs: Logs,
    /// The collector's own metrics.
    pub(crate) metrics: Metrics,
    /// Attributes of the collector itself; null removes one.
    pub(crate) resource: BTreeMap<String, Option<String>>,
    traces: Ignored,
}

/// `service::telemetry::logs`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Logs {
    /// The least important level that is logged.
    pub(crate) level: LogLevel,
    /// How a line looks.
    pub(crate) encoding: LogEncoding,
    development: Ignored,
    disable_caller: Ignored,
    disable_stacktrace: Ignored,
    sampling: Ignored,
    output_paths: Ignored,
    error_output_paths: Ignored,
    initial_fields: Ignored,
    processors: Ignored,
}

/// How important a log line must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(transform = in_every_case)]
pub enum LogLevel {
    /// Everything.
    #[serde(alias = "DEBUG", alias = "Debug")]
    Debug,
    /// What an operator would act on, and milestones.
    #[default]
    #[serde(alias = "INFO", alias = "Info")]
    Info,
    /// What is not as it should be.
    #[serde(alias = "WARN", alias = "Warn")]
    Warn,
    /// What failed.
    #[serde(alias = "ERROR", alias = "Error")]
    Error,
}

/// Adds the spellings of a level that the Collector takes as well: `info`, `Info`, `INFO`.
fn in_every_case(schema: &mut Schema) {
    let choices = schema.get_mut("oneOf").and_then(|choices| choices.as_array_mut());
    for choice in choices.into_iter().flatten().filter_map(|choice| choice.as_object_mut()) {
        let Some(word) = choice.remove("const") else { continue };
        let word = word.as_str().unwrap_or_default();
        let (first, rest) = word.split_at(word.len().min(1));
        let spellings = [word.to_owned(), first.to_uppercase() + rest, word.to_uppercase()];
        choice.insert("enum".to_owned(), spellings.as_slice().into());
    }
}

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogEncoding {
    /// For people.
    #[default]
    Console,
    /// One JSON object a line.
    Json,
}

/// `service::telemetry::metrics`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Metrics {
    /// How much is counted.
    pub(crate) level: MetricLevel,
    /// Who gets them; unset: a scrape endpoint on localhost:8888.
    pub(crate) readers: Option<Vec<Reader>>,
    /// The older way to say where the scrape endpoint is.
    pub(crate) address: Option<String>,
    views: Ignored,
}

/// How much the collector counts of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(transform = in_every_case)]
pub enum MetricLevel {
    /// Nothing, and no endpoint.
    #[serde(alias = "NONE", alias = "None")]
    None,
    /// What alarms need.
    #[serde(alias = "BASIC", alias = "Basic")]
    Basic,
    /// What dashboards need.
    #[default]
    #[serde(alias = "NORMAL", alias = "Normal")]
    Normal,
    /// Everything.
    #[serde(alias = "DETAILED", alias = "Detailed")]
    Detailed,
}

/// One of `service::telemetry::metrics::readers`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Reader {
    pub(crate) pull: Option<Pull>,
    periodic: Ignored,
}

/// A reader that is asked.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Pull {
    pub(crate) exporter: PullExporter,
}

/// How it answers.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct PullExporter {
    pub(crate) prometheus: PrometheusReader,
}

/// The scrape endpoint of the collector's own metrics.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PrometheusReader {
    /// What to listen on.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Whether counters go without `_total`.
    pub without_type_suffix: bool,
    /// Whether names go without their unit.
    pub without_units: bool,
    /// Whether series go without the scope's labels.
    pub without_scope_info: bool,
    with_resource_constant_labels: Ignored,
}

impl Default for PrometheusReader {
    fn default() -> Self {
        Self {
            host: "localhost".to_owned(),
            port: 8888,
            without_type_suffix: false,
            without_units: false,
            without_scope_info: false,
            with_resource_constant_labels: Ignored,
        }
    }
}

/// The collector's own logs and metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TelemetrySettings {
    /// The least important level that is logged.
    pub log_level: LogLevel,
    /// How a log line looks.
    pub log_encoding: LogEncoding,
    /// How much is counted.
    pub metric_level: MetricLevel,
    /// Scrape endpoints; none when nothing is counted.
    pub readers: Vec<PrometheusReader>,
    /// Attributes of the collector itself; `None` removes one.
    pub resource: BTreeMap<String, Option<String>>,
}

impl Telemetry {
    /// The settings with the Collector's defaults filled in; an error when the older address is none.
    pub(crate) fn settings(self) -> Result<TelemetrySettings, String> {
        let readers = match (self.metrics.level, self.metrics.readers, self.metrics.address) {
            (MetricLevel::None, ..) => Vec::new(),
            (_, Some(readers), _) => {
                readers.into_iter().filter_map(|reader| Some(reader.pull?.exporter.prometheus)).collect()
            }
            (_, None, Some(address)) => vec![reader_at(&address)?],
            (_, None, None) => vec![bare_reader("localhost", 8888)],
        };
        Ok(TelemetrySettings {
            log_level: self.logs.level,
            log_encoding: self.logs.encoding,
            metric_level: self.metrics.level,
            readers,
            resource: self.resource,
        })
    }
}

fn reader_at(address: &str) -> Result<PrometheusReader, String> {
    address
        .rsplit_once(':')
        .and_then(|(host, port)| {
            Some(bare_reader(if host.is_empty() { "0.0.0.0" } else { host }, port.parse().ok()?))
        })
        .ok_or_else(|| "expected host:port".to_owned())
}

/// The names that dashboards of the Collector know from an endpoint nobody configured: without suffixes and scope.
fn bare_reader(host: &str, port: u16) -> PrometheusReader {
    PrometheusReader {
        host: host.to_owned(),
        port,
        without_type_suffix: true,
        without_units: true,
        without_scope_info: true,
        with_resource_constant_labels: Ignored,
    }
}

/// A key of the Collector that has no effect here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Ignored;

impl<'de> Deserialize<'de> for Ignored {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}

impl JsonSchema for Ignored {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Ignored".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"description": "a key of the Collector, accepted and without effect"})
    }
}

/// Keys below `service::telemetry` that have no effect, and what became of them.
pub(crate) const WITHOUT_EFFECT: [(&str, &str); 12] = [
    ("traces", "the collector makes no spans of its own"),
    ("logs.development", "it is always off"),
    ("logs.disable_caller", "no line names its place in the code, only the module"),
    ("logs.disable_stacktrace", "there are none"),
    ("logs.sampling", "what repeats is said once"),
    ("logs.output_paths", "the log goes to stderr"),
    ("logs.error_output_paths", "the log goes to stderr"),
    ("logs.initial_fields", "there are none"),
    ("logs.processors", "the log goes to stderr"),
    ("metrics.views", "every metric is served as it is"),
    ("metrics.readers.[].periodic", "metrics are only served, let them be scraped"),
    (
        "metrics.readers.[].pull.exporter.prometheus.with_resource_constant_labels",
        "attributes of the resource stand in target_info",
    ),
];
