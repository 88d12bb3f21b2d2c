//! What can go wrong, by what a caller would do about it.

use std::{io, path::PathBuf, sync::Arc};

use crate::Position;

/// Why a log could not be opened. Nothing was changed on disk.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has the log open.
    #[error(
        "open the log in {}: another process has it open; stop that one, or give this one a directory of its own",
        directory.display()
    )]
    Locked {
        /// The directory of the log.
        directory: PathBuf,
    },
    /// The log was written by a newer version of the program.
    #[error(
        "open the log in {}: {file} has format version {found}, this program reads up to {known}; \
         start the newer program again, or give this one an empty directory",
        directory.display()
    )]
    Newer {
        /// The directory of the log.
        directory: PathBuf,
        /// The segment that says so.
        file: String,
        /// Its format version.
        found: u16,
        /// The newest version known here.
        known: u16,
    },
    /// Segments of two logs lie in one directory.
    #[error(
        "open the log in {}: {file} belongs to another log than the newest segment; move one of them to a directory of its own",
        directory.display()
    )]
    Foreign {
        /// The directory of the log.
        directory: PathBuf,
        /// The segment that does not belong.
        file: String,
    },
    /// The directory or a file in it could not be used.
    #[error("open the log: {attempt} {}: {source}", path.display())]
    Io {
        /// What was attempted.
        attempt: &'static str,
        /// With which file or directory.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
}

/// Why an append is not durable. After `Unavailable` and `Stopped` it may still turn out to be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// The byte budget is used up; room comes when branches move on.
    #[error("append to the log: {used_bytes} of {max_bytes} bytes are used")]
    Full {
        /// What the log holds.
        used_bytes: u64,
        /// What it may hold.
        max_bytes: u64,
    },
    /// The disk refuses at the moment, or too much waits for it; to be tried again.
    #[error("append to the log: {reason}")]
    Unavailable {
        /// What the disk said.
        reason: Arc<str>,
    },
    /// The record would not fit into an empty log.
    #[error("append to the log: a record of {bytes} bytes, at most {max_bytes} fit")]
    TooLarge {
        /// The size of the record.
        bytes: u64,
        /// The largest that fits.
        max_bytes: u64,
    },
    /// The log is closed, or closing.
    #[error("append to the log: it is closed")]
    Stopped,
}

/// Why records could not be read. What lies in a damaged place is not an error: it is quarantined and passed over.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The disk refused.
    #[error("read the log from position {from} in {}: {source}", path.display())]
    Io {
        /// Where reading began.
        from: Position,
        /// The segment.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
}
