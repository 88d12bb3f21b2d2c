//! What a call costs: a table of prices by provider, model, time and way of calling, and exact arithmetic on it.
//!
//! The table is the data of the genai-prices project (MIT, see `data/LICENSE.genai-prices`), read as it is, or another
//! in its format. Numbers are read as decimal text and a cost is rounded once, half to even, to twelve decimals of a
//! dollar.

mod cost;
mod counts;
mod file;
mod known;
mod matching;
mod names;
mod overrides;
mod rates;
mod table;
mod unit;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

pub use self::cost::{Alias, CallRef, Cost, CostStatus, Entry, Usage};
use self::counts::{CountedUnits, InvalidUsage};
pub use self::file::PriceTable;
use self::known::{Known, Lately};
pub use self::matching::Match;
pub(crate) use self::matching::lower_case;
use self::names::Named;
use self::overrides::{Aliases, Effect};
pub use self::overrides::{Override, Prefer, PriceSettings};
use self::rates::{Amounts, Context, PriceList, Ratio};
use self::table::Provider;
use self::unit::Units;
use crate::provider;

/// No provider and no model has a longer name.
const NAME_BYTES_MAX: usize = 256;

/// A table of prices, with what the settings change about it.
#[derive(Debug)]
pub struct Prices {
    version: String,
    providers: Vec<Provider>,
    units: Units,
    counted_units: CountedUnits,
    overrides: Vec<(Override, Arc<Effect>)>,
    aliases: Aliases,
    prefer: Prefer,
    /// What was found for the names of earlier calls.
    known: Known<Found>,
}

/// Why a table cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
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
    /// Something of one model, or one provider.
    #[error("{place}: {error}")]
    At {
        /// `provider/model`.
        place: String,
        /// What is wrong there.
        error: Box<Error>,
    },
    /// An override that cannot be.
    #[error("{0}: {1}")]
    Override(String, String),
}

impl Error {
    fn at(self, place: &str) -> Self {
        Self::At { place: place.to_owned(), error: Box::new(self) }
    }
}

/// An error and what caused it, in one line.
fn with_cause(error: &Error) -> String {
    match error {
        Error::Json(cause) => format!("{error}: {cause}"),
        Error::At { place, error } => format!("{place}: {}", with_cause(error)),
        error => error.to_string(),
    }
}

/// What was found for the names of a call.
#[derive(Debug)]
struct Found {
    /// The first one that is in force when a call begins gives its price.
    terms: Vec<Terms>,
    /// Why there is none, if there is none.
    reason: CostStatus,
}

/// Prices for the calls of one name.
#[derive(Debug)]
struct Terms {
    entry: Arc<Entry>,
    valid_from: i64,
    rule: Rule,
}

#[derive(Debug)]
enum Rule {
    Free,
    /// Of an override.
    Own(Arc<Effect>),
    Table(Listed),
}

/// Prices of the table, times a ratio.
#[derive(Debug, Clone)]
struct Listed {
    prices: Arc<PriceList>,
    ratio: Ratio,
    /// Another provider's model: what that one takes for a tier is not what this one does.
    is_resold: bool,
}

/// Prices as they are asked for many calls in a row, of which most have the names of an earlier one.
#[derive(Debug)]
pub struct Pricing<'p> {
    prices: &'p Prices,
    lately: Lately<Found>,
}

impl<'p> Pricing<'p> {
    /// By these prices.
    pub fn of(prices: &'p Prices) -> Self {
        Self { prices, lately: Lately::default() }
    }

    /// The prices.
    pub(crate) fn prices(&self) -> &'p Prices {
        self.prices
    }

    /// The cost of a call, whatever the sender says, of whose models the provider's name may stand before them.
    pub(crate) fn cost(&mut self, call: &CallRef<'_>) -> Cost {
        let prices = self.prices;
        let found = self.lately.get(call, || prices.found(&without_prefixes(call)));
        found.map_or_else(|| Cost::none(CostStatus::UnknownModel, None), |found| prices.cost_by(call, found))
    }
}

/// The call with models that do not repeat the provider's name.
fn without_prefixes<'a>(call: &CallRef<'a>) -> CallRef<'a> {
    let canonical = call.provider.and_then(provider::canonical);
    let plain = |model| provider::without_prefix(model, canonical.as_deref());
    CallRef { model: call.model.map(plain), request_model: call.request_model.map(plain), ..*call }
}

impl Prices {
    /// The table that is built in, without overrides; read once.
    pub fn bundled() -> Arc<Prices> {
        static BUNDLED: OnceLock<Arc<Prices>> = OnceLock::new();
        #[expect(clippy::expect_used, reason = "a test reads every price of the table that is built in")]
        let read = || {
            Prices::new(&PriceTable::bundled(), PriceSettings::default())
                .expect("the bundled table is readable")
        };
        BUNDLED.get_or_init(read).clone()
    }

    /// The prices of a table under some settings. Whoever asks for the same ones gets the same ones.
    pub fn new(table: &PriceTable, settings: PriceSettings) -> Result<Arc<Prices>, Error> {
        let settings_hash = settings.fingerprint().map(|hash| format!("+settings:{hash}"));
        let version = table.version() + &settings_hash.unwrap_or_default();
        let mut in_use = in_use().lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(prices) = in_use.get(&version).and_then(Weak::upgrade) {
            return Ok(prices);
        }
        let (units, counted_units) = table.units()?;
        let mut overrides = Vec::with_capacity(settings.overrides.len());
        for (index, one) in settings.overrides.into_iter().enumerate() {
            let effect = one
                .effect(&units)
                .map_err(|(key, message)| Error::Override(format!("overrides::{index}::{key}"), message))?;
            overrides.push((one, Arc::new(effect)));
        }
        let prices = Arc::new(Self {
            version: version.clone(),
            providers: table.providers()?,
            units,
            counted_units,
            overrides,
            aliases: Aliases::new(&settings.aliases),
            prefer: settings.prefer,
            known: Known::default(),
        });
        in_use.retain(|_, prices| prices.strong_count() > 0);
        in_use.insert(version, Arc::downgrade(&prices));
        Ok(prices)
    }

    /// The prices with this version, as long as somebody holds them: those that a row was priced with, for whoever prices
    /// something of it again.
    pub fn of_version(version: &str) -> Option<Arc<Prices>> {
        in_use().lock().unwrap_or_else(PoisonError::into_inner).get(version).and_then(Weak::upgrade)
    }

    /// Which prices these are: name and hash of the table, and a hash of the settings where they change prices.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The cost of a call by these prices, whatever the sender says.
    pub fn cost(&self, call: &CallRef<'_>) -> Cost {
        let none = || Cost::none(CostStatus::UnknownModel, None);
        self.found(call).map_or_else(none, |found| self.cost_by(call, &found))
    }

    /// What was found for the names of a call; `None` when no name is so long.
    fn found(&self, call: &CallRef<'_>) -> Option<Arc<Found>> {
        let names = [call.provider, call.server_address, call.model, call.request_model];
        let is_any_long = names.iter().flatten().any(|name| name.len() > NAME_BYTES_MAX);
        (!is_any_long).then(|| self.known.get(call, || self.find(call)))
    }

    /// The cost that counts: the derived one, or where the settings prefer it what the sender reported.
    pub fn preferred(&self, derived: Cost, reported: Option<i128>) -> Cost {
        match (self.prefer, reported) {
            (Prefer::Reported, Some(usd)) => Cost::reported(usd, derived.entry),
            _ => derived,
        }
    }

    fn cost_by(&self, call: &CallRef<'_>, found: &Found) -> Cost {
        let Some(terms) = found.terms.iter().find(|terms| terms.valid_from <= call.start_unix_nano) else {
            return Cost::none(found.reason, None);
        };
        let entry = Some(terms.entry.clone());
        if call.usage.input_tokens.is_none() && !matches!(terms.rule, Rule::Free) {
            let is_silent = call.usage.counts().iter().flatten().all(|count| *count == 0);
            let status = match is_silent || call.usage.output_tokens.is_some() {
                true => CostStatus::NoUsage,
                false => CostStatus::InvalidUsage,
            };
            return Cost::none(status, entry);
        }
        match self.amounts(call, &terms.rule) {
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

    fn amounts(&self, call: &CallRef<'_>, rule: &Rule) -> Result<Amounts, InvalidUsage> {
        let (list, ratio, context) = match rule {
            Rule::Free => return Ok(Amounts::default()),
            Rule::Own(effect) => match &**effect {
                Effect::Prices { list, ratio } => (list, ratio, Context::default()),
                Effect::Free | Effect::Table { .. } => return Ok(Amounts::default()),
            },
            Rule::Table(Listed { prices, ratio, is_resold: true }) => (&**prices, ratio, Context::default()),
            Rule::Table(Listed { prices, ratio, is_resold: false }) => (&**prices, ratio, Context::of(call)),
        };
        let usage = self.counted_units.counts(call);
        list.sums(&usage, call.start_unix_nano, &context)?.rounded(*ratio)
    }

    fn find(&self, call: &CallRef<'_>) -> Found {
        let names: Vec<_> = Named::of(&self.providers, &self.aliases, call).collect();
        let mut reason = CostStatus::UnknownModel;
        let mut listed = None;
        for named in &names {
            match self.listed(named) {
                Ok(found) => {
                    listed = Some((entry(named, found.0), found.1));
                    break;
                }
                Err(status) => reason = status,
            }
        }
        let overrides = self.overrides.iter().enumerate();
        let mut terms: Vec<_> =
            overrides.filter_map(|one| overriding(one, &names, listed.as_ref())).collect();
        terms.extend(listed.map(|(entry, listed)| Terms {
            entry,
            valid_from: i64::MIN,
            rule: Rule::Table(listed),
        }));
        Found { terms, reason }
    }

    /// What the table says of a name, and under which id.
    fn listed(&self, named: &Named<'_>) -> Result<(Arc<str>, Listed), CostStatus> {
        for seller in named.sellers.as_ref().map_err(|status| *status)? {
            let Some(found) = table::model_at(&self.providers, seller, &named.model) else { continue };
            let Some(prices) = found.model.price_list(&self.units) else { continue };
            let id = format!("{}/{}", found.owner.id, found.model.id).into();
            let is_resold = found.owner.id != seller.id;
            return Ok((id, Listed { prices, ratio: Ratio::ONE, is_resold }));
        }
        Err(CostStatus::UnknownModel)
    }
}

/// What an override makes of calls with these names; nothing when it is not for them, or there is nothing to multiply.
fn overriding(
    (index, (one, effect)): (usize, &(Override, Arc<Effect>)),
    names: &[Named<'_>],
    listed: Option<&(Arc<Entry>, Listed)>,
) -> Option<Terms> {
    let named = names.iter().find(|named| one.is_for(named))?;
    let own = || entry(named, format!("overrides::{index}").into());
    let (entry, rule) = match &**effect {
        Effect::Free => (own(), Rule::Free),
        Effect::Prices { .. } => (own(), Rule::Own(effect.clone())),
        Effect::Table { ratio } => {
            let (entry, listed) = listed?;
            (entry.clone(), Rule::Table(Listed { ratio: *ratio, ..listed.clone() }))
        }
    };
    Some(Terms { entry, valid_from: one.valid_from(), rule })
}

fn entry(named: &Named<'_>, model_id: Arc<str>) -> Arc<Entry> {
    let (provider, alias) = (named.seller(), named.alias.clone());
    Arc::new(Entry { provider, model_id, is_response_model: named.is_response_model, alias })
}

/// The prices that somebody holds, by their version. A version says all about prices, so that it does not matter who asks.
fn in_use() -> &'static Mutex<HashMap<String, Weak<Prices>>> {
    static IN_USE: OnceLock<Mutex<HashMap<String, Weak<Prices>>>> = OnceLock::new();
    IN_USE.get_or_init(Mutex::default)
}
