//! Headers of requests: their values are never shown.

use std::borrow::Cow;
use std::collections::BTreeMap;

use http::{HeaderMap, HeaderName, HeaderValue};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};
use spanledger_component::settings::Secret;

/// Headers of every request, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Headers(BTreeMap<String, Secret>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pair {
    name: String,
    value: Secret,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected headers as {name: value} or as a list of {name, value}")]
enum Form {
    Map(BTreeMap<String, Secret>),
    List(Vec<Pair>),
}

impl Headers {
    /// As they are sent.
    pub(crate) fn to_map(&self) -> HeaderMap {
        self.0.iter().filter_map(|(name, value)| pair(name, value)).collect()
    }

    /// What is wrong with them.
    pub(crate) fn problems(&self) -> Vec<(String, String)> {
        let wrong = self.0.iter().filter(|(name, value)| pair(name, value).is_none());
        let problem = "the name or the value cannot be sent as a header".to_owned();
        wrong.map(|(name, _)| (format!("headers.{name}"), problem.clone())).collect()
    }

    /// The text without any of the values.
    pub(crate) fn hide(&self, text: String) -> String {
        // A value of a letter or two is no secret, and would make every text unreadable.
        let values = self.0.values().map(Secret::reveal).filter(|value| value.len() > 3);
        values.fold(text, |text, value| text.replace(value, "[REDACTED]"))
    }
}

fn pair(name: &str, value: &Secret) -> Option<(HeaderName, HeaderValue)> {
    let mut value = HeaderValue::from_str(value.reveal()).ok()?;
    value.set_sensitive(true);
    Some((name.parse().ok()?, value))
}

impl<'de> Deserialize<'de> for Headers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Form::deserialize(deserializer)? {
            Form::Map(map) => Self(map),
            Form::List(pairs) => Self(pairs.into_iter().map(|pair| (pair.name, pair.value)).collect()),
        })
    }
}

impl JsonSchema for Headers {
    fn schema_name() -> Cow<'static, str> {
        "Headers".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let secret = generator.subschema_for::<Secret>();
        json_schema!({
            "description": "headers of every request, by name or as a list of {name, value}",
            "anyOf": [
                {"type": "object", "additionalProperties": secret},
                {"type": "array", "items": {
                    "type": "object",
                    "properties": {"name": {"type": "string"}, "value": secret},
                    "required": ["name", "value"],
                    "additionalProperties": false,
                }},
            ],
        })
    }
}
