//! A config as it is printed: merged, secrets as `[REDACTED]`, references as they were written.

use serde_json::Value as Json;

use crate::expand::is_only_an_address;
use crate::node::{Node, Value};
use crate::scalar::resolve;
use crate::words::without_userinfo;

/// The tree as JSON that may be shown.
pub(crate) fn redacted(node: &Node) -> Json {
    match &node.reference {
        // What stands in the reference itself, as a default does, may be the secret.
        Some(reference) if node.has_secret() && !is_only_an_address(reference) => return hidden(),
        Some(reference) => return Json::String(without_userinfo(reference)),
        None => {}
    }
    if node.secret {
        return match node.value {
            Value::Null => Json::Null,
            _ => hidden(),
        };
    }
    match &node.value {
        Value::Null | Value::Removed => Json::Null,
        Value::Bool(bool) => Json::Bool(*bool),
        Value::Integer(integer) => match u64::try_from(*integer) {
            Ok(integer) => integer.into(),
            Err(_) => i64::try_from(*integer).map_or_else(|_| (*integer as f64).into(), Json::from),
        },
        Value::Float(float) => Json::from(*float),
        Value::Text(text) => Json::String(without_userinfo(text)),
        Value::List(list) => list.iter().map(redacted).collect(),
        Value::Map(map) => map.iter().map(|(key, entry)| (key.clone(), redacted(&entry.node))).collect(),
    }
}

fn hidden() -> Json {
    Json::String("[REDACTED]".to_owned())
}

/// JSON as YAML in blocks.
pub(crate) fn yaml(json: &Json) -> String {
    let mut text = String::new();
    block(json, 0, &mut text);
    text
}

fn block(json: &Json, indent: usize, text: &mut String) {
    match json {
        Json::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                line(&format!("{}:", scalar(key)), value, indent, text);
            }
        }
        Json::Array(list) if !list.is_empty() => {
            for value in list {
                line("-", value, indent, text);
            }
        }
        _ => {
            text.push_str(&flow(json));
            text.push('\n');
        }
    }
}

fn line(start: &str, value: &Json, indent: usize, text: &mut String) {
    text.push_str(&" ".repeat(indent));
    text.push_str(start);
    let is_block = value.as_object().is_some_and(|map| !map.is_empty())
        || value.as_array().is_some_and(|list| !list.is_empty());
    text.push(if is_block { '\n' } else { ' ' });
    block(value, indent + 4, text);
}

fn flow(json: &Json) -> String {
    match json {
        Json::String(text) => scalar(text),
        _ => json.to_string(),
    }
}

/// A text without quotes where that reads back as the same text.
fn scalar(text: &str) -> String {
    let is_plain = text.starts_with(|first: char| first.is_ascii_alphanumeric() || "/._$".contains(first))
        && text.chars().all(|char| char.is_ascii_alphanumeric() || "/._-$:{}".contains(char))
        && !text.ends_with(':')
        && matches!(resolve(text), Value::Text(_));
    if is_plain { text.to_owned() } else { Json::String(text.to_owned()).to_string() }
}
