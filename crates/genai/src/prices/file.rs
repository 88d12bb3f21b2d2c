//! A table of prices as bytes: as its project publishes it, and as it is kept beside the log.

use std::fmt;

use ring::digest::{SHA256, digest as hash};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::Error;
use super::counts::CountedUnits;
use super::rates::PriceList;
use super::table::Provider;
use super::unit::Units;

pub(super) const BUNDLED_TABLE: &str = include_str!("../../data/genai-prices-0.2.3-data.json");
pub(super) const BUNDLED_UNITS: &str = include_str!("../../data/genai-prices-0.2.3-units.json");
pub(super) const BUNDLED_NAME: &str = "genai-prices/0.2.3";

/// A table of prices as text: what it lists, what that is counted in, and what it is called.
///
/// [`PriceTable::to_json`] is what is kept, so that a later program with other units reads the same prices out of it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceTable {
    name: String,
    units: Box<RawValue>,
    providers: Box<RawValue>,
}

impl PriceTable {
    /// The one that is built in.
    pub fn bundled() -> Self {
        let raw = |text: &str| RawValue::from_string(text.to_owned()).unwrap_or_default();
        Self { name: BUNDLED_NAME.to_owned(), units: raw(BUNDLED_UNITS), providers: raw(BUNDLED_TABLE) }
    }

    /// Reads a list of providers, the format of the genai-prices project, to its end. `name` is the first part of
    /// [`super::Prices::version`].
    pub fn of_providers(name: &str, text: &str) -> Result<Self, Error> {
        let providers = serde_json::from_str::<Box<RawValue>>(text).map_err(Error::Json)?;
        let units = PriceTable::bundled().units;
        let table = Self { name: name.to_owned(), units, providers };
        let (units, _) = table.units()?;
        for provider in table.providers()? {
            for model in provider.parse_models().map_err(|error| error.at(&provider.id))? {
                let variants = model.price_variants.as_deref().map(RawValue::get);
                PriceList::parse(model.prices.get(), variants, &units)
                    .map_err(|error| error.at(&format!("{}/{}", provider.id, model.id)))?;
            }
        }
        Ok(table)
    }

    /// What is kept.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Reads what was kept.
    pub fn of_json(kept: &[u8]) -> Result<Self, Error> {
        serde_json::from_slice(kept).map_err(Error::Json)
    }

    /// Which table it is: its name, and the first digits of the hash of what it lists.
    pub(super) fn version(&self) -> String {
        format!("{}+sha256:{}", self.name, digest(self.providers.get().as_bytes()))
    }

    pub(super) fn providers(&self) -> Result<Vec<Provider>, Error> {
        serde_json::from_str(self.providers.get()).map_err(Error::Json)
    }

    pub(super) fn units(&self) -> Result<(Units, CountedUnits), Error> {
        let units = Units::parse(self.units.get())?;
        let counted = CountedUnits::new(&units)?;
        Ok((units, counted))
    }
}

impl fmt::Debug for PriceTable {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.version())
    }
}

/// The first eight digits of a SHA-256.
pub(super) fn digest(bytes: &[u8]) -> String {
    hash(&SHA256, bytes).as_ref().iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bundled_table_can_be_read_to_its_end_and_is_the_one_that_its_licence_names() {
        let table = PriceTable::of_providers(BUNDLED_NAME, BUNDLED_TABLE).unwrap();
        assert_eq!(table.version(), PriceTable::bundled().version());
        assert_eq!(table.version(), "genai-prices/0.2.3+sha256:e4adb06d");
        let providers = table.providers().unwrap();
        let models: usize = providers.iter().map(|provider| provider.parse_models().unwrap().len()).sum();
        assert_eq!((providers.len(), models), (47, 2330));
        let hex = |text: &str| {
            hash(&SHA256, text.as_bytes())
                .as_ref()
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect::<String>()
        };
        assert_eq!(hex(BUNDLED_TABLE), "e4adb06dc41bb8090427599c2e32cc4b410b57c4b340a7264bf18ff8549d2ddf");
        assert_eq!(hex(BUNDLED_UNITS), "0064e95868cd5d6b277ccf9b4afce98115a4bb225ce5afab635923000b9561db");
    }

    #[test]
    fn what_is_kept_is_read_back_as_the_same_table() {
        let kept = PriceTable::bundled().to_json();
        let table = PriceTable::of_json(&kept).unwrap();
        assert_eq!((table.version(), table.to_json()), (PriceTable::bundled().version(), kept));
    }

    #[test]
    fn a_table_with_a_price_that_cannot_be_read_is_refused_with_the_model() {
        let model = |prices: &str| {
            format!(
                r#"[{{"id": "acme", "api_pattern": "https://acme", "models":
                    [{{"id": "m1", "match": {{"equals": "m1"}}, "prices": {prices}}}]}}]"#
            )
        };
        PriceTable::of_providers("file", &model(r#"{"input_mtok": 1}"#)).unwrap();
        for (prices, expected) in [
            (r#"{"input_mtok": -1}"#, "acme/m1: read price \"-1\""),
            (r#"{"input_miles": 1}"#, "acme/m1: read unit \"input_miles\" of a price"),
            (r#"[{"constraint": {"until": 1}, "prices": {}}]"#, "acme/m1: read price table"),
        ] {
            let error = PriceTable::of_providers("file", &model(prices)).unwrap_err();
            assert!(error.to_string().starts_with(expected), "{error}");
        }
        assert!(PriceTable::of_providers("file", "[{]").is_err());
        assert!(PriceTable::of_providers("file", "{}").is_err());
    }
}
