//! The `debug` exporter: says in the collector's own log what would be delivered.
//!
//! ```
//! use spanledger_exporter_debug::{Config, Verbosity};
//!
//! let config: Config = serde_json::from_str(r#"{"verbosity": "normal"}"#)?;
//! assert_eq!(config.verbosity, Verbosity::Normal);
//! # Ok::<_, serde_json::Error>(())
//! ```

mod config;
mod exporter;
mod line;
mod value;

pub use config::{Config, Verbosity};
pub use exporter::Debug;
