//! The exporter itself: says what is in a batch, and holds nothing.

use async_trait::async_trait;
use spanledger_component::{
    Batch, Context, Delivery, Error, ExportError, Exporter, ExporterFactory, Plan, Retry, Signal, Stability,
};
use tracing::info;

use crate::config::{Config, Verbosity};
use crate::line::{detailed, normal};

/// Says what is in a batch.
#[derive(Debug)]
pub struct Debug {
    id: String,
    verbosity: Verbosity,
}

impl ExporterFactory for Debug {
    const TYPE: &'static str = "debug";
    const SIGNALS: &'static [Signal] = &Signal::ALL;
    const STABILITY: Stability = Stability::Beta;
    const WITHOUT_EFFECT: &'static [(&'static str, &'static str)] = &[
        ("sampling_initial", "every batch is said"),
        ("sampling_thereafter", "every batch is said"),
        ("use_internal_logger", "it is always the collector's own log"),
        ("output_paths", "it is always the collector's own log"),
    ];
    type Config = Config;

    fn build(config: &Config, context: &Context) -> Result<Box<dyn Exporter>, Error> {
        Ok(Box::new(Self { id: context.id.to_string(), verbosity: config.verbosity }))
    }
}

#[async_trait]
impl Exporter for Debug {
    async fn export(&mut self, batch: &Batch) -> Result<(), ExportError> {
        let exporter = &self.id;
        for rows in &batch.rows {
            let (signal, count) = (rows.signal(), rows.len());
            info!(exporter, %signal, rows = count, first = %batch.first, last = %batch.last, "batch");
            for row in 0..count {
                match self.verbosity {
                    Verbosity::Basic => break,
                    Verbosity::Normal => info!(exporter, "{}", normal(rows, row)),
                    Verbosity::Detailed => info!(exporter, "{}", detailed(rows, row)),
                }
            }
        }
        Ok(())
    }

    fn seal(&mut self, _plan: &Plan) -> Result<Box<dyn Delivery>, ExportError> {
        Ok(Box::new(Said))
    }

    fn abandon(&mut self) {}
}

/// What was said is delivered.
struct Said;

#[async_trait]
impl Delivery for Said {
    async fn deliver(&self) -> Result<(), Retry> {
        Ok(())
    }
}
