//! Settings are read strictly and checked before anything starts.

use spanledger_component::ConnectorFactory as _;
use spanledger_connector_genai_metrics::{Config, GenaiMetrics};

#[test]
fn the_limit_of_series_is_read_and_checked() {
    let config: Config = serde_json::from_str(r#"{"max_series": 0}"#).unwrap();
    let problem = ("max_series".to_owned(), "0 is not between 1 and 100000".to_owned());
    assert_eq!(GenaiMetrics::check(&config), [problem]);
    assert_eq!(GenaiMetrics::check(&Config::default()), []);
    assert!(serde_json::from_str::<Config>(r#"{"dimensions": []}"#).is_err());
}

#[test]
fn the_settle_window_is_read_with_its_unit_and_checked() {
    let window =
        |text: &str| serde_json::from_str::<Config>(&format!(r#"{{"settle": {{"window": {text}}}}}"#));
    assert_eq!(Config::default(), window(r#""10s""#).unwrap());
    assert_eq!(window(r#""1500ms""#).unwrap().settle.window.as_millis(), 1500);
    assert!(window(r#""0s""#).unwrap().settle.window.is_zero());
    assert!(window("10").is_err(), "a number without a unit");
    let problem = ("settle::window".to_owned(), "11m is more than 10m".to_owned());
    assert_eq!(GenaiMetrics::check(&window(r#""11m""#).unwrap()), [problem]);
}
