//! The `wal` extension: where the log is, how large it may grow, how long it keeps what is delivered.
//!
//! ```
//! use spanledger_extension_wal::Config;
//!
//! let config: Config = serde_json::from_str(r#"{"directory": "/data/wal", "max_size": "10GiB"}"#)?;
//! assert_eq!(config.max_size.map(|size| size.0), Some(10 << 30));
//! # Ok::<_, serde_json::Error>(())
//! ```

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use spanledger_component::settings::{ByteSize, UnitDuration};
use spanledger_component::{Context, Error, Extension, ExtensionFactory, Host, Stability, WalSettings};
use tokio_util::sync::CancellationToken;

/// A quarter of it is a segment, which holds what the log notes of every branch beside requests.
const BYTES_MIN: u64 = 1 << 20;

/// The settings of `wal`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The folder of the log; made when it is missing. A path that is not absolute starts at the working directory.
    pub directory: PathBuf,
    /// The most the log may take on disk; when it is used up, senders get a retryable answer. Left out: the smaller
    /// of 10 GiB and 80 % of the volume.
    pub max_size: Option<ByteSize>,
    /// When an appended request counts as durable. `always`, after fsync, is the only value.
    pub sync: Sync,
    /// How long what every exporter has delivered is kept, as long as there is room.
    pub retain: UnitDuration,
    /// Whether each record carries what it is repaired from when a part of it is damaged on disk: a fifteenth more.
    pub parity: bool,
    /// How long a request is remembered: one with the same bytes is then acknowledged, but not stored again. `0s`
    /// stores every one.
    pub repeat_window: UnitDuration,
}

/// When an appended request counts as durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Sync {
    /// After fsync; requests that arrive together share one.
    #[default]
    Always,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            directory: PathBuf::from("./data/wal"),
            max_size: None,
            sync: Sync::default(),
            retain: UnitDuration::default(),
            parity: true,
            repeat_window: UnitDuration(Duration::from_secs(15 * 60)),
        }
    }
}

impl Config {
    /// What the engine gets.
    pub fn settings(&self) -> WalSettings {
        WalSettings {
            directory: self.directory.clone(),
            max_bytes: self.max_size.map(|size| size.0),
            retain: self.retain.0,
            parity: self.parity,
            repeat_window: self.repeat_window.0,
        }
    }
}

/// Holds the settings; the engine owns the log itself.
#[derive(Debug)]
pub struct Wal(Config);

impl ExtensionFactory for Wal {
    const TYPE: &'static str = "wal";
    const STABILITY: Stability = Stability::Beta;
    const SINGLE: bool = true;
    type Config = Config;

    fn check(config: &Config) -> Vec<(String, String)> {
        let mut problems = Vec::new();
        if config.directory.as_os_str().is_empty() {
            problems.push(("directory".into(), "is empty: expected the folder of the log".into()));
        }
        if config.max_size.is_some_and(|size| size.0 < BYTES_MIN) {
            let message = format!(
                "too small for requests beside what the log needs itself: expected {}MiB or more; leave it out for the default",
                BYTES_MIN >> 20
            );
            problems.push(("max_size".into(), message));
        }
        problems
    }

    fn build(config: &Config, _context: &Context) -> Result<Box<dyn Extension>, Error> {
        Ok(Box::new(Self(config.clone())))
    }
}

#[async_trait]
impl Extension for Wal {
    async fn run(self: Box<Self>, _host: Arc<dyn Host>, stop: CancellationToken) -> Result<(), Error> {
        stop.cancelled().await;
        Ok(())
    }

    fn wal(&self) -> Option<WalSettings> {
        Some(self.0.settings())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn yaml_of_readme() -> serde_json::Value {
        let yaml = include_str!("../README.md").split("```yaml").nth(1).unwrap().split("```").next().unwrap();
        serde_saphyr::from_str(yaml).unwrap()
    }

    #[test]
    fn the_readme_names_the_settings_and_their_values_reach_the_engine() {
        let readme = yaml_of_readme();
        let config: Config = serde_json::from_value(readme["extensions"]["wal"].clone()).unwrap();
        assert!(Wal::check(&config).is_empty());
        let settings = Wal(config).wal().unwrap();
        assert_eq!(settings.directory, PathBuf::from("/var/lib/spanledger/wal"));
        assert_eq!(settings.max_bytes, Some(20 << 30));
        assert_eq!(settings.retain, Duration::from_secs(3600));
        assert!(!settings.parity);
        assert_eq!(settings.repeat_window, Duration::from_secs(300));
    }

    #[test]
    fn nothing_set_means_the_folder_of_the_design_and_the_engine_s_own_size() {
        let settings = Wal(Config::default()).wal().unwrap();
        assert_eq!(settings.directory, PathBuf::from("./data/wal"));
        assert_eq!((settings.max_bytes, settings.retain, settings.parity), (None, Duration::ZERO, true));
        assert_eq!(settings.repeat_window, Duration::from_secs(900));
    }

    #[test]
    fn another_sync_and_an_unknown_key_are_errors() {
        assert!(serde_json::from_str::<Config>(r#"{"sync": "never"}"#).is_err());
        assert!(serde_json::from_str::<Config>(r#"{"max_sise": "1GiB"}"#).is_err());
    }

    #[test]
    fn a_log_that_would_take_no_request_is_an_error_that_names_the_smallest() {
        for (size, problems) in [("0", 1), ("1KiB", 1), ("1048575", 1), ("1MiB", 0)] {
            let json = serde_json::json!({ "max_size": size });
            let found = Wal::check(&serde_json::from_value(json).unwrap());
            assert_eq!(found.len(), problems, "{size}");
            assert!(found.iter().all(|(key, text)| key == "max_size" && text.contains("1MiB or more")));
        }
    }
}
