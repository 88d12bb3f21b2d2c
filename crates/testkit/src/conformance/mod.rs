//! Conformance suites: what the engine relies on, to be run by the tests of every component.
//!
//! Each panics with what was promised and did not hold.
//!
//! ```
//! use spanledger_component::{Error, Processor, Rows, Signal};
//! use spanledger_testkit::{conformance, rows, spans};
//!
//! struct Pass;
//! impl Processor for Pass {
//!     fn process(&self, rows: Rows) -> Result<Rows, Error> {
//!         Ok(rows)
//!     }
//! }
//!
//! conformance::processor(&Pass, &rows::decoded(Signal::Traces, 1, &[spans::body(10, 20, 1)]));
//! ```

mod at_once;
mod connector;
mod exporter;
mod processor;

pub use at_once::exporter_at_once;
pub use connector::connector;
pub use exporter::{Held, RowId, exporter, row_ids};
pub use processor::processor;
