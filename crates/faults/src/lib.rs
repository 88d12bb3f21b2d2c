//! Faults that tests plant in the collector, to see that the tests would catch them, and points at which it dies.
//!
//! All of it is there only with the feature `planted`, which no release has: without it every question is answered with a
//! constant, and the compiler removes the question.
//!
//! ```
//! use spanledger_faults::Fault;
//!
//! let fault: Fault = "no-fsync".parse().unwrap();
//! assert!(!fault.is_planted());
//! ```

#[cfg(feature = "planted")]
mod planted;
mod point;

use std::{fmt, str::FromStr};

#[cfg(feature = "planted")]
pub use planted::plant;
pub use point::Point;

/// Names the faults: what a broken collector would do.
macro_rules! faults {
    ($($(#[doc = $doc:literal])* $fault:ident = $name:literal,)*) => {
        /// Something that a collector must not do. One at a time is planted.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Fault { $($(#[doc = $doc])* $fault,)* }

        impl Fault {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$fault,)*];

            /// The name that `SPANLEDGER_FAULT` gives it by.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$fault => $name,)* }
            }
        }
    };
}

faults! {
    /// The log is written and never fsynced.
    NoFsync = "no-fsync",
    /// Names of new segments are not made durable.
    NoDirectoryFsync = "no-directory-fsync",
    /// Senders are answered before the fsync.
    AnswerBeforeFsync = "answer-before-fsync",
    /// A failed fsync is called again on the same file, and believed.
    FsyncRetried = "fsync-retried",
    /// The name of a Parquet file holds the time of its upload, so that a second attempt has another name.
    TimeInFileName = "time-in-file-name",
    /// The cursor moves before the upload.
    CursorBeforePut = "cursor-before-put",
    /// Ranges are delivered without a plan.
    NoPlan = "no-plan",
    /// Repeats are recognised by a few bits of their hash.
    LossyRepeats = "lossy-repeats",
    /// Metrics are served before the connector has caught up.
    ScrapeBeforeCatchUp = "scrape-before-catch-up",
    /// What is read is not held against its checksum.
    ChecksumIgnored = "checksum-ignored",
}

impl Fault {
    /// Whether this one is planted.
    #[cfg(not(feature = "planted"))]
    pub const fn is_planted(self) -> bool {
        false
    }

    /// Whether this one is planted: in this thread by `plant`, or in the process by `SPANLEDGER_FAULT`.
    #[cfg(feature = "planted")]
    pub fn is_planted(self) -> bool {
        planted::is(self)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Fault {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let known = || Self::ALL.iter().map(|fault| fault.name()).collect::<Vec<_>>().join(", ");
        let named = Self::ALL.iter().copied().find(|fault| fault.name() == name);
        named.ok_or_else(|| format!("no fault is called {name:?}, there are {}", known()))
    }
}
