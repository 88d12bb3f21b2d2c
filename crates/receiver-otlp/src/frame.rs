//! The framing of a unary gRPC request: a flag, a length, one message, and then the end.

use bytes::{Buf as _, Bytes};
use http_body::Body;
use spanledger_component::{Intake, Reservation};

use crate::body::{Expected, Gathered, next_piece};
use crate::decoder::Encoding;
use crate::failure::{Failure, Reason};

/// The prefix of a message: one byte that says whether it is compressed, four with its length.
const PREFIX_BYTES: usize = 5;

/// Reads the one message of a unary call. Its length is checked, and room for it reserved, before it is read.
pub(crate) async fn read_message<B>(
    body: &mut B,
    encoding: Option<Encoding>,
    bytes_max: Option<usize>,
    intake: &Intake,
) -> Result<(Bytes, Reservation), Failure>
where
    B: Body<Data = Bytes> + Unpin,
{
    let mut pieces = Pieces { body, piece: Bytes::new() };
    let prefix = pieces.prefix().await?;
    let encoding = prefix.encoding(encoding)?;
    let expected = Expected { encoding, bytes: Some(prefix.bytes), bytes_max };
    let mut gathered = Gathered::open(intake, expected).await?;
    let mut left_bytes = prefix.bytes;
    while left_bytes > 0 {
        let piece = pieces.next(left_bytes).await?;
        left_bytes = left_bytes.saturating_sub(piece.len());
        gathered.push(&piece).await?;
    }
    pieces.end().await?;
    gathered.finish().await
}

struct Prefix {
    flag: u8,
    bytes: usize,
}

impl Prefix {
    fn encoding(&self, named: Option<Encoding>) -> Result<Encoding, Failure> {
        match (self.flag, named) {
            (0, _) => Ok(Encoding::Identity),
            (1, Some(encoding)) if encoding != Encoding::Identity => Ok(encoding),
            (1, _) => Err(Failure::new(
                Reason::Framing,
                "the message is marked as compressed, but grpc-encoding does not say how",
            )),
            (flag, _) => Err(Failure::new(
                Reason::Framing,
                format!("a message starts with 0 or 1, not with {flag}: is this gRPC?"),
            )),
        }
    }
}

/// A body in pieces of any size, cut where the framing needs it.
struct Pieces<'a, B> {
    body: &'a mut B,
    piece: Bytes,
}

impl<B: Body<Data = Bytes> + Unpin> Pieces<'_, B> {
    async fn prefix(&mut self) -> Result<Prefix, Failure> {
        let mut prefix = [0; PREFIX_BYTES];
        for (index, byte) in prefix.iter_mut().enumerate() {
            *byte = match (self.fill().await?, index) {
                (true, _) => self.piece.get_u8(),
                (false, 0) => {
                    return Err(Failure::new(Reason::Cardinality, "a unary call without a message"));
                }
                (false, _) => return Err(cut_off()),
            };
        }
        let [flag, length @ ..] = prefix;
        Ok(Prefix { flag, bytes: u32::from_be_bytes(length) as usize })
    }

    /// The next piece, `bytes_max` at most.
    async fn next(&mut self, bytes_max: usize) -> Result<Bytes, Failure> {
        match self.fill().await? {
            true => Ok(self.piece.split_to(bytes_max.min(self.piece.len()))),
            false => Err(cut_off()),
        }
    }

    async fn end(&mut self) -> Result<(), Failure> {
        match self.fill().await? {
            false => Ok(()),
            true => Err(Failure::new(Reason::Cardinality, "a unary call with more than one message")),
        }
    }

    /// Whether there is more: then `piece` has it.
    async fn fill(&mut self) -> Result<bool, Failure> {
        while self.piece.is_empty() {
            match next_piece(self.body).await? {
                Some(piece) => self.piece = piece,
                None => return Ok(false),
            }
        }
        Ok(true)
    }
}

fn cut_off() -> Failure {
    Failure::new(Reason::Framing, "the message is shorter than its prefix says")
}
