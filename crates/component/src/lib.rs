//! The contract of a component: receivers, processors, connectors, exporters, extensions, and the registry they are
//! listed in. All a plug-in needs.
//!
//! A component is a plain struct. The engine owns the loop around it: queues, retries, timers, cursors and plans.
//!
//! ```
//! use spanledger_component::{Error, Processor, Rows};
//!
//! /// Lets everything through.
//! struct Pass;
//! impl Processor for Pass {
//!     fn process(&self, rows: Rows) -> Result<Rows, Error> {
//!         Ok(rows)
//!     }
//! }
//! # let _ = Pass;
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
mod processor;
mod receiver;
mod registry;
mod rows;
pub mod settings;

pub use budget::{Budget, Permit};
pub use clock::{Clock, SystemClock};
pub use connector::{Connector, ConnectorFactory};
pub use context::Context;
pub use error::Error;
pub use exporter::{Batch, Delivery, ExportError, Exporter, ExporterFactory, Plan, PlanId, Retry, Service};
pub use extension::{
    BranchStatus, Extension, ExtensionFactory, Host, LogStatus, Status, Waiting, WalSettings,
};
pub use id::{ComponentId, InvalidId, LogId, Position};
pub use intake::{Accepted, Door, Intake, Refused, Request, Reservation};
pub use processor::{Processor, ProcessorFactory};
pub use receiver::{Receiver, ReceiverFactory};
pub use registry::{Build, Configured, Entry, Kind, Listing, Registry, SchemaOf, Stability};
pub use rows::{Rows, Signal};
