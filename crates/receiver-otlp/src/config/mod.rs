//! The settings of `otlp`: the Collector's keys. What is not supported yet is refused, never ignored.

mod grpc;
mod http;

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};

pub use grpc::GrpcConfig;
pub use http::HttpConfig;

/// The settings of `otlp`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// What is listened for; at least one.
    #[serde(deserialize_with = "null_is_default")]
    pub protocols: Protocols,
}

/// What is listened for. A protocol that is named, even without settings, is served.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Protocols {
    /// OTLP/gRPC.
    #[serde(deserialize_with = "null_is_present")]
    pub grpc: Option<GrpcConfig>,
    /// OTLP/HTTP, protobuf and JSON.
    #[serde(deserialize_with = "null_is_present")]
    pub http: Option<HttpConfig>,
}

/// A setting of the Collector that is not supported yet: whatever its value, it is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unsupported;

/// Keys that do nothing here, and what became of them.
pub(crate) const WITHOUT_EFFECT: &[(&str, &str)] = &[
    ("protocols.grpc.max_concurrent_streams", "a connection has 256"),
    ("protocols.grpc.read_buffer_size", "what a client may send ahead is bounded by a window of 64 KiB"),
    ("protocols.grpc.write_buffer_size", "answers are small"),
    ("protocols.grpc.keepalive", "a silent client is asked once a minute whether it is there"),
    ("protocols.grpc.include_metadata", "no component reads the metadata of a request"),
    ("protocols.grpc.dialer", "a server does not dial"),
    ("protocols.http.read_header_timeout", "it is two minutes"),
    ("protocols.http.write_timeout", "answers are small"),
    ("protocols.http.idle_timeout", "it is two minutes"),
    ("protocols.http.include_metadata", "no component reads the metadata of a request"),
];

impl Config {
    /// What is wrong, each with its path.
    pub(crate) fn problems(&self) -> Vec<(String, String)> {
        let mut problems = Vec::new();
        if self.protocols == Protocols::default() {
            problems.push((
                "protocols".into(),
                "must specify at least one protocol when using the OTLP receiver".into(),
            ));
        }
        let grpc = self.protocols.grpc.iter().flat_map(GrpcConfig::problems);
        problems.extend(grpc.map(|(key, message)| (format!("protocols::grpc::{key}"), message)));
        let http = self.protocols.http.iter().flat_map(HttpConfig::problems);
        problems.extend(http.map(|(key, message)| (format!("protocols::http::{key}"), message)));
        problems
    }
}

/// The problems of keys that both protocols have.
fn unsupported(transport: &str, keys: &[(&'static str, Option<Unsupported>)]) -> Vec<(&'static str, String)> {
    let mut problems = Vec::new();
    if transport != "tcp" {
        problems.push(("transport", format!("{transport:?} is not supported: expected \"tcp\"")));
    }
    let set = keys.iter().filter(|(_, value)| value.is_some());
    problems.extend(set.map(|(key, _)| {
        let way_out = match *key {
            "tls" => "remove it, or terminate TLS in front",
            "auth" => "remove it, or authenticate in front",
            _ => "remove it",
        };
        (*key, format!("not supported yet: {way_out}"))
    }));
    problems
}

fn null_is_present<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    null_is_default(deserializer).map(Some)
}

fn null_is_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

impl<'de> Deserialize<'de> for Unsupported {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}

impl JsonSchema for Unsupported {
    fn schema_name() -> Cow<'static, str> {
        "Unsupported".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"description": "not supported yet: refused when it is set"})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(yaml: &str) -> Config {
        serde_saphyr::from_str(yaml).unwrap()
    }

    fn problems(yaml: &str) -> Vec<String> {
        read(yaml).problems().into_iter().map(|(path, message)| format!("{path}: {message}")).collect()
    }

    #[test]
    fn a_protocol_without_settings_is_served_with_the_defaults() {
        for yaml in ["protocols: {grpc: , http: }", "protocols: {grpc: {}, http: {}}"] {
            let protocols = read(yaml).protocols;
            assert_eq!(protocols.grpc, Some(GrpcConfig::default()));
            assert_eq!(protocols.http, Some(HttpConfig::default()));
        }
        assert_eq!(read("protocols: {http: }").protocols.grpc, None);
        assert_eq!(HttpConfig::default().endpoint.to_string(), "127.0.0.1:4318");
    }

    #[test]
    fn no_protocol_is_refused_in_the_collector_s_words() {
        for yaml in ["{}", "protocols:", "protocols: {}"] {
            assert_eq!(
                problems(yaml),
                ["protocols: must specify at least one protocol when using the OTLP receiver"]
            );
        }
    }

    #[test]
    fn the_yaml_of_the_readme_is_read_and_every_value_has_its_effect() {
        let yaml = include_str!("../../README.md").split("```yaml").nth(1).unwrap();
        let yaml = yaml.split("```").next().unwrap();
        let readme: serde_json::Value = serde_saphyr::from_str(yaml).unwrap();
        let config: Config = serde_json::from_value(readme["receivers"]["otlp"].clone()).unwrap();
        assert!(config.problems().is_empty());
        let (grpc, http) = (config.protocols.grpc.unwrap(), config.protocols.http.unwrap());
        assert_eq!((grpc.endpoint.to_string(), grpc.bytes_max()), ("0.0.0.0:4317".into(), Some(16 << 20)));
        assert_eq!((http.endpoint.to_string(), http.bytes_max()), ("0.0.0.0:4318".into(), Some(1 << 20)));
        assert_eq!(http.path(&http.traces_url_path), "/ingest/v1/traces");
        assert_eq!(http.compression_algorithms, ["", "gzip", "zstd"]);
        assert_eq!(http.read_timeout.as_secs(), 30);
        assert!(!http.keep_alives_enabled);
    }

    #[test]
    fn what_is_not_supported_is_refused_with_the_way_out() {
        let found = problems(
            "protocols: {grpc: {transport: unix, tls: {cert_file: a}, auth: {authenticator: x}, middlewares: []},
             http: {tls: {}, cors: {allowed_origins: ['*']}, compression_algorithms: [gzip, lz4]}}",
        );
        assert_eq!(
            found,
            [
                "protocols::grpc::transport: \"unix\" is not supported: expected \"tcp\"",
                "protocols::grpc::tls: not supported yet: remove it, or terminate TLS in front",
                "protocols::grpc::auth: not supported yet: remove it, or authenticate in front",
                "protocols::grpc::middlewares: not supported yet: remove it",
                "protocols::http::tls: not supported yet: remove it, or terminate TLS in front",
                "protocols::http::cors: not supported yet: remove it",
                "protocols::http::compression_algorithms: \"lz4\" is not supported: expected \"\", gzip, zstd, zlib or deflate",
            ]
        );
    }

    #[test]
    fn every_key_of_the_collector_is_known_and_no_other() {
        let config = read(
            "protocols:
               grpc: {endpoint: 'localhost:4317', transport: tcp, dialer: {timeout: 1s}, max_recv_msg_size_mib: 4,
                 max_concurrent_streams: 16, read_buffer_size: 524288, write_buffer_size: 0, include_metadata: true,
                 keepalive: {server_parameters: {max_connection_idle: 11s, max_connection_age: 12s,
                   max_connection_age_grace: 13s, time: 30s, timeout: 5s},
                   enforcement_policy: {min_time: 10s, permit_without_stream: true}}}
               http: {endpoint: ':4318', transport: tcp, include_metadata: false, max_request_body_size: 0,
                 compression_algorithms: ['', gzip, zstd, zlib, deflate], response_headers: {X-Served-By: spanledger},
                 read_timeout: 0, read_header_timeout: 1m, write_timeout: 30s, idle_timeout: 1m,
                 keep_alives_enabled: true, traces_url_path: v1/traces, metrics_url_path: /v1/metrics,
                 logs_url_path: /v1/logs}",
        );
        assert_eq!(config.problems(), []);
        let http = config.protocols.http.unwrap();
        assert_eq!(http.path(&http.traces_url_path), "/v1/traces");
        assert!(serde_saphyr::from_str::<Config>("protocols: {grpc: {endpoit: ':1'}}").is_err());
    }
}
