//! The state: a bounded number of series by their labels.

use std::collections::HashMap;

use tracing::warn;

use crate::call::Call;
use crate::series::{Key, Series};

/// What a series takes at most beside its labels: its counts, its part of a checkpoint, and its rows of a scrape.
const SERIES_BYTES: usize = 20 << 10;

/// Its labels stand in its key, twice where a checkpoint is made, and in each of its rows of a scrape, at most thirteen.
const LABEL_COPIES: usize = 16;

/// How many series there may be beside the one that counts the rest.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// How many are told apart.
    pub(crate) max_series: usize,
    /// What they may take together.
    pub(crate) memory_bytes: usize,
}

/// Every series there is.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) limits: Limits,
    /// When the last call was received.
    pub(crate) last_unix_nano: i64,
    series: HashMap<Key, Series>,
    /// What the series take, at most.
    bytes: usize,
}

impl State {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits, last_unix_nano: 0, series: HashMap::new(), bytes: 0 }
    }

    /// The state with series that were saved, also more than the limits allow.
    pub(crate) fn with(limits: Limits, last_unix_nano: i64, series: HashMap<Key, Series>) -> Self {
        let bytes = series.keys().map(|key| series_bytes(key)).sum();
        Self { last_unix_nano, series, bytes, ..Self::new(limits) }
    }

    pub(crate) fn add(&mut self, call: &Call<'_>) {
        self.last_unix_nano = self.last_unix_nano.max(call.received_unix_nano);
        if let Some(series) = self.series.get_mut(call.labels) {
            return series.add(call);
        }
        let key: &[u8] = if self.is_full(call.labels) { &[] } else { call.labels };
        if key.is_empty() && !self.series.contains_key(key) {
            let (series, bytes) = (self.series.len(), self.bytes);
            warn!(
                series,
                bytes, "more series than max_series or the memory allow, the rest is counted as one"
            );
        }
        let new = || {
            self.bytes += series_bytes(key);
            Series::new(call.received_unix_nano)
        };
        self.series.entry(key.into()).or_insert_with(new).add(call);
    }

    /// Whether there is no room for a series of this key.
    fn is_full(&self, key: &[u8]) -> bool {
        self.series.len() >= self.limits.max_series
            || self.bytes + series_bytes(key) > self.limits.memory_bytes
    }

    /// The series in the order of their labels.
    pub(crate) fn sorted(&self) -> Vec<(&Key, &Series)> {
        let mut sorted: Vec<_> = self.series.iter().collect();
        sorted.sort_unstable_by_key(|(key, _)| *key);
        sorted
    }
}

fn series_bytes(key: &[u8]) -> usize {
    SERIES_BYTES + LABEL_COPIES * key.len()
}
