//! Whole collectors of fake components over a real log: what is delivered, how often, and what a crash leaves.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod connectors;
mod culprits;
mod damage;
mod delivery;
mod door;
mod epochs;
mod letters;
mod readiness;
mod replay;
mod restart;
mod setup;
mod stop;
mod told;
