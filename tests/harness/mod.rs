//! What the tests share: the collector as a process, OTLP clients and what they remember, an HTTP client, DuckDB.

mod collector;
pub mod duck;
pub mod grpc;
pub mod http;
mod judge;
pub mod load;
pub mod minio;
mod ports;
mod sent;
pub mod tools;

pub use collector::{Collector, Setup};
pub use judge::{Figures, judge};
pub use ports::free_ports;
pub use sent::Sent;
