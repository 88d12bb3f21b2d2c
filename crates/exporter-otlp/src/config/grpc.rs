//! The settings of `otlp`.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use spanledger_component::settings::GoDuration;

use super::{Compression, Headers, Ignored, QUEUE, RETRY, Tls, endpoint_problem, http_url};

/// The settings of `otlp`, which speaks gRPC.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GrpcConfig {
    /// Where it sends to: `host:port`, with TLS unless `tls.insecure` or `http://` says otherwise.
    pub endpoint: String,
    /// TLS.
    pub tls: Tls,
    /// How requests are compressed.
    pub compression: Compression,
    /// Headers of every request. Their values are never shown.
    pub headers: Headers,
    /// How long a request may take.
    pub timeout: GoDuration,
    /// What it calls itself.
    pub user_agent: Option<String>,
    /// Without effect.
    pub retry_on_failure: Option<Ignored>,
    /// Without effect.
    pub sending_queue: Option<Ignored>,
    /// Without effect.
    pub balancer_name: Option<Ignored>,
    /// Without effect.
    pub keepalive: Option<Ignored>,
    /// Without effect.
    pub wait_for_ready: Option<Ignored>,
    /// Without effect.
    pub read_buffer_size: Option<Ignored>,
    /// Without effect.
    pub write_buffer_size: Option<Ignored>,
}

impl Default for GrpcConfig {
    fn default() -> Self {
        Self {
            endpoint: String::new(),
            tls: Tls::default(),
            compression: Compression::default(),
            headers: Headers::default(),
            timeout: GoDuration(Duration::from_secs(5)),
            user_agent: None,
            retry_on_failure: None,
            sending_queue: None,
            balancer_name: None,
            keepalive: None,
            wait_for_ready: None,
            read_buffer_size: None,
            write_buffer_size: None,
        }
    }
}

impl GrpcConfig {
    /// Keys that do nothing here, and what became of them.
    pub(crate) const WITHOUT_EFFECT: &'static [(&'static str, &'static str)] = &[
        RETRY,
        QUEUE,
        ("balancer_name", "there is one connection"),
        ("keepalive", "a request has a time-out"),
        ("wait_for_ready", "a delivery is repeated until it succeeds"),
        ("read_buffer_size", "answers are small"),
        ("write_buffer_size", "requests are at most 4 MiB"),
    ];

    /// Where requests go.
    pub(crate) fn url(&self) -> Result<reqwest::Url, String> {
        if self.endpoint.is_empty() {
            return Err("requires a non-empty \"endpoint\"".to_owned());
        }
        let endpoint = self.endpoint.trim();
        let host = endpoint.strip_prefix("dns://").map_or(endpoint, |name| name.trim_start_matches('/'));
        match (host.contains("://"), self.tls.insecure) {
            (true, _) => http_url(host),
            (false, true) => http_url(&format!("http://{host}")),
            (false, false) => http_url(&format!("https://{host}")),
        }
    }

    /// What is wrong, each with its path.
    pub(crate) fn problems(&self) -> Vec<(String, String)> {
        let endpoint = endpoint_problem(&self.url()).map(|problem| ("endpoint".to_owned(), problem));
        let others = self.tls.problems().into_iter().chain(self.headers.problems());
        endpoint.into_iter().chain(others).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(yaml: &str) -> GrpcConfig {
        serde_saphyr::from_str(yaml).unwrap()
    }

    #[test]
    fn an_endpoint_has_tls_unless_it_is_said_to_have_none() {
        for (yaml, url) in [
            ("endpoint: backend:4317", "https://backend:4317/"),
            ("endpoint: http://backend:4317", "http://backend:4317/"),
            ("endpoint: https://backend:4317\ntls: {insecure: true}", "https://backend:4317/"),
            ("endpoint: backend:4317\ntls: {insecure: true}", "http://backend:4317/"),
            ("endpoint: dns:///backend:4317\ntls: {insecure: true}", "http://backend:4317/"),
            ("endpoint: '[::1]:4317'", "https://[::1]:4317/"),
        ] {
            assert_eq!(read(yaml).url().map(|url| url.to_string()), Ok(url.to_owned()), "{yaml}");
        }
    }

    #[test]
    fn what_cannot_work_is_a_problem_at_its_key() {
        for (yaml, key) in [
            ("compression: none", "endpoint"),
            ("endpoint: ftp://backend", "endpoint"),
            ("endpoint: https://user:pass@backend:4317", "endpoint"),
            ("endpoint: backend:4317\ntls: {cert_file: /etc/cert.pem}", "tls.cert_file"),
            ("endpoint: backend:4317\nheaders: {'a header': x}", "headers.a header"),
        ] {
            let problems = read(yaml).problems();
            let keys: Vec<&str> = problems.iter().map(|(key, _)| key.as_str()).collect();
            assert_eq!(keys, [key], "{problems:?}");
            assert!(!format!("{problems:?}").contains("pass@"), "{problems:?}");
        }
    }

    #[test]
    fn headers_are_a_map_or_a_list_and_are_not_shown() {
        let map = read("headers: {authorization: Bearer 12345}");
        assert_eq!(map.headers, read("headers: [{name: authorization, value: Bearer 12345}]").headers);
        assert_eq!(map.headers.to_map().get("authorization").unwrap(), "Bearer 12345");
        assert!(!format!("{map:?} {:?}", map.headers.to_map()).contains("12345"));
        assert_eq!(map.headers.hide("no Bearer 12345 here".to_owned()), "no [REDACTED] here");
    }

    #[test]
    fn the_keys_of_the_collector_are_known_and_no_other() {
        let yaml = "
            endpoint: backend:4317
            compression: zstd
            timeout: 10s
            retry_on_failure: {enabled: true, max_elapsed_time: 300s}
            sending_queue: {num_consumers: 10, batch: {min_size: 8192}}
            keepalive: {time: 10s}
            balancer_name: round_robin
            tls: {insecure: false, ca_file: /etc/ca.pem}";
        let config = read(yaml);
        assert_eq!((config.compression, config.timeout.as_secs()), (Compression::Zstd, 10));
        assert!(serde_saphyr::from_str::<GrpcConfig>("endpoint: a\nprotocol: b").is_err());
    }
}
