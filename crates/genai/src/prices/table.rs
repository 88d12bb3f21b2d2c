//! The table of prices as a file: providers, and their models, which are read when a call first names one.

use std::sync::{Arc, OnceLock};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::Error;
use super::matching::{Match, Prefix};
use super::rates::PriceList;
use super::unit::Units;

/// One who sells calls to models.
#[derive(Debug, Deserialize)]
pub(super) struct Provider {
    pub(super) id: String,
    api_pattern: Prefix,
    provider_match: Option<Match>,
    model_match: Option<Match>,
    #[serde(default)]
    fallback_model_providers: Vec<String>,
    #[serde(rename = "models")]
    models_text: Box<RawValue>,
    #[serde(skip)]
    models: OnceLock<Vec<Model>>,
}

/// One model, with its prices still as text.
#[derive(Debug, Deserialize)]
pub(super) struct Model {
    pub(super) id: String,
    r#match: Match,
    pub(super) prices: Box<RawValue>,
    pub(super) price_variants: Option<Box<RawValue>>,
    #[serde(skip)]
    list: OnceLock<Option<Arc<PriceList>>>,
}

impl Model {
    /// Its prices, read when they are first asked for; `None` when they cannot be read.
    pub(super) fn price_list(&self, units: &Units) -> Option<Arc<PriceList>> {
        let read = || {
            let variants = self.price_variants.as_deref().map(|variants| variants.get());
            PriceList::parse(self.prices.get(), variants, units).ok().map(Arc::new)
        };
        self.list.get_or_init(read).clone()
    }
}

/// A model and the provider that lists it, which may be another than the one that was asked.
pub(super) struct Found<'a> {
    pub(super) owner: &'a Provider,
    pub(super) model: &'a Model,
}

impl Provider {
    pub(super) fn parse_models(&self) -> Result<Vec<Model>, Error> {
        serde_json::from_str(self.models_text.get()).map_err(Error::Json)
    }

    /// Whether this is its id, or it is also called so.
    pub(super) fn is_called(&self, name: &str) -> bool {
        self.id == name || self.provider_match.as_ref().is_some_and(|test| test.accepts(name))
    }

    /// The model that answers to `name`. Every table is read to its end once before it counts, so
    /// this reads what is known to be readable.
    fn model(&self, name: &str) -> Option<Found<'_>> {
        let models = self.models.get_or_init(|| self.parse_models().unwrap_or_default());
        let model = models.iter().find(|model| model.r#match.accepts(name))?;
        Some(Found { owner: self, model })
    }
}

/// Who serves a call, by the address it went to; the first that matches.
pub(super) fn provider_at<'a>(providers: &'a [Provider], address: &str) -> Option<&'a Provider> {
    let with_scheme;
    let url = if address.contains("://") {
        address
    } else {
        with_scheme = format!("https://{address}");
        &with_scheme
    };
    providers.iter().find(|provider| provider.api_pattern.accepts(url))
}

/// The provider of this name, in lower case: by id, else by what it is also called.
pub(super) fn provider_named<'a>(providers: &'a [Provider], name: &str) -> Option<&'a Provider> {
    let also_called =
        |provider: &&Provider| provider.provider_match.as_ref().is_some_and(|test| test.accepts(name));
    provider_with_id(providers, name).or_else(|| providers.iter().find(also_called))
}

/// The provider that the table lists under this very name.
pub(super) fn provider_with_id<'a>(providers: &'a [Provider], name: &str) -> Option<&'a Provider> {
    providers.iter().find(|provider| provider.id == name)
}

/// The provider whose models are called like this.
pub(super) fn provider_of_model<'a>(providers: &'a [Provider], model: &str) -> Option<&'a Provider> {
    providers.iter().find(|provider| provider.model_match.as_ref().is_some_and(|test| test.accepts(model)))
}

/// The model of a lower-case name at a provider, or at those whose models it resells. A name that ends in a date
/// like `-20251231` is looked for with dashes in the date, too.
pub(super) fn model_at<'a>(
    providers: &'a [Provider],
    provider: &'a Provider,
    name: &str,
) -> Option<Found<'a>> {
    let resold = |id: &String| providers.iter().find(|other| other.id == *id);
    let find = |name: &str| {
        provider.model(name).or_else(|| {
            provider.fallback_model_providers.iter().filter_map(resold).find_map(|other| other.model(name))
        })
    };
    find(name).or_else(|| find(&with_dashed_dates(name)?))
}

fn with_dashed_dates(name: &str) -> Option<String> {
    let mut parts = name.split('-');
    let mut dashed = parts.next()?.to_owned();
    for part in parts {
        dashed.push('-');
        match split_date(part) {
            Some((year, month, day, rest)) => dashed.extend([year, "-", month, "-", day, rest]),
            None => dashed.push_str(part),
        }
    }
    (dashed != name).then_some(dashed)
}

/// `20251231:free` as year, month, day and the rest; `None` when it is no date of this century.
fn split_date(part: &str) -> Option<(&str, &str, &str, &str)> {
    let (digits, rest) = part.split_at_checked(8)?;
    let (year, month, day) = (digits.get(..4)?, digits.get(4..6)?, digits.get(6..)?);
    let is_end = rest.is_empty() || rest.starts_with(':');
    let is_date =
        chrono::NaiveDate::from_ymd_opt(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).is_some();
    let is_digits = digits.bytes().all(|byte| byte.is_ascii_digit());
    (is_end && is_digits && is_date && year.starts_with("20")).then_some((year, month, day, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_compact_date_gets_dashes() {
        let dashed = |name| with_dashed_dates(name);
        assert_eq!(dashed("gpt-5.2-20251211").as_deref(), Some("gpt-5.2-2025-12-11"));
        assert_eq!(dashed("m-20251211:free").as_deref(), Some("m-2025-12-11:free"));
        for unchanged in ["m-20250230", "m-202512110", "m-19991231", "20251211", "m", "m-+0251211", ""] {
            assert_eq!(dashed(unchanged), None, "{unchanged}");
        }
    }
}
