//! Names of things: components, logs, positions in a log.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// `type` or `type/name`, as in the Collector's YAML.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ComponentId {
    kind: String,
    name: String,
}

impl ComponentId {
    /// The word before the slash, which names the component's type.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// What follows the slash; empty when there is none.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// Why a text is no component id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a component id: {reason}")]
pub struct InvalidId {
    text: String,
    reason: &'static str,
}

impl FromStr for ComponentId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let invalid = |reason| InvalidId { text: text.to_owned(), reason };
        let (kind, name) = match text.split_once('/') {
            Some((kind, name)) => (kind.trim(), Some(name.trim())),
            None => (text.trim(), None),
        };
        if !is_type(kind) {
            return Err(invalid("a type is a letter, then at most 62 letters, digits or underscores"));
        }
        match name {
            Some("") => Err(invalid("the name after the slash is empty")),
            Some(name) if !is_name(name) => Err(invalid(
                "a name has at most 1024 characters and no white space, control character or symbol",
            )),
            name => Ok(Self { kind: kind.to_owned(), name: name.unwrap_or_default().to_owned() }),
        }
    }
}

fn is_type(kind: &str) -> bool {
    kind.len() <= 63
        && kind.starts_with(|first: char| first.is_ascii_alphabetic())
        && kind.chars().all(|char| char.is_ascii_alphanumeric() || char == '_')
}

fn is_name(name: &str) -> bool {
    name.chars().count() <= 1024
        && !name.chars().any(|char| char.is_whitespace() || char.is_control() || "$+<=>^`|~".contains(char))
}

impl fmt::Display for ComponentId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name.as_str() {
            "" => out.write_str(&self.kind),
            name => write!(out, "{}/{name}", self.kind),
        }
    }
}

impl TryFrom<String> for ComponentId {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, InvalidId> {
        text.parse()
    }
}

impl From<ComponentId> for String {
    fn from(id: ComponentId) -> Self {
        id.to_string()
    }
}

/// Where a record stands in the log. The first record has position 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Position(pub u64);

impl Position {
    /// The position after this one.
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Position {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

/// The random identity of a log. Shown as 32 hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct LogId(pub [u8; 16]);

impl fmt::Display for LogId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_type_and_perhaps_a_name() {
        assert_eq!("otlp".parse::<ComponentId>().unwrap().to_string(), "otlp");
        assert_eq!(" parquet / eu ".parse::<ComponentId>().unwrap().to_string(), "parquet/eu");
        for wrong in ["", "/x", "otlp/", "9lives", "a b", "otlp/a b", "otlp/a=b"] {
            assert!(wrong.parse::<ComponentId>().is_err(), "{wrong:?} was taken");
        }
    }
}
