//! Values inside JSON texts, found by their paths without building the rest.
//!
//! Senders put whole answers of a provider into one attribute, often as JSON within JSON, sometimes as Python writes a
//! dictionary. One pass over the text finds what several paths name; everything else is skipped.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::messages::json::parse_python;

/// How often a text may be a string that holds JSON itself.
const ENCODINGS_MAX: usize = 3;

/// Larger texts are not translated from Python.
const PYTHON_BYTES_MAX: usize = 1 << 20;

/// Keys and places in lists with points between them. `*` stands for every place of a list, and what is found is a list
/// then; `key*` at the end is the sum of the numbers under all keys that begin so, given that `key` itself is there.
type Path = &'static str;

/// What the paths name in a text, in their order: strings decoded, other values as JSON text. A null is nothing, and so
/// is everything in a text that is no JSON.
pub(crate) fn find<'a>(text: &'a str, paths: &[Path]) -> Vec<Option<Cow<'a, str>>> {
    let text = text.trim_ascii();
    match text.as_bytes().first() {
        Some(b'"') => find_decoded(text, paths, ENCODINGS_MAX),
        Some(b'{' | b'[') => match find_plain(text, paths) {
            Some(found) => found,
            None if text.len() <= PYTHON_BYTES_MAX => {
                parse_python(text).map_or_else(|| nothing(paths), |json| owned(&json.to_text(), paths))
            }
            None => nothing(paths),
        },
        _ => nothing(paths),
    }
}

/// The string that a JSON string stands for; `None` when the text is none.
pub(crate) fn unquote(text: &str) -> Option<Cow<'_, str>> {
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    if !inner.bytes().any(|byte| matches!(byte, b'"' | b'\\')) {
        return Some(Cow::Borrowed(inner));
    }
    serde_json::from_str(text).ok().map(Cow::Owned)
}

fn find_decoded<'a>(text: &'a str, paths: &[Path], encodings: usize) -> Vec<Option<Cow<'a, str>>> {
    match unquote(text) {
        Some(inner) if encodings > 0 && inner.trim_ascii_start().starts_with(['{', '[', '"']) => {
            owned(&inner, paths)
        }
        _ => nothing(paths),
    }
}

fn owned<'a>(text: &str, paths: &[Path]) -> Vec<Option<Cow<'a, str>>> {
    let found = find_plain(text, paths).unwrap_or_else(|| nothing(paths));
    found.into_iter().map(|text| text.map(|text| Cow::Owned(text.into_owned()))).collect()
}

fn nothing<'a>(paths: &[Path]) -> Vec<Option<Cow<'a, str>>> {
    vec![None; paths.len()]
}

fn find_plain<'a>(text: &'a str, paths: &[Path]) -> Option<Vec<Option<Cow<'a, str>>>> {
    let mut found = vec![None; paths.len()];
    let wanted: Vec<_> = paths.iter().enumerate().map(|(place, path)| Wanted::new(place, path)).collect();
    let lists: Vec<_> = wanted.iter().filter(|wanted| wanted.is_list).map(|wanted| wanted.place).collect();
    let mut deserializer = serde_json::Deserializer::from_str(text);
    Node { wanted, found: &mut found }.deserialize(&mut deserializer).ok()?;
    deserializer.end().ok()?;
    for place in lists {
        if let Some(Some(items)) = found.get_mut(place) {
            *items = Cow::Owned(format!("[{items}]"));
        }
    }
    Some(found)
}

/// What is left of a path, and where what it leads to is to be put.
#[derive(Clone, Copy)]
struct Wanted {
    place: usize,
    path: Path,
    /// The path leads through every place of a list.
    is_list: bool,
}

impl Wanted {
    fn new(place: usize, path: Path) -> Self {
        Self { place, path, is_list: path.split('.').any(|level| level == "*") }
    }

    /// What is wanted below the key, or the place of a list, that is next.
    fn below(self, key: &str) -> Option<Self> {
        let (first, path) = self.path.split_once('.').unwrap_or((self.path, ""));
        (first == key || first == "*").then_some(Self { path, ..self })
    }

    /// How the keys begin whose numbers are to be summed.
    fn prefix(self) -> Option<&'static str> {
        self.path.strip_suffix('*').filter(|prefix| !prefix.is_empty() && !prefix.contains('.'))
    }
}

/// A value, and what is wanted below it.
struct Node<'f, 'a> {
    wanted: Vec<Wanted>,
    found: &'f mut Vec<Option<Cow<'a, str>>>,
}

impl<'a> Node<'_, 'a> {
    fn below(&self, key: &str) -> Vec<Wanted> {
        self.wanted.iter().filter_map(|wanted| wanted.below(key)).collect()
    }

    fn put(&mut self, wanted: Wanted, raw: &'a RawValue) {
        let (Some(text), Some(slot)) = (as_text(raw), self.found.get_mut(wanted.place)) else { return };
        match slot {
            None => *slot = Some(if wanted.is_list { Cow::Borrowed(raw.get()) } else { text }),
            Some(items) if wanted.is_list => items.to_mut().extend([",", raw.get()]),
            Some(_) => {}
        }
    }

    fn child<'de: 'a>(&mut self, wanted: Vec<Wanted>, raw: &'de RawValue) {
        let (here, deeper): (Vec<_>, Vec<_>) = wanted.into_iter().partition(|wanted| wanted.path.is_empty());
        here.into_iter().for_each(|wanted| self.put(wanted, raw));
        if deeper.is_empty() {
            return;
        }
        let mut deserializer = serde_json::Deserializer::from_str(raw.get());
        // It was read once already, so it is JSON.
        drop(Node { wanted: deeper, found: self.found }.deserialize(&mut deserializer));
    }
}

/// A value as text: strings decoded, nulls none.
fn as_text(raw: &RawValue) -> Option<Cow<'_, str>> {
    match raw.get() {
        "null" => None,
        text if text.starts_with('"') => unquote(text),
        text => Some(Cow::Borrowed(text)),
    }
}

impl<'de: 'a, 'a> DeserializeSeed<'de> for Node<'_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de: 'a, 'a> Visitor<'de> for Node<'_, 'a> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        let sums =
            self.wanted.iter().filter_map(|wanted| Some((wanted.place, wanted.prefix()?, 0_i64, false)));
        let mut sums: Vec<_> = sums.collect();
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            let below = self.below(&key);
            if below.is_empty() && !sums.iter().any(|(_, prefix, ..)| key.starts_with(prefix)) {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            let raw = map.next_value::<&'de RawValue>()?;
            for (_, prefix, sum, is_whole) in
                sums.iter_mut().filter(|(_, prefix, ..)| key.starts_with(prefix))
            {
                *sum = sum.saturating_add(raw.get().parse().unwrap_or(0));
                *is_whole |= *prefix == key;
            }
            self.child(below, raw);
        }
        for (place, _, sum, _) in sums.into_iter().filter(|(.., is_whole)| *is_whole) {
            if let Some(slot) = self.found.get_mut(place) {
                *slot = Some(Cow::Owned(sum.to_string()));
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        for place in 0_usize.. {
            let below = self.below(&place.to_string());
            if below.is_empty() {
                if list.next_element::<IgnoredAny>()?.is_none() {
                    break;
                }
                continue;
            }
            let Some(raw) = list.next_element::<&'de RawValue>()? else { break };
            self.child(below, raw);
        }
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn one(text: &str, path: Path) -> Option<String> {
        find(text, &[path]).remove(0).map(Cow::into_owned)
    }

    #[test]
    fn a_path_leads_through_objects_and_lists() {
        let text = r#" {"skip": [1, {"a": 2}], "usage": {"input": 7, "deep": [{"id": "x\"y"}, {"id": "z"}]}, "n": null}"#;
        assert_eq!(one(text, "usage.input").as_deref(), Some("7"));
        assert_eq!(one(text, "usage.deep.0.id").as_deref(), Some("x\"y"));
        assert_eq!(one(text, "usage.deep.1.id").as_deref(), Some("z"));
        assert_eq!(one(text, "usage.deep.*.id").as_deref(), Some(r#"["x\"y","z"]"#), "all of the list");
        assert_eq!(one(text, "usage.deep.2.id"), None);
        assert_eq!(one(text, "skip").as_deref(), Some(r#"[1, {"a": 2}]"#));
        assert_eq!(one(text, "n"), None);
        assert_eq!(one(text, "usage.input.x"), None);
    }

    #[test]
    fn several_paths_are_found_in_one_pass() {
        let found = find(r#"{"a": {"b": 1, "c": "2"}, "d": true}"#, &["a.c", "d", "a.b", "e"]);
        assert_eq!(found, [Some("2".into()), Some("true".into()), Some("1".into()), None]);
    }

    #[test]
    fn a_sum_is_that_of_all_keys_that_begin_alike() {
        let text = r#"{"input": 39, "input_cached_tokens": 6, "input_details": {"x": 1}, "output": 5}"#;
        assert_eq!(one(text, "input*").as_deref(), Some("45"));
        assert_eq!(one(r#"{"input_cached_tokens": 6}"#, "input*"), None, "without the first there is no sum");
        assert_eq!(one(r#"{"usage": {"input": 1, "input_b": 2}}"#, "usage.input*").as_deref(), Some("3"));
    }

    #[test]
    fn json_in_a_string_and_what_python_writes_are_read_alike() {
        assert_eq!(one(r#""{\"id\": \"x\"}""#, "id").as_deref(), Some("x"));
        let python = "{'a': None, 'b': True, 'usage': {'total': 3, 'text': \"it's\"}}";
        assert_eq!(one(python, "usage.total").as_deref(), Some("3"));
        assert_eq!(one(python, "usage.text").as_deref(), Some("it's"));
        assert_eq!(one(python, "b").as_deref(), Some("true"));
        assert_eq!(one(python, "a"), None);
    }

    #[test]
    fn a_printed_dictionary_becomes_json() {
        let text = r#"{'a': 'it\'s "so"', "b": "it's", 'n': None, 't': (True, False), 'x': -1.5e+3, 'e': '\n\\ é\x1b'}"#;
        let json: serde_json::Value = serde_json::from_str(&parse_python(text).unwrap().to_text()).unwrap();
        let expected = serde_json::json!({
            "a": "it's \"so\"", "b": "it's", "n": null, "t": [true, false], "x": -1500.0, "e": "\n\\ é\u{1b}",
        });
        assert_eq!(json, expected);
        assert_eq!(parse_python("{'None': 'True'}").unwrap().to_text(), r#"{"None":"True"}"#);
        assert!(parse_python("{'open").is_none());
    }

    #[test]
    fn what_is_no_json_holds_nothing() {
        for text in ["", "x", "7", "{", "[1,", r#"{"id": }"#, r#"{"id": "x"} y"#, "\"", "\"id\""] {
            assert_eq!(one(text, "id"), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[\\[\\]{}'\":,0-9a-cNTF\\\\ .*-]{0,60}") {
            find(&text, &["a", "a.b", "a*", "*.a", "0.1"]);
        }
    }
}
