//! The loop that asks where pinned bytes come from, and begins an epoch with what is new.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use spanledger_component::{ComponentId, Context, Error};
use spanledger_config::Epoch;
use spanledger_wal::Wal;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use crate::epochs::{Epochs, Pinnable};
use crate::files;
use crate::pinning::{self, Pins, Sources};

/// What is in force, and where other things may come from.
pub(crate) struct Watching {
    pub(crate) epoch: Epoch,
    pub(crate) pins: Pins,
    pub(crate) sources: Sources,
    pub(crate) epochs: Arc<Epochs>,
    pub(crate) wal: Wal,
    pub(crate) context: Box<dyn Fn(&ComponentId) -> Context + Send + Sync>,
    pub(crate) troubles: BTreeMap<ComponentId, Trouble>,
}

/// Why what a source gave, or was to give, is not in force.
pub(crate) struct Trouble {
    /// As it was said: it is not said again before it is another.
    message: String,
    /// What it gave, to be tried again.
    bytes: Option<Bytes>,
}

impl Watching {
    /// Runs until stop.
    pub(crate) async fn run(mut self, stop: CancellationToken) -> Result<(), Error> {
        let now = Instant::now();
        // One that was asked by the start is not asked at once again.
        let due = |source: &dyn spanledger_component::Source| match source.is_local() {
            true => now + source.interval(),
            false => now,
        };
        let mut due: Vec<_> =
            self.sources.iter().map(|(id, source)| (due(source.as_ref()), id.clone())).collect();
        while let Some((at, id)) = due.iter().min().cloned() {
            let asked = async {
                tokio::time::sleep_until(at).await;
                self.ask(&id).await
            };
            let Some(interval) = stop.run_until_cancelled(asked).await else { break };
            due.retain(|(_, other)| *other != id);
            due.push((Instant::now() + interval, id));
        }
        Ok(())
    }

    /// Asks one source; says when to ask it again.
    async fn ask(&mut self, id: &ComponentId) -> std::time::Duration {
        let Some(source) = self.sources.get_mut(id) else { return std::time::Duration::MAX };
        let (name, interval) = (source.name().to_owned(), source.interval());
        let fetched = source.fetch().await;
        let before = self.troubles.remove(id);
        let (said, left) = before.map_or((None, None), |trouble| (Some(trouble.message), trouble.bytes));
        let (error, bytes) = match fetched {
            Err(error) => (error, left),
            Ok(fetched) => match fetched.or(left) {
                None => return interval,
                Some(bytes) => match self.swap(id, bytes.clone()).await {
                    Ok(()) => return interval,
                    Err(error) => (error, Some(bytes)),
                },
            },
        };
        let message = error.to_string();
        if said.as_ref() != Some(&message) {
            error!(processor = %id, source = name, %error, "could not be taken over, what was in force stays so");
        }
        self.troubles.insert(id.clone(), Trouble { message, bytes });
        interval
    }

    async fn swap(&mut self, id: &ComponentId, bytes: Bytes) -> Result<(), Error> {
        let mut pins = self.pins.clone();
        pins.insert(id.clone(), bytes);
        let next = Pinnable::build(&self.epoch, pins.clone(), &self.context)?;
        if let Some(first) = self.epochs.begin(&self.wal, next).await? {
            info!(processor = %id, position = %first, "what its rows depend on has changed, from this position on");
        }
        self.pins = pins;
        self.epochs.forget_passed(&self.wal);
        pinning::remove_unneeded(&self.wal);
        files::charge(&self.wal);
        Ok(())
    }
}
