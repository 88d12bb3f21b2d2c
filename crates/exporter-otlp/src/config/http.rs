//! The settings of `otlphttp`.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use spanledger_component::settings::GoDuration;

use super::{Compression, Headers, Ignored, QUEUE, RETRY, Tls, endpoint_problem, http_url};

/// The settings of `otlphttp`, which speaks HTTP.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HttpConfig {
    /// Where it sends to: a URL, to which `/v1/traces` is added.
    pub endpoint: String,
    /// The whole URL for spans; goes before `endpoint`.
    pub traces_endpoint: String,
    /// TLS.
    pub tls: Tls,
    /// How requests are compressed.
    pub compression: Compression,
    /// Headers of every request. Their values are never shown.
    pub headers: Headers,
    /// How long a request may take.
    pub timeout: GoDuration,
    /// `proto` is the only one.
    pub encoding: HttpEncoding,
    /// Without effect.
    pub retry_on_failure: Option<Ignored>,
    /// Without effect.
    pub sending_queue: Option<Ignored>,
    /// Without effect.
    pub read_buffer_size: Option<Ignored>,
    /// Without effect.
    pub write_buffer_size: Option<Ignored>,
    /// Without effect.
    pub max_idle_conns: Option<Ignored>,
    /// Without effect.
    pub max_idle_conns_per_host: Option<Ignored>,
    /// Without effect.
    pub max_conns_per_host: Option<Ignored>,
    /// Without effect.
    pub idle_conn_timeout: Option<Ignored>,
}

/// How requests are encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum HttpEncoding {
    /// As protobuf.
    #[default]
    Proto,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            endpoint: String::new(),
            traces_endpoint: String::new(),
            tls: Tls::default(),
            compression: Compression::default(),
            headers: Headers::default(),
            timeout: GoDuration(Duration::from_secs(30)),
            encoding: HttpEncoding::default(),
            retry_on_failure: None,
            sending_queue: None,
            read_buffer_size: None,
            write_buffer_size: None,
            max_idle_conns: None,
            max_idle_conns_per_host: None,
            max_conns_per_host: None,
            idle_conn_timeout: None,
        }
    }
}

impl HttpConfig {
    /// Keys that do nothing here, and what became of them.
    pub(crate) const WITHOUT_EFFECT: &'static [(&'static str, &'static str)] = &[
        RETRY,
        QUEUE,
        ("read_buffer_size", "answers are small"),
        ("write_buffer_size", "requests are at most 4 MiB"),
        ("max_idle_conns", "there is one connection"),
        ("max_idle_conns_per_host", "there is one connection"),
        ("max_conns_per_host", "there is one connection"),
        ("idle_conn_timeout", "it is 90 s"),
    ];

    /// Where spans go.
    pub(crate) fn traces_url(&self) -> Result<reqwest::Url, String> {
        match (self.traces_endpoint.trim(), self.endpoint.trim()) {
            ("", "") => Err("at least one endpoint must be specified".to_owned()),
            ("", endpoint) => http_url(&format!("{}/v1/traces", endpoint.trim_end_matches('/'))),
            (url, _) => http_url(url),
        }
    }

    /// What is wrong, each with its path.
    pub(crate) fn problems(&self) -> Vec<(String, String)> {
        let key = if self.traces_endpoint.is_empty() { "endpoint" } else { "traces_endpoint" };
        let endpoint = endpoint_problem(&self.traces_url()).map(|problem| (key.to_owned(), problem));
        let others = self.tls.problems().into_iter().chain(self.headers.problems());
        endpoint.into_iter().chain(others).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_is_added_to_the_endpoint_and_not_to_an_endpoint_of_a_signal() {
        for (yaml, url) in [
            ("endpoint: http://backend:4318", "http://backend:4318/v1/traces"),
            ("endpoint: https://backend/api/otel/", "https://backend/api/otel/v1/traces"),
            ("{endpoint: http://backend, traces_endpoint: 'http://other/spans'}", "http://other/spans"),
        ] {
            let config: HttpConfig = serde_saphyr::from_str(yaml).unwrap();
            assert_eq!(config.traces_url().map(|url| url.to_string()), Ok(url.to_owned()));
            assert_eq!(config.problems(), []);
        }
    }

    #[test]
    fn an_endpoint_without_a_scheme_is_a_problem() {
        for yaml in ["endpoint: backend:4318", "timeout: 1s"] {
            let config: HttpConfig = serde_saphyr::from_str(yaml).unwrap();
            assert_eq!(config.problems().first().map(|(key, _)| key.as_str()), Some("endpoint"), "{yaml}");
        }
    }
}
