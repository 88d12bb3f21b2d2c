//! What can be replayed, and what became of it.

use std::fmt;
use std::str::FromStr;
use std::time::SystemTime;

use chrono::{DateTime, NaiveDate, NaiveTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

use crate::Position;

/// Records that the log still holds, to be given to one exporter once more.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Replay {
    /// The exporter: one that runs, or one that is only declared.
    pub exporter: String,
    /// Whose rows it gets: those of this exporter, as its pipelines make them. Without it its own, or, when no pipeline
    /// names it, those of the only exporter that receivers feed.
    pub rows_of: Option<String>,
    /// Where it begins; without it at the oldest record.
    pub from: Option<Bound>,
    /// Before what it ends; without it behind the newest record.
    pub to: Option<Bound>,
    /// Only rows that have each of these: an attribute or a column, and its value.
    pub filters: Vec<(String, String)>,
    /// Also when what it delivers to has the rows already, where they would stand twice.
    pub again: bool,
}

/// One end of a replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// A position in the log.
    Position(Position),
    /// When a record arrived, in ns since 1970.
    Arrival(u64),
}

/// Why a text is no end of a replay.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is neither a position nor a time: write 1234, 2026-11-21 or 2026-11-21T10:00:00Z")]
pub struct InvalidBound(String);

impl FromStr for Bound {
    type Err = InvalidBound;

    fn from_str(text: &str) -> Result<Self, InvalidBound> {
        if let Ok(position) = text.parse() {
            return Ok(Self::Position(Position(position)));
        }
        let time = DateTime::parse_from_rfc3339(text).map(|time| time.with_timezone(&Utc));
        let midnight = || text.parse::<NaiveDate>().map(|date| date.and_time(NaiveTime::MIN).and_utc());
        let time = time.or_else(|_| midnight()).map_err(|_| InvalidBound(text.to_owned()))?;
        let since = SystemTime::from(time).duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Ok(Self::Arrival(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)))
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Position(position) => write!(out, "{position}"),
            Self::Arrival(unix_nano) => {
                let time = DateTime::from_timestamp_nanos(i64::try_from(*unix_nano).unwrap_or(i64::MAX));
                out.write_str(&time.to_rfc3339_opts(SecondsFormat::Nanos, true))
            }
        }
    }
}

/// What became of a replay.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replayed {
    /// Where it began.
    pub from: Position,
    /// Everything before it was looked at, and delivered if it was meant: to go on, begin here.
    pub until: Position,
    /// Records with rows that were delivered.
    pub records: u64,
    /// Those rows.
    pub items: u64,
    /// Items that cannot be read: they are damaged on disk.
    pub unreadable_items: u64,
    /// Positions that the log gave up before they were read; their number includes the log's own records.
    pub released_positions: u64,
    /// How many records were refused.
    pub refused_records: u64,
    /// The first of them, and why.
    pub refused: Vec<Refusal>,
    /// Why it ended before its end.
    pub stopped: Option<String>,
}

/// A record that an exporter did not take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Which one.
    pub position: Position,
    /// Why.
    pub reason: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replay_begins_at_a_position_or_a_time() {
        let arrival = |text: &str| text.parse::<Bound>();
        assert_eq!(arrival("12"), Ok(Bound::Position(Position(12))));
        assert_eq!(arrival("1970-01-02"), Ok(Bound::Arrival(86_400_000_000_000)));
        assert_eq!(arrival("1970-01-01T01:00:00.5+01:00"), Ok(Bound::Arrival(500_000_000)));
        for text in ["12", "1970-01-01T00:00:00.500000000Z"] {
            assert_eq!(arrival(text).unwrap().to_string(), text);
        }
        assert!(arrival("yesterday").unwrap_err().to_string().contains("\"yesterday\""));
    }
}
