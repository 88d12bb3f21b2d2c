//! What rows depend on beside the settings, such as a table of prices: bytes that the engine keeps with the epoch.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use crate::Error;

/// Bytes that a processor's rows depend on beside its settings. The engine keeps them beside the log, and gives
/// [`crate::Context::pinned`] those that were in force when the rows were accepted.
pub struct Pinned {
    /// What the program brings: in force where there is no source, or it has not given anything yet.
    pub built_in: Bytes,
    /// Where other bytes come from.
    pub source: Option<Box<dyn Source>>,
}

/// Where bytes come from that can change while the collector runs. The engine asks from time to time; what it gets is
/// in force from then on if the processor can be built with it.
#[async_trait]
pub trait Source: Send {
    /// What it is called in messages: a path or an address, without secrets.
    fn name(&self) -> &str;

    /// Whether it is on this machine: then the start waits for it, and fails when it cannot be read and nothing earlier
    /// is known. One that is elsewhere is first asked once the collector runs.
    fn is_local(&self) -> bool;

    /// How long to wait between two questions.
    fn interval(&self) -> Duration;

    /// The bytes, unless they are those of the last answer.
    async fn fetch(&mut self) -> Result<Option<Bytes>, Error>;
}
