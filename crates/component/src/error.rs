//! The error of a component: what was attempted, and the cause.

use std::error::Error as StdError;
use std::fmt;

/// What was attempted, and why it failed. Shows the whole chain in one line.
#[derive(Debug)]
pub struct Error {
    attempt: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error without a further cause: lower case, no full stop, with the place and the way out.
    pub fn new(message: impl Into<String>) -> Self {
        Self { attempt: message.into(), source: None }
    }

    /// An error with what was attempted and its cause.
    pub fn caused(attempt: impl Into<String>, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { attempt: attempt.into(), source: Some(source.into()) }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.attempt)?;
        let mut cause = self.source();
        while let Some(error) = cause {
            write!(out, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}
