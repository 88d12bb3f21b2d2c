//! What tests share: builders of requests, conformance suites, faulty stores and disks.
//!
//! ```
//! let request = spanledger_testkit::spans::request(3, 20, 1);
//! assert_eq!(request.resource_spans[0].scope_spans[0].spans.len(), 3);
//! ```

pub mod captures;
pub mod conformance;
pub mod connectors;
pub mod disks;
pub mod exporters;
pub mod processors;
pub mod receivers;
pub mod rows;
mod scene;
pub mod spans;

pub use scene::{Config, Scene};
