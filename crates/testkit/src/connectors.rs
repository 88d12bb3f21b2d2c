//! A connector that counts spans by name, and what it handed out.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

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

/// How long a span named `later` waits, by the time of the log.
const LATER: Duration = Duration::from_millis(300);

/// The connector type `counting`. It panics on spans named `uncountable`, after it has counted them, and lets those named
/// `later` wait.
pub struct Counting {
    counts: Counts,
    /// When spans are due that wait, in microseconds since 1970.
    waiting: Vec<u64>,
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
        let (counts, waiting) = (Counts::new(), Vec::new());
        Ok(Box::new(Self { counts, waiting, counted, is_lenient: config.is_lenient }))
    }
}

impl Connector for Counting {
    #[expect(clippy::panic, reason = "that is what it is for")]
    fn fold(&mut self, rows: &Rows) {
        let Rows::Spans(rows) = rows else { return };
        let received = rows.get(spans::INGESTED_AT).values();
        for (name, received) in rows.get(spans::NAME).iter().flatten().zip(received) {
            if name == "later" {
                self.waiting.push(received.unsigned_abs() + LATER.as_micros() as u64);
                continue;
            }
            *self.counts.entry(name.to_owned()).or_default() += 1;
            if name == "uncountable" && !self.is_lenient {
                panic!("a span is named uncountable");
            }
        }
    }

    fn tick(&mut self, log_time: SystemTime) {
        let now = log_time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_micros() as u64;
        let before = self.waiting.len();
        self.waiting.retain(|due| *due > now);
        if self.waiting.len() < before {
            *self.counts.entry("later".to_owned()).or_default() += (before - self.waiting.len()) as u64;
        }
    }

    fn due(&self) -> Option<SystemTime> {
        let first = self.waiting.iter().min()?;
        Some(SystemTime::UNIX_EPOCH + Duration::from_micros(*first))
    }

    fn emit(&mut self) -> Rows {
        lock(&self.counted.0).push(self.counts.clone());
        Rows::Metrics(Metrics::empty())
    }

    fn snapshot(&self) -> Vec<u8> {
        let counts = self.counts.iter().map(|(name, count)| format!("{count} {name}\n"));
        let waiting = self.waiting.iter().map(|due| format!("{due} \n"));
        counts.chain(waiting).collect::<String>().into_bytes()
    }

    fn restore(&mut self, snapshot: &[u8]) -> Result<(), Error> {
        let text = std::str::from_utf8(snapshot).map_err(|error| Error::caused("read counts", error))?;
        let line = |line: &str| {
            let (count, name) = line.split_once(' ')?;
            Some((name.to_owned(), count.parse().ok()?))
        };
        let counts: Option<Vec<(String, u64)>> = text.lines().map(line).collect();
        let counts = counts.ok_or_else(|| Error::new("read counts: not a line for each name"))?;
        let (waiting, counts) = counts.into_iter().partition(|(name, _): &(String, u64)| name.is_empty());
        self.waiting = Vec::into_iter(waiting).map(|(_, due)| due).collect();
        self.counts = Vec::into_iter(counts).collect();
        Ok(())
    }
}
