//! The body of a request: room is reserved before it is read, and it is decompressed while it is read.

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use http_body::Body;
use http_body_util::BodyExt as _;
use spanledger_component::{Intake, Reservation};

use crate::decoder::{Decoder, Encoding};
use crate::failure::{Failure, Reason};

/// Room for a body of unknown size, to start with.
const UNKNOWN_BYTES: usize = 64 * 1024;

/// The room that is waited for before anything is read; what is needed beyond that is waited for anew.
const FIRST_BYTES_MAX: usize = 1024 * 1024;

/// How long nothing may come of a body, so that a stalled sender does not hold its room for ever.
const STALL: Duration = Duration::from_secs(30);

/// How much of a refused body is read and dropped, and for how long, so that the sender gets to read the answer.
const DRAIN_BYTES_MAX: usize = 128 * 1024 * 1024;
const DRAIN_TIME: Duration = Duration::from_secs(5);

/// The decompressed bytes of one request, and the room they have.
pub(crate) struct Gathered {
    room: Reservation,
    bytes_max: usize,
    decoder: Decoder,
    bytes: Vec<u8>,
    is_started: bool,
}

/// What is known of a body before it is read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Expected {
    pub(crate) encoding: Encoding,
    /// Its size as it is sent, if the sender says so.
    pub(crate) bytes: Option<usize>,
    /// The largest that is taken, after decompression, if the settings say so.
    pub(crate) bytes_max: Option<usize>,
}

impl Gathered {
    /// Reserves room for what is expected. Nothing has been read yet.
    pub(crate) async fn open(intake: &Intake, expected: Expected) -> Result<Self, Failure> {
        let known_bytes = match expected.encoding {
            Encoding::Identity => expected.bytes.unwrap_or(UNKNOWN_BYTES),
            _ => expected.bytes.unwrap_or_default().max(UNKNOWN_BYTES),
        };
        let mut room = intake.reserve(known_bytes.min(FIRST_BYTES_MAX)).await?;
        let bytes_max = expected.bytes_max.unwrap_or(usize::MAX).min(room.bytes_max());
        match expected.bytes {
            Some(bytes) if bytes > bytes_max => return Err(Failure::too_large(bytes, bytes_max)),
            _ => {}
        }
        let capacity = known_bytes.min(bytes_max);
        room.grow_to(capacity).await?;
        let decoder = Decoder::new(expected.encoding).map_err(|error| Failure::undecodable(&error))?;
        Ok(Self { room, bytes_max, decoder, bytes: Vec::with_capacity(capacity), is_started: false })
    }

    /// Takes in the next piece of the body as it was sent.
    pub(crate) async fn push(&mut self, mut input: &[u8]) -> Result<(), Failure> {
        self.is_started |= !input.is_empty();
        loop {
            let (taken, output) = self.decoder.step(input).map_err(|error| Failure::undecodable(&error))?;
            if taken == 0 && output.is_empty() {
                break;
            }
            append(&mut self.bytes, output, &mut self.room, self.bytes_max).await?;
            input = input.get(taken..).unwrap_or_default();
            // A small body may become a large one: let others have their turn.
            tokio::task::coop::consume_budget().await;
        }
        match input.is_empty() {
            true => Ok(()),
            false => Err(Failure::new(Reason::Malformed, "decompress the body: bytes follow its end")),
        }
    }

    /// The whole body and its room. An empty one is an empty one, whatever compresses it.
    pub(crate) async fn finish(mut self) -> Result<(Bytes, Reservation), Failure> {
        if self.is_started {
            let output = self.decoder.finish().map_err(|error| Failure::undecodable(&error))?;
            append(&mut self.bytes, output, &mut self.room, self.bytes_max).await?;
        }
        // What waits for its fsync or stays as a recent body should not drag much unused memory along.
        if self.bytes.capacity() > self.bytes.len() + self.bytes.len() / 4 {
            self.bytes.shrink_to_fit();
        }
        Ok((Bytes::from(self.bytes), self.room))
    }
}

/// Appends, with room for it reserved first. Room doubles, so that a large body does not wait at every step.
async fn append(
    bytes: &mut Vec<u8>,
    more: &[u8],
    room: &mut Reservation,
    bytes_max: usize,
) -> Result<(), Failure> {
    let total = bytes.len().saturating_add(more.len());
    if total > bytes_max {
        return Err(Failure::too_large(total, bytes_max));
    }
    if total > bytes.capacity() {
        let capacity = total.max(bytes.capacity().saturating_mul(2)).min(bytes_max);
        room.grow_to(capacity).await?;
        bytes.reserve_exact(capacity.saturating_sub(bytes.len()));
    }
    bytes.extend_from_slice(more);
    Ok(())
}

/// The next piece of a body as it is sent; `None` at its end.
pub(crate) async fn next_piece<B>(body: &mut B) -> Result<Option<Bytes>, Failure>
where
    B: Body<Data = Bytes> + Unpin,
{
    loop {
        let stalled = |_| {
            let after = Duration::from_secs(1);
            Failure::new(
                Reason::Unavailable { after },
                format!("no more of the body came in {} s", STALL.as_secs()),
            )
        };
        match tokio::time::timeout(STALL, body.frame()).await.map_err(stalled)? {
            None => return Ok(None),
            Some(Err(_)) => return Err(Failure::new(Reason::Gone, "the request ended before its body did")),
            Some(Ok(frame)) => {
                if let Ok(piece) = frame.into_data() {
                    return Ok(Some(piece));
                }
            }
        }
    }
}

/// Reads what is left of a refused body and drops it, within bounds: a connection that is closed with bytes unread
/// takes the answer with it.
pub(crate) async fn drain<B>(body: &mut B)
where
    B: Body<Data = Bytes> + Unpin,
{
    let reading = async {
        let mut left_bytes = DRAIN_BYTES_MAX;
        while let Ok(Some(piece)) = next_piece(body).await {
            match left_bytes.checked_sub(piece.len()) {
                Some(left) => left_bytes = left,
                None => break,
            }
        }
    };
    let _ = within(DRAIN_TIME, reading).await;
}

/// What the future gives, unless it takes longer than that.
pub(crate) async fn within<F: Future>(time: Duration, future: F) -> Option<F::Output> {
    tokio::time::timeout(time, future).await.ok()
}
