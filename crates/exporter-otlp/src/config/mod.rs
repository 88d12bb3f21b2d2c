//! The settings of `otlp` and `otlphttp`: the Collector's keys.

mod grpc;
mod headers;
mod http;
mod tls;

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};

pub use grpc::GrpcConfig;
pub use headers::Headers;
pub use http::HttpConfig;
pub use tls::Tls;

/// How requests are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// gzip, which every receiver knows.
    #[default]
    Gzip,
    /// Zstandard.
    Zstd,
    /// As they are.
    #[serde(alias = "")]
    None,
}

impl Compression {
    /// Its name in headers.
    pub(crate) fn name(self) -> Option<&'static str> {
        match self {
            Self::Gzip => Some("gzip"),
            Self::Zstd => Some("zstd"),
            Self::None => None,
        }
    }
}

/// Settings of the Collector that mean nothing here, whatever they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ignored;

impl<'de> Deserialize<'de> for Ignored {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}

impl JsonSchema for Ignored {
    fn schema_name() -> Cow<'static, str> {
        "Ignored".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"description": "accepted, and without effect"})
    }
}

/// What became of the keys that both exporters accept and do not need.
pub(crate) const RETRY: (&str, &str) =
    ("retry_on_failure", "the log has the data, and a delivery is repeated until it succeeds");
pub(crate) const QUEUE: (&str, &str) =
    ("sending_queue", "the log is the queue: see service.memory and extensions.wal");

/// What is wrong with an endpoint.
pub(crate) fn endpoint_problem(url: &Result<reqwest::Url, String>) -> Option<String> {
    match url {
        Err(problem) => Some(problem.clone()),
        Ok(url) if !url.username().is_empty() || url.password().is_some() => {
            Some("a user and a password do not belong into it: use headers".to_owned())
        }
        Ok(_) => None,
    }
}

/// Reads a URL of HTTP.
pub(crate) fn http_url(text: &str) -> Result<reqwest::Url, String> {
    // What is wrong may hold a password.
    let invalid = |why: &dyn std::fmt::Display| format!("it is no URL as https://example.com:4318: {why}");
    match reqwest::Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(url),
        Ok(_) => Err(invalid(&"expected http:// or https:// and a host")),
        Err(error) => Err(invalid(&error)),
    }
}
