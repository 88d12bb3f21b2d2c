//! A durable log of byte records, read in order by any number of branches.
//!
//! An append is answered once it is fsynced; many are fsynced together. Branches keep their cursors in the log
//! itself, as control records, and a segment is deleted once every branch has passed it. `FORMAT.md` beside this
//! crate says what the bytes mean.
//!
//! ```
//! use std::{sync::Arc, time::SystemTime};
//! use spanledger_wal::{Entry, Options, Position, ReadLimits, Wal};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let directory = tempfile::tempdir()?;
//! let clock = Arc::new(|| SystemTime::UNIX_EPOCH);
//! let wal = Wal::open(Options::new(directory.path().join("wal"), clock))?;
//!
//! let entry = Entry { signal: 0, receiver: "otlp".into(), items: 1, rejected: vec![], body: "hello".into() };
//! let position = wal.append(entry)?.wait()?.position; // or `.await`
//!
//! let read = wal.read(Position::FIRST, None, ReadLimits { items: 8192, bytes: 8 << 20 })?;
//! assert_eq!(read.records[0].position, position);
//! assert_eq!(read.records[0].body, "hello");
//! # Ok(())
//! # }
//! ```

mod control;
mod disk;
mod draft;
mod durable;
mod error;
mod found;
mod frames;
mod freeing;
mod head;
mod log_time;
mod lost;
mod marks;
mod options;
mod parity;
mod position;
mod quarantine;
mod queue;
mod reader;
mod recent;
mod record;
mod recovery;
mod repairs;
mod repeats;
mod scan;
mod scrub;
mod seal;
mod segment;
mod shared;
mod state;
mod stepper;
mod tail;
mod totals;
mod verify;
mod volume;
mod wal;
mod windows;
mod writer;

/// The control records' protobuf, as `proto/spanledger/wal/v1/control.proto` defines it.
mod proto {
    #![allow(missing_docs, unreachable_pub, reason = "generated")]
    include!(concat!(env!("OUT_DIR"), "/spanledger.wal.v1.rs"));
}

pub use control::{Checkpoint, Control, Counts, DeadLetter, Epoch, Plan, PlanId, Quarantined};
pub use disk::{Disk, DiskFile, RealDisk};
pub use draft::{Entry, Record};
pub use durable::Moves;
pub use error::{AppendError, OpenError, ReadError};
pub use options::{Options, SyncPolicy};
pub use position::{LogId, Position};
pub use queue::{Appended, Appending};
pub use reader::{ReadLimits, ReadOut, Waiting};
pub use repeats::Repeated;
pub use scrub::Scrubbed;
pub use state::{Branch, State};
pub use stepper::Stepper;
pub use totals::SIGNALS;
pub use verify::{Problem, Report, Severity};
pub use volume::{default_max_bytes, weakness};
pub use wal::{Condition, Stats, Wal};
