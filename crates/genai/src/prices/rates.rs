//! What a model costs: the rates in force at a time, and the cost of a usage under them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use chrono::{NaiveDate, NaiveTime, Timelike as _};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::counts::{Counts, InvalidUsage};
use super::unit::{self, COMMON_PER, Side, Unit, Units};
use super::{CallRef, Error};
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
    when: When,
    condition: Condition,
    rates: Rates,
}

/// The way of calling that rates are for.
#[derive(Debug, Default)]
struct When {
    service_tier: Option<Box<str>>,
    processing: Option<Box<str>>,
    speed: Option<Box<str>>,
    /// It depends on something that nobody tells.
    is_never: bool,
}

impl When {
    fn of(table: BTreeMap<String, String>) -> Self {
        let mut when = Self::default();
        for (key, value) in table {
            let wanted = match key.as_str() {
                "service_tier" => &mut when.service_tier,
                "processing" => &mut when.processing,
                "speed" => &mut when.speed,
                _ => {
                    when.is_never = true;
                    continue;
                }
            };
            *wanted = Some(value.into());
        }
        when
    }

    fn holds(&self, context: &Context<'_>) -> bool {
        let is = |wanted: &Option<Box<str>>, told: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| told == Some(wanted))
        };
        !self.is_never
            && is(&self.service_tier, context.service_tier)
            && is(&self.processing, context.processing)
            && is(&self.speed, context.speed)
    }
}

/// When rates hold, in UTC.
#[derive(Debug, Clone, Copy)]
enum Condition {
    Always,
    /// From this moment on, in nanoseconds since 1970.
    From(i64),
    /// Each day from one second of it to before another, which may be on the next day.
    Daily {
        start: i64,
        end: i64,
    },
}

/// Rates by unit, units before those that contain them.
#[derive(Debug, Clone)]
struct Rates(Vec<Rate>);

/// USD for [`COMMON_PER`] of a unit, with twelve decimals.
#[derive(Debug, Clone)]
struct Rate {
    unit: Unit,
    base: i128,
    /// Rising starts; above one, the whole count costs that tier's rate.
    tiers: Vec<(i64, i128)>,
}

/// How a call was made, as far as prices depend on it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Context<'a> {
    service_tier: Option<&'a str>,
    processing: Option<&'a str>,
    speed: Option<&'a str>,
}

impl<'a> Context<'a> {
    /// The standard tier has standard prices, and a batch is no tier to the table.
    pub(super) fn of(call: &CallRef<'a>) -> Self {
        let (service_tier, processing) = match call.service_tier {
            Some("" | "default" | "auto" | "standard") => (None, None),
            Some("batch") => (None, Some("batch")),
            tier => (tier, None),
        };
        Self { service_tier, processing: call.processing.or(processing), speed: call.speed }
    }
}

/// USD with twelve decimals.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Amounts {
    pub(super) input: i128,
    pub(super) output: i128,
    pub(super) total: i128,
}

impl PriceList {
    pub(super) fn parse(prices: &str, variants: Option<&str>, units: &Units) -> Result<Self, Error> {
        let standard = match prices.starts_with('[') {
            true => Conditional::parse_all(prices, units)?,
            false => vec![Conditional {
                when: When::default(),
                condition: Condition::Always,
                rates: Rates::parse(prices, units)?,
            }],
        };
        let variants = variants.map_or(Ok(Vec::new()), |text| Conditional::parse_all(text, units))?;
        Ok(Self { standard, variants })
    }

    /// What `usage` costs in a call that began at `unix_nano`, made as `context` says; not rounded yet.
    pub(super) fn sums(
        &self,
        usage: &Counts<'_>,
        unix_nano: i64,
        context: &Context<'_>,
    ) -> Result<Sums, InvalidUsage> {
        let in_force = self.standard.iter().rev().find(|row| row.condition.holds(unix_nano));
        let standard = &in_force.or(self.standard.first()).ok_or(InvalidUsage)?.rates;
        let applies = |variant: &&Conditional| variant.applies(unix_nano, context);
        if !self.variants.iter().any(|variant| applies(&variant)) {
            return sums(standard.0.iter(), usage);
        }
        // The first variant that has a unit wins, and standard rates stand where none has it.
        let variants = self.variants.iter().filter(applies);
        let mut rates = Vec::<&Rate>::with_capacity(2 * standard.0.len());
        for rate in variants.flat_map(|variant| &variant.rates.0).chain(&standard.0) {
            if !rates.iter().any(|known| known.unit.id == rate.unit.id) {
                rates.push(rate);
            }
        }
        rates.sort_unstable_by_key(|rate| rate.unit.id);
        sums(rates.into_iter(), usage)
    }

    /// Whether everything costs nothing.
    pub(super) fn is_free(&self) -> bool {
        let rows = self.standard.iter().chain(&self.variants);
        let mut rates = rows.flat_map(|row| &row.rates.0);
        rates.all(|rate| rate.base == 0 && rate.tiers.iter().all(|(_, rate)| *rate == 0))
    }
}

impl Conditional {
    fn parse_all(text: &str, units: &Units) -> Result<Vec<Self>, Error> {
        let rows: Vec<RawConditional<'_>> = serde_json::from_str(text).map_err(Error::Json)?;
        let read = |row: RawConditional<'_>| {
            let condition = row.constraint.map_or(Ok(Condition::Always), RawConstraint::read)?;
            Ok(Self { when: When::of(row.when), condition, rates: Rates::parse(row.prices.get(), units)? })
        };
        rows.into_iter().map(read).collect()
    }

    fn applies(&self, unix_nano: i64, context: &Context<'_>) -> bool {
        self.when.holds(context) && self.condition.holds(unix_nano)
    }
}

impl Condition {
    fn holds(self, unix_nano: i64) -> bool {
        let second_of_day = || unix_nano.div_euclid(1_000_000_000).rem_euclid(24 * 60 * 60);
        match self {
            Self::Always => true,
            Self::From(start) => unix_nano >= start,
            Self::Daily { start, end } if start <= end => (start..end).contains(&second_of_day()),
            Self::Daily { start, end } => !(end..start).contains(&second_of_day()),
        }
    }
}

impl Rates {
    fn parse(text: &str, units: &Units) -> Result<Self, Error> {
        let prices: BTreeMap<Cow<'_, str>, &RawValue> = serde_json::from_str(text).map_err(Error::Json)?;
        let mut rates = Vec::with_capacity(prices.len());
        for (key, price) in prices {
            let unit = units.by_price_key(&key).ok_or_else(|| Error::Unit(key.into_owned()))?;
            rates.push(Rate::parse(unit, price.get())?);
        }
        rates.sort_unstable_by_key(|rate| rate.unit.id);
        Ok(Self(rates))
    }
}

/// Sums over the units that have a rate: each count without its parts that have one, times the rate. Parts come first.
fn sums<'a>(rates: impl Iterator<Item = &'a Rate>, usage: &Counts<'_>) -> Result<Sums, InvalidUsage> {
    let mut leaves = Leaves::default();
    let mut sums = Sums::default();
    for rate in rates {
        let Unit { dimensions, side, .. } = rate.unit;
        let count = match usage.is_request(&rate.unit) {
            true => 1,
            false => leaves.parts_of(dimensions).fold(usage.of(&rate.unit)?, i64::saturating_sub),
        };
        match count {
            ..0 => return Err(InvalidUsage),
            // It costs nothing, and nothing is less by it.
            0 => continue,
            1.. => leaves.push(dimensions, count)?,
        }
        let term = product(rate.at(usage.input_tokens), count.into()).ok_or(InvalidUsage)?;
        sums.add(side, term).ok_or(InvalidUsage)?;
    }
    Ok(sums)
}

/// No model has prices for more units than this.
const RATES_MAX: usize = 32;

/// What is left of the counts of units once their parts are taken out, by the dimensions of the units.
#[derive(Debug, Default)]
struct Leaves {
    leaves: [(u64, i64); RATES_MAX],
    len: usize,
}

impl Leaves {
    fn push(&mut self, dimensions: u64, count: i64) -> Result<(), InvalidUsage> {
        *self.leaves.get_mut(self.len).ok_or(InvalidUsage)? = (dimensions, count);
        self.len += 1;
        Ok(())
    }

    fn parts_of(&self, whole: u64) -> impl Iterator<Item = i64> + '_ {
        let known = self.leaves.iter().take(self.len);
        known.filter(move |(part, _)| unit::is_part(*part, whole)).map(|(_, count)| *count)
    }
}

/// The product, computed fast where both fit 64 bits, as they most often do.
fn product(left: i128, right: i128) -> Option<i128> {
    match (i64::try_from(left), i64::try_from(right)) {
        (Ok(left), Ok(right)) => Some(i128::from(left) * i128::from(right)),
        _ => left.checked_mul(right),
    }
}

/// What a usage costs, times [`COMMON_PER`]: not rounded yet.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sums {
    input: i128,
    output: i128,
    total: i128,
}

impl Sums {
    fn add(&mut self, side: Side, term: i128) -> Option<()> {
        match side {
            Side::Input => self.input = self.input.checked_add(term)?,
            Side::Output => self.output = self.output.checked_add(term)?,
            Side::Neither => {}
        }
        self.total = self.total.checked_add(term)?;
        Some(())
    }

    /// The amounts, times a ratio, each rounded once.
    pub(super) fn rounded(self, ratio: Ratio) -> Result<Amounts, InvalidUsage> {
        let divisor = i128::from(COMMON_PER) * ratio.denominator;
        let round = |sum: i128| {
            product(sum, ratio.numerator)
                .map(|sum| decimal::divide_half_even(sum, divisor))
                .ok_or(InvalidUsage)
        };
        let amounts =
            Amounts { input: round(self.input)?, output: round(self.output)?, total: round(self.total)? };
        if amounts.total < COST_END { Ok(amounts) } else { Err(InvalidUsage) }
    }
}

/// What prices are multiplied by, in lowest terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Ratio {
    numerator: i128,
    denominator: i128,
}

impl Ratio {
    pub(super) const ONE: Self = Self { numerator: 1, denominator: 1 };

    /// From a decimal with twelve digits after the point, above 0.
    pub(super) fn of_decimal(value: i128) -> Self {
        let (mut divisor, mut rest) = (value, decimal::ONE);
        while rest != 0 {
            (divisor, rest) = (rest, divisor % rest);
        }
        Self { numerator: value / divisor, denominator: decimal::ONE / divisor }
    }
}

impl Rate {
    fn parse(unit: Unit, text: &str) -> Result<Self, Error> {
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
            let rate = decimal::parse(text).filter(|rate| *rate >= 0);
            rate.and_then(|rate| rate.checked_mul(unit.factor.into()))
                .ok_or_else(|| Error::Number(text.to_owned()))
        };
        if !text.starts_with('{') {
            return Ok(Self { unit, base: usd(text)?, tiers: Vec::new() });
        }
        let tiered: Tiered<'_> = serde_json::from_str(text).map_err(Error::Json)?;
        let mut tiers = Vec::with_capacity(tiered.tiers.len());
        for tier in tiered.tiers {
            tiers.push((tier.start, usd(tier.price.get())?));
        }
        tiers.sort_by_key(|(start, _)| *start);
        Ok(Self { unit, base: usd(tiered.base.get())?, tiers })
    }

    fn at(&self, input_tokens: i64) -> i128 {
        self.tiers.iter().rev().find(|(start, _)| input_tokens > *start).map_or(self.base, |(_, rate)| *rate)
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
        let wrong = |text: &str| Error::Constraint(text.to_owned());
        let date = |text: &str| start_of_day(text).ok_or_else(|| wrong(text));
        let time = |text: &str| {
            let time = NaiveTime::parse_from_str(text, "%H:%M:%S+00:00").map_err(|_| wrong(text))?;
            Ok(i64::from(time.num_seconds_from_midnight()))
        };
        match (self.start_date, self.start_time, self.end_time) {
            (Some(start), None, None) => Ok(Condition::From(date(start)?)),
            (None, Some(start), Some(end)) => Ok(Condition::Daily { start: time(start)?, end: time(end)? }),
            _ => Err(Error::Constraint("neither a date nor two times".to_owned())),
        }
    }
}

/// The first moment of a day in UTC, in nanoseconds since 1970.
pub(super) fn start_of_day(date: &str) -> Option<i64> {
    date.parse::<NaiveDate>().ok()?.and_time(NaiveTime::MIN).and_utc().timestamp_nanos_opt()
}
