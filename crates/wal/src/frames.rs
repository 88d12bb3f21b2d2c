//! Records laid out for one vectored write, large bodies where they are.

use std::{io::IoSlice, ops::Range};

use bytes::Bytes;

use crate::record::{ALIGNMENT, Header};

/// Bodies up to this size are copied: one slice costs more than they do.
const COPIED_BYTES_MAX: usize = 4096;

/// Bytes to be written one after the other.
#[derive(Default)]
pub(crate) struct Frames {
    copied: Vec<u8>,
    pieces: Vec<Piece>,
    offset: u64,
    bytes: u64,
}

enum Piece {
    Copied(Range<usize>),
    Body(Bytes),
}

impl Frames {
    /// Nothing yet, to be written at `offset` of a file.
    pub(crate) fn at(offset: u64) -> Self {
        Self { offset, ..Self::default() }
    }

    /// Makes room for records with so many bytes, of which only small bodies are copied.
    pub(crate) fn reserve(&mut self, record_bytes: impl Iterator<Item = u64>) {
        let copied: u64 = record_bytes.map(|bytes| bytes.min(COPIED_BYTES_MAX as u64)).sum();
        self.copied.reserve(usize::try_from(copied).unwrap_or_default());
    }

    pub(crate) fn push(&mut self, header: &Header, meta: &[u8], payload: &Bytes, parity: &Bytes) {
        let offset = self.offset + self.bytes;
        let start = self.copied.len();
        header.encode(offset, &mut self.copied);
        self.copied.extend_from_slice(meta);
        if payload.len() <= COPIED_BYTES_MAX {
            self.copied.extend_from_slice(payload);
            self.push_end(header, parity, offset, start);
        } else {
            self.push_copied(start);
            self.pieces.push(Piece::Body(payload.clone()));
            self.push_end(header, parity, offset, self.copied.len());
        }
        self.bytes += header.record_bytes();
    }

    /// Parity, padding and trailer; `start` is where the copied bytes since the last piece begin.
    fn push_end(&mut self, header: &Header, parity: &Bytes, offset: u64, start: usize) {
        self.copied.extend_from_slice(parity);
        let content: u64 =
            [header.meta_bytes, header.payload_bytes, header.parity_bytes].map(u64::from).iter().sum();
        let padding = content.next_multiple_of(ALIGNMENT) - content;
        self.copied.resize(self.copied.len() + padding as usize, 0);
        header.encode_trailer(offset, &mut self.copied);
        self.push_copied(start);
    }

    pub(crate) fn push_bytes(&mut self, bytes: &[u8]) {
        let start = self.copied.len();
        self.copied.extend_from_slice(bytes);
        self.push_copied(start);
        self.bytes += bytes.len() as u64;
    }

    fn push_copied(&mut self, start: usize) {
        match self.pieces.last_mut() {
            Some(Piece::Copied(range)) if range.end == start => range.end = self.copied.len(),
            _ => self.pieces.push(Piece::Copied(start..self.copied.len())),
        }
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn slices(&self) -> Vec<IoSlice<'_>> {
        self.pieces.iter().map(|piece| IoSlice::new(self.bytes_of(piece))).collect()
    }

    fn bytes_of<'a>(&'a self, piece: &'a Piece) -> &'a [u8] {
        match piece {
            Piece::Copied(range) => self.copied.get(range.clone()).unwrap_or_default(),
            Piece::Body(body) => body,
        }
    }
}
