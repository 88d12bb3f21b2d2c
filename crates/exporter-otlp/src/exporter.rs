//! The exporter of both protocols: holds spans for a moment, so that requests are not too small.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use spanledger_component::{Batch, Context, Delivery, Error, ExportError, Exporter, Plan, Service};
use tokio_util::sync::CancellationToken;

use crate::delivery::{Meters, Sending};
use crate::held::Held;
use crate::sender::{Route, Sender};

/// How long spans are held at most while there is room for more.
const HOLD: Duration = Duration::from_millis(200);

/// More are not held, as far as there is memory for so many.
const HELD_BYTES_MAX: usize = 8 << 20;

/// Sends spans by a route.
#[derive(Debug)]
pub(crate) struct Forwarder {
    route: Route,
    context: Context,
    sender: Option<Arc<Sender>>,
    meters: Meters,
    held: Held,
    seal_by: Option<Instant>,
}

impl Forwarder {
    pub(crate) fn new(route: Route, context: &Context) -> Self {
        Self {
            route,
            context: context.clone(),
            sender: None,
            meters: Meters::new(context),
            held: Held::default(),
            seal_by: None,
        }
    }

    fn sender(&mut self) -> Result<Arc<Sender>, Error> {
        if let Some(sender) = &self.sender {
            return Ok(sender.clone());
        }
        let sender = Arc::new(Sender::new(self.route.clone(), self.context.clock.clone())?);
        Ok(self.sender.insert(sender).clone())
    }
}

#[async_trait]
impl Exporter for Forwarder {
    async fn start(&mut self, _stop: CancellationToken) -> Result<Option<Service>, Error> {
        self.sender().map(|_| None)
    }

    async fn export(&mut self, batch: &Batch) -> Result<(), ExportError> {
        self.held.add(batch).map_err(|source| ExportError::Reject { source })?;
        let now = tokio::time::Instant::now().into_std();
        // Held are rows, and what is sealed meanwhile as requests, once plain and once compressed.
        let is_full = self.held.bytes() >= HELD_BYTES_MAX.min(self.context.memory_bytes / 4);
        self.seal_by = match self.seal_by {
            _ if self.held.is_empty() => None,
            _ if is_full => Some(now),
            None => Some(now + HOLD),
            some => some,
        };
        Ok(())
    }

    fn seal_by(&self) -> Option<Instant> {
        self.seal_by
    }

    fn seal(&mut self, _plan: &Plan) -> Result<Box<dyn Delivery>, ExportError> {
        let sender = self.sender().map_err(spanledger_component::Retry::alarm)?;
        let requests = self.held.requests();
        self.abandon();
        Ok(Box::new(Sending::new(requests, sender, self.meters.clone())))
    }

    fn abandon(&mut self) {
        self.held.clear();
        self.seal_by = None;
    }
}
