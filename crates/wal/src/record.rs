//! The bytes of one record: header, meta, payload, trailer.

use std::sync::Arc;

use bytes::{Buf, BufMut};

use crate::Position;

/// Bytes of a header, and of a trailer.
pub(crate) const HEADER_BYTES: usize = 80;
/// Records begin and end at multiples of this.
pub(crate) const ALIGNMENT: u64 = 8;

const MAGIC: u32 = 0x5245_4c53; // "SLER" on disk
const VERSION: u8 = 1;
const CHECKED_BYTES: usize = HEADER_BYTES - 4;

/// What a record holds. Only data and control records have a position of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    Data = 1,
    Control = 2,
    Snapshot = 3,
    Seal = 4,
}

impl Kind {
    fn from_byte(byte: u8) -> Option<Self> {
        [Self::Data, Self::Control, Self::Snapshot, Self::Seal].into_iter().find(|kind| *kind as u8 == byte)
    }
}

/// The first 80 bytes of a record, and with the magic inverted the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) kind: Kind,
    pub(crate) flags: u8,
    pub(crate) signal: u8,
    pub(crate) generation: u64,
    pub(crate) position: Position,
    /// The highest position whose fsync had returned when this was written.
    pub(crate) durable: Position,
    pub(crate) arrival_unix_ns: u64,
    pub(crate) body_hash: u128,
    pub(crate) meta_bytes: u32,
    pub(crate) payload_bytes: u32,
    pub(crate) payload_crc: u32,
    pub(crate) parity_bytes: u32,
    pub(crate) items: u32,
}

impl Header {
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        self.encode_with(MAGIC, out);
    }

    pub(crate) fn encode_trailer(&self, out: &mut Vec<u8>) {
        self.encode_with(!MAGIC, out);
    }

    fn encode_with(&self, magic: u32, out: &mut Vec<u8>) {
        let start = out.len();
        out.put_u32_le(magic);
        out.put_u8(self.kind as u8);
        out.put_u8(VERSION);
        out.put_u8(self.flags);
        out.put_u8(self.signal);
        out.put_u64_le(self.generation);
        out.put_u64_le(self.position.0);
        out.put_u64_le(self.durable.0);
        out.put_u64_le(self.arrival_unix_ns);
        out.put_u128_le(self.body_hash);
        out.put_u32_le(self.meta_bytes);
        out.put_u32_le(self.payload_bytes);
        out.put_u32_le(self.payload_crc);
        out.put_u32_le(self.parity_bytes);
        out.put_u32_le(self.items);
        let crc = crc32c(&[out.get(start..).unwrap_or_default()]);
        out.put_u32_le(crc);
    }

    /// The header at the start of `bytes`, if an intact one stands there.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        Self::decode_with(MAGIC, bytes)
    }

    /// The trailer at the start of `bytes`, if an intact one stands there.
    pub(crate) fn decode_trailer(bytes: &[u8]) -> Option<Self> {
        Self::decode_with(!MAGIC, bytes)
    }

    fn decode_with(magic: u32, bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes.get(..HEADER_BYTES)?;
        let checked = bytes.get(..CHECKED_BYTES)?;
        if rest.try_get_u32_le().ok()? != magic {
            return None;
        }
        let kind = rest.try_get_u8().ok()?;
        let version = rest.try_get_u8().ok()?;
        let flags = rest.try_get_u8().ok()?;
        let signal = rest.try_get_u8().ok()?;
        let header = Self {
            kind: Kind::from_byte(kind)?,
            flags,
            signal,
            generation: rest.try_get_u64_le().ok()?,
            position: Position(rest.try_get_u64_le().ok()?),
            durable: Position(rest.try_get_u64_le().ok()?),
            arrival_unix_ns: rest.try_get_u64_le().ok()?,
            body_hash: rest.try_get_u128_le().ok()?,
            meta_bytes: rest.try_get_u32_le().ok()?,
            payload_bytes: rest.try_get_u32_le().ok()?,
            payload_crc: rest.try_get_u32_le().ok()?,
            parity_bytes: rest.try_get_u32_le().ok()?,
            items: rest.try_get_u32_le().ok()?,
        };
        let intact = version == VERSION && rest.try_get_u32_le().ok()? == crc32c(&[checked]);
        intact.then_some(header)
    }

    /// Bytes of the whole record on disk.
    pub(crate) fn record_bytes(&self) -> u64 {
        record_bytes(self.meta_bytes, u64::from(self.payload_bytes) + u64::from(self.parity_bytes))
    }
}

/// Bytes on disk of a record with this much meta and payload.
pub(crate) fn record_bytes(meta_bytes: u32, payload_bytes: u64) -> u64 {
    let content = (u64::from(meta_bytes) + payload_bytes).next_multiple_of(ALIGNMENT);
    2 * HEADER_BYTES as u64 + content
}

/// CRC-32C of the parts one after the other.
pub(crate) fn crc32c(parts: &[&[u8]]) -> u32 {
    let mut digest = crc_fast::Digest::new(crc_fast::CrcAlgorithm::Crc32Iscsi);
    parts.iter().for_each(|part| digest.update(part));
    digest.finalize() as u32
}

/// What a data record says about its body, beside the header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Meta {
    pub(crate) receiver: Arc<str>,
    pub(crate) rejected: Arc<[u32]>,
}

impl Meta {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(8 + self.receiver.len() + 4 * self.rejected.len());
        out.put_u32_le(self.receiver.len() as u32);
        out.put_u32_le(self.rejected.len() as u32);
        out.put_slice(self.receiver.as_bytes());
        self.rejected.iter().for_each(|index| out.put_u32_le(*index));
        out
    }

    pub(crate) fn decode(mut bytes: &[u8]) -> Option<Self> {
        let receiver_bytes = bytes.try_get_u32_le().ok()? as usize;
        let rejected_count = bytes.try_get_u32_le().ok()? as usize;
        let (receiver, rest) = bytes.split_at_checked(receiver_bytes)?;
        let rejected = rest.get(..rejected_count.checked_mul(4)?)?;
        let rejected = rejected.chunks_exact(4).filter_map(|mut index| index.try_get_u32_le().ok());
        Some(Self { receiver: Arc::from(std::str::from_utf8(receiver).ok()?), rejected: rejected.collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        Header {
            kind: Kind::Data,
            flags: 2,
            signal: 1,
            generation: 7,
            position: Position(9),
            durable: Position(8),
            arrival_unix_ns: 1_700_000_000_000_000_000,
            body_hash: u128::MAX - 5,
            meta_bytes: 3,
            payload_bytes: 10,
            payload_crc: 0xdead_beef,
            parity_bytes: 0,
            items: 4,
        }
    }

    #[test]
    fn a_header_is_eighty_bytes_and_reads_back() {
        let mut bytes = Vec::new();
        header().encode(&mut bytes);
        assert_eq!(bytes.len(), HEADER_BYTES);
        assert_eq!(Header::decode(&bytes), Some(header()));
        assert_eq!(Header::decode_trailer(&bytes), None);
    }

    #[test]
    fn a_flipped_bit_anywhere_makes_a_header_invalid() {
        let mut bytes = Vec::new();
        header().encode(&mut bytes);
        for bit in 0..HEADER_BYTES * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Header::decode(&damaged), None, "bit {bit}");
        }
    }

    #[test]
    fn the_checksum_is_the_published_crc_32c() {
        assert_eq!(crc32c(&[b"1234", b"56789"]), 0xe306_9283);
    }

    #[test]
    fn meta_reads_back_and_refuses_lengths_beyond_its_end() {
        let meta = Meta { receiver: "otlp/a".into(), rejected: [3, 9].into() };
        let bytes = meta.encode();
        assert_eq!(Meta::decode(&bytes), Some(meta));
        assert_eq!(Meta::decode(&bytes[..bytes.len() - 1]), None);
        assert_eq!(Meta::decode(&[0xff; 12]), None);
    }
}
