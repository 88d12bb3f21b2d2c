//! The settings of `debug`: the Collector's keys.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The settings of `debug`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How much is said.
    pub verbosity: Verbosity,
    /// Without effect: batches are large here, and each is said.
    pub sampling_initial: u64,
    /// Without effect.
    pub sampling_thereafter: u64,
    /// Without effect: it is always the collector's own log.
    pub use_internal_logger: bool,
    /// Without effect, as with the Collector's internal logger.
    pub output_paths: Vec<String>,
}

/// How much is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verbosity {
    /// The number of rows of a batch.
    #[default]
    Basic,
    /// Also a line for each row, without prompts and answers.
    Normal,
    /// Also every column of a row that is not null, prompts and answers included.
    Detailed,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            verbosity: Verbosity::Basic,
            sampling_initial: 2,
            sampling_thereafter: 1,
            use_internal_logger: true,
            output_paths: vec!["stdout".into()],
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
        let config: Config = serde_json::from_value(readme["exporters"]["debug"].clone()).unwrap();
        assert_eq!(config, Config { verbosity: Verbosity::Detailed, ..Config::default() });
    }

    #[test]
    fn every_key_of_the_collector_is_known_and_no_other() {
        let yaml =
            "{verbosity: basic, sampling_initial: 5, sampling_thereafter: 200, use_internal_logger: false,
                     output_paths: [stderr]}";
        assert_eq!(serde_saphyr::from_str::<Config>(yaml).unwrap().sampling_thereafter, 200);
        assert!(serde_saphyr::from_str::<Config>("verbosity: chatty").is_err());
        assert!(serde_saphyr::from_str::<Config>("loglevel: debug").is_err());
    }
}
