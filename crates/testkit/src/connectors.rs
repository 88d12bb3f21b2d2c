//! A connector that counts spans by name, and what it handed out.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use spanledger_component::{Connector, ConnectorFactory, Context, Error, Rows, Signal, Stability};
use spanledger_schema::{Metrics, Table as _, spans};

use crate::scene::{Config, Scene, lock};

/// Spans by name.
pub type Counts = BTreeMap<String, u64>;

/// What a connector handed out, oldest first, over all the collectors of a scene.
#[derive(Debug, Clone, Default)]
pub struct Counted(Arc<Mutex<Vec<Counts>>>);

impl Counted {
    /// Every snapshot that was handed out.
    pub fn snapshots(&self) -> Vec<Counts> {
        lock(&self.0).clone()
    }

    /// The latest.
    pub fn latest(&self) -> Counts {
        lock(&self.0).last().cloned().unwrap_or_default()
    }
}

/// The connector type `counting`. It panics on spans named `uncountable`, after it has counted them.
pub struct Counting {
    counts: Counts,
    counted: Counted,
    is_lenient: bool,
}

impl ConnectorFactory for Counting {
    const TYPE: &'static str = "counting";
    const SIGNALS: &'static [(Signal, Signal)] = &[(Signal::Traces, Signal::Metrics)];
    const STABILITY: Stability = Stability::Alpha;
    type Config = Config;

    fn build(config: &Config, context: &Context) -> Result<Box<dyn Connector>, Error> {
        let counted = Scene::of(config, context)?.counted(&context.id.to_string());
        Ok(Box::new(Self { counts: Counts::new(), counted, is_lenient: config.is_lenient }))
    }
}

impl Connector for Counting {
    #[expect(clippy::panic, reason = "that is what it is for")]
    fn fold(&mut self, rows: &Rows) {
        let Rows::Spans(rows) = rows else { return };
        for name in rows.get(spans::NAME).iter().flatten() {
            *self.counts.entry(name.to_owned()).or_default() += 1;
            if name == "uncountable" && !self.is_lenient {
                panic!("a span is named uncountable");
            }
        }
    }

    fn tick(&mut self, _log_time: SystemTime) {}

    fn emit(&mut self) -> Rows {
        lock(&self.counted.0).push(self.counts.clone());
        Rows::Metrics(Metrics::empty())
    }

    fn snapshot(&self) -> Vec<u8> {
        let lines = self.counts.iter().map(|(name, count)| format!("{count} {name}\n"));
        lines.collect::<String>().into_bytes()
    }

    fn restore(&mut self, snapshot: &[u8]) -> Result<(), Error> {
        let text = std::str::from_utf8(snapshot).map_err(|error| Error::caused("read counts", error))?;
        let line = |line: &str| {
            let (count, name) = line.split_once(' ')?;
            Some((name.to_owned(), count.parse().ok()?))
        };
        let counts: Option<Counts> = text.lines().map(line).collect();
        self.counts = counts.ok_or_else(|| Error::new("read counts: not a line for each name"))?;
        Ok(())
    }
}
