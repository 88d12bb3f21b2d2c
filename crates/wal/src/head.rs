//! The head of a segment: which log, which segment, and what came before it.

use bytes::{Buf, BufMut};

use crate::{
    LogId, Position,
    record::crc32c,
    totals::{SIGNALS, Totals},
};

/// Where the first record of a segment stands.
pub(crate) const HEAD_BYTES: u64 = 4096;
/// The newest format this program reads, and the one it writes.
pub(crate) const FORMAT_VERSION: u16 = 1;

const MAGIC: &[u8; 8] = b"SPLWSEG1";
const COPY_BYTES: usize = 512;
const COPY_OFFSET: usize = 2048;

/// How a segment names the one before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Link {
    /// Generation of the segment before; 0 if there is none.
    pub(crate) generation: u64,
    /// Offset behind its last record that counts.
    pub(crate) end: u64,
}

/// The first 4096 bytes of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) flags: u16,
    pub(crate) log_id: LogId,
    pub(crate) number: u64,
    /// Random at each use of a file, so that stale bytes never match.
    pub(crate) generation: u64,
    pub(crate) base: Position,
    pub(crate) size: u64,
    pub(crate) created_unix_ns: u64,
    pub(crate) previous: Link,
    /// Everything before `base`.
    pub(crate) totals: Totals,
}

/// What the first bytes of a file turned out to be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum HeadRead {
    Intact(Box<Head>),
    Newer(u16),
    Damaged,
}

impl Head {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let copy = self.encode_copy();
        let mut out = Vec::with_capacity(HEAD_BYTES as usize);
        out.extend_from_slice(&copy);
        out.resize(COPY_OFFSET, 0);
        out.extend_from_slice(&copy);
        out.resize(HEAD_BYTES as usize, 0);
        out
    }

    fn encode_copy(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(COPY_BYTES);
        out.put_slice(MAGIC);
        out.put_u16_le(FORMAT_VERSION);
        out.put_u16_le(self.flags);
        out.put_u32_le(HEAD_BYTES as u32);
        out.put_slice(&self.log_id.0);
        out.put_u64_le(self.number);
        out.put_u64_le(self.generation);
        out.put_u64_le(self.base.0);
        out.put_u64_le(self.size);
        out.put_u64_le(self.created_unix_ns);
        out.put_u64_le(self.previous.generation);
        out.put_u64_le(self.previous.end);
        out.put_u64_le(self.totals.last_arrival_unix_ns);
        out.put_u64_le(self.totals.last_data.0);
        out.put_u64_le(self.totals.records);
        out.put_u64_le(self.totals.bytes);
        self.totals.items.iter().for_each(|items| out.put_u64_le(*items));
        out.resize(COPY_BYTES - 4, 0);
        let crc = crc32c(&[&out]);
        out.put_u32_le(crc);
        out
    }

    /// Reads either copy.
    pub(crate) fn decode(bytes: &[u8]) -> HeadRead {
        let copies =
            [0, COPY_OFFSET].map(|offset| bytes.get(offset..offset + COPY_BYTES).unwrap_or_default());
        let reads = copies.map(Self::decode_copy);
        reads.into_iter().find(|read| *read != HeadRead::Damaged).unwrap_or(HeadRead::Damaged)
    }

    /// Whether both copies are intact.
    pub(crate) fn is_whole(bytes: &[u8]) -> bool {
        [0, COPY_OFFSET].into_iter().all(|offset| {
            let copy = bytes.get(offset..offset + COPY_BYTES).unwrap_or_default();
            Self::decode_copy(copy) != HeadRead::Damaged
        })
    }

    fn decode_copy(copy: &[u8]) -> HeadRead {
        Self::decode_fields(copy).unwrap_or(HeadRead::Damaged)
    }

    fn decode_fields(copy: &[u8]) -> Option<HeadRead> {
        let (checked, mut crc) = copy.split_at_checked(COPY_BYTES - 4)?;
        let mut rest = checked.strip_prefix(MAGIC)?;
        if crc.try_get_u32_le().ok()? != crc32c(&[checked]) {
            return None;
        }
        let version = rest.try_get_u16_le().ok()?;
        if version > FORMAT_VERSION {
            return Some(HeadRead::Newer(version));
        }
        let flags = rest.try_get_u16_le().ok()?;
        let _head_bytes = rest.try_get_u32_le().ok()?;
        let mut log_id = LogId::default();
        rest.try_copy_to_slice(&mut log_id.0).ok()?;
        let mut next = || rest.try_get_u64_le().ok();
        let head = Self {
            flags,
            log_id,
            number: next()?,
            generation: next()?,
            base: Position(next()?),
            size: next()?,
            created_unix_ns: next()?,
            previous: Link { generation: next()?, end: next()? },
            totals: Totals {
                last_arrival_unix_ns: next()?,
                last_data: Position(next()?),
                records: next()?,
                bytes: next()?,
                items: read_items(next)?,
                unplaced: [0; SIGNALS],
            },
        };
        Some(HeadRead::Intact(Box::new(head)))
    }
}

fn read_items(mut next: impl FnMut() -> Option<u64>) -> Option<[u64; SIGNALS]> {
    let mut items = [0; SIGNALS];
    for item in &mut items {
        *item = next()?;
    }
    Some(items)
}

/// The file name of a segment.
pub(crate) fn file_name(number: u64) -> String {
    format!("{number:016x}.seg")
}

/// The number of the segment that has this file name.
pub(crate) fn number_of(file_name: &str) -> Option<u64> {
    let digits = file_name.strip_suffix(".seg").filter(|digits| digits.len() == 16)?;
    u64::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head() -> Head {
        Head {
            flags: 1,
            log_id: LogId([7; 16]),
            number: 3,
            generation: 99,
            base: Position(12),
            size: 1 << 20,
            created_unix_ns: 5,
            previous: Link { generation: 98, end: 8192 },
            totals: Totals {
                records: 10,
                bytes: 1000,
                items: [4, 5, 6, 0, 0, 0, 0, 1],
                unplaced: [0; SIGNALS],
                last_data: Position(11),
                last_arrival_unix_ns: 4,
            },
        }
    }

    #[test]
    fn a_head_reads_back_from_either_copy() {
        let bytes = head().encode();
        assert_eq!(bytes.len() as u64, HEAD_BYTES);
        for damaged in [None, Some(20), Some(COPY_OFFSET + 20)] {
            let mut bytes = bytes.clone();
            if let Some(at) = damaged {
                bytes[at] ^= 1;
            }
            assert_eq!(Head::decode(&bytes), HeadRead::Intact(Box::new(head())));
        }
    }

    #[test]
    fn a_head_with_both_copies_damaged_is_damaged() {
        let mut bytes = head().encode();
        bytes[20] ^= 1;
        bytes[COPY_OFFSET + 20] ^= 1;
        assert_eq!(Head::decode(&bytes), HeadRead::Damaged);
        assert_eq!(Head::decode(&[]), HeadRead::Damaged);
    }

    #[test]
    fn only_segment_names_have_a_number() {
        assert_eq!(number_of(&file_name(0xabc)), Some(0xabc));
        assert_eq!(number_of("spare-1.seg"), None);
        assert_eq!(number_of("0000000000000001.seg.tmp"), None);
    }
}
