//! Connectors: fold rows of one pipeline into rows of another.

use std::time::SystemTime;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::{Context, Error, Rows, Signal, Stability};

/// Folds rows into state and hands out snapshots of it. However the log is cut into batches, the state is the same.
pub trait Connector: Send {
    /// Folds rows into the state, row by row.
    fn fold(&mut self, rows: &Rows);

    /// Log time has come to this. Never the wall clock.
    fn tick(&mut self, log_time: SystemTime);

    /// The log time at which something that waits is due; `None` when nothing waits. The engine then lets log time go on
    /// also while nothing arrives.
    fn due(&self) -> Option<SystemTime> {
        None
    }

    /// The state as rows; cumulative, so that the latest wins.
    fn emit(&mut self) -> Rows;

    /// The state as bytes, for a checkpoint.
    fn snapshot(&self) -> Vec<u8>;

    /// Takes the state back from a checkpoint; an error when it is none of this connector's.
    fn restore(&mut self, snapshot: &[u8]) -> Result<(), Error>;
}

/// How a connector is named, configured and built.
pub trait ConnectorFactory: Send + Sync + 'static {
    /// The word in the YAML.
    const TYPE: &'static str;
    /// Other words for it.
    const ALIASES: &'static [&'static str] = &[];
    /// Which signal becomes which.
    const SIGNALS: &'static [(Signal, Signal)];
    /// How settled it is.
    const STABILITY: Stability;
    /// Whether a span that reaches it by two paths would count twice, so that `validate` refuses that.
    const ONCE: bool = false;
    /// Keys that are accepted for the Collector's sake and do nothing here: path below the component's (`a.b`), and what
    /// became of it.
    const WITHOUT_EFFECT: &'static [(&'static str, &'static str)] = &[];
    /// Its settings.
    type Config: DeserializeOwned + JsonSchema + Default + Send + Sync + 'static;

    /// What is wrong with settings that could be read, each with its path below the component's.
    fn check(_config: &Self::Config) -> Vec<(String, String)> {
        Vec::new()
    }

    /// Builds it, with empty state.
    fn build(config: &Self::Config, context: &Context) -> Result<Box<dyn Connector>, Error>;
}
