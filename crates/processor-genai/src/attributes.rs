//! The attributes of a batch of spans: read row by row, and what is left of them.

use arrow_array::builder::BooleanBufferBuilder;
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, BooleanArray, MapArray, StringViewArray};
use arrow_buffer::OffsetBuffer;
use arrow_schema::ArrowError;
use arrow_select::filter::filter;

/// The attributes of a batch of spans.
#[derive(Debug)]
pub(crate) struct Attributes<'a> {
    map: &'a MapArray,
    names: &'a StringViewArray,
    texts: &'a StringViewArray,
    /// By place in the map's entries.
    is_kept: BooleanBufferBuilder,
    /// How many places were removed, and how many are kept before the end of each row that was closed.
    removed: usize,
    kept_before: Vec<i32>,
}

/// The names of a row's attributes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Names<'a> {
    all: &'a StringViewArray,
    first: usize,
    end: usize,
}

impl<'a> Names<'a> {
    /// As the array has them: names that are alike here are the same.
    pub(crate) fn views(self) -> &'a [u128] {
        self.all.views().get(self.first..self.end).unwrap_or_default()
    }

    /// As texts, each beside nothing.
    pub(crate) fn texts(self) -> Vec<(&'a str, &'a str)> {
        (self.first..self.end).map(|place| (self.all.value(place), "")).collect()
    }
}

impl<'a> Attributes<'a> {
    pub(crate) fn new(map: &'a MapArray) -> Result<Self, ArrowError> {
        let text = |array: &'a ArrayRef| {
            let texts = array.as_string_view_opt();
            texts.ok_or_else(|| ArrowError::SchemaError("attributes are not text views".to_owned()))
        };
        let mut is_kept = BooleanBufferBuilder::new(map.entries().len());
        is_kept.append_n(map.entries().len(), true);
        let mut kept_before = Vec::with_capacity(map.len() + 1);
        kept_before.push(0);
        let (names, texts) = (text(map.keys())?, text(map.values())?);
        Ok(Self { map, names, texts, is_kept, removed: 0, kept_before })
    }

    /// All values, by place in the map's entries.
    pub(crate) fn texts(&self) -> &'a StringViewArray {
        self.texts
    }

    /// The names of one row.
    pub(crate) fn names(&self, row: usize) -> Names<'a> {
        Names { all: self.names, first: self.place(row), end: self.place(row + 1) }
    }

    /// Reads one row, whose names are these, in place of what was read, and says at which place in the map's entries it
    /// begins. Texts other than those at `places` are left out; a value that is null is read as nothing.
    pub(crate) fn read(
        &self,
        row: usize,
        names: &[(&'a str, &'a str)],
        places: &[usize],
        pairs: &mut Vec<(&'a str, &'a str)>,
    ) -> usize {
        let first = self.place(row);
        let text = |place: usize| if self.texts.is_valid(place) { self.texts.value(place) } else { "" };
        pairs.clear();
        pairs.extend_from_slice(names);
        for place in places {
            if let Some((_, slot)) = pairs.get_mut(*place) {
                *slot = text(first + place);
            }
        }
        first
    }

    /// Leaves out the entry at a place of the map.
    pub(crate) fn remove(&mut self, place: usize) {
        self.removed += usize::from(self.is_kept.get_bit(place));
        self.is_kept.set_bit(place, false);
    }

    /// Ends a row: nothing more of it will be removed. Every row is to be ended, in order.
    pub(crate) fn close(&mut self, row: usize) {
        let kept = self.place(row + 1) - self.place(0) - self.removed;
        // Never more than there were, and the places of those are such numbers, too.
        self.kept_before.push(i32::try_from(kept).unwrap_or(i32::MAX));
    }

    /// The map without what was removed. Texts are not copied.
    pub(crate) fn rest(mut self) -> Result<MapArray, ArrowError> {
        if self.removed == 0 {
            return Ok(self.map.clone());
        }
        let (first, end) = (self.place(0), self.place(self.map.len()));
        let is_kept = BooleanArray::new(self.is_kept.finish().slice(first, end - first), None);
        let (field, _, entries, nulls, is_ordered) = self.map.clone().into_parts();
        let entries = filter(&entries.slice(first, end - first), &is_kept)?;
        let offsets = OffsetBuffer::new(self.kept_before.into());
        MapArray::try_new(field, offsets, entries.as_struct().clone(), nulls, is_ordered)
    }

    fn place(&self, row: usize) -> usize {
        self.map.value_offsets().get(row).and_then(|offset| usize::try_from(*offset).ok()).unwrap_or(0)
    }
}
