//! Prices from the settings: overrides, which come before the table, and aliases of models.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::Value;

use super::matching::{Match, lower_case};
use super::names::Named;
use super::rates::{PriceList, Ratio, start_of_day};
use super::unit::Units;
use crate::decimal;

/// The largest factor of an override.
const MULTIPLIER_END: i128 = 1_000 * decimal::ONE;

/// What the settings say of prices, beside the table.
#[derive(Debug, Clone, Default, Serialize)]
pub struct PriceSettings {
    /// Searched in order, before the table.
    pub overrides: Vec<Override>,
    /// What names of gateways stand for: `smart: anthropic/claude-sonnet-4-5`.
    pub aliases: BTreeMap<String, String>,
    /// Which cost counts where the sender says one, too.
    pub prefer: Prefer,
}

/// Which cost counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Prefer {
    /// That of the price table and the overrides, always.
    #[default]
    Derived,
    /// What the sender says it cost, where it does.
    Reported,
}

/// A price that comes before those of the table. One of `prices`, `multiplier` and `free` is needed.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Override {
    /// Only calls to this provider: an id of the table, or any name of the conventions. Any without it.
    #[serde(default)]
    provider: Option<String>,
    /// Only models whose name passes, in the words of the price table: `equals`, `starts_with`, `ends_with`, `contains`,
    /// `regex`, `or`, `and`. Any without it.
    #[serde(default)]
    r#match: Option<Match>,
    /// USD by unit, as in the price table: `{input_mtok: 2.5, output_mtok: 10}`.
    #[serde(default)]
    prices: Option<Value>,
    /// Only calls that began on this day (UTC) or later, as `2026-01-31`, or at this moment, as `2026-01-31T09:00:00Z`.
    #[serde(default)]
    valid_from: Option<ValidFrom>,
    /// A factor on `prices`, or without them on what the table says: 0.85 is 15 % less.
    #[serde(default)]
    multiplier: Option<Multiplier>,
    /// The calls cost nothing. The only way to say so.
    #[serde(default)]
    free: bool,
}

/// A moment, in nanoseconds since 1970.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[schemars(with = "String")]
struct ValidFrom(i64);

impl<'de> Deserialize<'de> for ValidFrom {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let moment = || chrono::DateTime::parse_from_rfc3339(&text).ok()?.timestamp_nanos_opt();
        start_of_day(&text).or_else(moment).map(Self).ok_or_else(|| {
            de::Error::custom(format!(
                "{text:?} is no day such as 2026-01-31 and no moment such as 2026-01-31T09:00:00Z"
            ))
        })
    }
}

/// A factor above 0, exact to twelve decimals.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[schemars(with = "f64")]
struct Multiplier(Ratio);

impl<'de> Deserialize<'de> for Multiplier {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The shortest text that gives the number is the one that was written.
        let number = serde_json::Number::deserialize(deserializer)?.to_string();
        let value = decimal::parse(&number).filter(|value| (1..MULTIPLIER_END).contains(value));
        value.map(|value| Self(Ratio::of_decimal(value))).ok_or_else(|| {
            de::Error::custom(format!(
                "multiplier {number} is not above 0 and below 1000; calls that cost nothing are `free: true`"
            ))
        })
    }
}

impl PriceSettings {
    /// What is wrong: the path below the settings, and what it is.
    pub fn check(&self) -> Vec<(String, String)> {
        let Ok(units) = Units::bundled() else { return Vec::new() };
        let wrong = self.overrides.iter().enumerate().filter_map(|(index, one)| {
            let (key, message) = one.effect(&units).err()?;
            let dot = if key.is_empty() { "" } else { "." };
            Some((format!("overrides.{index}{dot}{key}"), message))
        });
        let empty =
            self.aliases.iter().filter(|(name, target)| name.trim().is_empty() || target.trim().is_empty());
        let empty = empty.map(|(name, _)| {
            (
                format!("aliases.{name}"),
                "is empty: an alias is `name: model` or `name: provider/model`".to_owned(),
            )
        });
        wrong.chain(empty).collect()
    }

    /// The first digits of a hash of what changes prices; none where nothing does.
    pub(super) fn fingerprint(&self) -> Option<String> {
        let is_plain = self.overrides.is_empty() && self.aliases.is_empty() && self.prefer == Prefer::Derived;
        // Nothing in the settings fails to be written as JSON.
        let text = serde_json::to_vec(self).unwrap_or_default();
        (!is_plain).then(|| super::file::digest(&text))
    }
}

/// What an override makes of the calls it is for.
#[derive(Debug)]
pub(super) enum Effect {
    Free,
    Prices {
        list: PriceList,
        ratio: Ratio,
    },
    /// What the table says, times this.
    Table {
        ratio: Ratio,
    },
}

impl Override {
    /// When it begins.
    pub(super) fn valid_from(&self) -> i64 {
        self.valid_from.map_or(i64::MIN, |from| from.0)
    }

    pub(super) fn is_for(&self, named: &Named<'_>) -> bool {
        let is_provider =
            self.provider.as_deref().is_none_or(|provider| named.is_sold_by(&lower_case(provider.trim())));
        is_provider && self.r#match.as_ref().is_none_or(|test| test.accepts(&named.model))
    }

    /// What it makes; an error, with the key it is about, when that cannot be.
    pub(super) fn effect(&self, units: &Units) -> Result<Effect, (&'static str, String)> {
        let ratio = self.multiplier.map_or(Ratio::ONE, |multiplier| multiplier.0);
        match (&self.prices, self.multiplier, self.free) {
            (None, None, true) => Ok(Effect::Free),
            (_, _, true) => {
                Err(("free", "stands beside `prices` or `multiplier`: leave one of them out".to_owned()))
            }
            (None, None, false) => {
                Err(("", "says no price: give it `prices`, `multiplier` or `free: true`".to_owned()))
            }
            (None, Some(_), false) => Ok(Effect::Table { ratio }),
            (Some(prices), _, false) => {
                let wrong = |message| ("prices", message);
                let list = PriceList::parse(&prices.to_string(), None, units)
                    .map_err(|error| wrong(super::with_cause(&error)))?;
                match list.is_free() {
                    true => {
                        Err(wrong("every price is 0: calls that cost nothing are `free: true`".to_owned()))
                    }
                    false => Ok(Effect::Prices { list, ratio }),
                }
            }
        }
    }
}

/// Names of models that stand for others, in lower case.
#[derive(Debug, Default)]
pub(super) struct Aliases(BTreeMap<String, String>);

impl Aliases {
    pub(super) fn new(aliases: &BTreeMap<String, String>) -> Self {
        let lower = aliases
            .iter()
            .map(|(name, target)| (lower_case(name.trim()).into_owned(), target.trim().to_owned()));
        Self(lower.collect())
    }

    pub(super) fn get(&self, model: &str) -> Option<&str> {
        self.0.get(model).map(String::as_str)
    }
}
