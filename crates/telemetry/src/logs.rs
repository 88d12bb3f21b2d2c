//! The collector's own log: one place that sends `tracing` to stderr.

use std::io::{IsTerminal as _, stderr};
use std::str::FromStr;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};

/// How much is logged: `service.telemetry.logs.level`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Level {
    /// What is for developers, of our own crates only.
    Debug,
    /// Start, stop, recovery.
    #[default]
    Info,
    /// What an operator should look at.
    Warn,
    /// What does not work.
    Error,
}

/// How a line looks: `service.telemetry.logs.encoding`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Encoding {
    /// For people.
    #[default]
    Console,
    /// One object a line.
    Json,
}

/// A word that names no level or encoding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownWord {
    word: String,
    expected: &'static str,
}

impl std::fmt::Display for UnknownWord {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "unknown word {:?}, expected {}", self.word, self.expected)
    }
}

impl std::error::Error for UnknownWord {}

impl FromStr for Level {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        match word.to_ascii_lowercase().as_str() {
            "debug" => Ok(Self::Debug),
            "info" => Ok(Self::Info),
            "warn" => Ok(Self::Warn),
            // The Collector's three worst levels end its process; here only an error does.
            "error" | "dpanic" | "panic" | "fatal" => Ok(Self::Error),
            _ => Err(UnknownWord { word: word.to_owned(), expected: "debug, info, warn or error" }),
        }
    }
}

impl FromStr for Encoding {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        match word {
            "console" => Ok(Self::Console),
            "json" => Ok(Self::Json),
            _ => Err(UnknownWord { word: word.to_owned(), expected: "console or json" }),
        }
    }
}

impl From<Level> for LevelFilter {
    fn from(level: Level) -> Self {
        match level {
            Level::Debug => Self::DEBUG,
            Level::Info => Self::INFO,
            Level::Warn => Self::WARN,
            Level::Error => Self::ERROR,
        }
    }
}

/// Sends what is logged to stderr from now on; an error when that was done before.
pub fn init(level: Level, encoding: Encoding) -> Result<(), TryInitError> {
    let ours = LevelFilter::from(level);
    // Libraries have no news for an operator below info, and h2 writes a line a frame.
    let libraries = ours.min(LevelFilter::INFO);
    let targets = Targets::new().with_default(libraries).with_target("spanledger", ours);
    let lines = tracing_subscriber::fmt::layer().with_writer(stderr);
    let lines = match encoding {
        Encoding::Console => lines.with_ansi(stderr().is_terminal()).boxed(),
        Encoding::Json => lines.json().flatten_event(true).boxed(),
    };
    tracing_subscriber::registry().with(lines.with_filter(targets)).try_init()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_the_collector_are_read_and_others_named() {
        assert_eq!("INFO".parse(), Ok(Level::Info));
        assert_eq!("fatal".parse(), Ok(Level::Error));
        assert_eq!("json".parse(), Ok(Encoding::Json));
        let error = "verbose".parse::<Level>().unwrap_err();
        assert_eq!(error.to_string(), "unknown word \"verbose\", expected debug, info, warn or error");
    }

    #[test]
    fn the_log_can_be_set_up_once() {
        init(Level::Warn, Encoding::Json).unwrap();
        assert!(init(Level::Warn, Encoding::Console).is_err());
    }
}
