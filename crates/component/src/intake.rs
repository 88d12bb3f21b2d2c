//! What a receiver hands requests to: reserve room, read the body, have it made durable, answer the sender.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use crate::{Error, Permit, Signal};

/// How long a request waits for room, at first and whenever it needs more, before it is refused. It holds a part of its
/// connection's window meanwhile, so that others of that connection, which have room, wait as long at every piece of their
/// body: room is then held by requests that stand still.
pub const PATIENCE: Duration = Duration::from_millis(20);

/// One request: the OTLP protobuf message, decompressed; exactly what the log stores.
#[derive(Debug, Clone)]
pub struct Request {
    /// Which Export*ServiceRequest it is.
    pub signal: Signal,
    /// The message.
    pub body: Bytes,
}

/// What became of a request that was taken in. It is durable.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Accepted {
    /// Items (spans, log records, points) that the request had, rejected ones included.
    pub items: u64,
    /// Items that were rejected; becomes OTLP `partial_success`.
    pub rejected: u64,
    /// Of the other items: parent ids and links that are left out, because they are no ids.
    pub dropped_ids: u64,
    /// Whether it was stored before, and is not stored again.
    pub is_repeat: bool,
    /// Why they were rejected, or a warning; empty when all is well.
    pub message: String,
}

/// Why a request was not taken in.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// The bytes are no such message. Not to be sent again.
    #[error("{0}")]
    Malformed(Error),
    /// Larger than a request may be. Not to be sent again.
    #[error("request of {bytes} bytes is larger than the limit of {bytes_max} bytes")]
    TooLarge {
        /// Its size, as far as it is known.
        bytes: usize,
        /// The largest that is taken.
        bytes_max: usize,
    },
    /// No room in memory or on disk, or the disk does not take writes now. To be sent again after the delay.
    #[error("no room: {reason}, try again in {} s", after.as_secs())]
    Full {
        /// What is full.
        reason: String,
        /// When to try again.
        after: Duration,
        /// How many items it has, when they were counted before it was refused; else 0.
        items: u64,
    },
    /// The collector is stopping. To be sent again after the delay, to another replica if there is one.
    #[error("the collector is stopping, try again in {} s", after.as_secs())]
    Stopping {
        /// When to try again.
        after: Duration,
        /// How many items it has, when they were counted before it was refused; else 0.
        items: u64,
    },
}

impl Refused {
    /// How many items may be sent again, as far as they were counted.
    pub fn items(&self) -> u64 {
        match self {
            Self::Full { items, .. } | Self::Stopping { items, .. } => *items,
            Self::Malformed(_) | Self::TooLarge { .. } => 0,
        }
    }
}

/// Room for one request, held until it is durable.
#[derive(Debug)]
pub struct Reservation {
    permit: Permit,
    bytes_max: usize,
}

impl Reservation {
    /// For the engine: room for a request of at most `bytes_max`.
    pub fn new(permit: Permit, bytes_max: usize) -> Self {
        Self { permit, bytes_max }
    }

    /// Makes room for `bytes` in total while a body is read. `TooLarge` over the limit of a request; `Full` when
    /// there was no room within [`PATIENCE`], so that nobody waits for long while holding what others wait for.
    pub async fn grow_to(&mut self, bytes: usize) -> Result<(), Refused> {
        if bytes > self.bytes_max {
            return Err(Refused::TooLarge { bytes, bytes_max: self.bytes_max });
        }
        match self.permit.grow_to(bytes, PATIENCE).await {
            true => Ok(()),
            false => Err(Refused::Full {
                reason: "memory for requests".into(),
                after: Duration::from_secs(1),
                items: 0,
            }),
        }
    }

    /// The largest request that is taken, in bytes after decompression.
    pub fn bytes_max(&self) -> usize {
        self.bytes_max
    }
}

/// The engine's side of [`Intake`].
#[async_trait]
pub trait Door: Send + Sync {
    /// See [`Intake::reserve`].
    async fn reserve(&self, bytes: usize) -> Result<Reservation, Refused>;
    /// See [`Intake::accept`].
    async fn accept(&self, request: Request, room: Reservation) -> Result<Accepted, Refused>;
    /// See [`Intake::takes`].
    fn takes(&self, signal: Signal) -> bool;
}

/// Where a receiver hands in requests. Cheap to clone.
#[derive(Clone)]
pub struct Intake(Arc<dyn Door>);

impl Intake {
    /// An intake over a door: the engine's, or a fake in tests.
    pub fn new(door: impl Door + 'static) -> Self {
        Self(Arc::new(door))
    }

    /// Waits for room in the budget; to be called before a body is read, with what is known of its size.
    pub async fn reserve(&self, bytes: usize) -> Result<Reservation, Refused> {
        self.0.reserve(bytes).await
    }

    /// Checks the request, appends it, and returns once it is durable.
    pub async fn accept(&self, request: Request, room: Reservation) -> Result<Accepted, Refused> {
        self.0.accept(request, room).await
    }

    /// Whether any pipeline takes this signal from this receiver. If none does, OTLP answers 404 or Unimplemented.
    pub fn takes(&self, signal: Signal) -> bool {
        self.0.takes(signal)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;
    use crate::Budget;

    #[tokio::test(start_paused = true)]
    async fn a_body_that_becomes_larger_than_there_is_room_for_is_refused_soon() {
        let budget = Budget::new(4096);
        let permit = budget.reserve(2048, Duration::ZERO).await.unwrap();
        let mut room = Reservation::new(permit, 1 << 20);
        let began = Instant::now();
        assert!(room.grow_to(4096).await.is_ok(), "what is free is given at once");
        let refused = room.grow_to(4097).await;
        assert!(matches!(refused, Err(Refused::Full { .. })), "{refused:?}");
        assert!(began.elapsed() <= PATIENCE, "took {:?}", began.elapsed());
    }
}
