//! What the receiver counts, under the Collector's names.

use std::collections::BTreeMap;

use spanledger_component::{Accepted, Context, Intake, Request, Reservation, Signal};
use spanledger_telemetry::{Counter, Meter};
use tracing::debug;

use crate::failure::{Failure, Reason};

/// Hands requests to the intake and counts what becomes of them.
pub(crate) struct Counted {
    intake: Intake,
    items: BTreeMap<Signal, Items>,
    dropped_ids: Counter,
    success: Counter,
    refused: Counter,
    failure: Counter,
}

struct Items {
    accepted: Counter,
    refused: Counter,
    repeated: Counter,
    /// Kept for dashboards that add it up: nothing fails here but what the sender is told of.
    _failed: Counter,
}

impl Counted {
    pub(crate) fn new(intake: Intake, context: &Context, transport: &str) -> Self {
        let receiver = context.id.to_string();
        let labels = [("receiver", receiver.as_str()), ("transport", transport)];
        let items = Signal::ALL.map(|signal| (signal, Items::new(&context.meter, signal, &labels)));
        let requests = |outcome| {
            let [receiver, transport] = labels;
            let labels = [receiver, transport, ("outcome", outcome)];
            context.meter.counter("otelcol_receiver_requests", "Requests, by what became of them", &labels)
        };
        Self {
            intake,
            items: items.into_iter().collect(),
            dropped_ids: context.meter.counter(
                "spanledger_receiver_dropped_ids",
                "Parent ids and links of accepted spans that are left out, because they are no ids",
                &labels,
            ),
            success: requests("success"),
            refused: requests("refused"),
            failure: requests("failure"),
        }
    }

    pub(crate) fn intake(&self) -> &Intake {
        &self.intake
    }

    /// Has a request made durable.
    pub(crate) async fn accept(&self, request: Request, room: Reservation) -> Result<Accepted, Failure> {
        let signal = request.signal;
        let items = self.items.get(&signal);
        let accepted = self.intake.accept(request, room).await.inspect_err(|refused| {
            if let Some(items) = items {
                items.refused.add(refused.items());
            }
        })?;
        if let Some(items) = items {
            let kept = if accepted.is_repeat { &items.repeated } else { &items.accepted };
            kept.add(accepted.items.saturating_sub(accepted.rejected));
            items.refused.add(accepted.rejected);
        }
        self.dropped_ids.add(accepted.dropped_ids);
        Ok(accepted)
    }

    /// Counts a request by its end: `refused` is to be sent again, `failure` is not.
    pub(crate) fn ended<T>(&self, result: &Result<T, Failure>) {
        match result {
            Ok(_) => self.success.add(1),
            Err(failure) => {
                debug!(reason = ?failure.reason, message = failure.message(), "request not taken in");
                match failure.reason {
                    Reason::Unavailable { .. } => self.refused.add(1),
                    _ => self.failure.add(1),
                }
            }
        }
    }
}

impl Items {
    fn new(meter: &Meter, signal: Signal, labels: &[(&str, &str)]) -> Self {
        let counter =
            |what: &str, help: &str| meter.counter(&format!("{what}_{}", signal.items()), help, labels);
        Self {
            accepted: counter("otelcol_receiver_accepted", "Items made durable"),
            refused: counter(
                "otelcol_receiver_refused",
                "Items rejected, or to be sent again, with the reason in the answer",
            ),
            _failed: counter(
                "otelcol_receiver_failed",
                "Items lost by an error of the receiver: none ever is",
            ),
            repeated: counter("spanledger_receiver_repeated", "Items stored before, and not stored again"),
        }
    }
}
