//! Exporters: what takes rows out. The engine pins a range before a delivery and moves the cursor after it.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use tokio_util::sync::CancellationToken;

use crate::{ComponentId, Context, Error, LogId, Position, Rows, Signal, Stability};

/// One range of positions, with the rows of every pipeline and signal that name the branch.
#[derive(Debug, Clone)]
pub struct Batch {
    /// The first position.
    pub first: Position,
    /// The last position; a range never ends inside a record.
    pub last: Position,
    /// The rows; perhaps none.
    pub rows: Vec<Rows>,
}

/// The identity of a plan: random, once for each range that is sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PlanId(pub [u8; 16]);

impl fmt::Display for PlanId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

/// A range that is pinned: after a crash exactly this range is exported, sealed and delivered again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Its identity.
    pub id: PlanId,
    /// The log it is a range of.
    pub log: LogId,
    /// Whose plan it is.
    pub exporter: ComponentId,
    /// The first position.
    pub first: Position,
    /// The last position.
    pub last: Position,
    /// Records of the range that went to the dead letters.
    pub excluded: Vec<Position>,
}

/// What to repeat, and what to tell the operator.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct Retry {
    /// Why it did not work.
    pub error: Error,
    /// Whether an operator has to act (403, 404, a foreign object), or waiting may do (time-out, 503).
    pub alarm: bool,
    /// How long the target wants to be left alone, where it says so.
    pub after: Option<Duration>,
}

impl Retry {
    /// Waiting may do.
    pub fn transient(error: Error) -> Self {
        Self { error, alarm: false, after: None }
    }

    /// An operator has to act; it is tried again all the same.
    pub fn alarm(error: Error) -> Self {
        Self { error, alarm: true, after: None }
    }

    /// The target wants to be left alone for so long.
    #[must_use]
    pub fn not_before(self, after: Option<Duration>) -> Self {
        Self { after, ..self }
    }
}

/// Why a batch was not taken.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// Not now; the same batch is exported again.
    #[error(transparent)]
    Retry(#[from] Retry),
    /// Never; the engine finds the one record that causes it and puts it to the dead letters.
    #[error("{source}")]
    Reject {
        /// What is wrong with it.
        source: Error,
    },
}

/// What an exporter serves, until it ends. An error ends the collector.
pub type Service = Pin<Box<dyn Future<Output = Result<(), Error>> + Send>>;

/// Takes rows out.
#[async_trait]
pub trait Exporter: Send {
    /// Opens what it needs: binds a listener, makes a folder. The collector is ready only after that. A target that
    /// is away is no error here. What is returned is served until `stop`.
    async fn start(&mut self, stop: CancellationToken) -> Result<Option<Service>, Error> {
        drop(stop);
        Ok(None)
    }

    /// Takes in one batch; it need not be delivered yet. A `Reject` leaves nothing of that batch inside.
    async fn export(&mut self, batch: &Batch) -> Result<(), ExportError>;

    /// `None`: nothing is held, all is delivered. `Some(t)`: the engine seals at `t` at the latest; now or past means
    /// that the exporter is full.
    fn seal_by(&self) -> Option<Instant> {
        None
    }

    /// Ends the encoding of what was exported, which is exactly the plan's range, and hands out the delivery, so that
    /// the next range can fill meanwhile. All encoding ends here; only an exporter that holds something is asked.
    fn seal(&mut self, plan: &Plan) -> Result<Box<dyn Delivery>, ExportError>;

    /// Forgets what was exported since the last seal; the engine exports it again.
    fn abandon(&mut self);

    /// Reads back what stands at its target and holds it against what the log knows to be delivered, and changes nothing;
    /// `verify` asks for it instead of [`Exporter::start`]. `None`: the target cannot be read back. An error: it could not be read now.
    async fn audit(&mut self, delivered: &Delivered) -> Result<Option<Audit>, Error> {
        let _ = delivered;
        Ok(None)
    }
}

/// What a log knows to be delivered by an exporter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Delivered {
    /// Items that were delivered from this log, as it is called today.
    pub items: BTreeMap<Signal, u64>,
    /// The first position that was the exporter's.
    pub from: Position,
    /// The range whose delivery is not known to have ended, with first and last position: it may be there or not.
    pub open: Option<(Position, Position)>,
}

/// What was found at an exporter's target.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Audit {
    /// Files of this log and exporter.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Rows that count as delivered, by signal.
    pub rows: BTreeMap<Signal, u64>,
    /// What is wrong; at most a thousand are listed.
    pub problems: Vec<String>,
    /// How many there are.
    pub problems_total: u64,
}

impl Audit {
    /// Notes a problem.
    pub fn problem(&mut self, problem: String) {
        self.problems_total += 1;
        if self.problems.len() < 1_000 {
            self.problems.push(problem);
        }
    }
}

/// Carries out one plan.
#[async_trait]
pub trait Delivery: Send + Sync {
    /// Delivers; repeated by the engine, with backoff, until it succeeds. What is there already by the same plan is
    /// delivered.
    async fn deliver(&self) -> Result<(), Retry>;
}

/// How an exporter is named, configured and built.
pub trait ExporterFactory: Send + Sync + 'static {
    /// The word in the YAML.
    const TYPE: &'static str;
    /// Other words for it.
    const ALIASES: &'static [&'static str] = &[];
    /// What it takes.
    const SIGNALS: &'static [Signal];
    /// How settled it is.
    const STABILITY: Stability;
    /// Whether a span that reaches it by two paths would stand there twice, so that `validate` refuses that.
    const ONCE: bool = false;
    /// Keys that are accepted for the Collector's sake and do nothing here: path below the component's (`a.b`), and what
    /// became of it.
    const WITHOUT_EFFECT: &'static [(&'static str, &'static str)] = &[];
    /// Its settings.
    type Config: DeserializeOwned + JsonSchema + Default + Send + Sync + 'static;

    /// What is wrong with settings that could be read, each with its path below the component's.
    fn check(_config: &Self::Config) -> Vec<(String, String)> {
        Vec::new()
    }

    /// Builds it. Opens nothing yet.
    fn build(config: &Self::Config, context: &Context) -> Result<Box<dyn Exporter>, Error>;
}
