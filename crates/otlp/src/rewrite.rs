//! The bytes of a span with other attributes: everything else stays as it came, unknown fields and types included.

use crate::Malformed;
use crate::error::Fault;
use crate::fields::DEPTH_MAX;
use crate::value::Pair;
use crate::wire::{Cursor, Raw, Wire};
use crate::writer::Writer;

const ATTRIBUTES: u32 = 9;

/// Attributes that are to be written into a span.
#[derive(Debug, Default)]
pub struct NewAttributes {
    fields: Writer,
    names: Vec<String>,
}

impl NewAttributes {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Whether an attribute of this name is among them.
    pub fn has(&self, name: &str) -> bool {
        self.names.iter().any(|known| known == name)
    }

    /// Adds a text.
    pub fn text(&mut self, name: &str, text: &str) {
        self.pair(name, |value| value.bytes(1, text.as_bytes()));
    }

    /// Adds a boolean.
    pub fn flag(&mut self, name: &str, flag: bool) {
        self.pair(name, |value| {
            value.key(2, Wire::Varint);
            value.varint(u64::from(flag));
        });
    }

    /// Adds an integer.
    pub fn int(&mut self, name: &str, int: i64) {
        self.pair(name, |value| {
            value.key(3, Wire::Varint);
            value.varint(int as u64);
        });
    }

    /// Adds a double.
    pub fn float(&mut self, name: &str, float: f64) {
        self.pair(name, |value| {
            value.key(4, Wire::Eight);
            value.raw(&float.to_le_bytes());
        });
    }

    /// Adds a list of texts.
    pub fn texts<'t>(&mut self, name: &str, texts: impl Iterator<Item = &'t str>) {
        self.pair(name, |value| {
            value.open(5);
            for text in texts {
                value.open(1);
                value.bytes(1, text.as_bytes());
                value.close();
            }
            value.close();
        });
    }

    /// Adds one unless its name is taken.
    fn pair(&mut self, name: &str, write: impl FnOnce(&mut Writer)) {
        if self.has(name) {
            return;
        }
        self.names.push(name.to_owned());
        self.fields.open(ATTRIBUTES);
        self.fields.bytes(1, name.as_bytes());
        self.fields.open(2);
        write(&mut self.fields);
        self.fields.close();
        self.fields.close();
    }
}

/// The bytes of `span` with its attributes for whose names `is_kept` holds, and then `new`, which replace those of the
/// same name.
///
/// # Errors
/// Where `span` is no span.
pub fn rewrite_attributes(
    span: &[u8],
    new: NewAttributes,
    is_kept: impl Fn(&str) -> bool,
) -> Result<Vec<u8>, Malformed> {
    let is_kept = |name: &str| is_kept(name) && !new.has(name);
    let mut kept = kept_fields(span, is_kept).map_err(|fault| fault.within_span(span))?;
    kept.extend(new.fields.into_bytes());
    Ok(kept)
}

fn kept_fields(span: &[u8], is_kept: impl Fn(&str) -> bool) -> Result<Vec<u8>, Fault> {
    let mut kept = Vec::with_capacity(span.len());
    let mut fields = Cursor::new(span);
    while !fields.is_done() {
        let before = fields;
        let key = fields.key()?;
        let is_out = match (key.number, fields.value(key, DEPTH_MAX)?) {
            (ATTRIBUTES, Raw::Bytes(slice)) => {
                let name = Pair::read(fields.inside(slice))?.key;
                std::str::from_utf8(name.bytes).is_ok_and(|name| !is_kept(name))
            }
            _ => false,
        };
        if !is_out {
            kept.extend_from_slice(before.until(&fields).bytes);
        }
    }
    Ok(kept)
}
