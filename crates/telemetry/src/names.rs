//! OpenTelemetry names as Prometheus writes them: underscores for what it does not take, the unit and `_total` at
//! the end. After the specification's page "Prometheus and OpenMetrics compatibility".

use std::collections::BTreeMap;

use crate::Labels;

/// Units by their UCUM code; a unit that is not here stands as it is.
const UNITS: [(&str, &str); 13] = [
    ("d", "days"),
    ("h", "hours"),
    ("min", "minutes"),
    ("s", "seconds"),
    ("ms", "milliseconds"),
    ("us", "microseconds"),
    ("ns", "nanoseconds"),
    ("By", "bytes"),
    ("KiBy", "kibibytes"),
    ("MiBy", "mebibytes"),
    ("GiBy", "gibibytes"),
    ("%", "percent"),
    ("USD", "usd"),
];

const TOTAL: &str = "_total";

/// The name of a metric, without a suffix for unit or type: `gen_ai.client.calls` becomes `gen_ai_client_calls`.
pub fn metric(name: &str) -> String {
    let clean = underscores(name, |char| char.is_ascii_alphanumeric() || matches!(char, '_' | ':'));
    match clean.as_bytes().first() {
        None | Some(b'0'..=b'9') => format!("_{clean}"),
        _ => clean,
    }
}

/// The name with its unit's word at the end (before `_total`), unless it ends in it already.
pub fn with_unit(name: String, unit_word: &str) -> String {
    let (base, total) = match name.strip_suffix(TOTAL) {
        Some(base) => (base, TOTAL),
        None => (name.as_str(), ""),
    };
    let has_unit = base.strip_suffix(unit_word).is_some_and(|rest| rest.ends_with('_'));
    if unit_word.is_empty() || has_unit {
        return name;
    }
    format!("{base}_{unit_word}{total}")
}

/// The name of a counter: with `_total` at the end.
pub fn with_total(name: String) -> String {
    if name.ends_with(TOTAL) { name } else { name + TOTAL }
}

/// The word for a unit in a name: `s` is `seconds`, `By/s` is `bytes_per_seconds`; empty for `1` and `{token}`.
pub fn unit(code: &str) -> String {
    match code.split_once('/') {
        Some((over, under)) => match (unit_word(over), unit_word(under)) {
            (over, under) if under.is_empty() => over,
            (over, under) if over.is_empty() => format!("per_{under}"),
            (over, under) => format!("{over}_per_{under}"),
        },
        None => unit_word(code),
    }
}

/// The name of a label: `gen_ai.provider.name` becomes `gen_ai_provider_name`.
pub fn label(name: &str) -> String {
    let clean = underscores(name, |char| char.is_ascii_alphanumeric() || char == '_');
    match clean.as_bytes() {
        // Names with two underscores in front are Prometheus' own.
        [] | [b'0'..=b'9' | b'_', ..] => format!("key_{clean}"),
        _ => clean,
    }
}

/// Labels with names that Prometheus takes, sorted; values of names that become one are joined by `;`.
pub fn labels<'a>(labels: impl IntoIterator<Item = (&'a str, &'a str)>) -> Labels {
    let sorted: BTreeMap<&str, &str> = labels.into_iter().filter(|(_, value)| !value.is_empty()).collect();
    let mut out: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in sorted {
        out.entry(label(name))
            .and_modify(|joined| {
                joined.push(';');
                joined.push_str(value);
            })
            .or_insert_with(|| value.to_owned());
    }
    out.into_iter().collect()
}

fn unit_word(code: &str) -> String {
    // `{token}` and the like are remarks.
    let code = code.split('{').next().unwrap_or_default().trim();
    match UNITS.iter().find(|(unit, _)| *unit == code) {
        Some((_, word)) => (*word).to_owned(),
        None if code == "1" => String::new(),
        None => underscores(code, |char| char.is_ascii_alphanumeric()),
    }
}

/// Whatever is not taken becomes an underscore, several in a row become one.
fn underscores(name: &str, is_taken: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(name.len());
    for char in name.chars() {
        let char = if is_taken(char) { char } else { '_' };
        if char != '_' || !out.ends_with('_') {
            out.push(char);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_get_their_unit_and_total_once() {
        let named = |name: &str, code: &str| with_total(with_unit(metric(name), &unit(code)));
        assert_eq!(named("gen_ai.client.cost", "USD"), "gen_ai_client_cost_usd_total");
        assert_eq!(named("gen_ai.client.calls", "{call}"), "gen_ai_client_calls_total");
        assert_eq!(named("otelcol_process_cpu_seconds", "s"), "otelcol_process_cpu_seconds_total");
        assert_eq!(named("io_total", "By/s"), "io_bytes_per_seconds_total");
        assert_eq!(named("rate", "{call}/s"), "rate_per_seconds_total");
        assert_eq!(metric("1 größe..x"), "_1_gr_e_x");
        assert_eq!(metric(""), "_");
    }

    #[test]
    fn labels_that_become_one_keep_both_values() {
        let labels = labels([("a.b", "dot"), ("a_b", "line"), ("__name__", "x"), ("0", "y"), ("none", "")]);
        let expected = [("a_b", "dot;line"), ("key_0", "y"), ("key__name_", "x")];
        assert_eq!(labels, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
}
