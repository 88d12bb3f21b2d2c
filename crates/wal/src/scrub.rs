//! Reads through what waits and what is retained, a slice at a time, so that damage is found while it can be repaired
//! from elsewhere.

use std::io;

use crate::{
    Position, ReadError,
    head::{HEAD_BYTES, Head},
    scan::{Damage, Scan, Step},
    segment::Segment,
    shared::Shared,
};

const CHUNK_BYTES: usize = 256 << 10;

/// What a slice of reading through the log came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scrubbed {
    /// Bytes that were read.
    pub bytes: u64,
    /// Records in them, control records included.
    pub records: u64,
    /// Records, or heads of segments, that are damaged and can be repaired; each is told and counted once.
    pub repaired: u64,
    /// Records that read well, but could not be repaired if more of them were damaged.
    pub weakened: u64,
    /// Places beyond repair. They are quarantined, unless they were before.
    pub unreadable: u64,
    /// The end was reached; the next slice begins with the oldest segment.
    pub is_complete: bool,
}

/// Where the next slice begins.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Place {
    number: u64,
    offset: u64,
    expected: Position,
}

impl Place {
    fn behind(segment: &Segment) -> Self {
        Self { number: segment.head.number + 1, ..Self::default() }
    }

    fn start_of(segment: &Segment) -> Self {
        Self { number: segment.head.number, offset: 0, expected: segment.head.base }
    }
}

impl Shared {
    /// Reads on from where the last slice ended, about `bytes`.
    pub(crate) fn scrub(&self, bytes: u64) -> Result<Scrubbed, ReadError> {
        let mut place = self.scrub_place();
        let mut found = Scrubbed::default();
        while found.bytes < bytes {
            let Some((segment, until)) = self.segment_from(place.number) else {
                *place = Place::default();
                found.is_complete = true;
                break;
            };
            if place.offset == 0 || place.number != segment.head.number {
                *place = Place::start_of(&segment);
            }
            match self.scrub_segment(&segment, until, &mut place, bytes, &mut found) {
                Ok(true) => *place = Place::behind(&segment),
                Ok(false) => break,
                Err(_) if !self.view().holds(segment.head.generation) => *place = Place::behind(&segment),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    found.unreadable += 1;
                    let from = segment.head.base;
                    self.quarantine(&segment, until, from, &Damage::of_missing_file(from));
                    *place = Place::behind(&segment);
                }
                Err(source) => {
                    let from = place.expected;
                    *place = Place::behind(&segment);
                    let path = segment.path;
                    return Err(ReadError::Io { from, path, source });
                }
            }
        }
        Ok(found)
    }

    /// The first segment from a number on, and the position behind its last.
    fn segment_from(&self, number: u64) -> Option<(Segment, Position)> {
        let view = self.view();
        let index = view.segments.partition_point(|segment| segment.head.number < number);
        let until = view.segments.get(index + 1).map_or(view.durable_end, |next| next.head.base);
        view.segments.get(index).map(|segment| (segment.clone(), until))
    }

    /// Reads on in a segment; answers whether its end was reached.
    fn scrub_segment(
        &self,
        segment: &Segment,
        until: Position,
        place: &mut Place,
        bytes: u64,
        found: &mut Scrubbed,
    ) -> io::Result<bool> {
        let file = self.disk.open(&segment.path)?;
        // What the memory holds of the file says nothing about the disk.
        file.forget_cached(place.offset, bytes - found.bytes)?;
        if place.offset == 0 {
            let is_whole = Head::is_whole(&file.read_at(0, HEAD_BYTES as usize)?);
            found.repaired += u64::from(!is_whole && self.repairs().note_head(&segment.path, &segment.head));
            found.bytes += HEAD_BYTES;
            place.offset = HEAD_BYTES;
        }
        let range = (place.offset, segment.end);
        let mut scan = Scan::new(&*file, segment.head.generation, range, place.expected, CHUNK_BYTES)?;
        scan.check_redundancy();
        while found.bytes < bytes {
            let Some(step) = scan.next()? else { return Ok(true) };
            match step {
                Step::Record(raw) => {
                    found.records += 1;
                    found.repaired += u64::from(self.repairs().note(&segment.path, &raw));
                    found.weakened += u64::from(raw.weakened.is_some());
                }
                Step::Damage(damage) => {
                    self.must_hold(segment)?;
                    found.unreadable += 1;
                    self.quarantine(segment, until, damage.first, &damage);
                }
            }
            let next = scan.place();
            found.bytes += next.0.saturating_sub(place.offset);
            (place.offset, place.expected) = next;
        }
        Ok(false)
    }
}
