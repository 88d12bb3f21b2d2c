//! The settings of the exporter, as they stand in the YAML.

use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use spanledger_component::settings::{ByteSize, GoDuration, Secret, UnitDuration};

use crate::target::Target;

/// Writes spans, messages and log records as Parquet files to a directory or an S3 bucket, exactly once.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("required" = ["path"]))]
pub struct Config {
    /// Where the files go: `./data/lake`, `file:///var/lib/lake` or `s3://bucket/prefix`. Required.
    pub path: String,
    /// URL of an S3-compatible store, as `http://minio:9000`; also `AWS_ENDPOINT_URL`. Unset: AWS.
    pub endpoint: Option<String>,
    /// Region of the bucket; also `AWS_REGION`. Unset: `us-east-1`.
    pub region: Option<String>,
    /// Whether the bucket is part of the URL's path (true) or of its host name (false). Unset: true with an endpoint or
    /// a bucket whose name has a dot.
    pub path_style: Option<bool>,
    /// Access key; also `AWS_ACCESS_KEY_ID`. Without keys, those of the machine or pod are asked for.
    pub access_key_id: Option<String>,
    /// The secret that belongs to it; also `AWS_SECRET_ACCESS_KEY`.
    pub secret_access_key: Option<Secret>,
    /// Token of temporary keys; also `AWS_SESSION_TOKEN`.
    pub session_token: Option<Secret>,
    /// PEM file with the certificate authority of the store, trusted besides the system's.
    pub ca_file: Option<PathBuf>,
    /// When files are ended and delivered.
    pub rotation: Rotation,
    /// Longest time for one request to the store, with the upload of the file; 0: no limit.
    pub timeout: GoDuration,
    /// The Collector's retry settings: accepted, not needed. What is not delivered waits in the log and is tried again
    /// until it succeeds.
    pub retry_on_failure: RetryOnFailure,
    /// The Collector's queue settings: accepted, not needed. The log is the queue.
    pub sending_queue: SendingQueue,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            path: String::new(),
            endpoint: None,
            region: None,
            path_style: None,
            access_key_id: None,
            secret_access_key: None,
            session_token: None,
            ca_file: None,
            rotation: Rotation::default(),
            timeout: GoDuration(Duration::from_secs(60)),
            retry_on_failure: RetryOnFailure::default(),
            sending_queue: SendingQueue::default(),
        }
    }
}

impl Config {
    /// What is wrong with the settings, each with its path below the exporter's.
    pub fn problems(&self) -> Vec<(String, String)> {
        let mut problems = Vec::new();
        let mut problem = |key: &str, message: String| problems.push((key.to_owned(), message));
        if let Err(message) = self.path.parse::<Target>() {
            problem("path", message);
        }
        if let Some(endpoint) = given(&self.endpoint) {
            if !endpoint.starts_with("http://") && !endpoint.starts_with("https://") {
                problem("endpoint", format!("{endpoint:?} is no URL: begin it with http:// or https://"));
            } else if endpoint.contains('@') {
                let message =
                    "a user and password do not belong in the URL: set access_key_id and secret_access_key";
                problem("endpoint", message.into());
            }
        }
        let secret = self.secret_access_key.as_ref().is_some_and(|secret| !secret.reveal().is_empty());
        match (given(&self.access_key_id).is_some(), secret) {
            (true, false) => problem("secret_access_key", "needed with access_key_id".into()),
            (false, true) => problem("access_key_id", "needed with secret_access_key".into()),
            _ => {}
        }
        for (key, zero) in [
            ("rotation::max_age", self.rotation.max_age.is_zero()),
            ("rotation::max_bytes", self.rotation.max_bytes.0 == 0),
            ("rotation::max_rows", self.rotation.max_rows == 0),
        ] {
            if zero {
                problem(key, "must be more than 0".into());
            }
        }
        problems
    }
}

/// A setting that is given: an empty one, as from an unset variable, is not.
pub(crate) fn given(setting: &Option<String>) -> Option<&str> {
    setting.as_deref().filter(|text| !text.is_empty())
}

/// When files are ended and delivered: at whichever limit is reached first.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Rotation {
    /// Longest time a row waits for its file to end.
    pub max_age: UnitDuration,
    /// Size of the encoded files of one range together; at most a third of the exporter's memory.
    pub max_bytes: ByteSize,
    /// Rows of one range.
    pub max_rows: u64,
}

impl Default for Rotation {
    fn default() -> Self {
        Self {
            max_age: UnitDuration(Duration::from_secs(300)),
            max_bytes: ByteSize(64 << 20),
            max_rows: 500_000,
        }
    }
}

/// The Collector's `retry_on_failure`. Accepted so that a Collector's YAML can be used; nothing of it is needed.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RetryOnFailure {
    /// Not needed: retries cannot be switched off.
    pub enabled: Option<bool>,
    /// Not needed.
    pub initial_interval: Option<GoDuration>,
    /// Not needed.
    pub randomization_factor: Option<f64>,
    /// Not needed.
    pub multiplier: Option<f64>,
    /// Not needed.
    pub max_interval: Option<GoDuration>,
    /// Not needed: what was acknowledged is never given up.
    pub max_elapsed_time: Option<GoDuration>,
}

/// The Collector's `sending_queue`. Accepted so that a Collector's YAML can be used; nothing of it is needed.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SendingQueue {
    /// Not needed: the log is the queue.
    pub enabled: Option<bool>,
    /// Not needed.
    pub num_consumers: Option<u64>,
    /// Not needed: `extensions::wal::max_size` bounds what waits.
    pub queue_size: Option<u64>,
    /// Not needed.
    pub sizer: Option<String>,
    /// Not needed.
    pub block_on_overflow: Option<bool>,
    /// Not needed.
    pub wait_for_result: Option<bool>,
    /// Not needed: the log is always on disk.
    pub storage: Option<String>,
    /// Not needed: `rotation` decides.
    pub batch: Option<QueueBatch>,
}

/// The Collector's `sending_queue::batch`. Accepted, not needed.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct QueueBatch {
    /// Not needed.
    pub flush_timeout: Option<GoDuration>,
    /// Not needed.
    pub min_size: Option<u64>,
    /// Not needed.
    pub max_size: Option<u64>,
    /// Not needed.
    pub sizer: Option<String>,
    /// Not needed.
    pub partition: Option<QueuePartition>,
}

/// The Collector's `sending_queue::batch::partition`. Accepted, not needed.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct QueuePartition {
    /// Not needed.
    pub metadata_keys: Option<Vec<String>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Config {
        serde_json::from_str(json).unwrap()
    }

    fn keys(config: &Config) -> Vec<String> {
        config.problems().into_iter().map(|(key, _)| key).collect()
    }

    #[test]
    fn every_setting_is_read() {
        let config = read(
            r#"{"path": "s3://b/p", "endpoint": "http://minio:9000", "region": "eu", "path_style": true,
                "access_key_id": "key", "secret_access_key": "hush", "session_token": "token", "ca_file": "/ca.pem",
                "rotation": {"max_age": "1m", "max_bytes": "1MiB", "max_rows": 7}, "timeout": "5s",
                "retry_on_failure": {"enabled": true, "initial_interval": "1s", "randomization_factor": 0.5,
                    "multiplier": 2, "max_interval": "30s", "max_elapsed_time": 0},
                "sending_queue": {"enabled": true, "num_consumers": 10, "queue_size": 1000, "sizer": "items",
                    "block_on_overflow": true, "wait_for_result": false, "storage": "file_storage",
                    "batch": {"flush_timeout": "200ms", "min_size": 1, "max_size": 2, "sizer": "items",
                        "partition": {"metadata_keys": ["tenant"]}}}}"#,
        );
        assert!(keys(&config).is_empty());
        assert_eq!(config.path, "s3://b/p");
        assert_eq!(given(&config.endpoint), Some("http://minio:9000"));
        assert_eq!(given(&config.region), Some("eu"));
        assert_eq!(config.path_style, Some(true));
        assert_eq!(config.secret_access_key.as_ref().unwrap().reveal(), "hush");
        assert_eq!(config.session_token.as_ref().unwrap().reveal(), "token");
        assert_eq!(config.ca_file, Some("/ca.pem".into()));
        assert_eq!((config.rotation.max_age.as_secs(), config.rotation.max_bytes.0), (60, 1 << 20));
        assert_eq!((config.rotation.max_rows, config.timeout.as_secs()), (7, 5));
        assert!(!format!("{config:?}").contains("hush"));
    }

    #[test]
    fn the_defaults_are_those_of_the_manual() {
        let config = read(r#"{"path": "./data/lake"}"#);
        assert_eq!((config.rotation.max_age.as_secs(), config.rotation.max_bytes.0), (300, 64 << 20));
        assert_eq!((config.rotation.max_rows, config.timeout.as_secs()), (500_000, 60));
    }

    #[test]
    fn what_is_wrong_is_named_by_its_key() {
        assert_eq!(keys(&Config::default()), ["path"]);
        assert_eq!(keys(&read(r#"{"path": "s3://b", "endpoint": "minio:9000"}"#)), ["endpoint"]);
        let named = read(r#"{"path": "s3://b", "endpoint": "http://user:pw123@minio:9000"}"#).problems();
        assert!(named.len() == 1 && named[0].0 == "endpoint", "{named:?}");
        assert!(named[0].1.contains("access_key_id") && !named[0].1.contains("pw123"), "{named:?}");
        assert_eq!(keys(&read(r#"{"path": "s3://b", "access_key_id": "key"}"#)), ["secret_access_key"]);
        assert_eq!(keys(&read(r#"{"path": "s3://b", "secret_access_key": "hush"}"#)), ["access_key_id"]);
        let zeros = r#"{"path": "x", "rotation": {"max_age": 0, "max_bytes": 0, "max_rows": 0}}"#;
        assert_eq!(keys(&read(zeros)), ["rotation::max_age", "rotation::max_bytes", "rotation::max_rows"]);
        assert!(serde_json::from_str::<Config>(r#"{"pth": "x"}"#).is_err());
    }

    #[test]
    fn settings_left_empty_by_unset_variables_are_not_given() {
        let empty = r#"{"path": "s3://b", "endpoint": "", "access_key_id": "", "secret_access_key": ""}"#;
        assert!(keys(&read(empty)).is_empty());
    }
}
