//! The families of metrics that the state is emitted as.

use arrow_schema::ArrowError;
use spanledger_schema::Metrics;

use crate::call::{Compared, UNPRICED};
use crate::histogram::Histogram;
use crate::rows::{Buckets, Family, MetricRows, Point, Value};
use crate::series::labels;
use crate::settling::{Settling, Tally};
use crate::state::State;

const NANOS_PER_SECOND: f64 = 1e9;
const COST_UNITS_PER_USD: f64 = 1e12;

const DURATION: Family = Family {
    name: "gen_ai.client.operation.duration",
    description: "Duration of a model call",
    unit: "s",
    kind: "histogram",
};
const TOKENS: Family = Family {
    name: "gen_ai.client.token.usage",
    description: "Tokens of a model call, cached ones and reasoning included",
    unit: "{token}",
    kind: "histogram",
};
const CALLS: Family =
    Family { name: "gen_ai.client.calls", description: "Model calls", unit: "{call}", kind: "counter" };
const ERRORS: Family = Family {
    name: "gen_ai.client.errors",
    description: "Model calls that failed",
    unit: "{call}",
    kind: "counter",
};
const COST: Family = Family {
    name: "gen_ai.client.cost",
    description: "Cost of model calls, by list price",
    unit: "USD",
    kind: "counter",
};
const COMPARED_COST: Family = Family {
    name: "gen_ai.client.compared_cost",
    description: "Cost of model calls that have both a reported and a derived one, by either",
    unit: "USD",
    kind: "counter",
};
const UNPRICED_CALLS: Family = Family {
    name: "gen_ai.client.unpriced_calls",
    description: "Model calls of unknown cost, by reason",
    unit: "{call}",
    kind: "counter",
};

const WAITING: Family = Family {
    name: "gen_ai.client.waiting_spans",
    description: "Spans of model calls that wait for others of the same call before they are counted",
    unit: "{span}",
    kind: "gauge",
};
const MERGED: Family = Family {
    name: "gen_ai.client.merged_spans",
    description: "Spans that were merged into another of the same model call",
    unit: "{span}",
    kind: "counter",
};
const LATE: Family = Family {
    name: "gen_ai.client.late_spans",
    description: "Spans of model calls that had been counted before, and were not counted again",
    unit: "{span}",
    kind: "counter",
};
const EARLY: Family = Family {
    name: "gen_ai.client.early_calls",
    description: "Model calls that were counted before their time, for want of memory",
    unit: "{call}",
    kind: "counter",
};
const FORGOTTEN: Family = Family {
    name: "gen_ai.client.forgotten_ids",
    description: "Model calls whose late spans are not recognised any more, for want of memory",
    unit: "{call}",
    kind: "counter",
};
const UNATTRIBUTED: Family = Family {
    name: "gen_ai.client.unattributed_usage",
    description: "Tokens on agents, chains and wrappers below which there is no model call; counted nowhere else",
    unit: "{token}",
    kind: "counter",
};

/// The state as rows: family by family, each in the order of labels.
pub(crate) fn rows(state: &State, settling: &Settling) -> Result<Metrics, ArrowError> {
    let mut rows = MetricRows::new(state.last_unix_nano);
    let all: Vec<_> = state
        .sorted()
        .into_iter()
        .map(|(key, series)| (Point { labels: labels(key), start_unix_nano: series.start_unix_nano }, series))
        .collect();
    for (point, series) in &all {
        rows.push(&DURATION, point.clone(), histogram(&series.duration_ns, NANOS_PER_SECOND));
    }
    for (point, series) in &all {
        for (token_type, tokens) in [("input", &series.input_tokens), ("output", &series.output_tokens)] {
            if tokens.count() > 0 {
                rows.push(&TOKENS, point.with("gen_ai.token.type", token_type), histogram(tokens, 1.0));
            }
        }
    }
    for (point, series) in &all {
        rows.push(&CALLS, point.clone(), Value::Number(series.calls() as f64));
    }
    for (point, series) in all.iter().filter(|(_, series)| series.errors > 0) {
        rows.push(&ERRORS, point.clone(), Value::Number(series.errors as f64));
    }
    for (point, series) in all.iter().filter(|(_, series)| series.has_priced_calls()) {
        rows.push(&COST, point.clone(), Value::Number(series.cost as f64 / COST_UNITS_PER_USD));
    }
    for (point, series) in all.iter().filter(|(_, series)| series.compared != Compared::default()) {
        let Compared { reported, derived } = series.compared;
        for (source, cost) in [("reported", reported), ("derived", derived)] {
            let usd = Value::Number(cost as f64 / COST_UNITS_PER_USD);
            rows.push(&COMPARED_COST, point.with("cost_source", source), usd);
        }
    }
    for (point, series) in &all {
        for (reason, count) in UNPRICED.into_iter().zip(series.unpriced).filter(|(_, count)| *count > 0) {
            rows.push(&UNPRICED_CALLS, point.with("cost_status", reason), Value::Number(count as f64));
        }
    }
    push_settling(&mut rows, settling);
    rows.finish()
}

/// What the settle window tells of itself. A counter is there once it is more than 0.
fn push_settling(rows: &mut MetricRows<'_>, settling: &Settling) {
    if settling.began_unix_nano == 0 {
        return;
    }
    let point = Point { labels: Vec::new(), start_unix_nano: settling.began_unix_nano };
    rows.push(&WAITING, point.clone(), Value::Number(settling.waiting_spans() as f64));
    let Tally { merged_spans, late_spans, early_calls, forgotten_ids, .. } = settling.tally;
    let counters =
        [(&MERGED, merged_spans), (&LATE, late_spans), (&EARLY, early_calls), (&FORGOTTEN, forgotten_ids)];
    for (family, count) in counters.into_iter().filter(|(_, count)| *count > 0) {
        rows.push(family, point.clone(), Value::Number(count as f64));
    }
    let Tally { unattributed_input_tokens, unattributed_output_tokens, .. } = settling.tally;
    let tokens = [("input", unattributed_input_tokens), ("output", unattributed_output_tokens)];
    for (token_type, count) in tokens.into_iter().filter(|(_, count)| *count > 0) {
        rows.push(&UNATTRIBUTED, point.with("gen_ai.token.type", token_type), Value::Number(count as f64));
    }
}

fn histogram(histogram: &Histogram, units: f64) -> Value {
    Value::Histogram(Buckets {
        bounds: histogram.bounds.iter().map(|bound| *bound as f64 / units).collect(),
        counts: histogram.counts.iter().copied().map(as_count).collect(),
        count: as_count(histogram.count()),
        sum: histogram.sum as f64 / units,
    })
}

fn as_count(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
