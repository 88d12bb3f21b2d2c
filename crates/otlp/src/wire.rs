//! Reading the protobuf wire format: a cursor over bytes that remembers where in the body it stands.

use crate::block::{Block, Placed};
use crate::error::{Fault, Reason};
use crate::fields::DEPTH_MAX;

/// A place in a body from which fields are read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cursor<'a> {
    /// The whole body up to the end of the message that is read, so that places count from the body's first byte.
    bytes: &'a [u8],
    place: usize,
}

/// Bytes of a field, and where in the body they start.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Slice<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) offset: usize,
}

/// A field's number and how its value is written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key {
    pub(crate) number: u32,
    pub(crate) wire: Wire,
}

/// How a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wire {
    Varint,
    Eight,
    Length,
    GroupStart,
    GroupEnd,
    Four,
}

/// The value of a field as it stands on the wire.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Raw<'a> {
    /// A varint, or four or eight little-endian bytes.
    Number(u64),
    /// What has a length.
    Bytes(Slice<'a>),
    /// A group: deprecated, and in no message of OTLP.
    Group,
}

impl<'a> Cursor<'a> {
    /// Reads `bytes` from their start.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, place: 0 }
    }

    /// Reads `bytes` from `start` up to `end`.
    pub(crate) fn within(bytes: &'a [u8], start: usize, end: usize) -> Self {
        Self { bytes: bytes.get(..end).unwrap_or(bytes), place: start }
    }

    /// A cursor over the fields of a message that this cursor has just read.
    #[inline]
    pub(crate) fn inside(&self, message: Slice<'a>) -> Self {
        Self::within(self.bytes, message.offset, message.offset + message.bytes.len())
    }

    pub(crate) fn place(&self) -> usize {
        self.place
    }

    #[inline]
    pub(crate) fn is_done(&self) -> bool {
        self.place >= self.bytes.len()
    }

    /// What has not been read.
    pub(crate) fn rest(&self) -> Slice<'a> {
        Slice { bytes: self.bytes.get(self.place..).unwrap_or_default(), offset: self.place }
    }

    #[inline]
    pub(crate) fn key(&mut self) -> Result<Key, Fault> {
        let start = self.place;
        let key = match self.bytes.get(start) {
            Some(&byte @ ..0x80) => {
                self.place += 1;
                u32::from(byte)
            }
            _ => self.long_key()?,
        };
        let wire = match key & 7 {
            0 => Wire::Varint,
            1 => Wire::Eight,
            2 => Wire::Length,
            3 => Wire::GroupStart,
            4 => Wire::GroupEnd,
            5 => Wire::Four,
            _ => return Err(Fault { offset: start, reason: Reason::Key }),
        };
        let number = key >> 3;
        if number == 0 {
            return Err(Fault { offset: start, reason: Reason::Key });
        }
        Ok(Key { number, wire })
    }

    fn long_key(&mut self) -> Result<u32, Fault> {
        let start = self.place;
        u32::try_from(self.long_varint()?).map_err(|_| Fault { offset: start, reason: Reason::Key })
    }

    #[inline]
    pub(crate) fn varint(&mut self) -> Result<u64, Fault> {
        match self.bytes.get(self.place) {
            Some(&byte) if byte < 0x80 => {
                self.place += 1;
                Ok(u64::from(byte))
            }
            _ => self.long_varint(),
        }
    }

    fn long_varint(&mut self) -> Result<u64, Fault> {
        let start = self.place;
        let mut value = 0;
        for (count, &byte) in self.bytes.get(start..).unwrap_or_default().iter().take(10).enumerate() {
            value |= u64::from(byte & 0x7f) << (count * 7);
            if byte < 0x80 {
                // The tenth byte has room for one bit.
                if count == 9 && byte > 1 {
                    break;
                }
                self.place = start + count + 1;
                return Ok(value);
            }
        }
        Err(Fault { offset: start, reason: Reason::Varint })
    }

    /// The next `length` bytes.
    #[inline]
    pub(crate) fn take(&mut self, length: u64) -> Result<Slice<'a>, Fault> {
        let offset = self.place;
        let end = usize::try_from(length).ok().and_then(|length| offset.checked_add(length));
        let bytes = end.and_then(|end| self.bytes.get(offset..end));
        let bytes = bytes.ok_or(Fault { offset, reason: Reason::Truncated })?;
        self.place += bytes.len();
        Ok(Slice { bytes, offset })
    }

    /// The bytes of a field that has a length.
    #[inline]
    pub(crate) fn slice(&mut self) -> Result<Slice<'a>, Fault> {
        let length = self.varint()?;
        self.take(length)
    }

    /// The bytes of the field whose key on the wire is `key`, if it follows and its length takes at most two bytes.
    #[inline(always)]
    pub(crate) fn slice_of(&mut self, key: u8) -> Option<Slice<'a>> {
        let (bytes, after) = split(self.bytes.get(self.place..)?, key)?;
        self.place = self.bytes.len() - after.len();
        Some(Slice { bytes, offset: self.place - bytes.len() })
    }

    #[inline]
    pub(crate) fn eight(&mut self) -> Result<u64, Fault> {
        let slice = self.take(8)?;
        slice
            .bytes
            .first_chunk()
            .map(|bytes| u64::from_le_bytes(*bytes))
            .ok_or(slice.fault(Reason::Truncated))
    }

    #[inline]
    pub(crate) fn four(&mut self) -> Result<u64, Fault> {
        let slice = self.take(4)?;
        let value = slice.bytes.first_chunk().map(|bytes| u64::from(u32::from_le_bytes(*bytes)));
        value.ok_or(slice.fault(Reason::Truncated))
    }

    /// The value that follows `key`, whatever the field means. `depth` is how many more levels of groups may open.
    #[inline(always)]
    pub(crate) fn value(&mut self, key: Key, depth: u32) -> Result<Raw<'a>, Fault> {
        match key.wire {
            Wire::Varint => self.varint().map(Raw::Number),
            Wire::Eight => self.eight().map(Raw::Number),
            Wire::Four => self.four().map(Raw::Number),
            Wire::Length => self.slice().map(Raw::Bytes),
            Wire::GroupStart => self.skip_group(key.number, depth).map(|()| Raw::Group),
            Wire::GroupEnd => Err(self.fault(Reason::GroupEnd)),
        }
    }

    fn skip_group(&mut self, number: u32, depth: u32) -> Result<(), Fault> {
        let inner = depth.checked_sub(1).ok_or(self.fault(Reason::Depth))?;
        loop {
            let key = self.key()?;
            if key.wire == Wire::GroupEnd {
                let matches = key.number == number;
                return if matches { Ok(()) } else { Err(self.fault(Reason::GroupEnd)) };
            }
            if inner == 0 {
                return Err(self.fault(Reason::Depth));
            }
            self.value(key, inner)?;
        }
    }

    /// The bytes between this cursor and a later one over the same message.
    pub(crate) fn until(&self, later: &Self) -> Slice<'a> {
        Slice { bytes: self.bytes.get(self.place..later.place).unwrap_or_default(), offset: self.place }
    }

    /// Calls `visit` with each message that stands in field `number`.
    pub(crate) fn each(
        mut self,
        number: u32,
        mut visit: impl FnMut(Self) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        while !self.is_done() {
            let key = self.key()?;
            if let (true, Raw::Bytes(slice)) = (key.number == number, self.value(key, DEPTH_MAX)?) {
                visit(self.inside(slice))?;
            }
        }
        Ok(())
    }

    pub(crate) fn fault(&self, reason: Reason) -> Fault {
        Fault { offset: self.place, reason }
    }
}

/// The bytes of a field whose key and length are at the front, and what follows it; `None` when another field is
/// there, or a length of more than two bytes.
#[inline(always)]
pub(crate) fn split(bytes: &[u8], key: u8) -> Option<(&[u8], &[u8])> {
    match bytes {
        [first, length @ ..0x80, rest @ ..] if *first == key => rest.split_at_checked(usize::from(*length)),
        [first, low, high @ ..0x80, rest @ ..] if *first == key => {
            rest.split_at_checked(usize::from(*low & 0x7f) | usize::from(*high) << 7)
        }
        _ => None,
    }
}

/// A field that holds a message: protobuf merges its fragments when it is repeated, which is to join their bytes.
#[derive(Debug, Default)]
pub(crate) enum Merged<'a> {
    #[default]
    Absent,
    Whole(Slice<'a>),
    Joined(Vec<u8>),
}

impl<'a> Merged<'a> {
    pub(crate) fn add(&mut self, fragment: Slice<'a>) {
        if fragment.bytes.is_empty() && !matches!(self, Self::Absent) {
            return;
        }
        *self = match std::mem::take(self) {
            Self::Absent => Self::Whole(fragment),
            Self::Whole(first) => Self::Joined([first.bytes, fragment.bytes].concat()),
            Self::Joined(mut bytes) => {
                bytes.extend_from_slice(fragment.bytes);
                Self::Joined(bytes)
            }
        };
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::Absent => &[],
            Self::Whole(slice) => slice.bytes,
            Self::Joined(bytes) => bytes,
        }
    }

    /// Where the bytes stand: in `block`, or when they were joined in one of their own.
    pub(crate) fn placed(self, block: &Block) -> Placed {
        match self {
            Self::Absent => Placed { block: block.clone(), start: 0, end: 0 },
            Self::Whole(slice) => {
                let end = slice.offset + slice.bytes.len();
                Placed { block: block.clone(), start: slice.offset, end }
            }
            Self::Joined(bytes) => {
                let end = bytes.len();
                Placed { block: Block::own(bytes), start: 0, end }
            }
        }
    }
}

impl Slice<'_> {
    pub(crate) fn fault(&self, reason: Reason) -> Fault {
        Fault { offset: self.offset, reason }
    }
}
