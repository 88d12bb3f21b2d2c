//! One planned range on its way: its requests, one after another.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use spanledger_component::{Context, Delivery, Error, Retry};
use spanledger_otlp::Encoded;
use spanledger_telemetry::Counter;
use tracing::warn;

use crate::answer::{Problem, ProblemKind, Taken};
use crate::sender::Sender;

/// Sends the requests of one plan.
#[derive(Debug)]
pub(crate) struct Sending {
    requests: Vec<Encoded>,
    /// How many of them were taken: a delivery that is repeated goes on there.
    taken: AtomicUsize,
    sender: Arc<Sender>,
    meters: Meters,
}

impl Sending {
    pub(crate) fn new(requests: Vec<Encoded>, sender: Arc<Sender>, meters: Meters) -> Self {
        Self { requests, taken: AtomicUsize::new(0), sender, meters }
    }
}

#[async_trait]
impl Delivery for Sending {
    async fn deliver(&self) -> Result<(), Retry> {
        let first = self.taken.load(Ordering::Relaxed);
        for request in self.requests.iter().skip(first) {
            let taken = self.sender.send(&request.body).await.map_err(retry)?;
            self.taken.fetch_add(1, Ordering::Relaxed);
            self.meters.taken(request, &taken);
        }
        Ok(())
    }
}

fn retry(problem: Problem) -> Retry {
    let error = Error::new(problem.message);
    match problem.kind {
        ProblemKind::Away => Retry::transient(error).not_before(problem.after),
        ProblemKind::Setup | ProblemKind::Spans => Retry::alarm(error),
    }
}

/// What the exporter counts; spans are counted by the engine, for every exporter alike.
#[derive(Debug, Clone)]
pub(crate) struct Meters {
    exporter: String,
    requests: Counter,
    bytes: Counter,
    rejected: Counter,
}

impl Meters {
    pub(crate) fn new(context: &Context) -> Self {
        let exporter = context.id.to_string();
        let counter = |name, help| context.meter.counter(name, help, &[("exporter", exporter.as_str())]);
        let requests = counter("spanledger_otlp_sent_requests", "Requests that were sent and taken.");
        let bytes =
            counter("spanledger_otlp_sent_bytes", "Bytes of requests that were taken, before compression.");
        let rejected = counter(
            "spanledger_otlp_rejected_spans",
            "Spans that the server rejected of requests that it took.",
        );
        Self { exporter, requests, bytes, rejected }
    }

    fn taken(&self, request: &Encoded, taken: &Taken) {
        self.requests.add(1);
        self.bytes.add(request.body.len() as u64);
        self.rejected.add(taken.rejected.min(request.spans as u64));
        if taken.rejected > 0 {
            let (exporter, spans, rejected) = (&self.exporter, request.spans, taken.rejected);
            warn!(exporter, spans, rejected, message = taken.message, "spans were rejected by the server");
        }
    }
}
