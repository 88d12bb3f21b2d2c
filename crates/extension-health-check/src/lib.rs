//! The `health_check` extension: whether the collector is started, and whether it takes requests.
//!
//! It has a thread and a runtime of its own, so that load never makes a liveness probe fail.
//!
//! ```
//! use spanledger_extension_health_check::Config;
//!
//! let config: Config = serde_json::from_str(r#"{"endpoint": "0.0.0.0:13133", "path": "/health"}"#)?;
//! assert!(!config.endpoint.is_loopback());
//! # Ok::<_, serde_json::Error>(())
//! ```

mod config;
mod health;
mod server;

pub use config::{Config, PipelineCheck, ResponseBody};
pub use server::HealthCheck;
