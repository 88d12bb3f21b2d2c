//! The judge: holds what is in the store against what the client was told.

use std::collections::{BTreeMap, HashMap};

use crate::client::{Kind, Sent};
use crate::components::Scrape;
use crate::rows::Row;
use crate::spans::SentSpan;
use crate::violation::{Invariant, Violations};

/// How many violations of a kind are told.
const TOLD_MAX: usize = 5;

/// Judges rows and record.
pub(crate) fn judge(sent: &[Sent], rows: &[Row], violations: &Violations) {
    let tell = |invariant, all: Vec<String>| {
        all.into_iter().take(TOLD_MAX).for_each(|what| violations.add(invariant, what));
    };
    let mut by_span: HashMap<(&str, &str), Vec<&Row>> = HashMap::new();
    for row in rows {
        by_span.entry((&row.trace_id, &row.span_id)).or_default().push(row);
    }
    tell(Invariant::NothingLost, lost(sent, &by_span));
    tell(Invariant::NothingTwice, twice(sent, &by_span));
    tell(Invariant::NothingTwice, places_twice(rows));
    tell(Invariant::NothingInvented, invented(sent, rows));
    tell(Invariant::NothingLost, altered(sent, &by_span));
}

type BySpan<'a> = HashMap<(&'a str, &'a str), Vec<&'a Row>>;

fn spans(sent: &[Sent]) -> impl Iterator<Item = (usize, &Sent, &SentSpan)> {
    sent.iter().enumerate().flat_map(|(number, sent)| sent.spans.iter().map(move |span| (number, sent, span)))
}

/// Acknowledged, in no row, and nobody said that it was quarantined: only what stood in a lost page may be.
fn lost(sent: &[Sent], rows: &BySpan<'_>) -> Vec<String> {
    let must_be_there = spans(sent)
        .filter(|(_, sent, _)| sent.is_acknowledged && sent.kind == Kind::Plain && !sent.is_damaged);
    let missing = must_be_there.filter(|(_, _, span)| !rows.contains_key(&key(span)));
    missing
        .map(|(number, _, span)| {
            format!("span {} of request {number} was acknowledged and has no row", span.span_id)
        })
        .collect()
}

fn twice(sent: &[Sent], rows: &BySpan<'_>) -> Vec<String> {
    let once = spans(sent).filter(|(_, sent, _)| !sent.is_rebatched && !sent.is_damaged);
    let twice = once.filter_map(|(number, _, span)| {
        let rows = rows.get(&key(span)).filter(|rows| rows.len() > 1)?;
        let places: Vec<_> = rows.iter().map(|row| format!("{}/{}", row.position, row.index)).collect();
        Some(format!("span {} of request {number} is there at {}", span.span_id, places.join(" and ")))
    });
    twice.collect()
}

/// No place of a log has two rows, whoever sent what.
fn places_twice(rows: &[Row]) -> Vec<String> {
    let mut places: BTreeMap<(&str, i64, i32), u32> = BTreeMap::new();
    for row in rows {
        *places.entry((&row.log, row.position, row.index)).or_default() += 1;
    }
    let twice = places.into_iter().filter(|(_, count)| *count > 1);
    twice
        .map(|((log, position, index), count)| format!("{count} rows of place {log}/{position}/{index}"))
        .collect()
}

/// A row of no span that was sent, or of a request of which the client knows that it was not taken.
fn invented(sent: &[Sent], rows: &[Row]) -> Vec<String> {
    let mut known: HashMap<(&str, &str), bool> = HashMap::new();
    for (_, sent, span) in spans(sent) {
        *known.entry(key(span)).or_default() |= sent.is_acknowledged || sent.open_attempts > 0;
    }
    let invented = rows.iter().filter(|row| known.get(&(&*row.trace_id, &*row.span_id)) != Some(&true));
    invented
        .map(|row| format!("a row of span {} at position {}, which was not taken", row.span_id, row.position))
        .collect()
}

/// Rows that are not what was sent.
fn altered(sent: &[Sent], rows: &BySpan<'_>) -> Vec<String> {
    let mut altered = Vec::new();
    for (number, sent, span) in spans(sent) {
        for row in rows.get(&key(span)).into_iter().flatten() {
            let is_named = sent.is_rebatched
                || sent.configs.iter().any(|config| row.name == format!("{}-{config}", span.name));
            if !is_named || row.response_id != span.response_id || row.input_tokens != span.input_tokens {
                altered.push(format!(
                    "the row of span {} of request {number} is not what was sent: {}",
                    span.span_id, row.name
                ));
            }
        }
    }
    altered
}

/// A later scrape holds at least what an earlier one did. Where pages were lost, counters may begin anew, and then they
/// say so: they are gone, or were created later. Answers what the next scrape is to be held against.
pub(crate) fn judge_scrape(
    before: &Scrape,
    after: Scrape,
    may_begin_anew: bool,
    violations: &Violations,
) -> Scrape {
    let broken = before.iter().find(|(series, value)| {
        let is_anew = may_begin_anew && begins_anew(series, before, &after);
        !is_anew && !goes_on(series, **value, &after)
    });
    if let Some((series, value)) = broken {
        let after = after.get(series);
        violations.add(Invariant::Counters, format!("{series} was {value} and then {after:?}"));
    }
    // A series that is gone has to come back as a new one.
    let mut next = before.clone();
    next.extend(after);
    next
}

fn goes_on(series: &str, value: f64, after: &Scrape) -> bool {
    match after.get(series) {
        Some(after) if series.ends_with(" created") => *after == value,
        Some(after) => *after >= value - value.abs() * 1e-12,
        None => false,
    }
}

/// Whether the counter that a value belongs to is another one than before.
fn begins_anew(series: &str, before: &Scrape, after: &Scrape) -> bool {
    let labels = series.rfind('}').map_or(series, |end| series.get(..=end).unwrap_or(series));
    let created = format!("{labels} created");
    match (before.get(&created), after.get(&created)) {
        (Some(before), Some(after)) => after > before,
        (Some(_), None) => true,
        _ => false,
    }
}

/// At the end the counters are what the rows add up to. Where calls are settled, a span that was sent again in another
/// request counts once, unless the log's time has gone on by a day between.
pub(crate) fn judge_counters(scrape: &Scrape, rows: &[Row], is_settled: bool, violations: &Violations) {
    let sum = |name: &str, part: &str| -> f64 {
        let is_meant = |series: &str| series.starts_with(name) && series.ends_with(part);
        scrape.iter().filter(|(series, _)| is_meant(series)).map(|(_, value)| value).sum()
    };
    let billable = || rows.iter().filter(|row| row.is_billable);
    let calls = billable().count() as f64;
    let tokens = billable().map(|row| row.input_tokens).sum::<i64>() as f64;
    let once: BTreeMap<_, _> = billable().map(|row| (&row.response_id, row.input_tokens)).collect();
    let (calls_once, tokens_once) = match is_settled {
        true => (once.len() as f64, once.values().sum::<i64>() as f64),
        false => (calls, tokens),
    };
    let counted_calls = sum("gen_ai.client.calls{", " value");
    let counted_tokens: f64 = scrape
        .iter()
        .filter(|(series, _)| {
            series.starts_with("gen_ai.client.token.usage{")
                && series.contains("type=input")
                && series.ends_with(" sum")
        })
        .map(|(_, value)| value)
        .sum();
    if !(calls_once..=calls).contains(&counted_calls) || !(tokens_once..=tokens).contains(&counted_tokens) {
        violations.add(
            Invariant::Counters,
            format!("{calls} calls with {tokens} input tokens have rows, {counted_calls} with {counted_tokens} are counted"),
        );
    }
}

fn key(span: &SentSpan) -> (&str, &str) {
    (&span.trace_id, &span.span_id)
}
