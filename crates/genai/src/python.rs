//! Dictionaries as Python prints them, translated to JSON: some senders put `str(answer)` into an attribute.

/// The JSON that a printed dictionary or list of plain values stands for. What is no plain value, such as a printed
/// object, makes a text that is no JSON; `None` where a string does not end.
pub(crate) fn to_json(text: &str) -> Option<String> {
    let mut json = String::with_capacity(text.len() + text.len() / 8);
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        if next == '\'' || next == '"' {
            rest = string(rest, next, &mut json)?;
            continue;
        }
        if let Some(length) = word(rest) {
            let (word, after) = rest.split_at_checked(length)?;
            json.push_str(match word {
                "None" => "null",
                "True" => "true",
                "False" => "false",
                word => word,
            });
            rest = after;
            continue;
        }
        json.push(match next {
            '(' => '[',
            ')' => ']',
            next => next,
        });
        rest = rest.get(next.len_utf8()..)?;
    }
    Some(json)
}

/// The length of the word that a text begins with.
fn word(text: &str) -> Option<usize> {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'+' | b'-');
    let length = text.as_bytes().iter().take_while(|byte| is_part(byte)).count();
    (length > 0).then_some(length)
}

/// Writes the string that a text begins with, and returns what comes after it.
fn string<'a>(text: &'a str, quote: char, json: &mut String) -> Option<&'a str> {
    let mut chars = text.char_indices().skip(1);
    json.push('"');
    while let Some((place, next)) = chars.next() {
        match next {
            '\\' => escape(chars.next()?.1, &mut chars, json)?,
            next if next == quote => {
                json.push('"');
                return text.get(place + 1..);
            }
            '"' => json.push_str("\\\""),
            next if (next as u32) < 0x20 => push_unicode(next as u32, json),
            next => json.push(next),
        }
    }
    None
}

fn escape(escaped: char, chars: &mut impl Iterator<Item = (usize, char)>, json: &mut String) -> Option<()> {
    match escaped {
        '\'' => json.push('\''),
        '"' => json.push_str("\\\""),
        '\\' => json.push_str("\\\\"),
        'n' | 't' | 'r' | 'b' | 'f' => json.extend(['\\', escaped]),
        'x' => push_unicode(digits(2, chars)?, json),
        'u' => push_unicode(digits(4, chars)?, json),
        'U' => json.push(char::from_u32(digits(8, chars)?)?),
        other => {
            json.push_str("\\\\");
            json.push(other);
        }
    }
    Some(())
}

fn digits(count: usize, chars: &mut impl Iterator<Item = (usize, char)>) -> Option<u32> {
    (0..count).try_fold(0_u32, |value, _| value.checked_mul(16)?.checked_add(chars.next()?.1.to_digit(16)?))
}

fn push_unicode(code: u32, json: &mut String) {
    json.push_str(&format!("\\u{code:04x}"));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_printed_dictionary_becomes_json() {
        let text = r#"{'a': 'it\'s "so"', "b": "it's", 'n': None, 't': (True, False), 'x': -1.5e+3, 'e': '\n\\ é\x1b'}"#;
        let json: serde_json::Value = serde_json::from_str(&to_json(text).unwrap()).unwrap();
        let expected = serde_json::json!({
            "a": "it's \"so\"", "b": "it's", "n": null, "t": [true, false], "x": -1500.0, "e": "\n\\ é\u{1b}",
        });
        assert_eq!(json, expected);
    }

    #[test]
    fn a_word_within_a_string_stays_as_it_is() {
        assert_eq!(to_json("{'None': 'True'}").as_deref(), Some(r#"{"None": "True"}"#));
        assert_eq!(to_json("{'open"), None);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,60}", escaped in "'[\\\\xuUn0-9']{0,30}") {
            to_json(&text);
            to_json(&escaped);
        }
    }
}
