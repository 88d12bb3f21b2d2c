//! Settings of the Collector are honoured, accepted or refused with their path, never ignored.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use spanledger_component::ExporterFactory as _;
use spanledger_exporter_prometheus::{Config, Prometheus};

fn problems(settings: &str) -> Vec<String> {
    let config: Config = serde_json::from_str(settings).unwrap();
    Prometheus::check(&config).into_iter().map(|(path, _)| path).collect()
}

#[test]
fn what_the_collector_takes_and_we_do_not_is_refused_by_its_path() {
    let refused = r#"{"send_timestamps": true, "translation_strategy": "NoTranslation",
        "resource_to_telemetry_conversion": {"enabled": true}, "const_labels": {"a.b": "x", "fine": "y"}}"#;
    let paths = [
        "send_timestamps",
        "resource_to_telemetry_conversion.enabled",
        "translation_strategy",
        "const_labels.a.b",
    ];
    assert_eq!(problems(refused), paths);
}

#[test]
fn what_the_collector_takes_and_means_the_same_here_is_accepted() {
    let accepted = r#"{"endpoint": "0.0.0.0:8889", "namespace": "x", "metric_expiration": "10m",
        "send_timestamps": false, "without_scope_info": true, "enable_open_metrics": true,
        "add_metric_suffixes": false, "translation_strategy": "UnderscoreEscapingWithSuffixes",
        "resource_to_telemetry_conversion": {"enabled": false}, "const_labels": {"a": "b"}}"#;
    assert_eq!(problems(accepted), [""; 0]);
    assert!(serde_json::from_str::<Config>(r#"{"endpont": ""}"#).is_err());
    assert!(serde_json::from_str::<Config>(r#"{"endpoint": ""}"#).is_err());
    assert_eq!(Prometheus::check(&Config::default()), []);
}
