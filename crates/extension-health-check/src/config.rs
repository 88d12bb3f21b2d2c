//! The settings of `health_check`: the Collector's keys.

use schemars::JsonSchema;
use serde::Deserialize;
use spanledger_component::settings::{Endpoint, GoDuration};

/// The settings of `health_check`.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where it listens.
    pub endpoint: Endpoint,
    /// Where liveness is asked for. Readiness is at `/ready`.
    pub path: String,
    /// What is answered at `path` instead of the usual JSON.
    pub response_body: ResponseBody,
    /// Accepted and without effect, as in the Collector.
    pub check_collector_pipeline: PipelineCheck,
}

/// What is answered instead of the usual JSON; empty means the usual.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ResponseBody {
    /// With 200.
    pub healthy: String,
    /// With 503.
    pub unhealthy: String,
}

/// Without effect.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PipelineCheck {
    /// Without effect.
    pub enabled: bool,
    /// Without effect.
    pub interval: GoDuration,
    /// Without effect.
    pub exporter_failure_threshold: u64,
}

impl Default for Config {
    #[expect(clippy::expect_used, reason = "the text is a constant, and a test builds the default")]
    fn default() -> Self {
        Self {
            endpoint: "127.0.0.1:13133".parse().expect("a host and a port"),
            path: "/".into(),
            response_body: ResponseBody::default(),
            check_collector_pipeline: PipelineCheck::default(),
        }
    }
}

impl Config {
    /// What is wrong, each with its path.
    pub(crate) fn problems(&self) -> Vec<(String, String)> {
        match self.path.as_str() {
            "/ready" => vec![("path".into(), "/ready is taken by readiness: choose another".into())],
            path if path.starts_with('/') => Vec::new(),
            path => vec![("path".into(), format!("{path:?} does not begin with /"))],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_yaml_of_the_readme_is_read() {
        let yaml = include_str!("../README.md").split("```yaml").nth(1).unwrap().split("```").next().unwrap();
        let readme: serde_json::Value = serde_saphyr::from_str(yaml).unwrap();
        let config: Config = serde_json::from_value(readme["extensions"]["health_check"].clone()).unwrap();
        assert_eq!((config.endpoint.to_string().as_str(), config.path.as_str()), ("0.0.0.0:13133", "/live"));
        assert_eq!(config.response_body.healthy, "fine");
        assert_eq!(config.problems(), []);
    }

    #[test]
    fn keys_without_effect_are_known_and_paths_are_checked() {
        let config: Config = serde_saphyr::from_str(
            "check_collector_pipeline: {enabled: true, interval: 5m, exporter_failure_threshold: 5}\npath: ready",
        )
        .unwrap();
        assert_eq!(config.problems(), [("path".to_owned(), "\"ready\" does not begin with /".to_owned())]);
        let config = Config { path: "/ready".into(), ..Config::default() };
        assert_eq!(config.problems().len(), 1);
        assert!(serde_saphyr::from_str::<Config>("paht: /").is_err());
    }
}
