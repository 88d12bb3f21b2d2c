//! Settings of `prometheus`: the Collector's, as far as they mean something here.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use spanledger_component::settings::{Endpoint, GoDuration};
use spanledger_telemetry::names;

/// Settings of `prometheus`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where it listens.
    pub endpoint: Endpoint,
    /// Stands in front of every metric's name.
    pub namespace: String,
    /// Labels of every series. A label of the series itself goes before one of the same name here.
    pub const_labels: BTreeMap<String, String>,
    /// Whether names end in unit and type: `_seconds`, `_total`. `translation_strategy` goes before it.
    pub add_metric_suffixes: bool,
    /// How OpenTelemetry names become Prometheus names.
    pub translation_strategy: Option<TranslationStrategy>,
    /// Whether a scraper that asks for OpenMetrics gets it.
    pub enable_open_metrics: bool,
    /// Accepted for the Collector's sake: snapshots are complete, so that no series grows stale.
    pub metric_expiration: GoDuration,
    /// Only `false`: Prometheus knows better when it scraped.
    pub send_timestamps: bool,
    /// Accepted for the Collector's sake: there are no scope labels.
    pub without_scope_info: bool,
    /// Only `enabled: false`.
    pub resource_to_telemetry_conversion: ResourceToTelemetryConversion,
}

/// Whether attributes of the resource become labels.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ResourceToTelemetryConversion {
    /// Only `false`.
    pub enabled: bool,
}

/// How OpenTelemetry names become Prometheus names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum TranslationStrategy {
    /// Underscores for what Prometheus did not always take, unit and type at the end.
    UnderscoreEscapingWithSuffixes,
    /// Underscores, and nothing at the end.
    UnderscoreEscapingWithoutSuffixes,
    /// Not supported.
    NoUTF8EscapingWithSuffixes,
    /// Not supported.
    NoTranslation,
}

impl Default for Config {
    #[expect(clippy::expect_used, reason = "the text is a constant, and a test builds the default")]
    fn default() -> Self {
        Self {
            endpoint: "127.0.0.1:9464".parse().expect("a host and a port"),
            namespace: String::new(),
            const_labels: BTreeMap::new(),
            add_metric_suffixes: true,
            translation_strategy: None,
            enable_open_metrics: true,
            metric_expiration: GoDuration(std::time::Duration::from_secs(300)),
            send_timestamps: false,
            without_scope_info: false,
            resource_to_telemetry_conversion: ResourceToTelemetryConversion::default(),
        }
    }
}

impl Config {
    pub(crate) fn has_suffixes(&self) -> bool {
        match self.translation_strategy {
            None => self.add_metric_suffixes,
            Some(strategy) => strategy != TranslationStrategy::UnderscoreEscapingWithoutSuffixes,
        }
    }

    pub(crate) fn problems(&self) -> Vec<(String, String)> {
        let mut problems = Vec::new();
        let mut problem = |path: &str, message: &str| problems.push((path.to_owned(), message.to_owned()));
        if self.send_timestamps {
            problem("send_timestamps", "is not supported, a sample has the time of its scrape");
        }
        if self.resource_to_telemetry_conversion.enabled {
            problem(
                "resource_to_telemetry_conversion.enabled",
                "is not supported, metrics of genai_metrics are labelled by service_name",
            );
        }
        if matches!(
            self.translation_strategy,
            Some(TranslationStrategy::NoUTF8EscapingWithSuffixes | TranslationStrategy::NoTranslation)
        ) {
            problem(
                "translation_strategy",
                "is not supported, expected UnderscoreEscapingWithSuffixes or UnderscoreEscapingWithoutSuffixes",
            );
        }
        for name in self.const_labels.keys().filter(|name| names::label(name) != **name) {
            problem(
                &format!("const_labels.{name}"),
                "is no label name, expected letters, digits and single underscores, a letter first",
            );
        }
        problems
    }
}
