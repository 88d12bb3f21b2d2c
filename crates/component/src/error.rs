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
        let mut said = self.attempt.clone();
        let mut cause = self.source();
        while let Some(error) = cause {
            // Many libraries say their own cause already; each is said once.
            let text = error.to_string();
            if !said.contains(&text) {
                said = format!("{said}: {text}");
            }
            cause = error.source();
        }
        out.write_str(&said)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("fetch: {0}")]
    struct Wordy(#[source] std::io::Error);

    #[test]
    fn every_cause_is_said_once() {
        let refused = std::io::Error::other("connection refused");
        let error = Error::caused("put one.parquet", Wordy(refused));
        assert_eq!(error.to_string(), "put one.parquet: fetch: connection refused");
    }
}
