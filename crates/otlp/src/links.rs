//! Builds the column of links: a list for each span.

use std::sync::Arc;

use arrow_array::{ArrayRef, ListArray, StructArray};
use arrow_schema::{ArrowError, DataType};

use crate::attributes::AttributesColumn;
use crate::block::Block;
use crate::error::Fault;
use crate::events::{Lists, element, field_type};
use crate::fields::DEPTH_MAX;
use crate::id;
use crate::text::TextColumn;
use crate::wire::{Cursor, Raw, Slice};

/// The links of spans under construction.
#[derive(Debug, Default)]
pub(crate) struct LinksColumn {
    lists: Lists,
    trace_id: TextColumn,
    span_id: TextColumn,
    trace_state: TextColumn,
    attributes: AttributesColumn,
}

impl LinksColumn {
    /// Appends a link to the span that is open; one with a bad id is left out.
    pub(crate) fn append(&mut self, block: &Block, mut fields: Cursor) -> Result<(), Fault> {
        self.lists.see();
        let all = fields;
        let (mut trace_id, mut span_id, mut trace_state) = (Slice::default(), Slice::default(), None);
        while !fields.is_done() {
            let key = fields.key()?;
            match (key.number, fields.value(key, DEPTH_MAX)?) {
                (1, Raw::Bytes(slice)) => trace_id = slice,
                (2, Raw::Bytes(slice)) => span_id = slice,
                (3, Raw::Bytes(slice)) => trace_state = Some(slice),
                _ => {}
            }
        }
        let (Some(trace_id), Some(span_id)) = (id::trace(trace_id.bytes), id::span(span_id.bytes)) else {
            return Ok(());
        };
        self.trace_id.append_hex(&trace_id);
        self.span_id.append_hex(&span_id);
        self.trace_state.append_option(block, trace_state);
        all.each(4, |fields| self.attributes.append(block, fields).map(drop))?;
        self.attributes.close();
        Ok(())
    }

    /// Ends the span that is open; a span without links is null.
    pub(crate) fn close(&mut self) {
        self.lists.close(self.trace_id.len());
    }

    /// The finished column; `data_type` is that of the schema.
    pub(crate) fn finish(self, data_type: &DataType) -> Result<ListArray, ArrowError> {
        let (element, fields) = element(data_type)?;
        let columns: Vec<ArrayRef> = vec![
            Arc::new(self.trace_id.finish_text()?),
            Arc::new(self.span_id.finish_text()?),
            Arc::new(self.trace_state.finish_text()?),
            Arc::new(self.attributes.finish(field_type(fields, 3))?),
        ];
        self.lists.finish(element, StructArray::try_new(fields.clone(), columns, None)?)
    }
}
