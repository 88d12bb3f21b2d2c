//! The `nop` exporter: takes everything and does nothing with it, so that what a pipeline costs without a target can be seen.
//!
//! ```
//! use spanledger_component::Registry;
//! use spanledger_exporter_nop::Nop;
//!
//! assert!(Registry::default().with_exporter::<Nop>().exporter("nop").is_some());
//! ```

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use spanledger_component::{
    Batch, Context, Delivery, Error, ExportError, Exporter, ExporterFactory, Plan, Retry, Signal, Stability,
};

/// It has no settings.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {}

/// Takes everything and does nothing with it.
#[derive(Debug, Clone, Copy)]
pub struct Nop;

impl ExporterFactory for Nop {
    const TYPE: &'static str = "nop";
    const SIGNALS: &'static [Signal] = &Signal::ALL;
    const STABILITY: Stability = Stability::Beta;
    type Config = Config;

    fn build(_config: &Config, _context: &Context) -> Result<Box<dyn Exporter>, Error> {
        Ok(Box::new(Nop))
    }
}

#[async_trait]
impl Exporter for Nop {
    async fn export(&mut self, _batch: &Batch) -> Result<(), ExportError> {
        Ok(())
    }

    fn seal(&mut self, _plan: &Plan) -> Result<Box<dyn Delivery>, ExportError> {
        Ok(Box::new(Nop))
    }

    fn abandon(&mut self) {}
}

#[async_trait]
impl Delivery for Nop {
    async fn deliver(&self) -> Result<(), Retry> {
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
        assert!(readme["exporters"]["nop"].is_null());
        assert!(serde_json::from_str::<Config>(r#"{"surprise": 1}"#).is_err());
    }
}
