//! How Spanledger is started for a point, and what it is sent.

use std::path::PathBuf;
use std::time::Duration;

use spanledger_load::Shape;

/// What all points have in common.
pub(crate) struct Settings {
    /// The program of Spanledger.
    pub(crate) program: PathBuf,
    /// How long it is sent as much as it takes.
    pub(crate) time: Duration,
    /// Where folders for it are made.
    pub(crate) folder: PathBuf,
}

/// A load, and a config that differs from `benches/peers/spanledger.yaml`.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(crate) shape: Shape,
    pub(crate) connections: usize,
    /// Requests under way on each connection.
    pub(crate) in_flight: usize,
    /// The cores that the program may use, as `taskset` has them; all of them by default.
    pub(crate) cores: Option<String>,
    /// Merged over the config.
    pub(crate) config: String,
}

impl Default for Setup {
    fn default() -> Self {
        Self { shape: Shape::USUAL, connections: 4, in_flight: 16, cores: None, config: String::new() }
    }
}
