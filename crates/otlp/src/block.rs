//! The bodies of a batch as the blocks that text points into.

use arrow_buffer::Buffer;
use bytes::Bytes;

use crate::wire::Cursor;

/// Bodies up to this size are copied into the one shared block, so that a batch of many small requests does not
/// carry as many buffers.
const SHARED_BODY_BYTES_MAX: usize = 16 * 1024;

/// Bytes that text of a batch points into.
#[derive(Debug, Clone)]
pub(crate) struct Block {
    pub(crate) buffer: Buffer,
    pub(crate) is_shared: bool,
}

/// Where the body of one request stands.
#[derive(Debug, Clone)]
pub(crate) struct Placed {
    pub(crate) block: Block,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// Places every body.
pub(crate) fn place<'a>(bodies: impl Iterator<Item = &'a Bytes> + Clone) -> Vec<Placed> {
    let is_small = |body: &&Bytes| body.len() <= SHARED_BODY_BYTES_MAX;
    let mut shared = Vec::with_capacity(bodies.clone().filter(is_small).map(Bytes::len).sum());
    bodies.clone().filter(is_small).for_each(|body| shared.extend_from_slice(body));
    let shared = Block { buffer: Buffer::from_vec(shared), is_shared: true };

    let mut start = 0;
    bodies
        .map(|body| {
            if body.len() > SHARED_BODY_BYTES_MAX {
                let block = Block { buffer: Buffer::from(body.clone()), is_shared: false };
                return Placed { block, start: 0, end: body.len() };
            }
            let end = start + body.len();
            Placed { block: shared.clone(), start: std::mem::replace(&mut start, end), end }
        })
        .collect()
}

impl Block {
    /// A block for bytes that stand nowhere in one piece.
    pub(crate) fn own(bytes: Vec<u8>) -> Self {
        Self { buffer: Buffer::from_vec(bytes), is_shared: false }
    }
}

impl Placed {
    pub(crate) fn fields(&self) -> Cursor<'_> {
        Cursor::within(&self.block.buffer, self.start, self.end)
    }
}
