//! What a model costs: the rates in force at a time, and the cost of a usage under them.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::unit::{COMMON_PER, Side, UnitId, Units};
use super::{Error, Usage};
use crate::decimal;

/// The largest cost that a `DECIMAL(18,12)` holds: one million dollars.
const COST_END: i128 = 1_000_000 * decimal::ONE;

/// Everything the table says of one model's prices.
#[derive(Debug)]
pub(super) struct PriceList {
    /// The last one in force holds; where none is, the first.
    standard: Vec<Conditional>,
    variants: Vec<Conditional>,
}

/// Rates that hold under a condition. Those with a `when` replace standard ones for calls made in that way.
#[derive(Debug)]
struct Conditional {
    when: BTreeMap<String, String>,
    condition: Condition,
    rates: Rates,
}

#[derive(Debug, Clone, Copy)]
enum Condition {
    Always,
    From(NaiveDate),
    Daily { start: NaiveTime, end: NaiveTime },
}

/// Rates by unit, units before those that contain them.
#[derive(Debug, Clone)]
struct Rates(Vec<(UnitId, Rate)>);

/// USD per `per` of a unit, with twelve decimals.
#[derive(Debug, Clone)]
struct Rate {
    base: i128,
    /// Rising starts; above one, the whole count costs that tier's rate.
    tiers: Vec<(i64, i128)>,
}

/// How a call was made, as far as prices depend on it: `("service_tier", "flex")`.
pub(super) type Context<'a> = Option<(&'static str, &'a str)>;

/// USD with twelve decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Amounts {
    pub(super) input: i128,
    pub(super) output: i128,
    pub(super) total: i128,
}

/// A usage without a cost: a part is larger than its whole, a number is missing that the price needs, or one is
/// beyond all measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct InvalidUsage;

impl PriceList {
    pub(super) fn parse(prices: &str, variants: Option<&str>, units: &Units) -> Result<Self, Error> {
        let standard = match prices.starts_with('[') {
            true => Conditional::parse_all(prices, units)?,
            false => vec![Conditional {
                when: BTreeMap::new(),
                condition: Condition::Always,
                rates: Rates::parse(prices, units)?,
            }],
        };
        let variants = variants.map_or(Ok(Vec::new()), |text| Conditional::parse_all(text, units))?;
        Ok(Self { standard, variants })
    }

    /// The cost of `usage` by a call that began `at`, made as `context` says.
    pub(super) fn cost(
        &self,
        usage: &Counts,
        at: DateTime<Utc>,
        context: Context<'_>,
        units: &Units,
    ) -> Result<Amounts, InvalidUsage> {
        let in_force =
            self.standard.iter().rev().find(|row| row.condition.holds(at)).or(self.standard.first());
        let standard = &in_force.ok_or(InvalidUsage)?.rates;
        let mut variants = self.variants.iter().filter(|variant| variant.applies(at, context)).peekable();
        if variants.peek().is_none() {
            return standard.cost(usage, units);
        }
        // The first variant that has a unit wins, and standard rates stand where none has it.
        let mut rates = Vec::<(UnitId, Rate)>::new();
        for (unit, rate) in variants.flat_map(|variant| &variant.rates.0).chain(&standard.0) {
            if !rates.iter().any(|(known, _)| known == unit) {
                rates.push((*unit, rate.clone()));
            }
        }
        Rates::sorted(rates, units).cost(usage, units)
    }
}

impl Conditional {
    fn parse_all(text: &str, units: &Units) -> Result<Vec<Self>, Error> {
        let rows: Vec<RawConditional<'_>> = serde_json::from_str(text).map_err(Error::Json)?;
        let read = |row: RawConditional<'_>| {
            let condition = row.constraint.map_or(Ok(Condition::Always), RawConstraint::read)?;
            Ok(Self { when: row.when, condition, rates: Rates::parse(row.prices.get(), units)? })
        };
        rows.into_iter().map(read).collect()
    }

    fn applies(&self, at: DateTime<Utc>, context: Context<'_>) -> bool {
        let Some((key, value)) = context else { return false };
        self.condition.holds(at) && self.when.iter().all(|(k, v)| k == key && v == value)
    }
}

impl Condition {
    fn holds(self, at: DateTime<Utc>) -> bool {
        match self {
            Self::Always => true,
            Self::From(date) => at.date_naive() >= date,
            Self::Daily { start, end } if start <= end => start <= at.time() && at.time() < end,
            Self::Daily { start, end } => start <= at.time() || at.time() < end,
        }
    }
}

impl Rates {
    fn parse(text: &str, units: &Units) -> Result<Self, Error> {
        let prices: BTreeMap<&str, &RawValue> = serde_json::from_str(text).map_err(Error::Json)?;
        let mut rates = Vec::with_capacity(prices.len());
        for (key, price) in prices {
            let unit = units.by_price_key(key).ok_or_else(|| Error::Unit(key.to_owned()))?;
            rates.push((unit, Rate::parse(price.get())?));
        }
        Ok(Self::sorted(rates, units))
    }

    fn sorted(mut rates: Vec<(UnitId, Rate)>, units: &Units) -> Self {
        let dimensions = |id: UnitId| units.get(id).map_or(0, |unit| unit.dimensions.count_ones());
        rates.sort_by_key(|(unit, _)| std::cmp::Reverse(dimensions(*unit)));
        Self(rates)
    }

    fn cost(&self, usage: &Counts, units: &Units) -> Result<Amounts, InvalidUsage> {
        let mut leaves: Vec<(&super::unit::Unit, i64)> = Vec::with_capacity(self.0.len());
        let mut sums = Amounts { input: 0, output: 0, total: 0 };
        for (id, rate) in &self.0 {
            let unit = units.get(*id).ok_or(InvalidUsage)?;
            let count = if *id == usage.requests {
                1
            } else {
                let parts = leaves.iter().filter(|(part, _)| unit.contains(part)).map(|(_, count)| count);
                parts.fold(usage.of(*id, unit.dimensions, units)?, |rest, part| rest.saturating_sub(*part))
            };
            if count < 0 {
                return Err(InvalidUsage);
            }
            leaves.push((unit, count));
            let term =
                product(rate.at(usage.input()), unit.factor).and_then(|term| product(term, count.into()));
            let term = term.ok_or(InvalidUsage)?;
            sums.add(unit.side, term).ok_or(InvalidUsage)?;
        }
        sums.rounded().ok_or(InvalidUsage)
    }
}

/// The product, computed fast where both fit 64 bits, as they most often do.
fn product(left: i128, right: i128) -> Option<i128> {
    match (i64::try_from(left), i64::try_from(right)) {
        (Ok(left), Ok(right)) => Some(i128::from(left) * i128::from(right)),
        _ => left.checked_mul(right),
    }
}

impl Amounts {
    fn add(&mut self, side: Side, term: i128) -> Option<()> {
        match side {
            Side::Input => self.input = self.input.checked_add(term)?,
            Side::Output => self.output = self.output.checked_add(term)?,
            Side::Neither => {}
        }
        self.total = self.total.checked_add(term)?;
        Some(())
    }

    fn rounded(self) -> Option<Self> {
        let round = |sum| decimal::divide_half_even(sum, COMMON_PER);
        let rounded = Self { input: round(self.input), output: round(self.output), total: round(self.total) };
        (rounded.total < COST_END).then_some(rounded)
    }
}

impl Rate {
    fn parse(text: &str) -> Result<Self, Error> {
        #[derive(Deserialize)]
        struct Tiered<'a> {
            #[serde(borrow)]
            base: &'a RawValue,
            #[serde(borrow)]
            tiers: Vec<Tier<'a>>,
        }
        #[derive(Deserialize)]
        struct Tier<'a> {
            start: i64,
            #[serde(borrow)]
            price: &'a RawValue,
        }
        let usd = |text: &str| {
            decimal::parse(text).filter(|rate| *rate >= 0).ok_or_else(|| Error::Number(text.to_owned()))
        };
        if !text.starts_with('{') {
            return Ok(Self { base: usd(text)?, tiers: Vec::new() });
        }
        let tiered: Tiered<'_> = serde_json::from_str(text).map_err(Error::Json)?;
        let mut tiers = Vec::with_capacity(tiered.tiers.len());
        for tier in tiered.tiers {
            tiers.push((tier.start, usd(tier.price.get())?));
        }
        tiers.sort_by_key(|(start, _)| *start);
        Ok(Self { base: usd(tiered.base.get())?, tiers })
    }

    fn at(&self, input_tokens: i64) -> i128 {
        self.tiers.iter().rev().find(|(start, _)| input_tokens > *start).map_or(self.base, |(_, rate)| *rate)
    }
}

/// The units that a [`Usage`] counts.
#[derive(Debug)]
pub(super) struct CountedUnits {
    ids: [UnitId; Usage::KEYS.len()],
    requests: UnitId,
}

impl CountedUnits {
    pub(super) fn new(units: &Units) -> Result<Self, Error> {
        let mut ids = [0; Usage::KEYS.len()];
        for (id, key) in ids.iter_mut().zip(Usage::KEYS) {
            *id = units.by_usage_key(key)?;
        }
        Ok(Self { ids, requests: units.by_usage_key("requests")? })
    }

    pub(super) fn counts(&self, usage: &Usage) -> Counts {
        Counts { ids: self.ids, counts: usage.counts(), requests: self.requests }
    }
}

/// A [`Usage`] by unit.
#[derive(Debug)]
pub(super) struct Counts {
    ids: [UnitId; Usage::KEYS.len()],
    counts: [Option<i64>; Usage::KEYS.len()],
    requests: UnitId,
}

impl Counts {
    fn input(&self) -> i64 {
        self.counts.first().copied().flatten().unwrap_or(0)
    }

    fn positive<'a>(&'a self, units: &'a Units) -> impl Iterator<Item = u64> + Clone + 'a {
        let positive =
            self.ids.iter().zip(&self.counts).filter(|(_, count)| count.is_some_and(|count| count > 0));
        positive.filter_map(|(id, _)| units.get(*id)).map(|unit| unit.dimensions)
    }

    /// The count of a unit. One that was not counted is 0, unless its parts were, or two of the units that it is the overlap of:
    /// then it is not known.
    fn of(&self, id: UnitId, dimensions: u64, units: &Units) -> Result<i64, InvalidUsage> {
        let counted =
            self.ids.iter().zip(&self.counts).find_map(|(known, count)| count.filter(|_| *known == id));
        if let Some(count) = counted {
            return Ok(count);
        }
        let is_part = |reported: u64| reported != dimensions && reported & dimensions == dimensions;
        let overlap = |left: u64| {
            left != dimensions
                && self.positive(units).any(|right| right != dimensions && left | right == dimensions)
        };
        match self.positive(units).any(|reported| is_part(reported) || overlap(reported)) {
            true => Err(InvalidUsage),
            false => Ok(0),
        }
    }
}

#[derive(Deserialize)]
struct RawConditional<'a> {
    #[serde(default)]
    when: BTreeMap<String, String>,
    #[serde(borrow)]
    constraint: Option<RawConstraint<'a>>,
    #[serde(borrow)]
    prices: &'a RawValue,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawConstraint<'a> {
    start_date: Option<&'a str>,
    start_time: Option<&'a str>,
    end_time: Option<&'a str>,
}

impl RawConstraint<'_> {
    fn read(self) -> Result<Condition, Error> {
        let date = |text: &str| text.parse().map_err(|_| Error::Constraint(text.to_owned()));
        let time = |text: &str| {
            NaiveTime::parse_from_str(text, "%H:%M:%S+00:00").map_err(|_| Error::Constraint(text.to_owned()))
        };
        match (self.start_date, self.start_time, self.end_time) {
            (Some(start), None, None) => Ok(Condition::From(date(start)?)),
            (None, Some(start), Some(end)) => Ok(Condition::Daily { start: time(start)?, end: time(end)? }),
            _ => Err(Error::Constraint("neither a date nor two times".to_owned())),
        }
    }
}
