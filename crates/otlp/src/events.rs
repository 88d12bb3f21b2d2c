//! Builds the column of events: a list for each span.

use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, ListArray, StructArray};
use arrow_buffer::{NullBufferBuilder, OffsetBuffer};
use arrow_schema::{ArrowError, DataType, FieldRef, Fields};

use crate::attributes::AttributesColumn;
use crate::block::Block;
use crate::error::Fault;
use crate::fields::DEPTH_MAX;
use crate::text::TextColumn;
use crate::wire::{Cursor, Raw, Slice};

/// The events of spans under construction.
#[derive(Debug, Default)]
pub(crate) struct EventsColumn {
    lists: Lists,
    time_unix_nano: Vec<i64>,
    name: TextColumn,
    attributes: AttributesColumn,
}

impl EventsColumn {
    /// Appends an event to the span that is open.
    pub(crate) fn append(&mut self, block: &Block, mut fields: Cursor) -> Result<(), Fault> {
        let (mut time, mut name) = (0, Slice::default());
        while !fields.is_done() {
            let key = fields.key()?;
            match (key.number, fields.value(key, DEPTH_MAX)?) {
                (1, Raw::Number(number)) => time = number,
                (2, Raw::Bytes(slice)) => name = slice,
                (3, Raw::Bytes(slice)) => {
                    self.attributes.append(block, fields.inside(slice))?;
                }
                _ => {}
            }
        }
        self.time_unix_nano.push(i64::try_from(time).unwrap_or(i64::MAX));
        self.name.append(block, name);
        self.attributes.close();
        self.lists.see();
        Ok(())
    }

    /// Ends the span that is open; a span without events is null.
    pub(crate) fn close(&mut self) {
        self.lists.close(self.name.len());
    }

    /// The finished column; `data_type` is that of the schema.
    pub(crate) fn finish(self, data_type: &DataType) -> Result<ListArray, ArrowError> {
        let (element, fields) = element(data_type)?;
        let columns: Vec<ArrayRef> = vec![
            Arc::new(Int64Array::from(self.time_unix_nano)),
            Arc::new(self.name.finish_text()?),
            Arc::new(self.attributes.finish(field_type(fields, 2))?),
        ];
        self.lists.finish(element, StructArray::try_new(fields.clone(), columns, None)?)
    }
}

/// Where the list of each row ends among the elements of all.
#[derive(Debug)]
pub(crate) struct Lists {
    offsets: Vec<i32>,
    nulls: NullBufferBuilder,
    is_on_the_wire: bool,
}

impl Default for Lists {
    fn default() -> Self {
        Self { offsets: vec![0], nulls: NullBufferBuilder::new(0), is_on_the_wire: false }
    }
}

impl Lists {
    /// The open row has an element on the wire, so that it will not be null.
    pub(crate) fn see(&mut self) {
        self.is_on_the_wire = true;
    }

    /// Ends the open row, after `elements` of all rows.
    pub(crate) fn close(&mut self, elements: usize) {
        self.offsets.push(elements as i32);
        self.nulls.append(std::mem::take(&mut self.is_on_the_wire));
    }

    pub(crate) fn finish(mut self, element: &FieldRef, values: StructArray) -> Result<ListArray, ArrowError> {
        let offsets = OffsetBuffer::new(self.offsets.into());
        ListArray::try_new(element.clone(), offsets, Arc::new(values), self.nulls.finish())
    }
}

/// The element of a list of structs, and the fields of the struct.
pub(crate) fn element(list: &DataType) -> Result<(&FieldRef, &Fields), ArrowError> {
    if let DataType::List(element) = list
        && let DataType::Struct(fields) = element.data_type()
    {
        return Ok((element, fields));
    }
    Err(ArrowError::SchemaError(format!("{list} is not a list of structs")))
}

pub(crate) fn field_type(fields: &Fields, place: usize) -> &DataType {
    fields.get(place).map_or(&DataType::Null, |field| field.data_type())
}
