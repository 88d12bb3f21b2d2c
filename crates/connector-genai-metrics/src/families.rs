//! The families of metrics that the state is emitted as.

use arrow_schema::ArrowError;
use spanledger_schema::Metrics;

use crate::call::{Compared, UNPRICED};
use crate::histogram::Histogram;
use crate::rows::{Buckets, Family, MetricRows, Point, Value};
use crate::series::labels;
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

/// The state as rows: family by family, each in the order of labels.
pub(crate) fn rows(state: &State) -> Result<Metrics, ArrowError> {
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
    rows.finish()
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
