//! The JSON Schema of the whole config, and which values it declares secret.

use std::collections::BTreeSet;

use schemars::Schema;
use serde_json::{Map, Value as Json, json};
use spanledger_component::{Kind, Listing, Registry, SchemaOf};

use crate::node::{Node, Value};
use crate::service::ServiceSettings;
use crate::widen::{reference, widen};

/// The JSON Schema of a config with these components.
pub fn schema(registry: &Registry) -> Json {
    let mut definitions = Map::new();
    let mut properties = Map::new();
    for (kind, types) in kinds(registry) {
        let mut patterns = Map::new();
        for (listing, schema) in types {
            let name = format!("{}.{}", kind.section(), listing.word);
            let reference = json!({"anyOf": [{"$ref": format!("#/$defs/{name}")}, {"type": "null"}]});
            for word in [listing.word].iter().chain(listing.aliases) {
                patterns.insert(format!("^{word}(/.+)?$"), reference.clone());
            }
            define(&mut definitions, &name, schema());
        }
        let section = json!({
            "type": ["object", "null"],
            "patternProperties": patterns,
            "additionalProperties": false,
        });
        properties.insert(kind.section().to_owned(), section);
    }
    define(&mut definitions, "service", schemars::schema_for!(ServiceSettings));
    properties.insert("service".to_owned(), json!({"$ref": "#/$defs/service"}));
    definitions.insert("reference".to_owned(), reference());
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Spanledger",
        "description": "The config of the collector. Any value may also be a reference: ${env:NAME} or ${file:PATH}.",
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
        "$defs": definitions,
    });
    widen(&mut schema);
    schema
}

type Types<'a> = Vec<(&'a Listing, SchemaOf)>;

fn kinds(registry: &Registry) -> [(Kind, Types<'_>); 5] {
    [
        (Kind::Receiver, registry.receivers().map(|entry| (&entry.listing, entry.schema)).collect()),
        (Kind::Processor, registry.processors().map(|entry| (&entry.listing, entry.schema)).collect()),
        (Kind::Exporter, registry.exporters().map(|entry| (&entry.listing, entry.schema)).collect()),
        (Kind::Connector, registry.connectors().map(|entry| (&entry.listing, entry.schema)).collect()),
        (Kind::Extension, registry.extensions().map(|entry| (&entry.listing, entry.schema)).collect()),
    ]
}

/// Puts a schema among the definitions, and its own definitions beside it under names that are its alone.
fn define(definitions: &mut Map<String, Json>, name: &str, schema: Schema) {
    let mut schema = schema.to_value();
    let prefix = format!("#/$defs/{name}.");
    point_to(&mut schema, &prefix);
    let Json::Object(mut object) = schema else { return };
    object.remove("$schema");
    if let Some(Json::Object(own)) = object.remove("$defs") {
        definitions.extend(own.into_iter().map(|(inner, schema)| (format!("{name}.{inner}"), schema)));
    }
    definitions.insert(name.to_owned(), Json::Object(object));
}

fn point_to(schema: &mut Json, prefix: &str) {
    match schema {
        Json::Object(object) => {
            for (key, value) in object {
                match value {
                    Json::String(reference) if key == "$ref" => {
                        if let Some(inner) = reference.strip_prefix("#/$defs/") {
                            *reference = format!("{prefix}{inner}");
                        }
                    }
                    _ => point_to(value, prefix),
                }
            }
        }
        Json::Array(list) => list.iter_mut().for_each(|value| point_to(value, prefix)),
        _ => {}
    }
}

/// Marks the values that their component declares secret.
pub(crate) fn mark_secrets(root: &mut Node, registry: &Registry) {
    let Value::Map(sections) = &mut root.value else { return };
    for (kind, types) in kinds(registry) {
        let Some(section) = sections.get_mut(kind.section()) else { continue };
        let Value::Map(components) = &mut section.node.value else { continue };
        for (id, entry) in components {
            let word = id.split('/').next().unwrap_or_default().trim();
            let found =
                types.iter().find(|(listing, _)| listing.word == word || listing.aliases.contains(&word));
            if let Some((_, schema)) = found {
                let schema = schema().to_value();
                Marker { schema: &schema }.mark(&mut entry.node, &schema, &mut BTreeSet::new());
            }
        }
    }
}

/// Walks a tree and its schema side by side.
struct Marker<'a> {
    schema: &'a Json,
}

impl<'a> Marker<'a> {
    /// `followed` are the references followed without going down in the tree: a circle of them ends there.
    fn mark(&self, node: &mut Node, schema: &'a Json, followed: &mut BTreeSet<&'a str>) {
        if schema.get("format").and_then(Json::as_str) == Some("secret") {
            mark_all(node);
        }
        if let Some(reference) = schema.get("$ref").and_then(Json::as_str)
            && followed.insert(reference)
            && let Some(target) = self.definition(reference)
        {
            self.mark(node, target, followed);
        }
        for choice in ["anyOf", "oneOf", "allOf"] {
            for schema in schema.get(choice).and_then(Json::as_array).into_iter().flatten() {
                self.mark(node, schema, followed);
            }
        }
        match &mut node.value {
            Value::Map(map) => {
                for (key, entry) in map {
                    let property = schema.get("properties").and_then(|properties| properties.get(key));
                    if let Some(schema) = property.or_else(|| schema.get("additionalProperties")) {
                        self.mark(&mut entry.node, schema, &mut BTreeSet::new());
                    }
                }
            }
            Value::List(list) => {
                for node in list {
                    if let Some(schema) = schema.get("items") {
                        self.mark(node, schema, &mut BTreeSet::new());
                    }
                }
            }
            _ => {}
        }
    }

    fn definition(&self, reference: &str) -> Option<&'a Json> {
        self.schema.get("$defs")?.get(reference.strip_prefix("#/$defs/")?)
    }
}

fn mark_all(node: &mut Node) {
    node.secret = true;
    match &mut node.value {
        Value::List(list) => list.iter_mut().for_each(mark_all),
        Value::Map(map) => map.values_mut().for_each(|entry| mark_all(&mut entry.node)),
        _ => {}
    }
}
