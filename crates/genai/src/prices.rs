//! What a call costs: a table of prices by provider, model, time and way of calling, and exact arithmetic on it.
//!
//! The table is the data of the genai-prices project (MIT, see `data/LICENSE.genai-prices`), read as it is. Numbers
//! are read as decimal text and a cost is rounded once, half to even, to twelve decimals of a dollar.

mod matching;
mod rates;
mod table;
mod unit;

use std::borrow::Cow;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use chrono::DateTime;
use rustc_hash::FxHashMap;

pub(crate) use self::matching::lower_case;
use self::rates::{Context, CountedUnits, InvalidUsage, PriceList};
use self::table::Provider;
use self::unit::Units;
use crate::provider;

const BUNDLED_TABLE: &str = include_str!("../data/genai-prices-0.2.3-data.json");
const BUNDLED_UNITS: &str = include_str!("../data/genai-prices-0.2.3-units.json");
const BUNDLED_VERSION: &str = "genai-prices/0.2.3+sha256:e4adb06d";

/// No provider and no model has a longer name.
const NAME_BYTES_MAX: usize = 256;

/// Answers that are kept. There are some hundred pairs of provider and model in use at the largest sites.
const KNOWN_MAX: usize = 4096;

/// A table of prices.
#[derive(Debug)]
pub struct Prices {
    version: &'static str,
    providers: Vec<Provider>,
    units: Units,
    counted_units: CountedUnits,
    /// What was found for the names of earlier calls.
    known: RwLock<FxHashMap<String, Answer>>,
}

/// What is to be known of a call for its price.
#[derive(Debug, Clone, Copy, Default)]
pub struct CallRef<'a> {
    /// The provider as the caller calls it: an id of the table, or any name of the conventions.
    pub provider: Option<&'a str>,
    /// The host the call went to. Where it is a known provider's, it counts more than the name.
    pub server_address: Option<&'a str>,
    /// The model that answered.
    pub model: Option<&'a str>,
    /// The model that was asked for; counts when the other has no price.
    pub request_model: Option<&'a str>,
    /// When the call began.
    pub start_unix_nano: i64,
    /// The tier that served the call, from the response.
    pub service_tier: Option<&'a str>,
    /// What was used.
    pub usage: Usage,
}

/// Tokens of a call; `None` is "not known", never 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// All input, cache reads and writes included.
    pub input_tokens: Option<i64>,
    /// All output, reasoning included.
    pub output_tokens: Option<i64>,
    /// The part of the input that was read from a cache.
    pub cache_read_input_tokens: Option<i64>,
    /// The part of the input that was written to a cache.
    pub cache_write_input_tokens: Option<i64>,
    /// The part of that which the cache keeps for an hour.
    pub cache_write_1h_input_tokens: Option<i64>,
    /// The part of the output that was reasoning.
    pub reasoning_output_tokens: Option<i64>,
    /// The part of the input that was audio.
    pub audio_input_tokens: Option<i64>,
    /// The part of the output that was audio.
    pub audio_output_tokens: Option<i64>,
}

impl Usage {
    /// What the table calls the counts, in the order of [`Usage::counts`].
    const KEYS: [&'static str; 8] = [
        "input_tokens",
        "output_tokens",
        "cache_read_tokens",
        "cache_write_tokens",
        "cache_write_1h_tokens",
        "output_reasoning_tokens",
        "input_audio_tokens",
        "output_audio_tokens",
    ];

    fn counts(&self) -> [Option<i64>; Self::KEYS.len()] {
        [
            self.input_tokens,
            self.output_tokens,
            self.cache_read_input_tokens,
            self.cache_write_input_tokens,
            self.cache_write_1h_input_tokens,
            self.reasoning_output_tokens,
            self.audio_input_tokens,
            self.audio_output_tokens,
        ]
    }
}

/// What became of the attempt to price a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CostStatus {
    /// There is a cost.
    Priced,
    /// No model of this name has a price.
    UnknownModel,
    /// No provider of this name is in the table.
    UnknownProvider,
    /// The call does not say how much it used.
    NoUsage,
    /// The numbers contradict each other, or one is missing that the price depends on.
    InvalidUsage,
    /// The span does not stand for a call.
    NotBillable,
}

impl CostStatus {
    /// The text in the column `cost_status`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Priced => "priced",
            Self::UnknownModel => "unknown_model",
            Self::UnknownProvider => "unknown_provider",
            Self::NoUsage => "no_usage",
            Self::InvalidUsage => "invalid_usage",
            Self::NotBillable => "not_billable",
        }
    }
}

/// The cost of a call in USD with twelve decimals: 1 is 0.000000000001 dollars.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cost {
    /// Whether there is a cost, and why not.
    pub status: CostStatus,
    /// The entry of the table, found also where usage is missing.
    pub entry: Option<Entry>,
    /// Of the input.
    pub input: Option<i128>,
    /// Of the output; none where no output was counted.
    pub output: Option<i128>,
    /// Of the call; rounded by itself, not a sum of the two.
    pub total: Option<i128>,
}

/// An entry of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Who served the call, by the table's id.
    pub provider: &'static str,
    /// `openai/gpt-4o`: the provider that lists the model, and its id there.
    pub model_id: Arc<str>,
    /// Whether the name of the model that answered led here, and not that of the model asked for.
    pub is_response_model: bool,
}

/// Why a table cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// Not the JSON that a table is.
    #[error("read price table")]
    Json(#[source] serde_json::Error),
    /// A price that is no decimal.
    #[error("read price {0:?}")]
    Number(String),
    /// A unit that the list of units lacks or has wrong.
    #[error("read unit {0:?} of a price")]
    Unit(String),
    /// A condition other than a date and a time of the day.
    #[error("read condition {0:?} of a price")]
    Constraint(String),
}

#[derive(Debug, Clone)]
enum Answer {
    Found(Arc<Priced>),
    Not(CostStatus),
}

#[derive(Debug)]
struct Priced {
    entry: Entry,
    prices: PriceList,
    /// Another provider's model: what that one takes for a tier is not what this one does.
    is_resold: bool,
}

impl Prices {
    /// The table that is built in, read once.
    pub fn bundled() -> Arc<Prices> {
        static BUNDLED: OnceLock<Arc<Prices>> = OnceLock::new();
        #[expect(clippy::expect_used, reason = "a test reads every price of the table that is built in")]
        let read = || {
            Arc::new(
                Prices::parse(BUNDLED_TABLE, BUNDLED_UNITS, BUNDLED_VERSION)
                    .expect("the bundled table is readable"),
            )
        };
        BUNDLED.get_or_init(read).clone()
    }

    fn parse(table: &'static str, units: &str, version: &'static str) -> Result<Self, Error> {
        let units = Units::parse(units)?;
        let counted_units = CountedUnits::new(&units)?;
        let providers = serde_json::from_str(table).map_err(Error::Json)?;
        Ok(Self { version, providers, units, counted_units, known: RwLock::default() })
    }

    /// Which table this is: its name, version and the first bytes of its hash.
    pub fn version(&self) -> &str {
        self.version
    }

    /// The cost of a call.
    pub fn cost(&self, call: &CallRef<'_>) -> Cost {
        let priced = match self.find(call) {
            Answer::Found(priced) => priced,
            Answer::Not(status) => return Cost::none(status, None),
        };
        let entry = Some(priced.entry.clone());
        if call.usage.input_tokens.is_none() {
            let is_silent = call.usage.counts().iter().flatten().all(|count| *count == 0);
            let status = if is_silent || call.usage.output_tokens.is_some() {
                CostStatus::NoUsage
            } else {
                CostStatus::InvalidUsage
            };
            return Cost::none(status, entry);
        }
        let context = if priced.is_resold { None } else { context(call.service_tier) };
        let usage = self.counted_units.counts(&call.usage);
        match priced.prices.cost(
            &usage,
            DateTime::from_timestamp_nanos(call.start_unix_nano),
            context,
            &self.units,
        ) {
            Ok(amounts) => Cost {
                status: CostStatus::Priced,
                entry,
                input: Some(amounts.input),
                output: call.usage.output_tokens.map(|_| amounts.output),
                total: Some(amounts.total),
            },
            Err(InvalidUsage) => Cost::none(CostStatus::InvalidUsage, entry),
        }
    }

    fn find(&self, call: &CallRef<'_>) -> Answer {
        let names = [call.provider, call.server_address, call.model, call.request_model];
        if names.iter().flatten().any(|name| name.len() > NAME_BYTES_MAX) {
            return Answer::Not(CostStatus::UnknownModel);
        }
        let mut key = String::with_capacity(128);
        for name in names {
            key.push_str(name.unwrap_or_default());
            key.push('\0');
        }
        if let Some(answer) = self.known.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return answer.clone();
        }
        let answer = self.look_up(call);
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KNOWN_MAX {
            known.clear();
        }
        known.insert(key, answer.clone());
        answer
    }

    fn look_up(&self, call: &CallRef<'_>) -> Answer {
        let models = [(call.model, true), (call.request_model, false)];
        let models =
            models.into_iter().filter_map(|(model, is_response)| Some((lower_case(model?), is_response)));
        let mut reason = CostStatus::UnknownModel;
        for (model, is_response_model) in models {
            match self.look_up_model(call, &model, is_response_model) {
                Answer::Not(status) => reason = status,
                found => return found,
            }
        }
        Answer::Not(reason)
    }

    fn look_up_model(&self, call: &CallRef<'_>, model: &str, is_response_model: bool) -> Answer {
        let name = call.provider.map(|name| lower_case(name.trim())).filter(|name| !name.is_empty());
        let (name, model) = behind_proxy(&self.providers, name, model);
        let sellers = match self.sellers(call.server_address, name.as_deref(), model) {
            Ok(sellers) => sellers,
            Err(reason) => return Answer::Not(reason),
        };
        let mut found = sellers.iter().map(|seller| self.look_up_at(seller, model, is_response_model));
        found
            .find(|answer| matches!(answer, Answer::Found(_)))
            .unwrap_or(Answer::Not(CostStatus::UnknownModel))
    }

    /// Who may have sold the call: whose address it went to, else who is named, else whose models are called so.
    fn sellers(
        &self,
        address: Option<&str>,
        name: Option<&str>,
        model: &str,
    ) -> Result<Vec<&Provider>, CostStatus> {
        let name = name.filter(|name| *name != PROXY);
        let at_address = address.and_then(|address| table::provider_at(&self.providers, address));
        if let Some(provider) = at_address.or_else(|| table::provider_with_id(&self.providers, name?)) {
            return Ok(vec![provider]);
        }
        let Some(name) = name.and_then(provider::canonical) else {
            let of_model = table::provider_of_model(&self.providers, model);
            return of_model.map(|provider| vec![provider]).ok_or(CostStatus::UnknownModel);
        };
        let names = provider::in_price_table(&name);
        let named: Vec<_> = names.filter_map(|name| table::provider_named(&self.providers, name)).collect();
        if named.is_empty() { Err(CostStatus::UnknownProvider) } else { Ok(named) }
    }

    fn look_up_at(&self, provider: &Provider, model: &str, is_response_model: bool) -> Answer {
        let Some(found) = table::model_at(&self.providers, provider, model) else {
            return Answer::Not(CostStatus::UnknownModel);
        };
        let variants = found.model.price_variants.map(|variants| variants.get());
        let Ok(prices) = PriceList::parse(found.model.prices.get(), variants, &self.units) else {
            return Answer::Not(CostStatus::UnknownModel);
        };
        let model_id = format!("{}/{}", found.owner.id, found.model.id).into();
        let entry = Entry { provider: provider.id, model_id, is_response_model };
        Answer::Found(Arc::new(Priced { entry, prices, is_resold: found.owner.id != provider.id }))
    }
}

/// A proxy that puts the provider before the model: `openai/gpt-4o`.
const PROXY: &str = "litellm";

fn behind_proxy<'a>(
    providers: &[Provider],
    name: Option<Cow<'a, str>>,
    model: &'a str,
) -> (Option<Cow<'a, str>>, &'a str) {
    match model.split_once('/') {
        Some((provider, rest))
            if name.as_deref() == Some(PROXY) && table::provider_named(providers, provider).is_some() =>
        {
            (Some(Cow::Borrowed(provider)), rest)
        }
        _ => (name, model),
    }
}

/// How prices speak of a tier. The standard tier has standard prices.
fn context(service_tier: Option<&str>) -> Context<'_> {
    match service_tier? {
        "" | "default" | "auto" | "standard" => None,
        "batch" => Some(("processing", "batch")),
        tier => Some(("service_tier", tier)),
    }
}

impl Cost {
    /// No cost, and why.
    pub(crate) fn none(status: CostStatus, entry: Option<Entry>) -> Self {
        Self { status, entry, input: None, output: None, total: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_price_of_the_bundled_table_can_be_read() {
        let prices = Prices::bundled();
        let mut models = 0;
        for provider in &prices.providers {
            for model in provider.parse_models().unwrap() {
                PriceList::parse(
                    model.prices.get(),
                    model.price_variants.map(|raw| raw.get()),
                    &prices.units,
                )
                .unwrap();
                models += 1;
            }
        }
        assert_eq!((prices.providers.len(), models), (47, 2330));
    }

    #[test]
    fn the_version_names_the_bundled_table() {
        let hex = |text: &str| {
            let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
            digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect::<String>()
        };
        assert_eq!(hex(BUNDLED_TABLE), "e4adb06dc41bb8090427599c2e32cc4b410b57c4b340a7264bf18ff8549d2ddf");
        assert_eq!(hex(BUNDLED_UNITS), "0064e95868cd5d6b277ccf9b4afce98115a4bb225ce5afab635923000b9561db");
        assert!(BUNDLED_VERSION.ends_with(&hex(BUNDLED_TABLE)[..8]));
    }

    #[test]
    fn what_is_kept_of_earlier_calls_is_bounded() {
        let prices = Prices::parse(BUNDLED_TABLE, BUNDLED_UNITS, BUNDLED_VERSION).unwrap();
        for number in 0..2 * KNOWN_MAX {
            let model = number.to_string();
            prices.cost(&CallRef { provider: Some("openai"), model: Some(&model), ..CallRef::default() });
        }
        assert!(prices.known.read().unwrap().len() <= KNOWN_MAX);
    }
}
