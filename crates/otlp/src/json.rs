//! OTLP's JSON to its protobuf, streaming: no document is built.
//!
//! Names are lowerCamelCase; ids are hex, of any case; 64-bit numbers are numbers or strings; `null` is the default;
//! what is unknown is ignored. Enums are numbers, and names are understood too. Of a name that repeats within
//! an object, the last value counts.

use std::fmt;

use serde::de::{
    DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Unexpected, Visitor,
};

use crate::Message;
use crate::error::Malformed;
use crate::fields::{self, Field, Kind, NUMBERS};
use crate::scalar::{self, Number};
use crate::writer::Writer;

/// Transcodes a request from JSON to protobuf, of at most `bytes_max` bytes.
///
/// An id that is not hex or has the wrong length becomes a bad id, which [`crate::walk`] then rejects with its item.
///
/// # Errors
/// Where the text is not JSON, or a value is not of its field's kind, with line and column; or that it is too large.
pub fn json_to_protobuf(message: Message, json: &[u8], bytes_max: usize) -> Result<Vec<u8>, Malformed> {
    let mut output = Output { writer: Writer::default(), bytes_max, is_full: false };
    let mut reader = serde_json::Deserializer::from_slice(json);
    let object = Object { message: fields::root(message), output: &mut output };
    match object.deserialize(&mut reader).and_then(|()| reader.end()) {
        Ok(()) => Ok(output.writer.into_bytes()),
        Err(_) if output.is_full => Err(Malformed::TooLarge { bytes_max }),
        Err(error) => Err(error.into()),
    }
}

/// How text is named in an error: what it says is the sender's own business.
const TEXT: Unexpected = Unexpected::Other("text");

/// The protobuf under construction, and how large it may become.
struct Output {
    writer: Writer,
    bytes_max: usize,
    is_full: bool,
}

impl Output {
    fn check<E: Error>(&mut self) -> Result<(), E> {
        if self.writer.len() <= self.bytes_max {
            return Ok(());
        }
        self.is_full = true;
        Err(E::custom("too large"))
    }
}

/// An object that holds the fields of a message.
struct Object<'a> {
    message: &'static fields::Message,
    output: &'a mut Output,
}

impl<'de> DeserializeSeed<'de> for Object<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Object<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        Err(E::invalid_type(TEXT, &self))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut written = Written::default();
        while let Some(known) = map.next_key_seed(Name { message: self.message })? {
            let Some((number, field)) = known else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let start = self.output.writer.len();
            map.next_value_seed(Value { number, field, output: self.output })?;
            written.replace(number, start, &mut self.output.writer);
        }
        Ok(())
    }
}

/// What an object has written of each field, so that a name that repeats replaces it.
#[derive(Default)]
struct Written([Option<(usize, usize)>; NUMBERS]);

impl Written {
    fn replace(&mut self, number: u32, start: usize, writer: &mut Writer) {
        let end = writer.len();
        let Some(place) = self.0.get_mut(number as usize) else { return };
        let Some((old_start, old_end)) = place.replace((start, end)) else { return };
        writer.remove(old_start, old_end);
        let moved = old_end - old_start;
        for (start, end) in self.0.iter_mut().flatten().filter(|(start, _)| *start >= old_end) {
            *start -= moved;
            *end -= moved;
        }
    }
}

/// The name of a field; `None` when it is unknown.
struct Name {
    message: &'static fields::Message,
}

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Option<(u32, &'static Field)>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for Name {
    type Value = Option<(u32, &'static Field)>;

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("a name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.message.named(name))
    }
}

/// The value of a field: one, or an array of them.
struct Value<'a> {
    number: u32,
    field: &'static Field,
    output: &'a mut Output,
}

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if self.field.repeated {
            return deserializer.deserialize_any(Elements(self));
        }
        deserializer.deserialize_any(Single(self))
    }
}

/// An array; `null` is an empty one.
struct Elements<'a>(Value<'a>);

impl<'de> Visitor<'de> for Elements<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        write!(formatter, "an array as {}", self.0.field.name)
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        Err(E::invalid_type(TEXT, &self))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        let Value { number, field, output } = self.0;
        while elements.next_element_seed(Element(Value { number, field, output }))?.is_some() {}
        Ok(())
    }
}

/// One element of an array; `null` is an element that says nothing.
struct Element<'a>(Value<'a>);

impl<'de> DeserializeSeed<'de> for Element<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let Value { number, field, output } = self.0;
        let before = output.writer.len();
        deserializer.deserialize_any(Single(Value { number, field, output }))?;
        if output.writer.len() == before {
            scalar::write_default(number, field.kind, &mut output.writer);
        }
        output.check()
    }
}

/// One value; `null` is the default.
struct Single<'a>(Value<'a>);

impl Single<'_> {
    fn write_number(&mut self, value: Number) -> bool {
        scalar::write_number(self.0.number, self.0.field.kind, value, &mut self.0.output.writer)
    }

    /// Ends a value that was written, or that the field does not take.
    fn end<E: Error>(self, is_written: bool, found: Unexpected) -> Result<(), E> {
        if is_written { self.0.output.check() } else { Err(E::invalid_value(found, &self)) }
    }
}

impl<'de> Visitor<'de> for Single<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        let what = match self.0.field.kind {
            Kind::Unknown => "nothing",
            Kind::Text => "text",
            Kind::Bytes => "base64",
            Kind::Id => "hex digits",
            Kind::Bool => "a boolean",
            Kind::Int | Kind::Sfixed64 => "a whole number",
            Kind::Sint32 => "a whole number of 32 bits",
            Kind::Uint32 | Kind::Fixed32 => "a whole number of 32 bits, not negative",
            Kind::Uint64 | Kind::Fixed64 => "a whole number, not negative",
            Kind::Double => "a number",
            Kind::Enum(_) => "the number of an enum",
            Kind::Message(_) => "an object",
        };
        write!(formatter, "{what} as {}", self.0.field.name)
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        let (number, field) = (self.0.number, self.0.field);
        let is_written = scalar::write_bool(number, field.kind, value, &mut self.0.output.writer);
        self.end(is_written, Unexpected::Bool(value))
    }

    fn visit_i64<E: Error>(mut self, value: i64) -> Result<(), E> {
        let is_written = self.write_number(Number::Signed(value));
        self.end(is_written, Unexpected::Signed(value))
    }

    fn visit_u64<E: Error>(mut self, value: u64) -> Result<(), E> {
        let is_written = self.write_number(Number::Unsigned(value));
        self.end(is_written, Unexpected::Unsigned(value))
    }

    fn visit_f64<E: Error>(mut self, value: f64) -> Result<(), E> {
        let is_written = self.write_number(Number::Float(value));
        self.end(is_written, Unexpected::Float(value))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        let (number, field) = (self.0.number, self.0.field);
        let is_written = scalar::write_text(number, field.kind, text, &mut self.0.output.writer);
        self.end(is_written, TEXT)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        let Value { number, field, output } = self.0;
        let Kind::Message(message) = field.kind else {
            return Err(A::Error::invalid_type(Unexpected::Map, &Single(Value { number, field, output })));
        };
        output.writer.open(number);
        Object { message, output }.visit_map(map)?;
        output.writer.close();
        output.check()
    }
}
