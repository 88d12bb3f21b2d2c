//! The settings of `admin`.

use schemars::JsonSchema;
use serde::Deserialize;
use spanledger_component::settings::{Endpoint, Secret};

/// The settings of `admin`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where it listens.
    pub endpoint: Endpoint,
    /// When set, requests need `Authorization: Bearer <token>`. An endpoint that other machines can reach needs it.
    pub token: Option<Secret>,
}

impl Default for Config {
    #[expect(clippy::expect_used, reason = "the text is a constant, and a test builds the default")]
    fn default() -> Self {
        Self { endpoint: "127.0.0.1:13134".parse().expect("a host and a port"), token: None }
    }
}

impl Config {
    /// What is wrong, each with its path.
    pub(crate) fn problems(&self) -> Vec<(String, String)> {
        let is_protected = match &self.token {
            Some(token) if token.reveal().trim().is_empty() => {
                return vec![("token".into(), "is empty: set one, or remove the key".into())];
            }
            token => token.is_some(),
        };
        if is_protected || self.endpoint.is_loopback() {
            return Vec::new();
        }
        let message =
            format!("{} can be reached by other machines: set token, or use 127.0.0.1", self.endpoint);
        vec![("endpoint".into(), message)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(yaml: &str) -> Vec<String> {
        let config: Config = serde_saphyr::from_str(yaml).unwrap();
        config.problems().into_iter().map(|(path, message)| format!("{path}: {message}")).collect()
    }

    #[test]
    fn the_yaml_of_the_readme_is_read() {
        let yaml = include_str!("../README.md").split("```yaml").nth(1).unwrap().split("```").next().unwrap();
        let readme: serde_json::Value = serde_saphyr::from_str(yaml).unwrap();
        let config: Config = serde_json::from_value(readme["extensions"]["admin"].clone()).unwrap();
        assert_eq!(config.endpoint.to_string(), "0.0.0.0:13134");
        assert_eq!(config.token.as_ref().map(Secret::reveal), Some("${env:SPANLEDGER_ADMIN_TOKEN}"));
        assert_eq!(config.problems(), []);
    }

    #[test]
    fn what_others_can_reach_needs_a_token() {
        assert!(problems("{}").is_empty());
        assert!(problems("endpoint: localhost:1").is_empty());
        assert!(problems("{endpoint: ':1', token: secret}").is_empty());
        assert_eq!(
            problems("endpoint: 0.0.0.0:1"),
            ["endpoint: 0.0.0.0:1 can be reached by other machines: set token, or use 127.0.0.1"]
        );
        assert_eq!(
            problems("{endpoint: 0.0.0.0:1, token: ' '}"),
            ["token: is empty: set one, or remove the key"]
        );
    }
}
