//! Tests of the whole program: the real binary as its own process, real clients, real servers, real readers.
//!
//! Modules named after a real part (`python`, `minio`, `prometheus`, `node`, `sdks`) need it; `cargo xtask test` installs them.

#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "tests"
)]

#[allow(dead_code, unused_imports, reason = "shared with the tests of chaos")]
mod harness;
mod minio;
mod node;
mod program;
mod prometheus;
mod python;
mod sdks;
