//! Load for a collector: spans of model calls over OTLP, as fast as they are acknowledged or at a fixed rate.
//!
//! No two requests are alike, since a collector may recognise what it has seen. They are encoded once and given new ids
//! each time one is sent, so that the generator leaves the processor to what it measures.
//!
//! ```
//! use spanledger_load::{Requests, Shape};
//!
//! let requests = Requests::new(Shape { spans: 4, ..Shape::USUAL }, 1);
//! assert_ne!(requests.next(), requests.next());
//! ```

mod answer;
mod connection;
mod http;
mod outcome;
mod pace;
mod process;
mod requests;
mod sender;
mod sink;

pub use answer::{Answer, Cause};
pub use connection::Protocol;
pub use http::{flush, get};
pub use outcome::Outcome;
pub use pace::Pace;
pub use process::{Process, free_ports, own_cpu_seconds};
pub use requests::{Requests, Shape};
pub use sender::{Plan, acknowledged_first, send};
pub use sink::Sink;

/// Why no load could be made, in words for whoever started it.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;
