//! Encoded bytes as they come: nothing that is written is ever moved to a larger buffer.

use std::io::{self, Write};
use std::mem;

use bytes::Bytes;
use xxhash_rust::xxh3::Xxh3;

use crate::checksum;

/// The size of a piece. What comes in one write stays in one piece.
const PIECE_BYTES: usize = 256 << 10;

/// Bytes in pieces.
#[derive(Default)]
pub(crate) struct Pieces {
    full: Vec<Bytes>,
    open: Vec<u8>,
    /// How many of the pieces are hashed already.
    hashed: usize,
    hasher: Xxh3,
}

impl Pieces {
    /// Ends a piece here. What follows stays together when it is [sealed](Self::seal), and is not to be large.
    pub(crate) fn begin_footer(&mut self) {
        self.end_piece();
        self.full.iter().for_each(|piece| self.hasher.update(piece));
        self.hashed = self.full.len();
    }

    /// All pieces, with the checksum of all of them in the place that was left for it in what was written since
    /// [`Self::begin_footer`].
    pub(crate) fn seal(mut self) -> Vec<Bytes> {
        self.end_piece();
        let mut footer = self.full.split_off(self.hashed).concat();
        self.hasher.update(&footer);
        checksum::fill_in(&mut footer, self.hasher.digest128());
        self.full.push(footer.into());
        self.full
    }

    fn end_piece(&mut self) {
        let mut piece = mem::take(&mut self.open);
        if !piece.is_empty() {
            piece.shrink_to_fit();
            self.full.push(piece.into());
        }
    }
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.open.capacity() - self.open.len() < bytes.len() {
            self.end_piece();
            self.open.reserve_exact(bytes.len().max(PIECE_BYTES));
        }
        self.open.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_comes_out_in_order() {
        let mut pieces = Pieces::default();
        let writes = [vec![1; 10], vec![2; PIECE_BYTES], vec![3; PIECE_BYTES - 10], vec![4; 20]];
        for write in &writes {
            pieces.write_all(write).unwrap();
        }
        pieces.begin_footer();
        pieces.write_all(b"footer").unwrap();
        let pieces = pieces.seal();
        assert_eq!(pieces.concat(), [writes.concat(), b"footer".to_vec()].concat());
        assert_eq!(pieces.len(), 5);
    }
}
