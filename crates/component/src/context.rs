//! What a component is given when it is built.

use std::sync::Arc;

use bytes::Bytes;
use spanledger_telemetry::Meter;

use crate::{Clock, ComponentId, LogId, Notices, SystemClock};

/// What a component is given when it is built. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Context {
    /// Its own id.
    pub id: ComponentId,
    /// The wall clock.
    pub clock: Arc<dyn Clock>,
    /// Where it counts; names are prefixed by nobody, labels are its own.
    pub meter: Meter,
    /// Its share of the memory budget, in bytes.
    pub memory_bytes: usize,
    /// The log that feeds it.
    pub log: LogId,
    /// Of a processor: what it said its rows depend on; `None` where nobody keeps that, as in a check of the config.
    pub pinned: Option<Bytes>,
    /// What it wants senders to be told.
    pub notices: Notices,
}

impl Context {
    /// Of a component that stands alone: nobody reads what it counts, no log feeds it, and it has no memory to spend.
    pub fn new(id: ComponentId) -> Self {
        Self {
            id,
            clock: Arc::new(SystemClock),
            meter: Meter::default(),
            memory_bytes: 0,
            log: LogId::default(),
            pinned: None,
            notices: Notices::default(),
        }
    }
}
