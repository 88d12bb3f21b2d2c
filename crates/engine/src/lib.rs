//! Builds the graph from the config and runs it: the log, its reader, the branches, their plans and retries, and the
//! way down.
//!
//! Data moves one way: a receiver hands a request to the [`door`], which checks and appends it; a branch pulls what
//! follows its cursor through the [`reader`], and takes it out ([`exporting`]) or folds it ([`folding`]). Live
//! traffic, catching up and recovery are the same path.

mod agreeing;
mod branch;
mod budget;
mod building;
mod checkpoints;
mod counting;
mod cuts;
mod dead_letters;
mod delivering;
mod door;
mod engine;
mod epochs;
mod exporting;
mod files;
mod folding;
mod gate;
mod host;
mod isolating;
mod matching;
pub mod offline;
mod own_metrics;
mod pinning;
mod random;
mod reader;
mod readiness;
mod replaying;
mod replays;
mod rereading;
mod scrubbing;
mod snapshots;
mod threads;
mod verifying;
mod watching;
mod window;

pub use budget::Shares;
pub use engine::{Engine, Options, Running, Summary};
pub use random::{Random, SystemRandom};
pub use threads::{OpenLog, Threads};
