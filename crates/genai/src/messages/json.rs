//! JSON as it was sent: keys in their order, numbers in their digits, texts as pieces of the source where possible.
//!
//! `serde_json::Value` sorts keys and rounds numbers; what was said in a call is to come out as it went in.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt::Write as _;

mod parser;

pub(crate) use parser::{parse, parse_cut, parse_python};

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Json<'a> {
    Null,
    Bool(bool),
    /// Its digits, valid as JSON.
    Number(Cow<'a, str>),
    Text(Cow<'a, str>),
    /// JSON that is written as it is.
    Raw(Cow<'a, str>),
    Array(Vec<Json<'a>>),
    Object(Keys<'a>),
}

/// The keys of an object in their order.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Keys<'a>(pub(crate) Vec<(Cow<'a, str>, Json<'a>)>);

impl<'a> Json<'a> {
    /// A text.
    pub(crate) fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Self::Text(text.into())
    }

    /// The text, if it is one.
    pub(crate) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The keys, if it is an object.
    pub(crate) fn as_object(&self) -> Option<&Keys<'a>> {
        match self {
            Self::Object(keys) => Some(keys),
            _ => None,
        }
    }

    /// The elements, if it is an array.
    pub(crate) fn as_array(&self) -> Option<&[Self]> {
        match self {
            Self::Array(elements) => Some(elements),
            _ => None,
        }
    }

    /// Says nothing: null, or nothing inside.
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Array(elements) => elements.is_empty(),
            Self::Object(keys) => keys.0.is_empty(),
            _ => false,
        }
    }

    /// Without its ties to the source.
    pub(crate) fn into_owned<'b>(self) -> Json<'b> {
        let own = |text: Cow<'a, str>| Cow::Owned(text.into_owned());
        match self {
            Self::Null => Json::Null,
            Self::Bool(flag) => Json::Bool(flag),
            Self::Number(digits) => Json::Number(own(digits)),
            Self::Text(text) => Json::Text(own(text)),
            Self::Raw(text) => Json::Raw(own(text)),
            Self::Array(elements) => Json::Array(elements.into_iter().map(Self::into_owned).collect()),
            Self::Object(Keys(keys)) => Json::Object(Keys(
                keys.into_iter().map(|(name, value)| (own(name), value.into_owned())).collect(),
            )),
        }
    }

    /// As JSON without spaces.
    pub(crate) fn write(&self, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
            Self::Number(text) | Self::Raw(text) => out.push_str(text),
            Self::Text(text) => write_text(text, out),
            Self::Array(elements) => {
                out.push('[');
                for (place, element) in elements.iter().enumerate() {
                    if place > 0 {
                        out.push(',');
                    }
                    element.write(out);
                }
                out.push(']');
            }
            Self::Object(Keys(keys)) => {
                out.push('{');
                for (place, (name, value)) in keys.iter().enumerate() {
                    if place > 0 {
                        out.push(',');
                    }
                    write_text(name, out);
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
        }
    }

    /// As JSON without spaces.
    pub(crate) fn to_text(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }
}

impl<'a> Keys<'a> {
    /// An object that begins with its type.
    pub(crate) fn of_type(name: &'static str) -> Self {
        Self::default().with("type", Json::text(name))
    }

    /// The value of a key that says something.
    pub(crate) fn get(&self, name: &str) -> Option<&Json<'a>> {
        self.0
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value)
            .filter(|value| **value != Json::Null)
    }

    /// The text of a key.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_text()
    }

    /// The names of all keys.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_ref())
    }

    /// Whether there is such a key with a value.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Takes a key out; `None` if it is not there or null.
    pub(crate) fn take(&mut self, name: &str) -> Option<Json<'a>> {
        let place = self.0.iter().position(|(key, _)| key == name)?;
        let (_, value) = self.0.remove(place);
        Some(value).filter(|value| *value != Json::Null)
    }

    /// Takes the first of these keys out that is there.
    pub(crate) fn take_any(&mut self, names: &[&str]) -> Option<Json<'a>> {
        names.iter().find_map(|name| self.take(name))
    }

    /// Takes a key out if its value is a text.
    pub(crate) fn take_text(&mut self, name: &str) -> Option<Cow<'a, str>> {
        self.text(name)?;
        match self.take(name) {
            Some(Json::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// Takes a key out if its value is an object.
    pub(crate) fn take_object(&mut self, name: &str) -> Option<Keys<'a>> {
        self.get(name)?.as_object()?;
        match self.take(name) {
            Some(Json::Object(keys)) => Some(keys),
            _ => None,
        }
    }

    /// And this key.
    #[must_use]
    pub(crate) fn with(mut self, name: &'static str, value: Json<'a>) -> Self {
        self.0.push((Cow::Borrowed(name), value));
        self
    }

    /// And this key, if there is a value.
    #[must_use]
    pub(crate) fn with_some(self, name: &'static str, value: Option<Json<'a>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// And what another object still has, apart from what says nothing. A name that is taken gets a `_` at its end.
    #[must_use]
    pub(crate) fn and_rest(mut self, rest: Keys<'a>) -> Self {
        let taken: HashSet<String> = self.0.iter().map(|(name, _)| name.to_string()).collect();
        for (name, value) in rest.0 {
            if value.is_empty() {
                continue;
            }
            let is_taken = taken.contains(name.as_ref());
            self.0.push((if is_taken { Cow::Owned(format!("{name}_")) } else { name }, value));
        }
        self
    }

    /// And all that another object has.
    #[must_use]
    pub(crate) fn and_all(mut self, rest: Keys<'a>) -> Self {
        self.0.extend(rest.0);
        self
    }

    /// As a value.
    pub(crate) fn json(self) -> Json<'a> {
        Json::Object(self)
    }
}

fn write_text(text: &str, out: &mut String) {
    out.push('"');
    let mut written = 0;
    for (place, byte) in text.bytes().enumerate() {
        if byte >= b' ' && byte != b'"' && byte != b'\\' {
            continue;
        }
        // What is escaped is one byte, so these are borders of characters.
        out.push_str(text.get(written..place).unwrap_or_default());
        written = place + 1;
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            _ => {
                let _ = write!(out, "\\u{byte:04x}");
            }
        }
    }
    out.push_str(text.get(written..).unwrap_or_default());
    out.push('"');
}
