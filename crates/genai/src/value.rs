//! Values of attributes, read from their text leniently: senders write numbers as ints, doubles or strings.

use crate::decimal;

/// More tokens than any call can have.
const TOKENS_MAX: i64 = 1_000_000_000_000;

/// So many digits make fewer.
const PLAIN_DIGITS_MAX: usize = 12;

/// A whole number, also one written as a double.
pub(crate) fn integer(text: &str) -> Option<i64> {
    let text = text.trim_ascii();
    text.parse().ok().or_else(|| {
        let value = decimal::parse(text)?;
        (value % decimal::ONE == 0).then(|| i64::try_from(value / decimal::ONE).ok()).flatten()
    })
}

/// A number of tokens; `None` for what cannot be one.
pub(crate) fn tokens(text: &str) -> Option<i64> {
    integer(text).filter(|count| (0..=TOKENS_MAX).contains(count))
}

/// A number of tokens that is written as it would be written, as most are.
#[inline]
pub(crate) fn plain_tokens(text: &str) -> Option<i64> {
    let digits = text.as_bytes();
    let is_plain = matches!(digits, [b'0'] | [b'1'..=b'9', ..]) && digits.len() <= PLAIN_DIGITS_MAX;
    let mut count = 0;
    for digit in digits {
        let value = digit.wrapping_sub(b'0');
        if !is_plain || value > 9 {
            return None;
        }
        count = count * 10 + i64::from(value);
    }
    is_plain.then_some(count)
}

/// Whether there is such a byte in a text; faster than to search for its place in a short one.
#[inline]
pub(crate) fn has_byte(text: &str, wanted: impl Fn(u8) -> bool) -> bool {
    text.bytes().fold(false, |has, byte| has | wanted(byte))
}

/// Whether a count that was read from this text is written as this text.
pub(crate) fn is_plain_integer(text: &str) -> bool {
    text == "0" || !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a number that was read from this text is written as this text, with `.0` or without: a decimal of up to 15
/// digits comes back from a double as it was.
pub(crate) fn is_plain_decimal(text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
    let is_short = unsigned.len() <= 16 && !whole.is_empty() && !fraction.is_empty();
    let is_shortest = fraction == "0" || !fraction.ends_with('0');
    is_short && is_shortest && is_plain_integer(whole) && fraction.bytes().all(|byte| byte.is_ascii_digit())
}

/// A finite number.
pub(crate) fn float(text: &str) -> Option<f64> {
    text.trim_ascii().parse().ok().filter(|value: &f64| value.is_finite())
}

/// True or false, also as Python writes it.
pub(crate) fn flag(text: &str) -> Option<bool> {
    match text.trim_ascii() {
        "true" | "True" | "1" => Some(true),
        "false" | "False" | "0" => Some(false),
        _ => None,
    }
}

/// Seconds as nanoseconds.
pub(crate) fn nanoseconds(seconds: &str) -> Option<i64> {
    let picoseconds = decimal::parse(seconds.trim_ascii())?;
    i64::try_from(decimal::divide_half_even(picoseconds, 1_000)).ok()
}

/// Dollars with twelve decimals, at most what the column holds.
pub(crate) fn usd(text: &str) -> Option<i128> {
    decimal::parse(text.trim_ascii()).filter(|usd| (0..1_000_000 * decimal::ONE).contains(usd))
}

/// A moment as RFC 3339 writes it, in nanoseconds since 1970.
pub(crate) fn unix_nano(text: &str) -> Option<i64> {
    chrono::DateTime::parse_from_rfc3339(text.trim_ascii().trim_matches('"')).ok()?.timestamp_nanos_opt()
}

/// Texts with commas between them.
pub(crate) fn commas(text: &str) -> Vec<String> {
    text.split(',').map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect()
}

/// Texts: a JSON array, or one text.
pub(crate) fn list(text: &str) -> Vec<String> {
    match plain_list(text) {
        Some(items) => items.map(str::to_owned).collect(),
        None if text.starts_with('[') => serde_json::from_str(text).unwrap_or_else(|_| vec![text.to_owned()]),
        None => vec![text.to_owned()],
    }
}

/// The texts of a JSON array without spaces and escapes, which is how one would be written.
pub(crate) fn plain_list(text: &str) -> Option<impl Iterator<Item = &str>> {
    let items = text.strip_prefix("[\"")?.strip_suffix("\"]")?.split("\",\"");
    let is_plain = |item: &str| !item.bytes().any(|byte| matches!(byte, b'"' | b'\\' | ..b' '));
    items.clone().all(is_plain).then_some(items)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_read_leniently_but_never_guessed() {
        for (text, expected) in [("44", 44), ("44.0", 44), (" 7 ", 7), ("1e3", 1000), ("0", 0)] {
            assert_eq!(tokens(text), Some(expected), "{text:?}");
        }
        for text in ["-1", "1.5", "", "many", "null", "NaN", "9999999999999", "99999999999999999999", "[1]"] {
            assert_eq!(tokens(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_plain_integer_is_what_would_be_written() {
        for text in ["0", "7", "44", "007", "00", "+7", "-0", "44.0", " 4"] {
            let is_same = tokens(text).is_some_and(|count| count.to_string() == text);
            assert_eq!(is_plain_integer(text), is_same, "{text:?}");
            assert_eq!(plain_tokens(text), tokens(text).filter(|_| is_same), "{text:?}");
        }
        for text in ["", "999999999999", "1000000000000", "12a", "-1"] {
            assert!(plain_tokens(text).is_none_or(|count| tokens(text) == Some(count)), "{text:?}");
        }
        assert_eq!(plain_tokens("999999999999"), Some(999_999_999_999));
    }

    #[test]
    fn a_plain_decimal_comes_back_from_a_double_as_it_was() {
        for text in ["0.2", "1", "1.0", "0.7", "-1.5", "123456.789012345", "0.000001", "0.12345678901234"] {
            let value = float(text).unwrap();
            assert!(is_plain_decimal(text), "{text}");
            assert!(value.to_string() == text || format!("{value:?}") == text, "{text}");
        }
        for text in
            ["0.20", "01", "1e3", ".5", "5.", "", "-", "1.00", "0.12345678901234567", "NaN", "+1", "1.-5"]
        {
            assert!(!is_plain_decimal(text), "{text}");
        }
    }

    #[test]
    fn seconds_become_whole_nanoseconds() {
        assert_eq!(nanoseconds("0.35361"), Some(353_610_000));
        assert_eq!(nanoseconds("3.5e-05"), Some(35_000));
        assert_eq!(nanoseconds("soon"), None);
    }

    #[test]
    fn a_moment_has_nanoseconds() {
        assert_eq!(unix_nano("2026-11-20T22:27:33.036918+00:00"), Some(1_795_213_653_036_918_000));
        assert_eq!(unix_nano("\"2026-11-20T23:27:33.5+01:00\""), Some(1_795_213_653_500_000_000));
        assert_eq!(unix_nano("yesterday"), None);
    }

    #[test]
    fn a_list_may_be_json_or_one_text() {
        assert_eq!(list(r#"["stop","length"]"#), ["stop", "length"]);
        assert_eq!(list(r#"["a\"b", "c"]"#), ["a\"b", "c"]);
        assert_eq!(list("[]"), [""; 0]);
        assert_eq!(list("stop"), ["stop"]);
        assert_eq!(list("[stop"), ["[stop"]);
    }
}
