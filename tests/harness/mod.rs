//! What the tests share: the collector as a process, OTLP clients, an HTTP client, DuckDB.

mod collector;
pub mod duck;
pub mod grpc;
pub mod http;
pub mod load;
pub mod minio;
mod ports;
pub mod tools;

pub use collector::{Collector, Setup};
pub use ports::free_ports;
