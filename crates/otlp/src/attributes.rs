//! Builds a column of attributes: a map of text by text for each row.

use std::collections::HashSet;
use std::hash::{Hash as _, Hasher as _};
use std::sync::Arc;

use arrow_array::{ArrayRef, MapArray, StructArray};
use arrow_buffer::{NullBufferBuilder, OffsetBuffer};
use arrow_schema::{ArrowError, DataType};
use rustc_hash::FxHasher;

use crate::block::Block;
use crate::error::Fault;
use crate::fields::DEPTH_MAX;
use crate::text::TextColumn;
use crate::value::{Any, Pair};
use crate::wire::{Cursor, Merged};

/// A column of attributes under construction.
#[derive(Debug)]
pub(crate) struct AttributesColumn {
    keys: TextColumn,
    values: TextColumn,
    offsets: Vec<i32>,
    nulls: NullBufferBuilder,
    seen: Seen,
}

impl Default for AttributesColumn {
    fn default() -> Self {
        Self {
            keys: TextColumn::default(),
            values: TextColumn::default(),
            offsets: vec![0],
            nulls: NullBufferBuilder::new(0),
            seen: Seen::default(),
        }
    }
}

impl AttributesColumn {
    /// Appends an attribute to the row that is open, from the fields of its `KeyValue`.
    pub(crate) fn append<'a>(&mut self, block: &Block, fields: Cursor<'a>) -> Result<Pair<'a>, Fault> {
        let pair = Pair::read(fields)?;
        self.append_pair(block, &pair, fields)?;
        Ok(pair)
    }

    /// Appends an attribute that has been read from `fields`.
    pub(crate) fn append_pair(&mut self, block: &Block, pair: &Pair, fields: Cursor) -> Result<(), Fault> {
        self.seen.add(pair.key.bytes);
        self.keys.append(block, pair.key);
        append_value(&mut self.values, block, &pair.value, fields)?;
        Ok(())
    }

    /// The place of the value that was appended last, for [`Self::read_value`] until the row is closed.
    pub(crate) fn last_place(&self) -> usize {
        self.values.len().saturating_sub(1)
    }

    /// Calls `read` with the value at a place.
    pub(crate) fn read_value<R>(&self, place: usize, read: impl FnOnce(&[u8]) -> R) -> R {
        self.values.read(place, read)
    }

    /// Ends the row that is open; of a key that it repeats the last value stays.
    pub(crate) fn close(&mut self) {
        if self.seen.may_repeat() {
            self.drop_repeats();
        }
        self.seen.clear();
        self.offsets.push(self.keys.len() as i32);
        self.nulls.append_non_null();
    }

    /// Ends the row that is open; it is null when nothing was appended to it.
    pub(crate) fn close_optional(&mut self) {
        if self.keys.len() > self.row_start() {
            return self.close();
        }
        self.offsets.push(self.keys.len() as i32);
        self.nulls.append_null();
    }

    fn row_start(&self) -> usize {
        self.offsets.last().map_or(0, |start| *start as usize)
    }

    fn drop_repeats(&mut self) {
        let start = self.row_start();
        let mut known = HashSet::new();
        let is_last = |place| self.keys.read(place, |key| known.insert(key.to_vec()));
        let mut kept: Vec<bool> = (start..self.keys.len()).rev().map(is_last).collect();
        kept.reverse();
        if kept.iter().all(|kept| *kept) {
            return;
        }
        let keep = |place: usize| kept.get(place - start).copied().unwrap_or(true);
        self.keys.retain(start, keep);
        self.values.retain(start, keep);
    }

    /// The finished column; `data_type` is that of the schema.
    pub(crate) fn finish(mut self, data_type: &DataType) -> Result<MapArray, ArrowError> {
        let DataType::Map(entries, ordered) = data_type else {
            return Err(ArrowError::SchemaError(format!("{data_type} is not a map")));
        };
        let DataType::Struct(fields) = entries.data_type() else {
            return Err(ArrowError::SchemaError(format!("{data_type} is not a map of entries")));
        };
        let columns: Vec<ArrayRef> =
            vec![Arc::new(self.keys.finish_text()?), Arc::new(self.values.finish_text()?)];
        let pairs = StructArray::try_new(fields.clone(), columns, None)?;
        let offsets = OffsetBuffer::new(self.offsets.into());
        MapArray::try_new(entries.clone(), offsets, pairs, self.nulls.finish(), *ordered)
    }
}

/// Appends the text of an `AnyValue` that stands in the `KeyValue` with these fields; whether it was text on the wire.
pub(crate) fn append_value(
    values: &mut TextColumn,
    block: &Block,
    value: &Merged,
    fields: Cursor,
) -> Result<bool, Fault> {
    let any = Any::merged(value, fields)?;
    match (any, value) {
        (Any::Text(text), Merged::Whole(_)) => values.append(block, text),
        (Any::Text(text), _) => values.append_copy(text.bytes),
        (other, _) => append_json(values, other)?,
    }
    Ok(matches!(any, Any::Text(_)))
}

fn append_json(values: &mut TextColumn, any: Any) -> Result<(), Fault> {
    let mut result = Ok(());
    values.append_written(|json| result = any.write_json(json, DEPTH_MAX));
    result
}

/// Tells cheaply that no key of a row repeats; it may be wrong the other way round.
#[derive(Debug)]
struct Seen {
    /// By hash of the key: the row that last had such a key.
    rows: Box<[u32; Seen::SLOTS]>,
    row: u32,
    may_repeat: bool,
}

impl Default for Seen {
    fn default() -> Self {
        Self { rows: Box::new([0; Self::SLOTS]), row: 1, may_repeat: false }
    }
}

impl Seen {
    const SLOTS: usize = 2048;

    #[inline]
    fn add(&mut self, key: &[u8]) {
        let mut hasher = FxHasher::default();
        key.hash(&mut hasher);
        let slot = hasher.finish() as usize % Self::SLOTS;
        if let Some(row) = self.rows.get_mut(slot) {
            self.may_repeat |= std::mem::replace(row, self.row) == self.row;
        }
    }

    fn may_repeat(&self) -> bool {
        self.may_repeat
    }

    fn clear(&mut self) {
        self.may_repeat = false;
        self.row = self.row.wrapping_add(1);
        if self.row == 0 {
            *self = Self::default();
        }
    }
}
