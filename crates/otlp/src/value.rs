//! `AnyValue` as text: strings as they are, everything else as JSON.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::error::{Fault, Reason};
use crate::fields::DEPTH_MAX;
use crate::wire::{Cursor, Merged, Raw, Slice};

/// What an `AnyValue` holds.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Any<'a> {
    Empty,
    Text(Slice<'a>),
    Bool(bool),
    Int(i64),
    Double(f64),
    Bytes(Slice<'a>),
    /// The fields of the `AnyValue` from the first fragment of its list on: protobuf merges them.
    Array(Cursor<'a>),
    Map(Cursor<'a>),
}

const TEXT: u32 = 1;
const ARRAY: u32 = 5;
const MAP: u32 = 6;

impl<'a> Any<'a> {
    /// Reads the fields of an `AnyValue`; the last value on the wire counts.
    pub(crate) fn read(mut fields: Cursor<'a>) -> Result<Self, Fault> {
        let mut any = Self::Empty;
        while !fields.is_done() {
            let start = fields;
            let key = fields.key()?;
            let value = fields.value(key, DEPTH_MAX)?;
            any = match (key.number, value, any) {
                (TEXT, Raw::Bytes(slice), _) => Self::Text(slice),
                (2, Raw::Number(number), _) => Self::Bool(number != 0),
                (3, Raw::Number(number), _) => Self::Int(number as i64),
                (4, Raw::Number(number), _) => Self::Double(f64::from_bits(number)),
                (ARRAY, Raw::Bytes(_), Self::Array(_)) | (MAP, Raw::Bytes(_), Self::Map(_)) => any,
                (ARRAY, Raw::Bytes(_), _) => Self::Array(start),
                (MAP, Raw::Bytes(_), _) => Self::Map(start),
                (7, Raw::Bytes(slice), _) => Self::Bytes(slice),
                // A place in a table of strings, which only profiles have.
                (8, Raw::Number(_), _) => Self::Empty,
                _ => any,
            };
        }
        Ok(any)
    }

    /// Reads the `AnyValue` that is a field of the message with these fields.
    pub(crate) fn merged(value: &'a Merged<'a>, fields: Cursor<'a>) -> Result<Self, Fault> {
        match value {
            Merged::Absent => Ok(Self::Empty),
            Merged::Whole(slice) => Self::read(fields.inside(*slice)),
            Merged::Joined(bytes) => Self::read(Cursor::new(bytes)),
        }
    }

    /// Appends this value as JSON. `depth` is how many more values may lie within it.
    pub(crate) fn write_json(self, json: &mut Vec<u8>, depth: u32) -> Result<(), Fault> {
        match self {
            Self::Empty => json.extend_from_slice(b"null"),
            Self::Text(slice) => write_string(slice, json)?,
            Self::Bool(value) => json.extend_from_slice(if value { b"true" } else { b"false" }),
            Self::Int(value) => write_plain(&value, json),
            Self::Double(value) => write_double(value, json),
            Self::Bytes(slice) => {
                json.push(b'"');
                json.extend_from_slice(STANDARD.encode(slice.bytes).as_bytes());
                json.push(b'"');
            }
            Self::Array(fields) => write_array(fields, json, depth)?,
            Self::Map(fields) => write_map(fields, json, depth)?,
        }
        Ok(())
    }
}

fn write_array(fields: Cursor, json: &mut Vec<u8>, depth: u32) -> Result<(), Fault> {
    let inner = depth.checked_sub(1).ok_or(fields.fault(Reason::Depth))?;
    json.push(b'[');
    let mut is_first = true;
    fields.each(ARRAY, |list| {
        list.each(1, |value| {
            separate(&mut is_first, json);
            Any::read(value)?.write_json(json, inner)
        })
    })?;
    json.push(b']');
    Ok(())
}

fn write_map(fields: Cursor, json: &mut Vec<u8>, depth: u32) -> Result<(), Fault> {
    let inner = depth.checked_sub(1).ok_or(fields.fault(Reason::Depth))?;
    json.push(b'{');
    let mut is_first = true;
    fields.each(MAP, |list| {
        list.each(1, |fields| {
            separate(&mut is_first, json);
            let pair = Pair::read(fields)?;
            write_string(pair.key, json)?;
            json.push(b':');
            Any::merged(&pair.value, fields)?.write_json(json, inner)
        })
    })?;
    json.push(b'}');
    Ok(())
}

fn separate(is_first: &mut bool, json: &mut Vec<u8>) {
    if !std::mem::replace(is_first, false) {
        json.push(b',');
    }
}

fn write_string(slice: Slice, json: &mut Vec<u8>) -> Result<(), Fault> {
    let text = std::str::from_utf8(slice.bytes).map_err(|_| slice.fault(Reason::Utf8))?;
    write_plain(text, json);
    Ok(())
}

fn write_double(value: f64, json: &mut Vec<u8>) {
    match value {
        _ if value.is_finite() => write_plain(&value, json),
        _ if value.is_nan() => write_plain("NaN", json),
        _ if value > 0.0 => write_plain("Infinity", json),
        _ => write_plain("-Infinity", json),
    }
}

pub(crate) fn write_plain<T: serde::Serialize + ?Sized>(value: &T, json: &mut Vec<u8>) {
    #[expect(clippy::expect_used, reason = "numbers and text always serialize, and a Vec always takes more")]
    serde_json::to_writer(json, value).expect("a scalar becomes JSON");
}

/// A `KeyValue`.
#[derive(Debug)]
pub(crate) struct Pair<'a> {
    pub(crate) key: Slice<'a>,
    pub(crate) value: Merged<'a>,
}

impl<'a> Pair<'a> {
    pub(crate) fn read(mut fields: Cursor<'a>) -> Result<Self, Fault> {
        let mut pair = Self { key: Slice::default(), value: Merged::Absent };
        while !fields.is_done() {
            let key = fields.key()?;
            match (key.number, fields.value(key, DEPTH_MAX)?) {
                (1, Raw::Bytes(slice)) => pair.key = slice,
                (2, Raw::Bytes(slice)) => pair.value.add(slice),
                _ => {}
            }
        }
        Ok(pair)
    }
}
