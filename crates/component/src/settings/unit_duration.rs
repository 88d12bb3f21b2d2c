//! Durations whose unit is always written: for keys that are not the Collector's own.

use std::fmt;
use std::ops::Deref;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::GoDuration;

/// A duration as [`GoDuration`], but a bare number is refused unless it is 0: whoever writes `300` does not mean
/// nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct UnitDuration(pub Duration);

impl Deref for UnitDuration {
    type Target = Duration;

    fn deref(&self) -> &Duration {
        &self.0
    }
}

impl fmt::Display for UnitDuration {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        GoDuration(self.0).fmt(out)
    }
}

impl Serialize for UnitDuration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        GoDuration(self.0).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for UnitDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = UnitDuration;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a duration as 300s or 1h30m")
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<UnitDuration, E> {
                match number {
                    0 => Ok(UnitDuration::default()),
                    _ => Err(E::custom("a number without a unit: add one, as in 300s or 5m")),
                }
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<UnitDuration, E> {
                self.visit_u64(number.unsigned_abs())
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<UnitDuration, E> {
                text.parse().map(|GoDuration(duration)| UnitDuration(duration)).map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl JsonSchema for UnitDuration {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "UnitDuration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["string", "integer"],
            "minimum": 0,
            "maximum": 0,
            "description": "a duration with its unit: 300ms, 1.5s, 1h30m, or 0",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Duration, String> {
        serde_json::from_str::<UnitDuration>(json).map(|read| read.0).map_err(|error| error.to_string())
    }

    #[test]
    fn a_number_without_a_unit_is_refused_unless_it_is_zero() {
        assert_eq!(read("\"1h30m\""), Ok(Duration::from_secs(5400)));
        assert_eq!(read("0"), Ok(Duration::ZERO));
        assert_eq!(read("\"0\""), Ok(Duration::ZERO));
        for wrong in ["300", "-5", "\"300\"", "1.5", "\"-1s\""] {
            assert!(read(wrong).is_err(), "{wrong} was taken");
        }
        assert!(read("300").unwrap_err().starts_with("a number without a unit: add one, as in 300s or 5m"));
    }
}
