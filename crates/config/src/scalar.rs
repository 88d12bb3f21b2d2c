//! What a plain scalar means: null, true, 12, 1.5, or its own text. The rules of Go's YAML, which the Collector uses.

use crate::node::Value;

/// The value of a scalar that stands without quotes.
pub(crate) fn resolve(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        ".nan" | ".NaN" | ".NAN" => Value::Float(f64::NAN),
        _ => match integer(text) {
            Some(integer) => Value::Integer(integer),
            None => float(text).map_or_else(|| Value::Text(text.into()), Value::Float),
        },
    }
}

fn integer(text: &str) -> Option<i128> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if !digits.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    let digits = digits.replace('_', "");
    let radix = |prefix: &str, radix| i128::from_str_radix(digits.strip_prefix(prefix)?, radix).ok();
    let number = match digits.get(..2) {
        Some("0x") => radix("0x", 16),
        Some("0b") => radix("0b", 2),
        Some("0o") => radix("0o", 8),
        // As in YAML 1.1 and in Go: a leading zero means octal.
        Some(two) if two.starts_with('0') => radix("0", 8),
        _ => digits.parse().ok(),
    }?;
    Some(if negative { -number } else { number })
}

fn float(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") {
        return Some(if text.starts_with('-') { f64::NEG_INFINITY } else { f64::INFINITY });
    }
    let has_digit = unsigned.bytes().any(|byte| byte.is_ascii_digit());
    let is_number = unsigned.starts_with(|first: char| first.is_ascii_digit() || first == '.')
        && unsigned.bytes().all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte));
    if has_digit && is_number { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_mean_what_they_mean_to_the_collector() {
        for (text, value) in [
            ("", Value::Null),
            ("~", Value::Null),
            ("True", Value::Bool(true)),
            ("yes", Value::Text("yes".into())),
            ("12", Value::Integer(12)),
            ("-7", Value::Integer(-7)),
            ("1_000", Value::Integer(1000)),
            ("0x1F", Value::Integer(31)),
            ("0o17", Value::Integer(15)),
            ("0123", Value::Integer(83)),
            ("089", Value::Float(89.0)),
            ("1e3", Value::Float(1000.0)),
            ("-1.5", Value::Float(-1.5)),
            ("-.inf", Value::Float(f64::NEG_INFINITY)),
            ("5m", Value::Text("5m".into())),
            ("1.2.3", Value::Text("1.2.3".into())),
            (".", Value::Text(".".into())),
            ("-", Value::Text("-".into())),
            ("2026-01-01", Value::Text("2026-01-01".into())),
            ("127.0.0.1:4317", Value::Text("127.0.0.1:4317".into())),
        ] {
            assert_eq!(resolve(text), value, "{text:?}");
        }
    }
}
