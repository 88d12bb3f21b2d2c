//! Receivers: what brings data in.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use tokio_util::sync::CancellationToken;

use crate::{Context, Error, Intake, Signal, Stability};

/// Brings data in.
#[async_trait]
pub trait Receiver: Send {
    /// Opens what it listens on. The collector says that it is ready only after every receiver has.
    async fn start(&mut self) -> Result<(), Error>;

    /// Serves until `stop`; answers a sender only after `intake.accept` returned. An error ends the collector.
    async fn run(self: Box<Self>, intake: Intake, stop: CancellationToken) -> Result<(), Error>;
}

/// How a receiver is named, configured and built.
pub trait ReceiverFactory: Send + Sync + 'static {
    /// The word in the YAML.
    const TYPE: &'static str;
    /// Other words for it.
    const ALIASES: &'static [&'static str] = &[];
    /// What it brings in.
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

    /// Builds it. Opens nothing yet.
    fn build(config: &Self::Config, context: &Context) -> Result<Box<dyn Receiver>, Error>;
}
