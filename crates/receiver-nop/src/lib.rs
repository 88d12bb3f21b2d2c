//! The `nop` receiver: brings nothing in. For pipelines whose data comes from a connector or from a test.
//!
//! ```
//! use spanledger_component::Registry;
//! use spanledger_receiver_nop::Nop;
//!
//! assert!(Registry::default().with_receiver::<Nop>().receiver("nop").is_some());
//! ```

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use spanledger_component::{Context, Error, Intake, Receiver, ReceiverFactory, Signal, Stability};
use tokio_util::sync::CancellationToken;

/// It has no settings.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {}

/// Brings nothing in.
#[derive(Debug, Clone, Copy)]
pub struct Nop;

impl ReceiverFactory for Nop {
    const TYPE: &'static str = "nop";
    const SIGNALS: &'static [Signal] = &Signal::ALL;
    const STABILITY: Stability = Stability::Beta;
    type Config = Config;

    fn build(_config: &Config, _context: &Context) -> Result<Box<dyn Receiver>, Error> {
        Ok(Box::new(Nop))
    }
}

#[async_trait]
impl Receiver for Nop {
    async fn start(&mut self) -> Result<(), Error> {
        Ok(())
    }

    async fn run(self: Box<Self>, _intake: Intake, stop: CancellationToken) -> Result<(), Error> {
        stop.cancelled().await;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_yaml_of_the_readme_is_its_settings() {
        let yaml = include_str!("../README.md").split("```yaml").nth(1).unwrap().split("```").next().unwrap();
        let readme: serde_json::Value = serde_saphyr::from_str(yaml).unwrap();
        assert!(readme["receivers"]["nop"].is_null());
        assert!(serde_json::from_str::<Config>(r#"{"surprise": 1}"#).is_err());
    }
}
