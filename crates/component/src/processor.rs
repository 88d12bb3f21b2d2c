//! Processors: pure functions of rows.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::{Context, Error, Pinned, Rows, Signal, Stability};

/// Changes rows. Pure, row by row: what becomes of a row depends on that row, the settings and what is pinned alone.
pub trait Processor: Send + Sync {
    /// The rows that go on. An error, or a panic, sends the one record that causes it to the dead letters.
    fn process(&self, rows: Rows) -> Result<Rows, Error>;
}

/// How a processor is named, configured and built.
pub trait ProcessorFactory: Send + Sync + 'static {
    /// The word in the YAML.
    const TYPE: &'static str;
    /// Other words for it.
    const ALIASES: &'static [&'static str] = &[];
    /// What it may stand in the way of.
    const SIGNALS: &'static [Signal];
    /// How settled it is.
    const STABILITY: Stability;
    /// Keys that are accepted for the Collector's sake and do nothing here: path below the component's (`a.b`), and what
    /// became of it.
    const WITHOUT_EFFECT: &'static [(&'static str, &'static str)] = &[];
    /// Its settings.
    type Config: DeserializeOwned + JsonSchema + Default + Send + Sync + 'static;

    /// What is wrong with settings that could be read, each with its path below the component's.
    fn check(_config: &Self::Config) -> Vec<(String, String)> {
        Vec::new()
    }

    /// What its rows depend on beside the settings.
    fn pinned(_config: &Self::Config) -> Option<Pinned> {
        None
    }

    /// Builds it, once for each pipeline.
    fn build(config: &Self::Config, context: &Context) -> Result<Box<dyn Processor>, Error>;
}
