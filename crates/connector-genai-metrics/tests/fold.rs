//! What is folded, against figures computed by hand.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

#[allow(dead_code, reason = "each test file uses a part of what they share")]
mod support;

use spanledger_component::Rows;
use spanledger_schema::Table as _;
use support::{Call, connector, connector_within, emitted, rows};

const OK: &str = "gen_ai.operation.name=chat,gen_ai.provider.name=openai,gen_ai.request.model=gpt-4o,\
    gen_ai.response.model=gpt-4o,service.name=shop";

#[test]
fn two_calls_are_counted_with_their_tokens_duration_and_exact_cost() {
    let mut connector = connector(10);
    let slow = Call {
        duration_ns: 82_000_000_000,
        input_tokens: Some(101),
        output_tokens: None,
        cost: Some(200_000_000_000),
        received_micros: 3_000,
        ..Call::default()
    };
    let agent = Call { billable: false, ..Call::default() };
    connector.fold(&rows(&[Call::default(), agent, slow]));
    let points = emitted(connector.as_mut());
    let names: Vec<_> = points.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            format!("gen_ai.client.calls{{{OK}}}"),
            format!("gen_ai.client.cost{{{OK}}}"),
            format!("gen_ai.client.operation.duration{{{OK}}}"),
            format!("gen_ai.client.token.usage{{{OK},gen_ai.token.type=input}}"),
            format!("gen_ai.client.token.usage{{{OK},gen_ai.token.type=output}}"),
        ]
    );
    let points: Vec<_> = points.into_values().collect();
    assert_eq!(points[0].value, Some(2.0));
    assert_eq!(points[1].value, Some(0.3), "0.1 + 0.2 USD");
    assert_eq!((points[2].count, points[2].sum), (Some(2), Some(83.5)));
    assert_eq!(points[2].buckets, [(2.56, 1), (163.84, 1)]);
    assert_eq!((points[3].count, points[3].sum), (Some(2), Some(201.0)));
    assert_eq!(points[3].buckets, [(256.0, 2)]);
    assert_eq!((points[4].count, points[4].sum), (Some(1), Some(20.0)));
    assert_eq!((points[0].start_unix_nano, points[0].time_unix_nano), (1_000_000, 3_000_000));
}

#[test]
fn failed_and_unpriced_calls_are_counted_by_their_reason() {
    let mut connector = connector(10);
    let failed = Call { status: "ERROR", cost: None, cost_status: Some("no_usage"), ..Call::default() };
    let limited = Call { error_type: Some("RateLimitError"), ..failed.clone() };
    let unknown = Call { cost: None, cost_status: Some("unknown_model"), ..Call::default() };
    let unpriced = Call { cost: None, cost_status: None, ..Call::default() };
    connector.fold(&rows(&[failed, limited.clone(), limited, unknown, unpriced]));
    let points = emitted(connector.as_mut());
    let value = |name: &str| points.get(name).and_then(|point| point.value);
    let other = format!("{OK},otel.status_code=ERROR,error.type=_OTHER");
    let limit = format!("{OK},otel.status_code=ERROR,error.type=RateLimitError");
    assert_eq!(value(&format!("gen_ai.client.errors{{{other}}}")), Some(1.0));
    assert_eq!(value(&format!("gen_ai.client.errors{{{limit}}}")), Some(2.0));
    assert_eq!(value(&format!("gen_ai.client.unpriced_calls{{{limit},cost_status=no_usage}}")), Some(2.0));
    assert_eq!(value(&format!("gen_ai.client.unpriced_calls{{{OK},cost_status=unknown_model}}")), Some(1.0));
    assert_eq!(value(&format!("gen_ai.client.unpriced_calls{{{OK},cost_status=other}}")), Some(1.0));
    assert_eq!(value(&format!("gen_ai.client.calls{{{OK}}}")), Some(2.0));
    assert!(!points.keys().any(|name| name.starts_with("gen_ai.client.cost")), "an unknown cost is not 0");
}

#[test]
fn an_empty_label_and_an_absent_one_are_the_same_series() {
    let mut connector = connector(10);
    let empty = Call { provider: Some(""), ..Call::default() };
    let absent = Call { provider: None, ..Call::default() };
    connector.fold(&rows(&[empty, absent]));
    let points = emitted(connector.as_mut());
    let (name, point) = points.first_key_value().unwrap();
    assert!(name.starts_with("gen_ai.client.calls{gen_ai.operation.name=chat,gen_ai.request.model="));
    assert_eq!(point.value, Some(2.0));
}

#[test]
fn odd_numbers_never_lower_a_sum() {
    let mut connector = connector(10);
    let odd =
        Call { duration_ns: -5, input_tokens: Some(-1), output_tokens: Some(i64::MAX), ..Call::default() };
    connector.fold(&rows(&[odd, Call { duration_ns: i64::MAX, ..Call::default() }]));
    let points = emitted(connector.as_mut());
    let duration = &points[&format!("gen_ai.client.operation.duration{{{OK}}}")];
    assert_eq!(duration.sum, Some(9_223_372_036.854_776));
    assert_eq!(duration.buckets, [(0.01, 1), (f64::INFINITY, 1)]);
    assert_eq!(points[&format!("gen_ai.client.token.usage{{{OK},gen_ai.token.type=input}}")].count, Some(1));
}

#[test]
fn calls_with_a_reported_and_a_derived_cost_tell_how_far_the_two_drift_apart() {
    let mut connector = connector(10);
    let usd = |tenths: i128| Some(tenths * 100_000_000_000);
    connector.fold(&rows(&[
        Call { cost: usd(10), reported_cost: usd(11), ..Call::default() },
        Call { cost: usd(20), reported_cost: usd(25), ..Call::default() },
        Call { cost: usd(40), ..Call::default() },
        Call { cost: None, cost_status: Some("unknown_model"), reported_cost: usd(80), ..Call::default() },
        Call { cost: usd(160), cost_status: Some("reported"), reported_cost: usd(160), ..Call::default() },
    ]));
    let mut restored = self::connector(10);
    restored.restore(&connector.snapshot()).unwrap();
    let points = emitted(restored.as_mut());
    let of = |source: &str| {
        let name = format!("gen_ai.client.compared_cost{{{OK},cost_source={source}}}");
        points.get(&name).unwrap_or_else(|| panic!("{:?}", points.keys())).value.unwrap()
    };
    assert_eq!((of("reported"), of("derived")), (3.6, 3.0));
    assert_eq!(points[&format!("gen_ai.client.cost{{{OK}}}")].value, Some(23.0));
}

#[test]
fn series_beyond_the_limit_are_counted_as_one() {
    let mut connector = connector(2);
    let models = ["a", "b", "c", "d", "a"];
    let calls = models.map(|model| Call { model: Some(model), ..Call::default() });
    connector.fold(&rows(&calls));
    let points = emitted(connector.as_mut());
    let calls: Vec<_> = points.iter().filter(|(name, _)| name.starts_with("gen_ai.client.calls{")).collect();
    let values: Vec<_> = calls.iter().map(|(_, point)| point.value.unwrap()).collect();
    assert_eq!(values, [2.0, 1.0, 2.0]);
    assert_eq!(calls[2].0, "gen_ai.client.calls{otel.metric.overflow=true}");
}

#[test]
fn series_stay_within_the_memory_however_long_their_labels_are() {
    let memory_bytes = 1 << 20;
    let mut connector = connector_within(memory_bytes, 100_000);
    let reasons = ["unknown_model", "unknown_provider", "no_usage", "invalid_usage", "other"];
    let model = |number: usize| -> &'static str { format!("{number:0256}").leak() };
    let calls = (0..200).map(model).flat_map(|model| {
        let priced = Call { model: Some(model), error_type: Some(model), ..Call::default() };
        let unpriced = |reason| Call { cost: None, cost_status: Some(reason), ..priced.clone() };
        reasons.map(unpriced).into_iter().chain([priced.clone()])
    });
    connector.fold(&rows(&calls.collect::<Vec<_>>()));
    let Rows::Metrics(table) = connector.emit() else { panic!("no metrics") };
    let emitted_bytes = table.batch().get_array_memory_size();
    assert!(emitted_bytes + connector.snapshot().len() <= memory_bytes, "{emitted_bytes}");
    let points = emitted(connector.as_mut());
    let calls = || points.iter().filter(|(name, _)| name.starts_with("gen_ai.client.calls{"));
    assert!((20..60).contains(&calls().count()), "{}", calls().count());
    assert_eq!(calls().map(|(_, point)| point.value.unwrap()).sum::<f64>(), 1200.0, "none is lost");
}

#[test]
fn nothing_is_emitted_before_the_first_call() {
    assert!(emitted(connector(2).as_mut()).is_empty());
}
