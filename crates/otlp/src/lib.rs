//! The wire: OTLP requests are checked, become columns, and become requests again.
//!
//! [`walk`] is the door: it checks a request without building anything. [`decode_spans`] and [`decode_logs`] turn
//! many requests into one table whose text points into their bodies; [`Requests`] is the way back.
//! [`json_to_protobuf`] is for senders that speak JSON, so that everything behind it has one decoder.
//!
//! ```
//! use spanledger_otlp::{Message, walk};
//!
//! let walked = walk(Message::Traces, b"")?;
//! assert_eq!(walked.items, 0);
//!
//! let error = walk(Message::Traces, &[0x0a, 200]).unwrap_err();
//! assert_eq!(error.to_string(), "resourceSpans[0]: not a varint, at byte 1");
//! # Ok::<(), spanledger_otlp::Malformed>(())
//! ```

pub mod answer;
mod attributes;
mod block;
mod columns;
mod envelope;
mod error;
mod events;
mod fields;
mod id;
mod items;
mod json;
mod keys;
mod links;
mod logs;
mod names;
mod plain;
mod requests;
mod rewrite;
mod scalar;
mod spans;
mod text;
mod value;
mod walk;
mod wire;
mod writer;

pub use error::{Malformed, Reason};
pub use items::Source;
pub use json::json_to_protobuf;
pub use logs::decode_logs;
pub use requests::{Encoded, Requests};
pub use rewrite::{NewAttributes, rewrite_attributes};
pub use spans::decode_spans;
pub use walk::{RejectReason, Rejection, Walked, walk};

/// Which request a body holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Message {
    /// `ExportTraceServiceRequest`.
    Traces,
    /// `ExportMetricsServiceRequest`.
    Metrics,
    /// `ExportLogsServiceRequest`.
    Logs,
}
