//! The door: checks a request, appends it, and answers once it is durable.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use spanledger_component::{
    Accepted, Budget, ComponentId, Door as Contract, Error, Notices, PATIENCE, Refused, Request, Reservation,
    Signal,
};
use spanledger_otlp::{Message, Rejection, walk};
use spanledger_wal::{AppendError, Entry, Wal};

use crate::epochs::Live;
use crate::gate::Gate;
use crate::window::signal_index;

/// How long a request may wait for the disk. Most senders give up after 10 s, without an answer that says what to do.
const DISK_PATIENCE: Duration = Duration::from_secs(8);
/// When a refused sender is asked to try again.
const TRY_AGAIN: Duration = Duration::from_secs(1);
/// How many rejected items are named in an answer.
const NAMED_MAX: usize = 5;
/// What a sender is told of a request that was stored before.
const REPEATED: &str = "the same request was stored before and is not stored again";

/// One receiver's door.
pub(crate) struct Door {
    wal: Wal,
    receiver: Arc<str>,
    signals: Vec<Signal>,
    budget: Budget,
    request_bytes_max: usize,
    gate: Arc<Gate>,
    notices: Notices,
}

impl Door {
    pub(crate) fn new(
        wal: Wal,
        receiver: &ComponentId,
        epoch: &Live,
        budget: Budget,
        request_bytes_max: usize,
        gate: Arc<Gate>,
        notices: Notices,
    ) -> Self {
        let receiver = receiver.to_string();
        let fed = epoch.pipelines.iter().filter(|pipeline| pipeline.takes_from(&receiver));
        let signals = fed.map(|pipeline| pipeline.signal).collect();
        Self { wal, receiver: receiver.into(), signals, budget, request_bytes_max, gate, notices }
    }
}

#[async_trait]
impl Contract for Door {
    async fn reserve(&self, bytes: usize) -> Result<Reservation, Refused> {
        if !self.gate.is_open() {
            return Err(Refused::Stopping { after: TRY_AGAIN, items: 0 });
        }
        if bytes > self.request_bytes_max {
            return Err(Refused::TooLarge { bytes, bytes_max: self.request_bytes_max });
        }
        match self.budget.reserve(bytes, PATIENCE).await {
            Some(permit) => Ok(Reservation::new(permit, self.request_bytes_max)),
            None => Err(Refused::Full { reason: "memory for requests".into(), after: TRY_AGAIN, items: 0 }),
        }
    }

    async fn accept(&self, request: Request, room: Reservation) -> Result<Accepted, Refused> {
        let walked = walk(message(request.signal), &request.body).map_err(|malformed| {
            Refused::Malformed(Error::caused(format!("read the {} request", request.signal), malformed))
        })?;
        let mut accepted = Accepted {
            items: walked.items.into(),
            rejected: walked.rejected.len() as u64,
            dropped_ids: walked.dropped_ids.into(),
            is_repeat: false,
            message: join([explain(&walked.rejected), left_out(walked.dropped_ids)]),
        };
        let body = request.body.clone();
        let kept = walked.items.saturating_sub(u32::try_from(walked.rejected.len()).unwrap_or(u32::MAX));
        if kept > 0 {
            let entry = Entry {
                signal: signal_index(request.signal),
                receiver: self.receiver.clone(),
                items: kept,
                rejected: walked.rejected.iter().map(|rejection| rejection.index).collect(),
                body: request.body,
            };
            let appended = self.gate.pass(|| self.wal.append(entry));
            let items = walked.items.into();
            let appended = appended.ok_or(Refused::Stopping { after: TRY_AGAIN, items })?;
            let appending = appended.map_err(|error| refused(error, items))?;
            let appended = tokio::time::timeout(DISK_PATIENCE, appending).await;
            let appended = appended.map_err(|_| disk_is_silent(items))?;
            if let Some(repeats) = appended.map_err(|error| refused(error, items))?.repeats {
                accepted.is_repeat = true;
                accepted.rejected = repeats.rejected.into();
                accepted.message = join([REPEATED.to_owned(), accepted.message]);
            }
        }
        // Only who gets this answer is told: one that is refused would not hear it.
        let notice = if request.signal == Signal::Traces { self.notices.take(&body) } else { None };
        accepted.message = join([accepted.message, notice.unwrap_or_default()]);
        // Held until here: the body counts until it is durable.
        drop(room);
        Ok(accepted)
    }

    fn takes(&self, signal: Signal) -> bool {
        self.signals.contains(&signal)
    }
}

fn message(signal: Signal) -> Message {
    match signal {
        Signal::Traces => Message::Traces,
        Signal::Metrics => Message::Metrics,
        Signal::Logs => Message::Logs,
    }
}

fn explain(rejected: &[Rejection]) -> String {
    let named: Vec<String> = rejected
        .iter()
        .take(NAMED_MAX)
        .map(|rejection| format!("item {}: {}", rejection.index, rejection.reason))
        .collect();
    match rejected.len().saturating_sub(NAMED_MAX) {
        0 => named.join("; "),
        more => format!("{}; and {more} more", named.join("; ")),
    }
}

fn left_out(dropped_ids: u32) -> String {
    match dropped_ids {
        0 => String::new(),
        dropped => format!("parent ids or links that are no ids, and are left out: {dropped}"),
    }
}

fn join(messages: [String; 2]) -> String {
    let messages: Vec<_> = messages.into_iter().filter(|message| !message.is_empty()).collect();
    messages.join("; ")
}

/// It may be written after all; then the sender's repeat is recognised.
fn disk_is_silent(items: u64) -> Refused {
    let reason = format!("the disk of the log has not answered for {} s", DISK_PATIENCE.as_secs());
    Refused::Full { reason, after: TRY_AGAIN, items }
}

fn refused(error: AppendError, items: u64) -> Refused {
    match error {
        AppendError::TooLarge { bytes, max_bytes } => {
            let saturated = |bytes| usize::try_from(bytes).unwrap_or(usize::MAX);
            Refused::TooLarge { bytes: saturated(bytes), bytes_max: saturated(max_bytes) }
        }
        AppendError::Stopped => Refused::Stopping { after: TRY_AGAIN, items },
        full => Refused::Full { reason: full.to_string(), after: TRY_AGAIN, items },
    }
}
