//! What is rendered can be read again, by a reader that knows only the specifications.

mod support;

use proptest::prelude::*;
use spanledger_telemetry::text::{Format, Histogram, Kind, MetricFamily, Point, Value, write};
use spanledger_telemetry::{Meter, Naming, Type, render};
use support::parse;

const OPERATOR: Naming =
    Naming { without_type_suffix: false, without_units: false, without_scope_info: false };

fn text(owned: &[(&str, &str)]) -> Vec<(String, String)> {
    owned.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn meter() -> Meter {
    let meter = Meter::default();
    meter
        .counter("otelcol_receiver_accepted_spans", "Spans \"in\"\n", &[("receiver", "otlp/\"a\"\\\n")])
        .add(3);
    meter.observe("otelcol_process_uptime", "", Type::Counter, &[], || 1.5);
    meter.set_unit("otelcol_process_uptime", "s");
    meter.gauge("otelcol_exporter_queue_size", "Waiting", &[]).set(-7);
    meter
}

#[test]
fn own_metrics_have_the_collectors_names_by_default() {
    let text = render(&meter(), Format::Plain, Naming::default(), &text(&[("service.name", "ledger")]));
    assert_eq!(
        text,
        r#"# HELP otelcol_exporter_queue_size Waiting
# TYPE otelcol_exporter_queue_size gauge
otelcol_exporter_queue_size -7
# TYPE otelcol_process_uptime counter
otelcol_process_uptime 1.5
# HELP otelcol_receiver_accepted_spans Spans "in"\n
# TYPE otelcol_receiver_accepted_spans counter
otelcol_receiver_accepted_spans{receiver="otlp/\"a\"\\\n"} 3
# HELP target_info Target metadata
# TYPE target_info gauge
target_info{service_name="ledger"} 1
"#
    );
}

#[test]
fn own_metrics_have_the_operators_names_when_its_switches_say_so() {
    let text = render(&meter(), Format::OpenMetrics, OPERATOR, &text(&[("service.name", "ledger")]));
    let scope =
        concat!(r#"otel_scope_name="spanledger",otel_scope_version=""#, env!("CARGO_PKG_VERSION"), '"');
    let expected = r#"# HELP otelcol_exporter_queue_size Waiting
# TYPE otelcol_exporter_queue_size gauge
otelcol_exporter_queue_size{SCOPE} -7
# TYPE otelcol_process_uptime_seconds counter
# UNIT otelcol_process_uptime_seconds seconds
otelcol_process_uptime_seconds_total{SCOPE} 1.5
# HELP otelcol_receiver_accepted_spans Spans \"in\"\n
# TYPE otelcol_receiver_accepted_spans counter
otelcol_receiver_accepted_spans_total{SCOPE,receiver="otlp/\"a\"\\\n"} 3
# HELP target Target metadata
# TYPE target info
target_info{service_name="ledger"} 1
# EOF
"#;
    assert_eq!(text, expected.replace("SCOPE", scope));
}

#[test]
fn a_counter_without_total_is_unknown_in_openmetrics() {
    let text = render(&meter(), Format::OpenMetrics, Naming::default(), &[]);
    assert_eq!(parse(&text, true).unwrap().types["otelcol_receiver_accepted_spans"], "unknown");
}

fn histogram() -> MetricFamily {
    let histogram = Histogram { bounds: vec![0.5, 1.0, 20.0], counts: vec![1, 0, 2, 4], sum: 1234.5 };
    MetricFamily {
        name: "wait_seconds".to_owned(),
        help: String::new(),
        unit: "seconds".to_owned(),
        kind: Kind::Histogram,
        points: vec![Point {
            labels: text(&[("to", "x")]),
            value: Value::Histogram(histogram),
            created_unix_nano: Some(1_700_000_000_000_000_001),
        }],
    }
}

#[test]
fn buckets_are_cumulative_and_end_in_infinity() {
    let plain = r#"# TYPE wait_seconds histogram
wait_seconds_bucket{to="x",le="0.5"} 1
wait_seconds_bucket{to="x",le="1"} 1
wait_seconds_bucket{to="x",le="20"} 3
wait_seconds_bucket{to="x",le="+Inf"} 7
wait_seconds_sum{to="x"} 1234.5
wait_seconds_count{to="x"} 7
"#;
    assert_eq!(write([&histogram()], Format::Plain), plain);
    let open = r#"# TYPE wait_seconds histogram
# UNIT wait_seconds seconds
wait_seconds_bucket{to="x",le="0.5"} 1
wait_seconds_bucket{to="x",le="1.0"} 1
wait_seconds_bucket{to="x",le="20.0"} 3
wait_seconds_bucket{to="x",le="+Inf"} 7
wait_seconds_sum{to="x"} 1234.5
wait_seconds_count{to="x"} 7
wait_seconds_created{to="x"} 1700000000.000000001
# EOF
"#;
    assert_eq!(write([&histogram()], Format::OpenMetrics), open);
}

proptest! {
    #[test]
    fn any_text_is_rendered_so_that_it_reads_the_same(
        name in any::<String>(),
        help in any::<String>(),
        unit in any::<String>(),
        label in any::<String>(),
        value in any::<String>(),
        number in any::<f64>(),
        kind in prop_oneof![Just(Type::Counter), Just(Type::Gauge)],
        naming in prop_oneof![Just(Naming::default()), Just(OPERATOR)],
        format in prop_oneof![Just(Format::Plain), Just(Format::OpenMetrics)],
    ) {
        let meter = Meter::default();
        meter.observe(&name, &help, kind, &[(&label, &value)], move || number);
        meter.set_unit(&name, &unit);
        let text = render(&meter, format, naming, &[(label, value.clone())]);
        let body = parse(&text, format == Format::OpenMetrics).map_err(TestCaseError::fail)?;
        prop_assert_eq!(body.samples[0].value.to_bits(), number.to_bits());
        prop_assert!(value.is_empty() || body.samples[0].labels.values().any(|read| *read == value));
        prop_assert!(help.is_empty() || body.helps.values().any(|read| *read == help));
        prop_assert_eq!(body.samples.len(), if value.is_empty() { 1 } else { 2 });
    }
}
