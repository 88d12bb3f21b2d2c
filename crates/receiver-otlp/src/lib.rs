//! The `otlp` receiver: OTLP over gRPC and HTTP, protobuf and JSON, on one component.
//!
//! Both ports are one hyper server each. Unary gRPC is framed here, because
//! room has to be reserved before a message is read and an oversized one has to be refused by its length alone.
//!
//! ```
//! use spanledger_receiver_otlp::Config;
//!
//! let config: Config = serde_json::from_str(r#"{"protocols": {"grpc": null, "http": {"endpoint": "0.0.0.0:4318"}}}"#)?;
//! assert_eq!(config.protocols.grpc.map(|grpc| grpc.endpoint.to_string()).as_deref(), Some("127.0.0.1:4317"));
//! # Ok::<_, serde_json::Error>(())
//! ```

mod body;
mod config;
mod counts;
mod decoder;
mod failure;
mod frame;
mod grpc;
mod http;
mod receiver;
mod reply;
mod success;

pub use config::{Config, GrpcConfig, HttpConfig, Protocols, Unsupported};
pub use receiver::Otlp;
