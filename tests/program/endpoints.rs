//! What probes and scrapes of the collector itself are answered.

use serde_json::{Value, json};

use crate::harness::{Setup, free_ports, http, load};

#[tokio::test(flavor = "multi_thread")]
async fn health_is_answered_as_the_collector_does_and_readiness_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let collector = Setup::new(folder.path()).start();
    let live: Value = serde_json::from_str(&http::get(collector.setup.health, "/").await).unwrap();
    assert_eq!(live["status"], "Server available");
    let keys: Vec<_> = live.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["status", "upSince", "uptime"]);
    let up_since = live["upSince"].as_str().unwrap();
    assert!(up_since.starts_with("20") && up_since.ends_with('Z'), "{up_since}");
    assert!(live["uptime"].as_str().unwrap().ends_with('s'), "{live}");
    let ready: Value = serde_json::from_str(&http::get(collector.setup.health, "/ready").await).unwrap();
    assert_eq!(ready, json!({"status": "ready"}));
    assert!(collector.stop().0.success());
}

/// The value of a series whose line starts so.
fn value(text: &str, start: &str) -> f64 {
    let line =
        text.lines().find(|line| line.starts_with(start)).unwrap_or_else(|| panic!("no {start} in\n{text}"));
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn own_metrics_have_the_names_that_stock_dashboards_know() {
    let folder = tempfile::tempdir().unwrap();
    let collector = Setup::new(folder.path()).start();
    let (request, _) = load::request(3, 0);
    load::client(collector.setup.grpc).await.unwrap().export(request).await.unwrap();
    collector.flush().await;
    let text = http::get(collector.setup.own_metrics, "/metrics").await;
    let accepted = "otelcol_receiver_accepted_spans{receiver=\"otlp\",transport=\"grpc\"}";
    assert_eq!(value(&text, accepted), 3.0);
    assert_eq!(value(&text, "otelcol_exporter_sent_spans{exporter=\"parquet\"}"), 3.0);
    assert!(!text.contains("otelcol_receiver_accepted_spans_total"), "{text}");
    assert_eq!(value(&text, "otelcol_receiver_failed_spans{receiver=\"otlp\",transport=\"grpc\"}"), 0.0);
    assert_eq!(value(&text, "otelcol_exporter_send_failed_spans{exporter=\"parquet\"}"), 0.0);
    assert_eq!(value(&text, "otelcol_exporter_queue_size{exporter=\"parquet\"}"), 0.0);
    // Of the gigabyte of the log, a segment is kept for what it notes itself.
    let capacity = value(&text, "otelcol_exporter_queue_capacity{exporter=\"parquet\"}");
    assert_eq!(capacity, f64::from((1 << 30) - (64 << 20)));
    assert!(!text.contains("queue_size{exporter=\"genai_metrics\"}"), "{text}");
    for way in ["incoming", "outgoing"] {
        let items = format!("otelcol_processor_{way}_items{{otel_signal=\"traces\",processor=\"genai\"}}");
        assert!(value(&text, &items) >= 3.0);
    }
    let target = text.lines().find(|line| line.starts_with("target_info{")).unwrap();
    assert!(target.contains("service_instance_id=\""), "{target}");
    assert!(value(&text, "otelcol_process_uptime") > 0.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn own_metrics_have_suffixes_where_a_reader_asks_for_them() {
    let folder = tempfile::tempdir().unwrap();
    let [port] = free_ports();
    let reader = format!(
        "{{host: 127.0.0.1, port: {port}, without_type_suffix: false, without_units: false, without_scope_info: false}}"
    );
    let readers =
        format!("service.telemetry.metrics.readers=[{{pull: {{exporter: {{prometheus: {reader}}}}}}}]");
    let collector = Setup::new(folder.path()).set(readers).start();
    let (request, _) = load::request(3, 0);
    load::client(collector.setup.grpc).await.unwrap().export(request).await.unwrap();
    let text = http::get(port, "/metrics").await;
    assert_eq!(value(&text, "otelcol_receiver_accepted_spans_total{"), 3.0);
    assert!(!text.contains("\notelcol_receiver_accepted_spans{"), "{text}");
}
