//! Tests whose judge is DuckDB, or whose clients are Python's SDKs.

mod calls;
mod captures;
pub mod crash;
pub mod exporters;
mod logs;
mod meaning;
mod prices;
