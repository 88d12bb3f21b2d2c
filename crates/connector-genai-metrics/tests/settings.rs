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
