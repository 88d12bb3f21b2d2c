//! The settings of OTLP/HTTP.

use std::collections::BTreeMap;

use ::http::{HeaderName, HeaderValue};
use schemars::JsonSchema;
use serde::Deserialize;
use spanledger_component::settings::{Endpoint, GoDuration};

use super::{Unsupported, null_is_default, unsupported};
use crate::decoder::Encoding;

/// The settings of OTLP/HTTP.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HttpConfig {
    /// Where it listens.
    pub endpoint: Endpoint,
    /// `tcp` is the only one.
    pub transport: String,
    /// The largest body in bytes, after decompression. 0: the collector's own limit, the smaller of 64 MiB and an
    /// eighth of `service.memory`, which also bounds a larger value.
    pub max_request_body_size: u64,
    /// The values of Content-Encoding that are taken: `""` (none), `gzip`, `zstd`, `zlib`, `deflate`.
    pub compression_algorithms: Vec<String>,
    /// Headers that every response gets.
    #[serde(deserialize_with = "null_is_default")]
    pub response_headers: BTreeMap<String, String>,
    /// How long a request may take to arrive. 0: as long as it keeps arriving, with no pause over half a minute.
    pub read_timeout: GoDuration,
    /// Whether a connection may carry more than one request.
    pub keep_alives_enabled: bool,
    /// Where traces are sent to.
    pub traces_url_path: String,
    /// Where metrics are sent to.
    pub metrics_url_path: String,
    /// Where logs are sent to.
    pub logs_url_path: String,
    /// Not supported yet.
    pub tls: Option<Unsupported>,
    /// Not supported yet.
    pub auth: Option<Unsupported>,
    /// Not supported yet.
    pub cors: Option<Unsupported>,
    /// Not supported yet.
    pub middlewares: Option<Unsupported>,
    /// Without effect: two minutes.
    pub read_header_timeout: GoDuration,
    /// Without effect.
    pub write_timeout: GoDuration,
    /// Without effect: two minutes.
    pub idle_timeout: GoDuration,
    /// Without effect: no component reads the metadata of a request.
    pub include_metadata: bool,
}

impl Default for HttpConfig {
    #[expect(clippy::expect_used, reason = "the text is a constant, and a test builds the default")]
    fn default() -> Self {
        Self {
            endpoint: "127.0.0.1:4318".parse().expect("a host and a port"),
            transport: "tcp".into(),
            max_request_body_size: 0,
            compression_algorithms: Encoding::NAMES.map(str::to_owned).into(),
            response_headers: BTreeMap::new(),
            read_timeout: GoDuration::default(),
            keep_alives_enabled: true,
            traces_url_path: "/v1/traces".into(),
            metrics_url_path: "/v1/metrics".into(),
            logs_url_path: "/v1/logs".into(),
            tls: None,
            auth: None,
            cors: None,
            middlewares: None,
            read_header_timeout: GoDuration::default(),
            write_timeout: GoDuration::default(),
            idle_timeout: GoDuration::default(),
            include_metadata: false,
        }
    }
}

impl HttpConfig {
    /// The largest body, if it was set.
    pub(crate) fn bytes_max(&self) -> Option<usize> {
        match usize::try_from(self.max_request_body_size) {
            Ok(0) => None,
            Ok(bytes) => Some(bytes),
            Err(_) => Some(usize::MAX),
        }
    }

    /// A configured path, with the slash that may be left out.
    pub(crate) fn path(&self, configured: &str) -> String {
        format!("/{}", configured.trim_start_matches('/'))
    }

    /// The headers that every response gets; those that are no headers were refused before.
    pub(crate) fn headers(&self) -> Vec<(HeaderName, HeaderValue)> {
        let headers = self.response_headers.iter();
        headers.filter_map(|(name, value)| Some((name.parse().ok()?, value.parse().ok()?))).collect()
    }

    pub(super) fn problems(&self) -> Vec<(&'static str, String)> {
        let keys =
            [("tls", self.tls), ("auth", self.auth), ("cors", self.cors), ("middlewares", self.middlewares)];
        let mut problems = unsupported(&self.transport, &keys);
        let unknown = self.compression_algorithms.iter().filter(|name| Encoding::of(name).is_none());
        problems.extend(unknown.map(|name| {
            let expected = "expected \"\", gzip, zstd, zlib or deflate";
            ("compression_algorithms", format!("{name:?} is not supported: {expected}"))
        }));
        if self.headers().len() < self.response_headers.len() {
            problems.push(("response_headers", "has a name or a value that no HTTP header can have".into()));
        }
        problems
    }
}
