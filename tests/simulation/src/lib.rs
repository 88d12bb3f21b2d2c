//! A collector in a simulated world: the real engine and components on one thread, with a paused clock, on a disk and an
//! object store that fail as a seed says.
//!
//! The same seed gives the same events in the same order. A world ends with all faults over, and is judged by the client's
//! own record and the Parquet objects alone.
//!
//! ```
//! let outcome = spanledger_simulation::run(1);
//! assert!(outcome.violations.is_empty(), "{}", outcome.tail);
//! ```
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod client;
mod clock;
mod collector;
mod components;
mod disk;
mod faults;
mod inode;
mod judge;
mod lake;
mod life;
pub mod records;
mod rows;
mod seeds;
mod spans;
mod store;
mod trace;
mod violation;
mod world;

use std::sync::{Mutex, MutexGuard, PoisonError};

pub use faults::Faults;
pub use lake::Lake;
pub use seeds::{number, run_all};
pub use violation::{Invariant, Violation};
pub use world::{Outcome, run};

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
