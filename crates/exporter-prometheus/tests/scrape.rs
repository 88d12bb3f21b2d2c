//! Scrapes over HTTP, as Prometheus makes them.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use std::net::SocketAddr;

use spanledger_component::Exporter as _;
use spanledger_exporter_prometheus::{Config, Prometheus};
use spanledger_testkit::conformance;
use support::{Row, batch, context, counter, histogram, request};
use tokio_util::sync::CancellationToken;

const OPEN: &str = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3";

/// An exporter that listens on a free port.
async fn started(settings: &str) -> (Prometheus, SocketAddr) {
    let config: Config = serde_json::from_str(settings).unwrap();
    let config = Config { endpoint: "127.0.0.1:0".parse().unwrap(), ..config };
    let mut exporter = Prometheus::new(&config, &context());
    let service = exporter.start(CancellationToken::new()).await.unwrap().unwrap();
    tokio::spawn(service);
    let address = exporter.address().unwrap();
    (exporter, address)
}

fn rows() -> Vec<Row> {
    vec![
        counter("gen_ai.client.cost", "USD", &[("gen_ai.provider.name", "open\"ai")], 0.3),
        histogram("gen_ai.client.operation.duration", "s", [1, 2, 4], 99.5),
    ]
}

#[tokio::test]
async fn the_plain_format_is_served_to_who_does_not_ask_for_openmetrics() {
    let (mut exporter, address) = started("{}").await;
    exporter.export(&batch(&rows())).await.unwrap();
    let (head, body) = request(address, "GET /metrics", "*/*").await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert!(head.contains("content-type: text/plain; version=0.0.4; charset=utf-8"), "{head}");
    let expected = r#"# HELP gen_ai_client_cost_usd_total What it "tells"
# TYPE gen_ai_client_cost_usd_total counter
gen_ai_client_cost_usd_total{gen_ai_provider_name="open\"ai"} 0.3
# HELP gen_ai_client_operation_duration_seconds What it "tells"
# TYPE gen_ai_client_operation_duration_seconds histogram
gen_ai_client_operation_duration_seconds_bucket{le="0.5"} 1
gen_ai_client_operation_duration_seconds_bucket{le="20"} 3
gen_ai_client_operation_duration_seconds_bucket{le="+Inf"} 7
gen_ai_client_operation_duration_seconds_sum 99.5
gen_ai_client_operation_duration_seconds_count 7
"#;
    assert_eq!(body, expected);
}

#[tokio::test]
async fn openmetrics_is_served_to_who_prefers_it() {
    let (mut exporter, address) = started("{}").await;
    exporter.export(&batch(&rows())).await.unwrap();
    let (head, body) = request(address, "GET /metrics", OPEN).await;
    assert!(head.contains("content-type: application/openmetrics-text; version=1.0.0"), "{head}");
    let start = r#"# HELP gen_ai_client_cost_usd What it \"tells\"
# TYPE gen_ai_client_cost_usd counter
# UNIT gen_ai_client_cost_usd usd
gen_ai_client_cost_usd_total{gen_ai_provider_name="open\"ai"} 0.3
gen_ai_client_cost_usd_created{gen_ai_provider_name="open\"ai"} 1.000000000
"#;
    assert!(body.starts_with(start), "{body}");
    assert!(body.ends_with("\n# EOF\n"), "{body}");
    let (_, address) = started(r#"{"enable_open_metrics": false}"#).await;
    let (head, _) = request(address, "GET /metrics", OPEN).await;
    assert!(head.contains("content-type: text/plain"), "{head}");
}

#[tokio::test]
async fn the_latest_export_wins_family_by_family() {
    let (mut exporter, address) = started("{}").await;
    let calls = |value| counter("calls", "{call}", &[], value);
    exporter.export(&batch(&[calls(1.0), counter("errors", "", &[], 1.0)])).await.unwrap();
    exporter.export(&batch(&[calls(2.0)])).await.unwrap();
    let (_, body) = request(address, "GET /metrics", "*/*").await;
    let samples: Vec<_> = body.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(samples, ["calls_total 2", "errors_total 1"]);
}

#[tokio::test]
async fn names_and_labels_follow_the_settings() {
    let settings = r#"{"namespace": "llm", "add_metric_suffixes": false,
        "const_labels": {"cluster": "eu", "gen_ai_provider_name": "ours"}}"#;
    let (mut exporter, address) = started(settings).await;
    exporter.export(&batch(&rows()[..1])).await.unwrap();
    let (_, body) = request(address, "GET /metrics", "*/*").await;
    let sample = r#"llm_gen_ai_client_cost{cluster="eu",gen_ai_provider_name="open\"ai"} 0.3"#;
    assert_eq!(body.lines().last(), Some(sample));
}

#[tokio::test]
async fn other_paths_and_methods_are_refused() {
    let (mut exporter, address) = started("{}").await;
    exporter.export(&batch(&[])).await.unwrap();
    assert!(request(address, "GET /", "*/*").await.0.starts_with("HTTP/1.1 404"));
    let (head, _) = request(address, "POST /metrics", "*/*").await;
    assert!(head.starts_with("HTTP/1.1 405") && head.contains("allow: GET, HEAD"), "{head}");
    let (head, body) = request(address, "HEAD /metrics", "*/*").await;
    assert!(head.starts_with("HTTP/1.1 200") && body.is_empty(), "{head}");
}

#[tokio::test]
async fn rows_that_make_no_metric_are_left_out() {
    let (mut exporter, address) = started("{}").await;
    let unknown = Row { kind: "summary", ..counter("a", "", &[], 1.0) };
    let empty = Row { value: None, ..counter("b", "", &[], 1.0) };
    let twice = counter("c", "", &[("x", "1")], 1.0);
    let clash = histogram("c_total", "", [1, 0, 0], 1.0);
    let again = counter("c", "", &[("x", "1")], 2.0);
    exporter.export(&batch(&[unknown, empty, twice, clash, again])).await.unwrap();
    let (_, body) = request(address, "GET /metrics", "*/*").await;
    let samples: Vec<_> = body.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(samples, [r#"c_total{x="1"} 2"#]);
}

#[tokio::test]
async fn an_endpoint_that_is_taken_is_named_in_the_error() {
    let (_exporter, address) = started("{}").await;
    let config = Config { endpoint: address.to_string().parse().unwrap(), ..Config::default() };
    let error = Prometheus::new(&config, &context()).start(CancellationToken::new()).await.err().unwrap();
    let message = error.to_string();
    assert!(
        message.starts_with(&format!("exporters::prometheus::endpoint: listen on {address}: ")),
        "{message}"
    );
}

#[tokio::test]
async fn what_it_took_counts_as_delivered_and_the_same_snapshot_again_changes_nothing() {
    let (mut exporter, address) = started("{}").await;
    exporter.export(&batch(&rows())).await.unwrap();
    let (_, once) = request(address, "GET /metrics", "*/*").await;
    conformance::exporter_at_once(&mut exporter, &batch(&rows())).await;
    let (_, again) = request(address, "GET /metrics", "*/*").await;
    assert_eq!(again, once);
}

#[tokio::test]
async fn before_the_first_metrics_a_scrape_fails_instead_of_showing_less_than_there_was() {
    let (mut exporter, address) = started("{}").await;
    let (head, body) = request(address, "GET /metrics", "*/*").await;
    assert!(head.starts_with("HTTP/1.1 503"), "{head}");
    assert_eq!(body, "the counters are catching up with the log\n");
    exporter.export(&batch(&[])).await.unwrap();
    let (head, body) = request(address, "GET /metrics", "*/*").await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert_eq!(body, "", "there are none, and that is known");
}
