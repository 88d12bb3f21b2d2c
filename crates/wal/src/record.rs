//! The bytes of one record: header, meta, payload, parity, trailer.

use std::sync::Arc;

use bytes::{Buf, BufMut, Bytes};
use spanledger_faults::Fault;
use xxhash_rust::xxh3::xxh3_128;

use crate::{Position, parity};

/// Bytes of a header, and of a trailer.
pub(crate) const HEADER_BYTES: usize = 80;
/// Records begin and end at multiples of this.
pub(crate) const ALIGNMENT: u64 = 8;

const MAGIC: u32 = 0x5245_4c53; // "SLER" on disk
const VERSION: u8 = 1;
const CHECKED_BYTES: usize = HEADER_BYTES - 4;

/// Parity follows the payload.
pub(crate) const FLAG_PARITY: u8 = 1;
/// The checksums of header and trailer include the record's offset, so that it counts nowhere else.
pub(crate) const FLAG_PLACED: u8 = 8;

/// What a record holds. Only data and control records have a position of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    Data = 1,
    Control = 2,
    Snapshot = 3,
    Seal = 4,
    /// Says what is durable by now, and nothing else.
    Mark = 5,
}

impl Kind {
    fn from_byte(byte: u8) -> Option<Self> {
        let kinds = [Self::Data, Self::Control, Self::Snapshot, Self::Seal, Self::Mark];
        kinds.into_iter().find(|kind| *kind as u8 == byte)
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
    /// Adds the header of a record that stands at `offset` in its file.
    pub(crate) fn encode(&self, offset: u64, out: &mut Vec<u8>) {
        self.encode_with(MAGIC, offset, out);
    }

    /// Adds the trailer of a record that begins at `offset`.
    pub(crate) fn encode_trailer(&self, offset: u64, out: &mut Vec<u8>) {
        self.encode_with(!MAGIC, offset, out);
    }

    fn encode_with(&self, magic: u32, offset: u64, out: &mut Vec<u8>) {
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
        let crc = self.crc(out.get(start..).unwrap_or_default(), offset);
        out.put_u32_le(crc);
    }

    fn crc(&self, checked: &[u8], offset: u64) -> u32 {
        let is_placed = self.flags & FLAG_PLACED != 0;
        let place = offset.to_le_bytes();
        crc32c(&[checked, if is_placed { &place } else { &[] }])
    }

    /// The header in `bytes`, which stand at `offset`, if it is intact and belongs there.
    pub(crate) fn decode(bytes: &[u8], offset: u64) -> Option<Self> {
        let (header, crc) = Self::decode_fields(MAGIC, bytes)?;
        (header.crc(bytes.get(..CHECKED_BYTES)?, offset) == crc).then_some(header)
    }

    /// The trailer in `bytes`, which stand at `offset`, if it is intact and belongs there; and where its record begins.
    pub(crate) fn decode_trailer(bytes: &[u8], offset: u64) -> Option<(Self, u64)> {
        let (header, crc) = Self::decode_fields(!MAGIC, bytes)?;
        let start = (offset + HEADER_BYTES as u64).checked_sub(header.record_bytes())?;
        (header.crc(bytes.get(..CHECKED_BYTES)?, start) == crc).then_some((header, start))
    }

    fn decode_fields(magic: u32, bytes: &[u8]) -> Option<(Self, u32)> {
        let mut rest = bytes.get(..HEADER_BYTES)?;
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
        let crc = rest.try_get_u32_le().ok()?;
        (version == VERSION).then_some((header, crc))
    }

    /// Bytes of the whole record on disk.
    pub(crate) fn record_bytes(&self) -> u64 {
        record_bytes([self.meta_bytes, self.payload_bytes, self.parity_bytes].map(u64::from).iter().sum())
    }

    /// Meta and payload of the whole record in `record`, which stands at `offset`; repaired if need be and if it can.
    pub(crate) fn content(&self, record: &Bytes, offset: u64) -> Option<Content> {
        let content_bytes = (self.meta_bytes as usize).checked_add(self.payload_bytes as usize)?;
        let parity_start = HEADER_BYTES.checked_add(content_bytes)?;
        let parity_end = parity_start.checked_add(self.parity_bytes as usize)?;
        if parity_end > record.len() {
            return None;
        }
        let content = record.slice(HEADER_BYTES..parity_start);
        if crc32c(&[&content]) == self.payload_crc || Fault::ChecksumIgnored.is_planted() {
            return Some(self.split(content, false));
        }
        let parity = record.slice(parity_start..parity_end);
        let content = parity::repair(&content, &parity, offset + HEADER_BYTES as u64)?;
        let repaired = self.split(content, true);
        let is_right = crc32c(&[&repaired.meta, &repaired.payload]) == self.payload_crc;
        (is_right && xxh3_128(&repaired.payload) == self.body_hash).then_some(repaired)
    }

    /// What of the redundancy of the whole record in `record`, which stands at `offset`, is damaged.
    pub(crate) fn weakness(&self, record: &[u8], offset: u64) -> Option<&'static str> {
        let (rest, trailer) = record.split_at_checked(record.len().checked_sub(HEADER_BYTES)?)?;
        if Self::decode_trailer(trailer, offset + rest.len() as u64) != Some((*self, offset)) {
            return Some("trailer");
        }
        let content_bytes = self.meta_bytes as usize + self.payload_bytes as usize;
        let (content, parity) = rest.get(HEADER_BYTES..)?.split_at_checked(content_bytes)?;
        let parity = parity.get(..self.parity_bytes as usize)?;
        (!parity.is_empty() && !parity::is_intact(content, parity)).then_some("parity")
    }

    fn split(&self, mut content: Bytes, is_repaired: bool) -> Content {
        let payload = content.split_off((self.meta_bytes as usize).min(content.len()));
        Content { meta: content, payload, is_repaired }
    }
}

/// What stands between header and trailer.
pub(crate) struct Content {
    pub(crate) meta: Bytes,
    pub(crate) payload: Bytes,
    pub(crate) is_repaired: bool,
}

/// Bytes on disk of a record with this much between header and trailer.
pub(crate) fn record_bytes(content_bytes: u64) -> u64 {
    2 * HEADER_BYTES as u64 + content_bytes.next_multiple_of(ALIGNMENT)
}

/// CRC-32C of the parts one after the other.
pub(crate) fn crc32c(parts: &[&[u8]]) -> u32 {
    match parts {
        [part] | [part, []] | [[], part] => crc_fast::crc32_iscsi(part),
        _ => {
            let mut digest = crc_fast::Digest::new(crc_fast::CrcAlgorithm::Crc32Iscsi);
            parts.iter().for_each(|part| digest.update(part));
            digest.finalize() as u32
        }
    }
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
        header().encode(4096, &mut bytes);
        assert_eq!(bytes.len(), HEADER_BYTES);
        assert_eq!(Header::decode(&bytes, 4096), Some(header()));
        assert_eq!(Header::decode_trailer(&bytes, 4096), None);
    }

    #[test]
    fn a_header_and_a_trailer_count_only_where_they_were_written() {
        let placed = Header { flags: FLAG_PLACED, ..header() };
        let (mut bytes, mut trailer) = (Vec::new(), Vec::new());
        placed.encode(4096, &mut bytes);
        placed.encode_trailer(4096, &mut trailer);
        let at = 4096 + placed.record_bytes() - HEADER_BYTES as u64;
        assert_eq!(Header::decode(&bytes, 4096), Some(placed));
        assert_eq!(Header::decode(&bytes, 8192), None);
        assert_eq!(Header::decode_trailer(&trailer, at), Some((placed, 4096)));
        assert_eq!(Header::decode_trailer(&trailer, at + 8), None);
    }

    #[test]
    fn a_header_without_a_place_is_read_anywhere() {
        let mut bytes = Vec::new();
        header().encode(4096, &mut bytes);
        assert_eq!(Header::decode(&bytes, 0), Some(header()));
    }

    #[test]
    fn a_flipped_bit_anywhere_makes_a_header_invalid() {
        let mut bytes = Vec::new();
        header().encode(0, &mut bytes);
        for bit in 0..HEADER_BYTES * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Header::decode(&damaged, 0), None, "bit {bit}");
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
