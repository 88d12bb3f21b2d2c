//! A span's wire bytes with changed columns written over them.

use std::collections::HashMap;

use arrow_array::cast::AsArray as _;
use arrow_array::{Array as _, StringViewArray};
use spanledger_schema::{Spans, Table as _, spans};

use crate::encode::Changed;
use crate::error::Fault;
use crate::fields::DEPTH_MAX;
use crate::spans::{KINDS, STATUS_CODES};
use crate::value::Pair;
use crate::wire::{Cursor, Raw, Wire};
use crate::writer::Writer;

/// One row and which of its columns are written.
pub(crate) struct Overlay<'a> {
    pub(crate) rows: &'a Spans,
    pub(crate) row: usize,
    pub(crate) changed: Changed,
}

const NAME: u32 = 5;
const KIND: u32 = 6;
const ATTRIBUTES: u32 = 9;
const STATUS: u32 = 15;

impl Overlay<'_> {
    /// Writes the fields of the span whose bytes are `wire`.
    pub(crate) fn write(&self, wire: &[u8], writer: &mut Writer) -> Result<(), Fault> {
        let mut attributes = self.attributes();
        let mut fields = Cursor::new(wire);
        while !fields.is_done() {
            let before = fields;
            let key = fields.key()?;
            let value = fields.value(key, DEPTH_MAX)?;
            let is_kept = match (key.number, value) {
                (NAME, _) => !self.changed.name,
                (KIND, _) => !self.changed.kind,
                (STATUS, _) => !self.changed.status,
                (ATTRIBUTES, Raw::Bytes(slice)) if self.changed.span_attributes => {
                    take_unchanged(&mut attributes, fields.inside(slice))?
                }
                _ => true,
            };
            if is_kept {
                writer.raw(before.until(&fields).bytes);
            }
        }
        self.write_scalars(writer);
        attributes.iter().for_each(|(key, value)| write_attribute(key, value, writer));
        Ok(())
    }

    /// The attributes to write, by key.
    fn attributes(&self) -> HashMap<String, String> {
        if !self.changed.span_attributes {
            return HashMap::new();
        }
        let entries = self.rows.get(spans::SPAN_ATTRIBUTES).value(self.row);
        let columns = [entries.column(0), entries.column(1)].map(|column| column.as_string_view_opt());
        let [Some(keys), Some(values)] = columns else { return HashMap::new() };
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        keys.iter().zip(values).map(|(key, value)| (text(key), text(value))).collect()
    }

    fn write_scalars(&self, writer: &mut Writer) {
        if self.changed.name {
            writer.bytes(NAME, self.text(self.rows.get(spans::NAME)).as_bytes());
        }
        if self.changed.kind {
            write_enum(KIND, self.text(self.rows.get(spans::KIND)), KINDS, writer);
        }
        if self.changed.status {
            writer.open(STATUS);
            let message = self.rows.get(spans::STATUS_MESSAGE);
            if message.is_valid(self.row) {
                writer.bytes(2, self.text(message).as_bytes());
            }
            write_enum(3, self.text(self.rows.get(spans::STATUS_CODE)), STATUS_CODES, writer);
            writer.close();
        }
    }

    fn text<'a>(&self, column: &'a StringViewArray) -> &'a str {
        column.value(self.row)
    }
}

/// Takes an attribute of the wire out of the ones to write; whether it is there with the same text, so that it keeps
/// its type.
fn take_unchanged(attributes: &mut HashMap<String, String>, fields: Cursor) -> Result<bool, Fault> {
    let pair = Pair::read(fields)?;
    let Ok(key) = std::str::from_utf8(pair.key.bytes) else { return Ok(false) };
    let Some(wanted) = attributes.get(key) else { return Ok(false) };
    let is_same = pair.text(fields)? == wanted.as_bytes();
    if is_same {
        attributes.remove(key);
    }
    Ok(is_same)
}

fn write_attribute(key: &str, value: &str, writer: &mut Writer) {
    writer.open(ATTRIBUTES);
    writer.bytes(1, key.as_bytes());
    writer.open(2);
    writer.bytes(1, value.as_bytes());
    writer.close();
    writer.close();
}

/// Writes a name, or the digits of a number without one, as the number.
fn write_enum(number: u32, text: &str, names: &[&str], writer: &mut Writer) {
    let place = names.iter().position(|name| *name == text).and_then(|place| i64::try_from(place).ok());
    let value = place.or_else(|| text.parse().ok()).unwrap_or_default();
    writer.key(number, Wire::Varint);
    writer.varint(value as u64);
}
