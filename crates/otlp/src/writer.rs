//! Writing the protobuf wire format: messages within messages, whose lengths are known only when they end.

use crate::wire::Wire;

/// Protobuf under construction.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    bytes: Vec<u8>,
    /// Where each open message starts.
    open: Vec<usize>,
}

impl Writer {
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// How many messages are open.
    pub(crate) fn depth(&self) -> usize {
        self.open.len()
    }

    /// Begins the message of field `number`.
    pub(crate) fn open(&mut self, number: u32) {
        self.key(number, Wire::Length);
        self.bytes.push(0);
        self.open.push(self.bytes.len());
    }

    /// Ends the message that was opened last, whose length becomes known.
    pub(crate) fn close(&mut self) {
        let Some(start) = self.open.pop() else { return };
        let mut length = Self::default();
        length.varint((self.bytes.len() - start) as u64);
        // One byte was kept for it, which is enough for most messages.
        self.bytes.splice(start - 1..start, length.bytes);
    }

    pub(crate) fn key(&mut self, number: u32, wire: Wire) {
        self.varint(u64::from(number << 3 | wire as u32));
    }

    pub(crate) fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }

    /// A field of text or bytes.
    pub(crate) fn bytes(&mut self, number: u32, value: &[u8]) {
        self.key(number, Wire::Length);
        self.varint(value.len() as u64);
        self.raw(value);
    }

    /// Bytes that are wire format already.
    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Takes back what was written between two lengths, within the message that is open.
    pub(crate) fn remove(&mut self, start: usize, end: usize) {
        self.bytes.drain(start..end.min(self.bytes.len()));
    }
}
