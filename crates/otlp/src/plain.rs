//! Attributes as nearly all are: a key, then one value that is text or a whole number, and nothing else.

use crate::wire::{Slice, split};

/// The key and the value of such an attribute.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plain<'a> {
    pub(crate) key: &'a [u8],
    pub(crate) value: PlainValue<'a>,
}

/// What such an attribute holds.
#[derive(Debug, Clone, Copy)]
pub(crate) enum PlainValue<'a> {
    Text(Slice<'a>),
    Int(i64),
}

/// The keys of the fields of a `KeyValue` and of an `AnyValue`, as they stand on the wire.
const KEY: u8 = 1 << 3 | 2;
const VALUE: u8 = 2 << 3 | 2;
const TEXT: u8 = 1 << 3 | 2;
const INT: u8 = 3 << 3;

impl<'a> Plain<'a> {
    /// Reads a `KeyValue`; `None` when it has to be read field by field, whatever the reason.
    #[inline(always)]
    pub(crate) fn read(attribute: Slice<'a>) -> Option<Self> {
        let (key, rest) = split(attribute.bytes, KEY)?;
        let (value, after) = split(rest, VALUE)?;
        if !after.is_empty() {
            return None;
        }
        let value = match value {
            [INT, digits @ ..] => PlainValue::Int(int(digits)?),
            value => {
                let (bytes, after) = split(value, TEXT)?;
                let offset = attribute.offset + (attribute.bytes.len() - bytes.len());
                after.is_empty().then_some(PlainValue::Text(Slice { bytes, offset }))?
            }
        };
        Some(Self { key, value })
    }
}

/// A varint of up to nine bytes that is all there is.
#[inline(always)]
fn int(bytes: &[u8]) -> Option<i64> {
    let (last, before) = bytes.split_last()?;
    if *last >= 0x80 || before.len() > 8 {
        return None;
    }
    before.iter().rev().try_fold(i64::from(*last), |value, byte| {
        (*byte >= 0x80).then_some(value << 7 | i64::from(byte & 0x7f))
    })
}

/// Whether all bytes are ASCII; for short text sooner than the one of the standard library.
#[inline(always)]
pub(crate) fn is_ascii(bytes: &[u8]) -> bool {
    const HIGH_BITS: u64 = 0x8080_8080_8080_8080;
    let (words, rest) = bytes.as_chunks::<8>();
    let seen = words.iter().fold(0, |seen, word| seen | u64::from_ne_bytes(*word));
    let rest = match bytes.last_chunk::<8>() {
        Some(last) => u64::from_ne_bytes(*last),
        None => rest.iter().fold(0, |seen, byte| seen | u64::from(*byte)),
    };
    (seen | rest) & HIGH_BITS == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::{Any, Pair};
    use crate::wire::Cursor;

    #[test]
    fn what_is_read_at_once_is_what_is_read_field_by_field() {
        let long = "é".repeat(100);
        let texts = ["", "chat", &long].map(|text| field(1, text.as_bytes()));
        let digits: [&[u8]; 6] = [&[7], &[0x80, 0], &[0xff; 8], &[0xff, 1], &[0xff; 9], &[]];
        let ended = digits.map(|digits| [&[INT], digits, &[1]].concat());
        let open = digits.map(|digits| [&[INT], digits].concat());
        let others = [field(2, b""), [field(1, b"a"), field(1, b"b")].concat(), vec![0x20, 1]];
        let mut plain_count = 0;
        for value in texts.iter().chain(&ended).chain(&open).chain(&others) {
            let whole = [field(1, b"key"), field(2, value)].concat();
            plain_count += u32::from(agrees(&whole));
            agrees(&[&whole[..], &[0x18, 1]].concat());
            agrees(&[field(2, value), field(1, b"key")].concat());
            for end in 0..whole.len() {
                agrees(&whole[..end]);
            }
        }
        assert_eq!(plain_count, 8);
    }

    /// Whether it was read at once; fails when it then differs.
    fn agrees(bytes: &[u8]) -> bool {
        let Some(plain) = Plain::read(Slice { bytes, offset: 0 }) else { return false };
        let fields = Cursor::new(bytes);
        let pair = Pair::read(fields).unwrap();
        assert_eq!(plain.key, pair.key.bytes);
        match (plain.value, Any::merged(&pair.value, fields).unwrap()) {
            (PlainValue::Text(text), Any::Text(other)) => {
                assert_eq!((text.bytes, text.offset), (other.bytes, other.offset));
            }
            (PlainValue::Int(number), Any::Int(other)) => assert_eq!(number, other),
            (one, other) => panic!("{one:?} is {other:?}"),
        }
        true
    }

    fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
        let length = u8::try_from(bytes.len()).unwrap();
        let length = if length < 0x80 { vec![length] } else { vec![length, 1] };
        [&[number << 3 | 2], &length[..], bytes].concat()
    }
}
