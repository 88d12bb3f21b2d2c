//! Single values of JSON as protobuf fields.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::fields::Kind;
use crate::wire::Wire;
use crate::writer::Writer;

/// A number as JSON tells it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Number {
    Signed(i64),
    Unsigned(u64),
    Float(f64),
}

impl Number {
    /// A number that stands in a string.
    fn parse(text: &str) -> Option<Self> {
        let signed = text.parse().map(Self::Signed);
        let unsigned = signed.or_else(|_| text.parse().map(Self::Unsigned));
        unsigned.ok().or_else(|| text.parse().ok().filter(|float: &f64| float.is_finite()).map(Self::Float))
    }

    /// The whole number; `None` when it has a fraction, or is too large for any field.
    fn whole(self) -> Option<i128> {
        match self {
            Self::Signed(value) => Some(i128::from(value)),
            Self::Unsigned(value) => Some(i128::from(value)),
            Self::Float(value) if value.fract() == 0.0 && value.abs() < 1e20 => Some(value as i128),
            Self::Float(_) => None,
        }
    }

    fn float(self) -> f64 {
        match self {
            Self::Signed(value) => value as f64,
            Self::Unsigned(value) => value as f64,
            Self::Float(value) => value,
        }
    }
}

/// Writes a number; whether the field takes it.
pub(crate) fn write_number(place: u32, kind: Kind, number: Number, writer: &mut Writer) -> bool {
    if let Kind::Double = kind {
        writer.key(place, Wire::Eight);
        writer.raw(&number.float().to_le_bytes());
        return true;
    }
    let Some(whole) = number.whole() else { return false };
    match kind {
        Kind::Int => i64::try_from(whole).map(|value| write_varint(place, value as u64, writer)).is_ok(),
        Kind::Enum(_) => {
            i32::try_from(whole).map(|value| write_varint(place, i64::from(value) as u64, writer)).is_ok()
        }
        Kind::Sint32 => i32::try_from(whole)
            .map(|value| write_varint(place, u64::from((value << 1 ^ value >> 31) as u32), writer))
            .is_ok(),
        Kind::Uint32 => {
            u32::try_from(whole).map(|value| write_varint(place, u64::from(value), writer)).is_ok()
        }
        Kind::Uint64 => u64::try_from(whole).map(|value| write_varint(place, value, writer)).is_ok(),
        Kind::Fixed32 => u32::try_from(whole)
            .map(|value| write_fixed(place, Wire::Four, &value.to_le_bytes(), writer))
            .is_ok(),
        Kind::Fixed64 => u64::try_from(whole)
            .map(|value| write_fixed(place, Wire::Eight, &value.to_le_bytes(), writer))
            .is_ok(),
        Kind::Sfixed64 => i64::try_from(whole)
            .map(|value| write_fixed(place, Wire::Eight, &value.to_le_bytes(), writer))
            .is_ok(),
        _ => false,
    }
}

/// Writes a string; whether the field takes it.
pub(crate) fn write_text(place: u32, kind: Kind, text: &str, writer: &mut Writer) -> bool {
    match kind {
        Kind::Text => writer.bytes(place, text.as_bytes()),
        Kind::Id => writer.bytes(place, &hex(text).unwrap_or_else(|| BAD_ID.to_vec())),
        Kind::Bytes => match base64(text) {
            Some(bytes) => writer.bytes(place, &bytes),
            None => return false,
        },
        Kind::Enum(names) => match names.iter().position(|name| *name == text) {
            Some(number) => write_varint(place, number as u64, writer),
            None => return false,
        },
        Kind::Double => match special_float(text).or_else(|| Number::parse(text).map(Number::float)) {
            Some(value) => write_fixed(place, Wire::Eight, &value.to_le_bytes(), writer),
            None => return false,
        },
        Kind::Unknown | Kind::Bool | Kind::Message(_) => return false,
        _ => return Number::parse(text).is_some_and(|number| write_number(place, kind, number, writer)),
    }
    true
}

/// Writes a boolean; whether the field takes it.
pub(crate) fn write_bool(place: u32, kind: Kind, value: bool, writer: &mut Writer) -> bool {
    let is_bool = matches!(kind, Kind::Bool);
    if is_bool {
        write_varint(place, u64::from(value), writer);
    }
    is_bool
}

/// Writes an element that says nothing.
pub(crate) fn write_default(place: u32, kind: Kind, writer: &mut Writer) {
    match kind {
        Kind::Message(_) | Kind::Text | Kind::Bytes | Kind::Id => writer.bytes(place, &[]),
        _ => {
            write_number(place, kind, Number::Unsigned(0), writer);
        }
    }
}

/// What the hex of no valid id is.
const BAD_ID: [u8; 1] = [0];

fn hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes().chunks(2).map(|pair| match pair {
        [high, low] => {
            let value = char::from(*high).to_digit(16)? << 4 | char::from(*low).to_digit(16)?;
            u8::try_from(value).ok()
        }
        _ => None,
    });
    digits.collect()
}

/// Standard or URL-safe, with or without padding.
fn base64(text: &str) -> Option<Vec<u8>> {
    let is_url_safe = text.contains(['-', '_']);
    let alphabet = if is_url_safe { alphabet::URL_SAFE } else { alphabet::STANDARD };
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    GeneralPurpose::new(&alphabet, config).decode(text).ok()
}

fn special_float(text: &str) -> Option<f64> {
    match text {
        "NaN" => Some(f64::NAN),
        "Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        _ => None,
    }
}

fn write_varint(place: u32, value: u64, writer: &mut Writer) {
    writer.key(place, Wire::Varint);
    writer.varint(value);
}

fn write_fixed(place: u32, wire: Wire, bytes: &[u8], writer: &mut Writer) {
    writer.key(place, wire);
    writer.raw(bytes);
}
