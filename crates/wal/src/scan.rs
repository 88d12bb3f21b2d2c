//! Walks the records of a segment in order, past whatever is damaged.

use std::io;

use bytes::Bytes;

use crate::{
    Position,
    disk::DiskFile,
    record::{ALIGNMENT, Content, HEADER_BYTES, Header, Kind},
};

/// A record that takes such a part of what is read at a time is a large one.
const LARGE_SHARE: usize = 4;

/// An intact record, or one that was repaired.
pub(crate) struct Raw {
    pub(crate) header: Header,
    pub(crate) offset: u64,
    pub(crate) meta: Bytes,
    pub(crate) payload: Bytes,
    /// What was damaged on disk; what is here is as it was written.
    pub(crate) repaired: Option<&'static str>,
    /// What of its redundancy is damaged on disk, if that was asked for.
    pub(crate) weakened: Option<&'static str>,
}

impl Raw {
    pub(crate) fn end(&self) -> u64 {
        self.offset + self.header.record_bytes()
    }
}

/// Bytes that hold no intact record.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Damage {
    pub(crate) offset: u64,
    pub(crate) length: u64,
    /// The first position that may be lost.
    pub(crate) first: Position,
    /// The last one; `None` if nothing intact follows.
    pub(crate) last: Option<Position>,
    /// The header of the record, if that is intact.
    pub(crate) header: Option<Header>,
    pub(crate) reason: &'static str,
}

impl Damage {
    /// Everything from a position on is gone with its file.
    pub(crate) fn of_missing_file(first: Position) -> Self {
        let reason = "file of the segment is missing";
        Self { offset: 0, length: 0, first, last: None, header: None, reason }
    }

    /// The header of the data record that stood here, if that is known.
    pub(crate) fn data_header(&self) -> Option<&Header> {
        self.header.as_ref().filter(|header| header.kind == Kind::Data)
    }

    /// The header of the seal that stood here, if that is known.
    pub(crate) fn seal_header(&self) -> Option<&Header> {
        self.header.as_ref().filter(|header| header.kind == Kind::Seal)
    }
}

pub(crate) enum Step {
    Record(Raw),
    Damage(Damage),
}

pub(crate) struct Scan<'a> {
    window: Window<'a>,
    generation: Option<u64>,
    offset: u64,
    end: u64,
    /// Bytes that the file should have behind `end`.
    missing: u64,
    expected: Position,
    is_thorough: bool,
}

impl<'a> Scan<'a> {
    /// Walks from `offset` to `end`, or to the end of the file if that is less, reading `chunk_bytes` at a time.
    /// Without a `generation`, that of the first record found counts.
    pub(crate) fn new(
        file: &'a dyn DiskFile,
        generation: impl Into<Option<u64>>,
        (offset, end): (u64, u64),
        expected: Position,
        chunk_bytes: usize,
    ) -> io::Result<Self> {
        let length = file.length()?;
        let missing = if end == u64::MAX { 0 } else { end.saturating_sub(length) };
        let end = end.min(length);
        let window = Window { file, start: 0, bytes: Bytes::new(), end, chunk_bytes };
        Ok(Self { window, generation: generation.into(), offset, end, missing, expected, is_thorough: false })
    }

    /// Looks at trailers and parity, too, though they are not needed.
    pub(crate) fn check_redundancy(&mut self) {
        self.is_thorough = true;
    }

    /// Where the next record should stand, and the position it should have at least.
    pub(crate) fn place(&self) -> (u64, Position) {
        (self.offset, self.expected)
    }

    /// The next record or damaged place; `None` at the end.
    pub(crate) fn next(&mut self) -> io::Result<Option<Step>> {
        if self.offset >= self.end {
            return if self.missing > 0 {
                self.give_up("file of the segment is too short").map(Some)
            } else {
                Ok(None)
            };
        }
        match self.header_at(self.offset)? {
            Some(header) => self.step_over(header, None).map(Some),
            None => self.resync(),
        }
    }

    fn header_at(&mut self, offset: u64) -> io::Result<Option<Header>> {
        let bytes = self.window.get(offset, HEADER_BYTES as u64)?;
        Ok(Header::decode(&bytes, offset).filter(|header| self.belongs(header, offset)))
    }

    fn belongs(&self, header: &Header, offset: u64) -> bool {
        let end = offset.checked_add(header.record_bytes());
        self.is_in_order(header) && end.is_some_and(|end| end <= self.end)
    }

    fn is_in_order(&self, header: &Header) -> bool {
        let is_of_this_use = self.generation.is_none_or(|generation| generation == header.generation);
        let is_in_order = match header.kind {
            Kind::Data | Kind::Control => header.position >= self.expected,
            Kind::Snapshot | Kind::Seal | Kind::Mark => true,
        };
        is_of_this_use && is_in_order
    }

    /// Nothing can be read up to the end, but for the header of a record that reaches beyond it.
    fn give_up(&mut self, reason: &'static str) -> io::Result<Step> {
        let (offset, first) = (self.offset, self.expected);
        let bytes = self.window.get(offset, HEADER_BYTES as u64)?;
        let header = Header::decode(&bytes, offset).filter(|header| self.is_in_order(header));
        let length = self.end.saturating_sub(offset) + std::mem::take(&mut self.missing);
        self.offset = self.end;
        Ok(Step::Damage(Damage { offset, length, first, last: None, header, reason }))
    }

    /// Goes on behind the record that `header` describes, whether or not its content is intact.
    fn step_over(&mut self, header: Header, repaired: Option<&'static str>) -> io::Result<Step> {
        let offset = self.offset;
        let bytes = self.window.get(offset, header.record_bytes())?;
        self.offset += header.record_bytes();
        self.generation = Some(header.generation);
        let first = self.expected;
        if matches!(header.kind, Kind::Data | Kind::Control) {
            self.expected = header.position.next();
        }
        if let Some(Content { meta, payload, is_repaired }) = header.content(&bytes, offset) {
            let repaired = if is_repaired { Some("content") } else { repaired };
            let is_asked = self.is_thorough && repaired.is_none();
            let weakened = if is_asked { header.weakness(&bytes, offset) } else { None };
            return Ok(Step::Record(Raw { header, offset, meta, payload, repaired, weakened }));
        }
        let last = Some(self.expected.previous());
        let length = header.record_bytes();
        let (header, reason) = (Some(header), "checksum of a record does not match");
        Ok(Step::Damage(Damage { offset, length, first, last, header, reason }))
    }

    /// Looks for the trailer of the record that should be here, or for the next record of which header or trailer is
    /// intact.
    fn resync(&mut self) -> io::Result<Option<Step>> {
        let offset = self.offset;
        let mut at = offset + ALIGNMENT;
        while at + HEADER_BYTES as u64 <= self.end {
            let bytes = self.window.get(at, HEADER_BYTES as u64)?;
            let trailer = Header::decode_trailer(&bytes, at);
            match trailer.filter(|(header, start)| *start >= offset && self.belongs(header, *start)) {
                Some((header, start)) if start == offset => {
                    return self.step_over(header, Some("header")).map(Some);
                }
                Some((header, start)) => return Ok(Some(self.pass_over(&header, start))),
                None => {}
            }
            let header = Header::decode(&bytes, at).filter(|header| self.belongs(header, at));
            if let Some(header) = header.filter(|header| header.kind != Kind::Snapshot) {
                return Ok(Some(self.pass_over(&header, at)));
            }
            at += ALIGNMENT;
        }
        self.give_up("no intact record follows").map(Some)
    }

    /// Goes on with the record that `header` describes, at `start`.
    fn pass_over(&mut self, header: &Header, start: u64) -> Step {
        let (offset, first) = (self.offset, self.expected);
        self.offset = start;
        self.expected = first.max(header.position);
        let (length, last) = (start - offset, Some(header.position.previous()));
        let reason = "header of a record does not match its checksum";
        Step::Damage(Damage { offset, length, first, last, header: None, reason })
    }
}

/// A part of the file in memory; records are slices of it.
struct Window<'a> {
    file: &'a dyn DiskFile,
    start: u64,
    bytes: Bytes,
    end: u64,
    chunk_bytes: usize,
}

impl Window<'_> {
    /// `length` bytes from `offset` on, fewer if the file ends before.
    fn get(&mut self, offset: u64, length: u64) -> io::Result<Bytes> {
        let length = length.min(self.end.saturating_sub(offset)) as usize;
        if let Some(held) = self.held(offset, length) {
            return Ok(held);
        }
        let rest = usize::try_from(self.end.saturating_sub(offset)).unwrap_or(usize::MAX);
        // A large record comes by itself, with the header of the next: a part of that one would be read twice.
        let is_large = length >= self.chunk_bytes / LARGE_SHARE;
        let wanted = if is_large { length + HEADER_BYTES } else { self.chunk_bytes };
        self.bytes = self.file.read_at(offset, wanted.min(rest))?.into();
        self.start = offset;
        Ok(self.bytes.slice(..length.min(self.bytes.len())))
    }

    fn held(&self, offset: u64, length: usize) -> Option<Bytes> {
        let from = usize::try_from(offset.checked_sub(self.start)?).ok()?;
        let to = from.checked_add(length)?;
        (to <= self.bytes.len()).then(|| self.bytes.slice(from..to))
    }
}
