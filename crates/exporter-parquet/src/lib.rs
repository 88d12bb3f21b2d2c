//! Writes spans, messages and log records as Parquet files to a directory or an S3 bucket, exactly once.
//!
//! ```
//! use spanledger_component::ExporterFactory as _;
//! use spanledger_exporter_parquet::{Config, Parquet};
//!
//! let config = Config { path: "./data/lake".into(), ..Config::default() };
//! assert!(Parquet::check(&config).is_empty());
//! ```

mod audit;
mod bucket;
mod checksum;
mod conditions;
mod config;
mod delivery;
mod directory;
mod exporter;
#[cfg(test)]
mod fault;
mod file;
mod footer;
mod inspect;
mod lake;
mod meters;
mod partition;
mod pieces;
mod range;
mod run;
mod store;
mod table;
mod target;

pub use config::{Config, QueueBatch, QueuePartition, RetryOnFailure, Rotation, SendingQueue};
pub use exporter::Parquet;
pub use lake::{Found, Lake};
