//! What was damaged on disk and could be made whole: told once, and counted.

use std::{collections::BTreeSet, path::Path};

use crate::{head::Head, scan::Raw};

/// Places that are remembered; when there are more, some are told again.
const KNOWN_MAX: usize = 65_536;

/// Records repaired since the log was opened. They are not written back: see `FORMAT.md`.
#[derive(Default)]
pub(crate) struct Repairs {
    known: BTreeSet<(u64, u64)>,
    pub(crate) records: u64,
    pub(crate) items: u64,
    pub(crate) bytes: u64,
}

impl Repairs {
    /// Takes note of a record of the segment in `path`, if it was repaired and that is news. Answers whether it was.
    pub(crate) fn note(&mut self, path: &Path, raw: &Raw) -> bool {
        let Some(part) = raw.repaired.filter(|_| self.is_new(raw.header.generation, raw.offset)) else {
            return false;
        };
        self.records += 1;
        self.items += u64::from(raw.header.items);
        self.bytes += raw.header.record_bytes();
        let (position, offset) = (raw.header.position, raw.offset);
        tracing::warn!(path = %path.display(), offset, %position, part, "damaged record of the log is repaired");
        true
    }

    /// Takes note of a head of which one copy is damaged, if that is news. Answers whether it was.
    pub(crate) fn note_head(&mut self, path: &Path, head: &Head) -> bool {
        let is_new = self.is_new(head.generation, 0);
        if is_new {
            tracing::warn!(path = %path.display(), "one copy of the head of a log segment is damaged, the other is used");
        }
        is_new
    }

    fn is_new(&mut self, generation: u64, offset: u64) -> bool {
        if self.known.len() >= KNOWN_MAX {
            self.known.clear();
        }
        self.known.insert((generation, offset))
    }
}
