//! The Arrow columns of spans, logs and metrics, and typed access to them.
//!
//! A [`Spans`], [`Logs`] or [`Metrics`] is a `RecordBatch` whose columns are known: they are read with the
//! constants of [`spans`], [`logs`] and [`metrics`], never by a string.
//!
//! ```
//! use spanledger_schema::{Spans, Table as _, spans};
//!
//! let rows = Spans::empty();
//! assert_eq!(rows.get(spans::NAME).iter().count(), rows.len());
//! ```

mod column;
mod kinds;
mod tables;

pub use column::{Column, Field, Role, Value};
pub use kinds::{
    Bytes, CountList, CountMap, Events, Flag, Float, FloatList, Int, Kind, Links, SmallInt, Text, TextList,
    TextMap, Time, Usd,
};
pub use tables::{Logs, Metrics, Spans, Table, content, logs, metrics, spans};

/// The version of this schema, as files name it. A new column means the next minor version and the next id.
pub const VERSION: &str = "1.1";

/// The version of the OpenTelemetry semantic conventions that the GenAI columns follow, as files name it. 1.41 is the
/// last with conventions for GenAI; their names of later date are read, too.
pub const SEMANTIC_CONVENTIONS: &str = "1.41";
