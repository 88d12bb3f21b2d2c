//! What a config takes beyond the schemas of its components: a reference in the place of any value, and a number or
//! a truth value where a text belongs.

use serde_json::{Value as Json, json};

/// What describes a value and stays outside when a choice is made of its schema.
const ANNOTATIONS: [&str; 3] = ["title", "description", "default"];

/// The schema of a reference, which [`widen`] points to as `#/$defs/reference`.
pub(crate) fn reference() -> Json {
    json!({"description": "${env:NAME}, ${file:PATH}, or a text with them", "type": "string", "pattern": "\\$\\{"})
}

/// Widens a schema and all below it.
pub(crate) fn widen(schema: &mut Json) {
    let Json::Object(object) = schema else { return };
    for (keyword, below) in object.iter_mut() {
        match (keyword.as_str(), below) {
            ("properties" | "patternProperties", Json::Object(values)) => {
                values.values_mut().for_each(widen_value);
            }
            ("additionalProperties" | "items", value) => widen_value(value),
            ("anyOf" | "oneOf" | "allOf", Json::Array(choices)) => choices.iter_mut().for_each(widen),
            ("$defs", Json::Object(definitions)) => definitions.values_mut().for_each(widen),
            _ => {}
        }
    }
    let takes_any_text = !object.contains_key("enum") && !object.contains_key("const");
    if let Some(types) = object.get_mut("type").filter(|_| takes_any_text) {
        widen_text(types);
    }
}

/// Widens the schema of a key's value or of an element.
fn widen_value(schema: &mut Json) {
    widen(schema);
    let Json::Object(own) = schema else { return };
    let reference = json!({"$ref": "#/$defs/reference"});
    if let Some(Json::Array(choices)) = own.get_mut("anyOf") {
        choices.push(reference);
        return;
    }
    let mut outer: serde_json::Map<String, Json> =
        ANNOTATIONS.iter().filter_map(|key| own.remove_entry(*key)).collect();
    outer.insert("anyOf".to_owned(), json!([own, reference]));
    *schema = Json::Object(outer);
}

/// A field of text takes what was written, also when that is a number elsewhere.
fn widen_text(types: &mut Json) {
    let mut all = types.as_array().cloned().unwrap_or_else(|| vec![types.clone()]);
    let has = |word: &str| all.iter().any(|one| one == word);
    if has("string") && !has("integer") && !has("number") {
        all.extend([json!("number"), json!("boolean")]);
        *types = Json::Array(all);
    }
}
