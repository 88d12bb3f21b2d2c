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
}

impl<'a> Attributes<'a> {
    pub(crate) fn new(map: &'a MapArray) -> Result<Self, ArrowError> {
        let text = |array: &'a ArrayRef| {
            let texts = array.as_string_view_opt();
            texts.ok_or_else(|| ArrowError::SchemaError("attributes are not text views".to_owned()))
        };
        let mut is_kept = BooleanBufferBuilder::new(map.entries().len());
        is_kept.append_n(map.entries().len(), true);
        Ok(Self { map, names: text(map.keys())?, texts: text(map.values())?, is_kept })
    }

    /// All values, by place in the map's entries.
    pub(crate) fn texts(&self) -> &'a StringViewArray {
        self.texts
    }

    /// Appends the names and values of one row, and says at which place in the map's entries they begin. A value
    /// that is null is read as nothing.
    pub(crate) fn read(&self, row: usize, pairs: &mut Vec<(&'a str, &'a str)>) -> usize {
        let offsets = self.map.value_offsets();
        let place =
            |row: usize| offsets.get(row).and_then(|offset| usize::try_from(*offset).ok()).unwrap_or(0);
        let (first, end) = (place(row), place(row + 1));
        let text = |place: usize| if self.texts.is_valid(place) { self.texts.value(place) } else { "" };
        pairs.extend((first..end).map(|place| (self.names.value(place), text(place))));
        first
    }

    /// Leaves out the entry at a place of the map.
    pub(crate) fn remove(&mut self, place: usize) {
        self.is_kept.set_bit(place, false);
    }

    /// The map without what was removed. Texts are not copied.
    pub(crate) fn rest(mut self) -> Result<MapArray, ArrowError> {
        let is_kept = BooleanArray::new(self.is_kept.finish(), None);
        let (field, offsets, entries, nulls, is_ordered) = self.map.clone().into_parts();
        let mut kept_before = Vec::with_capacity(offsets.len());
        let (mut place, mut kept) = (0, 0);
        for end in offsets.iter() {
            let end = usize::try_from(*end).unwrap_or(0);
            kept += is_kept.slice(place, end.saturating_sub(place)).true_count();
            place = end;
            kept_before.push(i32::try_from(kept).map_err(|_| ArrowError::OffsetOverflowError(kept))?);
        }
        let entries = filter(&entries, &is_kept)?;
        MapArray::try_new(
            field,
            OffsetBuffer::new(kept_before.into()),
            entries.as_struct().clone(),
            nulls,
            is_ordered,
        )
    }
}
