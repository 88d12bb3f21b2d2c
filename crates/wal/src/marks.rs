//! Places in segments from which reading can begin, so that a reader need not start at a segment's head.

use std::collections::BTreeMap;

use crate::{Position, totals::Totals};

/// The writer leaves a mark each time this many bytes were written.
pub(crate) const MARK_EVERY_BYTES: u64 = 1 << 20;
/// Marks kept; the older ones go first, what they saved is scanned instead.
const MARKS_MAX: usize = 16_384;

/// The first record at or behind a position begins at `offset`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    pub(crate) generation: u64,
    pub(crate) offset: u64,
    /// Everything before it.
    pub(crate) totals: Totals,
}

#[derive(Default)]
pub(crate) struct Marks {
    marks: BTreeMap<Position, Mark>,
}

impl Marks {
    pub(crate) fn insert(&mut self, position: Position, mark: Mark) {
        self.marks.insert(position, mark);
        if self.marks.len() > MARKS_MAX {
            self.marks.pop_first();
        }
    }

    /// The last mark at or before `position` in the segment of this generation.
    pub(crate) fn floor(&self, position: Position, generation: u64) -> Option<(Position, Mark)> {
        let (at, mark) = self.marks.range(..=position).next_back()?;
        (mark.generation == generation).then_some((*at, *mark))
    }

    pub(crate) fn forget_before(&mut self, position: Position) {
        self.marks = self.marks.split_off(&position);
    }
}
