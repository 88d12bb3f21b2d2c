//! The contract of a component: receivers, processors, connectors, exporters, extensions, and the registry they are
//! listed in. All a plug-in needs.
//!
//! A component is a plain struct. The engine owns the loop around it: queues, retries, timers, cursors and plans. Its
//! type is called like its word in the YAML, `Pass` for `pass`; it also implements the factory of its kind, and its
//! settings are called `Config`.
//!
//! ```
//! use spanledger_component::{Context, Error, Processor, ProcessorFactory, Registry, Rows, Signal, Stability};
//!
//! /// Lets everything through.
//! struct Pass;
//!
//! #[derive(Default, serde::Deserialize, schemars::JsonSchema)]
//! #[serde(deny_unknown_fields)]
//! struct Config {}
//!
//! impl ProcessorFactory for Pass {
//!     const TYPE: &'static str = "pass";
//!     const SIGNALS: &'static [Signal] = &Signal::ALL;
//!     const STABILITY: Stability = Stability::Alpha;
//!     type Config = Config;
//!
//!     fn build(_config: &Config, _context: &Context) -> Result<Box<dyn Processor>, Error> {
//!         Ok(Box::new(Pass))
//!     }
//! }
//!
//! impl Processor for Pass {
//!     fn process(&self, rows: Rows) -> Result<Rows, Error> {
//!         Ok(rows)
//!     }
//! }
//!
//! assert!(Registry::default().with_processor::<Pass>().processor("pass").is_some());
//! ```

mod budget;
mod clock;
mod connector;
mod context;
mod error;
mod exporter;
mod extension;
pub mod http;
mod id;
mod intake;
mod listener;
mod notices;
mod pinned;
mod processor;
mod receiver;
mod registry;
mod replay;
mod rows;
pub mod settings;

pub use budget::{Budget, Permit};
pub use clock::{Clock, SystemClock};
pub use connector::{Connector, ConnectorFactory};
pub use context::Context;
pub use error::Error;
pub use exporter::{
    Audit, Batch, Delivered, Delivery, ExportError, Exporter, ExporterFactory, Plan, PlanId, Retry, Service,
};
pub use extension::{
    BranchStatus, DeadLetter, Extension, ExtensionFactory, Host, Ledger, LetterOutcome, Letters, LogStatus,
    Status, Waiting, WalSettings,
};
pub use id::{ComponentId, InvalidId, LogId, Position};
pub use intake::{Accepted, Door, Intake, PATIENCE, Refused, Request, Reservation};
pub use listener::Listener;
pub use notices::{Notices, Sender};
pub use pinned::{Pinned, Source};
pub use processor::{Processor, ProcessorFactory};
pub use receiver::{Receiver, ReceiverFactory};
pub use registry::{Build, Configured, Entry, Kind, Listing, Registry, SchemaOf, Stability};
pub use replay::{Bound, InvalidBound, Refusal, Replay, Replayed};
pub use rows::{Rows, Signal};
