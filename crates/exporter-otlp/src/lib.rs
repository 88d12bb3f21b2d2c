//! The exporters `otlp` (gRPC) and `otlphttp`: send spans on to whoever takes OTLP.
//!
//! ```
//! use spanledger_exporter_otlp::HttpConfig;
//!
//! let config: HttpConfig = serde_json::from_str(r#"{"endpoint": "https://cloud.langfuse.com/api/public/otel"}"#)?;
//! assert_eq!(config.timeout.as_secs(), 30);
//! # Ok::<_, serde_json::Error>(())
//! ```

mod answer;
mod config;
mod current;
mod delivery;
mod exporter;
mod grpc;
mod held;
mod http;
mod sender;

pub use config::{Compression, GrpcConfig, Headers, HttpConfig, Tls};
pub use grpc::Otlp;
pub use http::OtlpHttp;
