//! Durations in Go's syntax, as the Collector takes them: `300ms`, `1h30m`, `1.5s`; a bare number is nanoseconds.

use std::fmt;
use std::ops::Deref;
use std::str::FromStr;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A duration that is not negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct GoDuration(pub Duration);

const UNITS: [(&str, f64); 7] =
    [("ns", 1e-9), ("us", 1e-6), ("µs", 1e-6), ("ms", 1e-3), ("s", 1.0), ("m", 60.0), ("h", 3600.0)];

/// Why a text is no duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a duration: expected numbers with units, as 300ms, 1.5s or 1h30m")]
pub struct InvalidDuration(String);

impl FromStr for GoDuration {
    type Err = InvalidDuration;

    fn from_str(text: &str) -> Result<Self, InvalidDuration> {
        let invalid = || InvalidDuration(text.to_owned());
        let mut rest = text.trim();
        if rest == "0" {
            return Ok(Self::default());
        }
        let mut total = Duration::ZERO;
        while !rest.is_empty() {
            let number_end =
                rest.find(|char: char| !char.is_ascii_digit() && char != '.').ok_or_else(invalid)?;
            let (number, tail) = rest.split_at(number_end);
            let unit_end = tail.find(|char: char| char.is_ascii_digit() || char == '.').unwrap_or(tail.len());
            let (unit, tail) = tail.split_at(unit_end);
            let number: f64 = number.parse().map_err(|_| invalid())?;
            let (_, seconds) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(invalid)?;
            let part = Duration::try_from_secs_f64(number * seconds).map_err(|_| invalid())?;
            total = total.checked_add(part).ok_or_else(invalid)?;
            rest = tail;
        }
        match text.trim() {
            "" => Err(invalid()),
            _ => Ok(Self(total)),
        }
    }
}

impl Deref for GoDuration {
    type Target = Duration;

    fn deref(&self) -> &Duration {
        &self.0
    }
}

impl fmt::Display for GoDuration {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.subsec_nanos() {
            0 if self.0.as_secs() >= 60 && self.0.as_secs().is_multiple_of(60) => {
                write!(out, "{}m", self.0.as_secs() / 60)
            }
            0 => write!(out, "{}s", self.0.as_secs()),
            _ => write!(out, "{}ms", self.0.as_secs_f64() * 1e3),
        }
    }
}

impl Serialize for GoDuration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for GoDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = GoDuration;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a duration as 300ms or 1h30m")
            }

            fn visit_u64<E>(self, nanos: u64) -> Result<GoDuration, E> {
                Ok(GoDuration(Duration::from_nanos(nanos)))
            }

            fn visit_i64<E: de::Error>(self, nanos: i64) -> Result<GoDuration, E> {
                u64::try_from(nanos)
                    .map(|nanos| GoDuration(Duration::from_nanos(nanos)))
                    .map_err(|_| E::custom("a duration cannot be negative"))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<GoDuration, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl JsonSchema for GoDuration {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": ["string", "integer"], "description": "a duration: 300ms, 1.5s, 1h30m; a bare number is nanoseconds"})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_in_go_syntax() {
        for (text, millis) in
            [("300ms", 300), ("1h30m", 5_400_000), ("1.5s", 1500), ("0", 0), ("2m0s", 120_000)]
        {
            assert_eq!(text.parse::<GoDuration>().unwrap().as_millis(), millis, "{text}");
        }
        for wrong in ["", "5", "-1s", "1x", "s", "1e300h"] {
            assert!(wrong.parse::<GoDuration>().is_err(), "{wrong:?} was taken");
        }
    }
}
