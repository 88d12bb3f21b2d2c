//! The `admin` extension: what the collector is doing, and `flush`.
//!
//! ```
//! use spanledger_component::ExtensionFactory as _;
//! use spanledger_extension_admin::{Admin, Config};
//!
//! let open: Config = serde_json::from_str(r#"{"endpoint": "0.0.0.0:13134"}"#)?;
//! assert_eq!(Admin::check(&open).len(), 1, "reachable from elsewhere, it needs a token");
//! # Ok::<_, serde_json::Error>(())
//! ```

mod answer;
mod config;
mod replay;
mod server;

pub use config::Config;
pub use server::Admin;
