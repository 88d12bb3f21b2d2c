//! Nodes as a serde deserializer. Remembers where the first error arose, and what it was.

use std::cell::RefCell;
use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{
    self, DeserializeSeed, Deserializer, EnumAccess, Expected, IntoDeserializer, MapAccess, SeqAccess,
    Unexpected, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use crate::node::{Map, Node, Value};
use crate::place::Path;

/// What serde found wrong.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    UnknownField { field: String, expected: Vec<&'static str> },
    UnknownVariant { variant: String, expected: Vec<&'static str> },
    MissingField(&'static str),
    Mismatch { expected: String },
    Other(String),
}

/// The first error, and where it arose.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    pub(crate) path: Path,
    pub(crate) fault: Fault,
}

/// Where reading is, and the first error.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    path: RefCell<Path>,
    failure: RefCell<Option<Failure>>,
}

impl Progress {
    /// The first error, if any.
    pub(crate) fn failure(self) -> Option<Failure> {
        self.failure.into_inner()
    }

    fn enter(&self, key: &str) {
        self.path.borrow_mut().push(key.to_owned());
    }

    fn leave(&self) {
        self.path.borrow_mut().pop();
    }

    /// Errors surface innermost first, so the first one to come by knows the place.
    fn note<T>(&self, result: Result<T, Fault>) -> Result<T, Fault> {
        if let Err(fault) = &result {
            let path = self.path.borrow().clone();
            self.failure.borrow_mut().get_or_insert_with(|| Failure { path, fault: fault.clone() });
        }
        result
    }
}

/// Reads a node.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a> {
    node: &'a Node,
    progress: &'a Progress,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(node: &'a Node, progress: &'a Progress) -> Self {
        Self { node, progress }
    }

    fn any<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match &self.node.value {
            Value::Null | Value::Removed => visitor.visit_unit(),
            Value::Bool(bool) => visitor.visit_bool(*bool),
            Value::Integer(integer) => visit_integer(*integer, visitor),
            Value::Float(float) => visitor.visit_f64(*float),
            Value::Text(text) => visitor.visit_str(text),
            Value::List(list) => visitor.visit_seq(self.elements(list)),
            Value::Map(map) => visitor.visit_map(self.entries(map)),
        }
    }

    fn elements(self, list: &'a [Node]) -> Elements<'a> {
        Elements { list: list.iter().enumerate(), progress: self.progress }
    }

    fn entries(self, map: &'a Map) -> Entries<'a> {
        Entries { entries: map.iter(), value: None, progress: self.progress }
    }

    /// A text field takes the text that was written, so that `0123` and `1.10` survive.
    fn text<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match &self.node.original {
            Some(text) => visitor.visit_str(text),
            None => self.any(visitor),
        }
    }
}

fn visit_integer<'de, V: Visitor<'de>>(integer: i128, visitor: V) -> Result<V::Value, Fault> {
    if let Ok(integer) = u64::try_from(integer) {
        return visitor.visit_u64(integer);
    }
    match i64::try_from(integer) {
        Ok(integer) => visitor.visit_i64(integer),
        Err(_) => visitor.visit_f64(integer as f64),
    }
}

impl<'de> Deserializer<'de> for Reader<'_> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.progress.note(self.any(visitor))
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.progress.note(self.text(visitor))
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.progress.note(match &self.node.value {
            Value::Null | Value::Removed => visitor.visit_none(),
            _ => visitor.visit_some(self),
        })
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.progress.note(match &self.node.value {
            Value::Null => visitor.visit_seq(self.elements(&[])),
            _ => self.any(visitor),
        })
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.progress.note(match &self.node.value {
            Value::Null => visitor.visit_map(self.entries(&Map::new())),
            // Without this, a struct would take a list as its fields in their order.
            Value::List(_) => Err(Fault::Mismatch { expected: "a map".to_owned() }),
            _ => self.any(visitor),
        })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_map(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.progress.note(visitor.visit_newtype_struct(self))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let choice = match (&self.node.value, &self.node.original) {
            (Value::Map(map), _) => match map.first_key_value() {
                Some((name, entry)) if map.len() == 1 => {
                    Ok(Choice { name, content: Some(&entry.node), progress: self.progress })
                }
                _ => Err(Fault::Mismatch { expected: "a map with one key".to_owned() }),
            },
            (Value::Text(name), _) => Ok(Choice { name, content: None, progress: self.progress }),
            (_, Some(name)) => Ok(Choice { name, content: None, progress: self.progress }),
            _ => Err(Fault::Mismatch { expected: "a word".to_owned() }),
        };
        self.progress.note(choice.and_then(|choice| visitor.visit_enum(choice)))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf unit unit_struct tuple tuple_struct
        identifier
    }
}

struct Elements<'a> {
    list: std::iter::Enumerate<std::slice::Iter<'a, Node>>,
    progress: &'a Progress,
}

impl<'de> SeqAccess<'de> for Elements<'_> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Fault> {
        let Some((index, node)) = self.list.find(|(_, node)| node.value != Value::Removed) else {
            return Ok(None);
        };
        self.progress.enter(&format!("[{index}]"));
        let value = self.progress.note(seed.deserialize(Reader::new(node, self.progress)))?;
        self.progress.leave();
        Ok(Some(value))
    }
}

struct Entries<'a> {
    entries: std::collections::btree_map::Iter<'a, String, crate::node::Entry>,
    value: Option<(&'a str, &'a Node)>,
    progress: &'a Progress,
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        let Some((key, entry)) = self.entries.find(|(_, entry)| entry.node.value != Value::Removed) else {
            return Ok(None);
        };
        self.value = Some((key, &entry.node));
        self.progress.enter(key);
        let key = seed.deserialize(Word { text: key, progress: self.progress })?;
        self.progress.leave();
        Ok(Some(key))
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Fault> {
        let Some((key, node)) = self.value.take() else {
            return Err(Fault::Other("a value was asked for before its key".to_owned()));
        };
        self.progress.enter(key);
        let value = self.progress.note(seed.deserialize(Reader::new(node, self.progress)))?;
        self.progress.leave();
        Ok(value)
    }
}

/// A key, or the name of a variant.
#[derive(Debug, Clone, Copy)]
struct Word<'a> {
    text: &'a str,
    progress: &'a Progress,
}

impl<'de> Deserializer<'de> for Word<'_> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.progress.note(visitor.visit_str(self.text))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.progress.note(visitor.visit_newtype_struct(self))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let text: StrDeserializer<'_, Fault> = self.text.into_deserializer();
        self.progress.note(visitor.visit_enum(text))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        seq tuple tuple_struct map struct identifier ignored_any
    }
}

/// One variant of an enum: a word, or a map of one key.
struct Choice<'a> {
    name: &'a str,
    content: Option<&'a Node>,
    progress: &'a Progress,
}

impl<'a> Choice<'a> {
    fn content(&self) -> Result<Reader<'a>, Fault> {
        let node =
            self.content.ok_or_else(|| Fault::Mismatch { expected: "a map with one key".to_owned() })?;
        Ok(Reader::new(node, self.progress))
    }
}

impl<'de> EnumAccess<'de> for Choice<'_> {
    type Error = Fault;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Fault> {
        let value = seed.deserialize(Word { text: self.name, progress: self.progress })?;
        self.progress.enter(self.name);
        Ok((value, self))
    }
}

impl<'de> VariantAccess<'de> for Choice<'_> {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        self.progress.leave();
        match self.content.map(|node| &node.value) {
            None | Some(Value::Null) => Ok(()),
            Some(_) => Err(Fault::Mismatch { expected: "a word".to_owned() }),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Fault> {
        let value = self.progress.note(seed.deserialize(self.content()?))?;
        self.progress.leave();
        Ok(value)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Fault> {
        let value = self.content()?.deserialize_seq(visitor)?;
        self.progress.leave();
        Ok(value)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let value = self.content()?.deserialize_map(visitor)?;
        self.progress.leave();
        Ok(value)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownField { field, .. } => write!(out, "unknown field {field:?}"),
            Self::UnknownVariant { .. } => out.write_str("unknown value"),
            Self::MissingField(field) => write!(out, "missing field {field:?}"),
            Self::Mismatch { expected } => write!(out, "expected {expected}"),
            Self::Other(message) => out.write_str(message),
        }
    }
}

impl std::error::Error for Fault {}

impl de::Error for Fault {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::Other(message.to_string())
    }

    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::Mismatch { expected: expected.to_string() }
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::Mismatch { expected: expected.to_string() }
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self::UnknownVariant { variant: variant.to_owned(), expected: expected.to_vec() }
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self::UnknownField { field: field.to_owned(), expected: expected.to_vec() }
    }

    fn missing_field(field: &'static str) -> Self {
        Self::MissingField(field)
    }
}
