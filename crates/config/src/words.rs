//! The words of messages: what was found, what was expected, the nearest known name; never a secret.

use crate::node::{Node, Value};

/// `, did you mean "x"?` when a known name is near, or the known names when they are few.
pub(crate) fn did_you_mean<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.collect();
    match (nearest_name(name, &known), known.len()) {
        (nearest, _) if !nearest.is_empty() => nearest,
        (_, 1..=12) => format!(", expected one of {}", known.join(", ")),
        _ => String::new(),
    }
}

/// `, did you mean "x"?` when a known name is near.
pub(crate) fn nearest_name(name: &str, known: &[&str]) -> String {
    nearest(name, known).map(|nearest| format!(", did you mean {nearest:?}?")).unwrap_or_default()
}

fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let short: String = name.chars().take(128).collect();
    let distance = |other: &str| strsim::damerau_levenshtein(&short.to_lowercase(), &other.to_lowercase());
    let (best, away) = known.iter().map(|other| (*other, distance(other))).min_by_key(|(_, away)| *away)?;
    let length = short.chars().count().max(best.chars().count());
    (away <= 1.max(length / 3)).then_some(best)
}

/// The most characters of a text that a message shows.
const SHOWN_CHARS_MAX: usize = 40;

/// The words of a choice, each once, whatever the case of its letters is in other spellings.
pub(crate) fn choices<'a>(words: &[&'a str]) -> Vec<&'a str> {
    let mut choices: Vec<&str> = Vec::new();
    for word in words {
        match choices.iter_mut().find(|choice| choice.eq_ignore_ascii_case(word)) {
            Some(choice) if word.chars().all(char::is_lowercase) => *choice = word,
            Some(_) => {}
            None => choices.push(word),
        }
    }
    choices
}

/// Words behind one another; one without letters is quoted.
pub(crate) fn listed(words: &[&str]) -> String {
    let shown: Vec<&str> = words.iter().map(|word| if word.is_empty() { "\"\"" } else { word }).collect();
    shown.join(", ")
}

/// What stands where a single value belongs: as [`found_in_words`], but with the text, shortened, unless that must not
/// be shown.
pub(crate) fn found_value_in_words(node: &Node) -> String {
    match &node.value {
        Value::Text(text) if node.reference.is_none() && !node.secret => {
            let short: String = text.chars().take(SHOWN_CHARS_MAX).collect();
            let rest = if short.len() < text.len() { "…" } else { "" };
            format!("{:?}", short + rest)
        }
        _ => found_in_words(node),
    }
}

/// What stands there. Texts are never shown, nor anything that a reference stands for.
pub(crate) fn found_in_words(node: &Node) -> String {
    let shown = node.reference.is_none() && !node.secret;
    let of_reference = if node.reference.is_some() { " from a reference" } else { "" };
    match &node.value {
        Value::Null | Value::Removed => "null".to_owned(),
        Value::Bool(bool) if shown => bool.to_string(),
        Value::Integer(integer) if shown => format!("the number {integer}"),
        Value::Float(float) if shown => format!("the number {float}"),
        Value::Bool(_) => format!("true or false{of_reference}"),
        Value::Integer(_) | Value::Float(_) => format!("a number{of_reference}"),
        Value::Text(_) => format!("a text{of_reference}"),
        Value::List(_) => format!("a list{of_reference}"),
        Value::Map(_) => format!("a map{of_reference}"),
    }
}

/// Rust's names of types, in words.
pub(crate) fn expected_in_words(expected: &str) -> String {
    match expected {
        "u8" => "a whole number from 0 to 255",
        "u16" => "a whole number from 0 to 65535",
        "u32" | "u64" | "usize" | "u128" => "a whole number that is not negative",
        "i8" | "i16" | "i32" | "i64" | "isize" | "i128" => "a whole number",
        "f32" | "f64" => "a number",
        "a boolean" => "true or false",
        "a string" | "string" | "str" => "a text",
        "a sequence" => "a list",
        _ if expected.starts_with("struct ") => "a map",
        _ => expected,
    }
    .to_owned()
}

/// The message without texts that must not be shown; something general when parts of one would still be in it.
pub(crate) fn without_hidden(message: &str, hidden: &[&str]) -> String {
    let mut message = message.to_owned();
    for text in hidden.iter().filter(|text| !text.is_empty()) {
        message =
            message.replace(&format!("{text:?}"), "[REDACTED]").replace(&format!("`{text}`"), "[REDACTED]");
        if text.chars().count() >= 4 {
            message = message.replace(text, "[REDACTED]");
        }
    }
    let leaks = hidden.iter().any(|text| words(text).any(|word| message.contains(word)));
    match leaks {
        true => "the value is not acceptable (why is not shown, as that would show it)".to_owned(),
        false => message,
    }
}

/// The parts of a text that are long enough to give it away.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|char: char| !char.is_alphanumeric()).filter(|word| word.chars().count() >= 4)
}

/// The text with `[REDACTED]` for the user and password of each URL in it.
pub(crate) fn without_userinfo(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("://") {
        let (address, tail) = after.split_at(address_end(after));
        let host = address.rsplit_once('@').map(|(_, host)| format!("[REDACTED]@{host}"));
        shown.extend([before, "://", host.as_deref().unwrap_or(address)]);
        rest = tail;
    }
    shown + rest
}

/// Where the host and what stands before it end.
fn address_end(text: &str) -> usize {
    let ends = |end: fn(char) -> bool| text.find(end).unwrap_or(text.len());
    let end = ends(|char| char.is_whitespace() || "/?#".contains(char));
    let address = text.get(..end).unwrap_or_default();
    // Whoever wrote a password with a slash in it did not write a URL, but a password all the same.
    match address.rsplit_once(':') {
        Some((_, port)) if !address.contains(['@', ']']) && port.parse::<u16>().is_err() => {
            ends(char::is_whitespace)
        }
        _ => end,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_proposed_and_few_names_are_listed() {
        let known = || ["max_age", "max_bytes", "max_rows"].into_iter();
        assert_eq!(did_you_mean("max_agee", known()), ", did you mean \"max_age\"?");
        assert_eq!(did_you_mean("colour", known()), ", expected one of max_age, max_bytes, max_rows");
        assert_eq!(did_you_mean("x", std::iter::empty()), "");
    }

    #[test]
    fn a_choice_is_listed_by_its_usual_word() {
        let words = ["", "DEBUG", "Debug", "debug", "Basic", "zstd"];
        assert_eq!(listed(&choices(&words)), "\"\", debug, Basic, zstd");
    }

    #[test]
    fn a_hidden_text_is_never_in_a_message() {
        assert_eq!(without_hidden("\"5 years\" is no duration", &["5 years"]), "[REDACTED] is no duration");
        let partly = without_hidden("no host in hunter2", &["https://user:hunter2@"]);
        assert!(!partly.contains("hunter2"), "{partly}");
        assert_eq!(without_hidden("a size cannot be negative", &["-1"]), "a size cannot be negative");
    }

    #[test]
    fn the_user_and_password_of_a_url_are_never_shown() {
        for (text, shown) in [
            ("http://user:pw123@minio:9000/a@b", "http://[REDACTED]@minio:9000/a@b"),
            ("https://token@minio", "https://[REDACTED]@minio"),
            ("http://user:p/w@minio", "http://[REDACTED]@minio"),
            ("\"http://u:p@a\" and http://u:p@b", "\"http://[REDACTED]@a\" and http://[REDACTED]@b"),
            ("${env:URL:-http://u:p@a}", "${env:URL:-http://[REDACTED]@a}"),
            ("http://minio:9000/a@b", "http://minio:9000/a@b"),
            ("http://[::1]:9000/a@b", "http://[::1]:9000/a@b"),
            ("s3://bucket/me@example.com", "s3://bucket/me@example.com"),
            ("me@example.com", "me@example.com"),
        ] {
            assert_eq!(without_userinfo(text), shown);
        }
    }
}
