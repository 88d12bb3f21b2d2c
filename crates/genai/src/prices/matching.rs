//! Which names a provider or a model answers to: a small tree of text tests, and patterns.

use std::borrow::Cow;

use regex_lite::Regex;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::value;

/// A tree of tests for the name of a model. Case does not matter.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Match {
    /// The name is this.
    Equals(Text),
    /// The name begins with this.
    StartsWith(Text),
    /// The name ends with this.
    EndsWith(Text),
    /// The name has this in it.
    Contains(Text),
    /// The name, in lower case, has a place where this regular expression matches.
    Regex(Pattern),
    /// One of these holds.
    Or(Vec<Match>),
    /// All of these hold.
    And(Vec<Match>),
}

impl Match {
    /// Whether `text`, which is in lower case, passes.
    pub(super) fn accepts(&self, text: &str) -> bool {
        match self {
            Self::Equals(literal) => text == literal.0,
            Self::StartsWith(literal) => text.starts_with(&literal.0),
            Self::EndsWith(literal) => text.ends_with(&literal.0),
            Self::Contains(literal) => text.contains(&literal.0),
            Self::Regex(pattern) => pattern.finds(text),
            Self::Or(tests) => tests.iter().any(|test| test.accepts(text)),
            Self::And(tests) => tests.iter().all(|test| test.accepts(text)),
        }
    }
}

/// A lower-case literal.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Text(String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(lower_case(String::deserialize(deserializer)?).into_owned()))
    }
}

/// The text in lower case; a copy only where that changes it.
pub(crate) fn lower_case<'a>(text: impl Into<Cow<'a, str>>) -> Cow<'a, str> {
    let text = text.into();
    if !value::has_byte(&text, |byte| !byte.is_ascii() | byte.is_ascii_uppercase()) {
        return text;
    }
    Cow::Owned(text.to_lowercase())
}

/// A regular expression that may open with `^(?!...)`, which the regex crate has no word for.
#[derive(Debug, Clone, JsonSchema)]
#[schemars(with = "String")]
pub struct Pattern {
    text: String,
    excluded: Option<Regex>,
    wanted: Regex,
}

impl Pattern {
    fn parse(pattern: &str) -> Result<Self, regex_lite::Error> {
        let Some((excluded, rest)) = pattern.strip_prefix("^(?!").and_then(split_at_closing_parenthesis)
        else {
            return Ok(Self { text: pattern.to_owned(), excluded: None, wanted: Regex::new(pattern)? });
        };
        Ok(Self {
            text: pattern.to_owned(),
            excluded: Some(Regex::new(&format!("^(?:{excluded})"))?),
            wanted: Regex::new(&format!("^(?:{rest})"))?,
        })
    }

    fn finds(&self, text: &str) -> bool {
        !self.excluded.as_ref().is_some_and(|excluded| excluded.is_match(text)) && self.wanted.is_match(text)
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let pattern = String::deserialize(deserializer)?;
        Self::parse(&pattern)
            .map_err(|error| D::Error::custom(format!("read regular expression {pattern:?}: {error}")))
    }
}

impl Serialize for Pattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

/// A pattern that has to match from the start of an address.
#[derive(Debug)]
pub(super) struct Prefix {
    /// What is in every address that matches, at its start: nearly all that do not match are ruled out by it, at a small
    /// part of what a regular expression costs.
    literal: String,
    regex: Regex,
}

impl Prefix {
    fn parse(pattern: &str) -> Result<Self, regex_lite::Error> {
        let regex = Regex::new(&format!("^(?:{pattern})"))?;
        Ok(Self { literal: literal_start(pattern), regex })
    }

    pub(super) fn accepts(&self, text: &str) -> bool {
        text.starts_with(&self.literal) && self.regex.is_match(text)
    }
}

impl<'de> Deserialize<'de> for Prefix {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let pattern = Cow::<str>::deserialize(deserializer)?;
        Self::parse(&pattern).map_err(D::Error::custom)
    }
}

/// The text that a pattern opens with, as far as that is plain; empty where the pattern may be one of several.
fn literal_start(pattern: &str) -> String {
    let mut literal = String::new();
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some(escaped) if escaped.is_ascii_punctuation() => literal.push(escaped),
                _ => break,
            },
            '?' | '*' | '{' => {
                // What stands before may be absent.
                literal.pop();
                break;
            }
            plain if plain.is_ascii_alphanumeric() || "/:-_".contains(plain) => literal.push(plain),
            _ => break,
        }
    }
    if may_be_one_of_several(pattern) { String::new() } else { literal }
}

/// Whether a bar may stand outside all parentheses. Brackets may hold parentheses that are none.
fn may_be_one_of_several(pattern: &str) -> bool {
    let mut depth = 0;
    let mut escaped = false;
    for byte in pattern.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'(' => depth += 1,
            b')' => depth -= 1,
            b'|' if depth == 0 || pattern.contains('[') => return true,
            _ => {}
        }
    }
    false
}

fn split_at_closing_parenthesis(text: &str) -> Option<(&str, &str)> {
    let mut depth = 0;
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'(' => depth += 1,
            b')' if depth == 0 => return Some((text.get(..at)?, text.get(at + 1..)?)),
            b')' => depth -= 1,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leading_negative_lookahead_excludes() {
        let pattern = Pattern::parse(r"^(?![^/]+/)(?:labs-)?(?:mi|mini)stral").unwrap();
        assert!(pattern.finds("mistral-large"));
        assert!(pattern.finds("labs-ministral"));
        assert!(!pattern.finds("mistralai/mistral-large"));
        assert!(!pattern.finds("my-mistral"));
    }

    #[test]
    fn a_pattern_of_an_address_accepts_what_its_regular_expression_matches_at_the_start() {
        let accepts = |pattern: &str, text: &str| Prefix::parse(pattern).unwrap().accepts(text);
        assert!(accepts(r"https://api\.openai\.com", "https://api.openai.com/v1"));
        assert!(!accepts(r"https://api\.openai\.com", "https://api-openai.com"));
        assert!(!accepts(r"api", "https://api"));
        assert!(accepts(r"https?://a", "http://a") && accepts(r"https*://a", "http://a"));
        assert!(accepts(r"https{0,1}://a", "http://a"));
        assert!(accepts(r"a|b", "b") && accepts(r"a[(]|b", "b") && accepts(r"a\||b", "b"));
        assert!(accepts(r"a(?:b|c)", "ac") && !accepts(r"a(?:b|c)", "c"));
        assert!(accepts(r"a\d", "a1") && accepts(r"a.c", "abc") && accepts(r"ab+", "abb"));
        assert!(accepts(r"(?i)a", "A") && accepts(r"a(?i:b)", "aB"));
    }

    #[test]
    fn the_plain_start_of_a_pattern_is_known() {
        let starts = [r"https://api\.x\.ai(?:/|$)", r"https://api\.minimax(i)?\.(?:com|io)", "(a|b)c", "a|b"];
        let literals = starts.map(literal_start);
        assert_eq!(literals, ["https://api.x.ai", "https://api.minimax", "", ""]);
    }

    #[test]
    fn literals_are_compared_without_case() {
        let test: Match = serde_json::from_str(r#"{"starts_with": "MiniMax-M"}"#).unwrap();
        assert!(test.accepts("minimax-m2"));
    }
}
