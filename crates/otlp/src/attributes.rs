//! Builds a column of attributes: a map of text by text for each row.

use std::sync::Arc;

use arrow_array::{ArrayRef, MapArray, StructArray};
use arrow_buffer::{NullBufferBuilder, OffsetBuffer};
use arrow_schema::{ArrowError, DataType};

use crate::block::Block;
use crate::error::Fault;
use crate::fields::DEPTH_MAX;
use crate::keys::KeysColumn;
use crate::plain::{Plain, PlainValue};
use crate::text::TextColumn;
use crate::value::{Any, Pair, write_plain};
use crate::wire::{Cursor, Merged};

/// A column of attributes under construction.
#[derive(Debug)]
pub(crate) struct AttributesColumn {
    keys: KeysColumn,
    values: TextColumn,
    offsets: Vec<i32>,
    nulls: NullBufferBuilder,
}

impl Default for AttributesColumn {
    fn default() -> Self {
        Self {
            keys: KeysColumn::default(),
            values: TextColumn::default(),
            offsets: vec![0],
            nulls: NullBufferBuilder::new(0),
        }
    }
}

impl AttributesColumn {
    /// Appends an attribute to the row that is open, from the fields of its `KeyValue`; hands out its key.
    #[inline]
    pub(crate) fn append<'a>(&mut self, block: &Block, fields: Cursor<'a>) -> Result<&'a [u8], Fault> {
        let Some(Plain { key, value }) = Plain::read(fields.rest()) else {
            return self.append_any(block, fields);
        };
        self.keys.append(key);
        match value {
            PlainValue::Text(text) => self.values.append(block, text),
            PlainValue::Int(number) => self.values.append_written(|text| write_plain(&number, text)),
        }
        Ok(key)
    }

    #[inline(never)]
    fn append_any<'a>(&mut self, block: &Block, fields: Cursor<'a>) -> Result<&'a [u8], Fault> {
        let pair = Pair::read(fields)?;
        self.append_pair(block, &pair, fields)?;
        Ok(pair.key.bytes)
    }

    /// Appends an attribute that has been read from `fields`.
    pub(crate) fn append_pair(&mut self, block: &Block, pair: &Pair, fields: Cursor) -> Result<(), Fault> {
        self.keys.append(pair.key.bytes);
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
        let start = self.row_start();
        if let Some(kept) = self.keys.close(start) {
            self.values.retain(start, |place| kept.get(place - start).copied().unwrap_or(true));
        }
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

    /// The finished column; `data_type` is that of the schema.
    pub(crate) fn finish(mut self, data_type: &DataType) -> Result<MapArray, ArrowError> {
        let DataType::Map(entries, ordered) = data_type else {
            return Err(ArrowError::SchemaError(format!("{data_type} is not a map")));
        };
        let DataType::Struct(fields) = entries.data_type() else {
            return Err(ArrowError::SchemaError(format!("{data_type} is not a map of entries")));
        };
        let columns: Vec<ArrayRef> =
            vec![Arc::new(self.keys.finish()?), Arc::new(self.values.finish_text()?)];
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
