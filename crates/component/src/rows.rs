//! What flows: rows of one signal.

use std::fmt;

use serde::{Deserialize, Serialize};
use spanledger_schema::{Logs, Metrics, Spans, Table, logs, spans};

/// A kind of telemetry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Signal {
    /// Spans.
    Traces,
    /// Metric points.
    Metrics,
    /// Log records.
    Logs,
}

impl Signal {
    /// Every signal.
    pub const ALL: [Self; 3] = [Self::Traces, Self::Metrics, Self::Logs];

    /// The word in pipelines and paths.
    pub fn word(self) -> &'static str {
        match self {
            Self::Traces => "traces",
            Self::Metrics => "metrics",
            Self::Logs => "logs",
        }
    }

    /// What its items are called in metric names: `spans`, `metric_points`, `log_records`.
    pub fn items(self) -> &'static str {
        match self {
            Self::Traces => "spans",
            Self::Metrics => "metric_points",
            Self::Logs => "log_records",
        }
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.word())
    }
}

/// Rows of one signal.
#[derive(Debug, Clone)]
pub enum Rows {
    /// Spans.
    Spans(Spans),
    /// Log records.
    Logs(Logs),
    /// Metric points: a cumulative snapshot.
    Metrics(Metrics),
}

impl Rows {
    /// Number of rows.
    pub fn len(&self) -> usize {
        match self {
            Self::Spans(spans) => spans.len(),
            Self::Logs(logs) => logs.len(),
            Self::Metrics(metrics) => metrics.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Which signal they are of.
    pub fn signal(&self) -> Signal {
        match self {
            Self::Spans(_) => Signal::Traces,
            Self::Logs(_) => Signal::Logs,
            Self::Metrics(_) => Signal::Metrics,
        }
    }

    /// The rows of several pipelines as they stand in the log, however that was cut into batches. Rows of one record stay
    /// in the order of the pipelines; metrics, which stand in no log, come last.
    pub fn in_log_order(rows: &[Self]) -> Vec<Self> {
        if rows.len() < 2 {
            return rows.to_vec();
        }
        let mut pieces: Vec<(i64, usize, usize)> = Vec::new();
        for (place, rows) in rows.iter().enumerate() {
            let positions = rows.positions();
            let first = |row: &usize| *row == 0 || positions.get(*row) != positions.get(row - 1);
            let starts = (0..rows.len()).filter(first);
            pieces.extend(starts.map(|row| (positions.get(row).copied().unwrap_or(i64::MAX), place, row)));
        }
        pieces.sort_unstable();
        // What follows itself in the log stays together.
        pieces.dedup_by_key(|(_, place, _)| *place);
        let mut starts = vec![Vec::new(); rows.len()];
        for (_, place, row) in &pieces {
            starts.get_mut(*place).into_iter().for_each(|starts| starts.push(*row));
        }
        let slice = |(_, place, start): (i64, usize, usize)| {
            let rows = rows.get(place)?;
            let next = starts.get(place)?.iter().find(|next| **next > start);
            Some(rows.slice(start, next.copied().unwrap_or(rows.len()) - start))
        };
        pieces.into_iter().filter_map(slice).collect()
    }

    /// The positions of the rows in the log, rising; none of metrics.
    fn positions(&self) -> &[i64] {
        match self {
            Self::Spans(rows) => rows.get(spans::POSITION).values(),
            Self::Logs(rows) => rows.get(logs::POSITION).values(),
            Self::Metrics(_) => &[],
        }
    }

    fn slice(&self, start: usize, length: usize) -> Self {
        fn slice<T: Table>(rows: &T, start: usize, length: usize) -> T {
            #[expect(clippy::expect_used, reason = "a slice has the columns of what it is cut from")]
            T::try_from_batch(rows.batch().slice(start, length)).expect("a slice has the same columns")
        }
        match self {
            Self::Spans(rows) => Self::Spans(slice(rows, start, length)),
            Self::Logs(rows) => Self::Logs(slice(rows, start, length)),
            Self::Metrics(rows) => Self::Metrics(slice(rows, start, length)),
        }
    }
}
