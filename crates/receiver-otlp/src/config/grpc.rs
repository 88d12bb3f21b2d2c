//! The settings of OTLP/gRPC.

use schemars::JsonSchema;
use serde::Deserialize;
use spanledger_component::settings::{Endpoint, GoDuration};

use super::{Unsupported, null_is_default, unsupported};

/// The settings of OTLP/gRPC.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GrpcConfig {
    /// Where it listens.
    pub endpoint: Endpoint,
    /// `tcp` is the only one.
    pub transport: String,
    /// The largest message in MiB, after decompression. 0: the collector's own limit, the smaller of 64 MiB and an
    /// eighth of `service.memory`, which also bounds a larger value.
    pub max_recv_msg_size_mib: u32,
    /// Not supported yet.
    pub tls: Option<Unsupported>,
    /// Not supported yet.
    pub auth: Option<Unsupported>,
    /// Not supported yet.
    pub middlewares: Option<Unsupported>,
    /// Without effect: 256 a connection.
    pub max_concurrent_streams: u32,
    /// Without effect: what a client may send ahead is bounded by a window of 64 KiB.
    pub read_buffer_size: u64,
    /// Without effect.
    pub write_buffer_size: u64,
    /// Without effect: a silent client is asked once a minute whether it is there.
    #[serde(deserialize_with = "null_is_default")]
    pub keepalive: Keepalive,
    /// Without effect: no component reads the metadata of a request.
    pub include_metadata: bool,
    /// Without effect on a server.
    #[serde(deserialize_with = "null_is_default")]
    pub dialer: Dialer,
}

/// Without effect.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Dialer {
    /// Without effect.
    pub timeout: GoDuration,
}

/// Without effect.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Keepalive {
    /// Without effect.
    #[serde(deserialize_with = "null_is_default")]
    pub server_parameters: ServerParameters,
    /// Without effect.
    #[serde(deserialize_with = "null_is_default")]
    pub enforcement_policy: EnforcementPolicy,
}

/// Without effect.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ServerParameters {
    /// Without effect.
    pub max_connection_idle: GoDuration,
    /// Without effect.
    pub max_connection_age: GoDuration,
    /// Without effect.
    pub max_connection_age_grace: GoDuration,
    /// Without effect.
    pub time: GoDuration,
    /// Without effect.
    pub timeout: GoDuration,
}

/// Without effect.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EnforcementPolicy {
    /// Without effect.
    pub min_time: GoDuration,
    /// Without effect.
    pub permit_without_stream: bool,
}

impl Default for GrpcConfig {
    #[expect(clippy::expect_used, reason = "the text is a constant, and a test builds the default")]
    fn default() -> Self {
        Self {
            endpoint: "127.0.0.1:4317".parse().expect("a host and a port"),
            transport: "tcp".into(),
            max_recv_msg_size_mib: 0,
            tls: None,
            auth: None,
            middlewares: None,
            max_concurrent_streams: 0,
            read_buffer_size: 512 << 10,
            write_buffer_size: 0,
            keepalive: Keepalive::default(),
            include_metadata: false,
            dialer: Dialer::default(),
        }
    }
}

impl GrpcConfig {
    /// The largest message, if it was set.
    pub(crate) fn bytes_max(&self) -> Option<usize> {
        let bytes = (self.max_recv_msg_size_mib as usize).saturating_mul(1 << 20);
        (bytes > 0).then_some(bytes)
    }

    pub(super) fn problems(&self) -> Vec<(&'static str, String)> {
        let keys = [("tls", self.tls), ("auth", self.auth), ("middlewares", self.middlewares)];
        unsupported(&self.transport, &keys)
    }
}
