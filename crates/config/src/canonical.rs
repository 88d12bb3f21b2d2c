//! Settings as JSON that expands to the same settings: the same meaning gives the same text.

use serde_json::{Number, Value as Json};

use crate::expand::{escaped_text, plain_reference};
use crate::node::{Node, Value};

/// The settings before expansion. References stay, `$` is written `$$`, scalars whose spelling matters to a field of
/// text keep it as `${yaml:…}`.
pub(crate) fn canonical(node: &Node) -> Json {
    if let Some(reference) = &node.reference {
        return Json::String(reference.to_string());
    }
    let plain = match &node.value {
        Value::Null | Value::Removed => Json::Null,
        Value::Bool(bool) => Json::Bool(*bool),
        Value::Integer(integer) => integer_number(*integer),
        Value::Float(float) => Number::from_f64(*float).map_or(Json::Null, Json::Number),
        Value::Text(text) => Json::String(escaped_text(text)),
        Value::List(list) => Json::Array(list.iter().map(canonical).collect()),
        Value::Map(map) => {
            Json::Object(map.iter().map(|(key, entry)| (key.clone(), canonical(&entry.node))).collect())
        }
    };
    let Some(written) = &node.original else { return plain };
    let spelt = plain.to_string();
    if spelt == **written {
        return plain;
    }
    plain_reference(written).map_or(plain, Json::String)
}

fn integer_number(integer: i128) -> Json {
    if let Ok(integer) = u64::try_from(integer) {
        return integer.into();
    }
    match i64::try_from(integer) {
        Ok(integer) => integer.into(),
        Err(_) => Number::from_f64(integer as f64).map_or(Json::Null, Json::Number),
    }
}
