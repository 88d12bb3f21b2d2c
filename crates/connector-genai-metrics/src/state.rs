//! The state: a bounded number of series by their labels.

use std::collections::HashMap;

use tracing::warn;

use crate::call::Call;
use crate::series::{Key, Series, write_key};

/// Every series there is.
#[derive(Debug)]
pub(crate) struct State {
    /// How many series are told apart.
    pub(crate) max_series: usize,
    /// When the last call was received.
    pub(crate) last_unix_nano: i64,
    pub(crate) series: HashMap<Key, Series>,
    /// The key of the call at hand, kept so that a series that is there costs no allocation.
    key: Vec<u8>,
}

impl State {
    pub(crate) fn new(max_series: usize) -> Self {
        Self { max_series, last_unix_nano: 0, series: HashMap::new(), key: Vec::new() }
    }

    pub(crate) fn add(&mut self, call: &Call<'_>) {
        self.last_unix_nano = self.last_unix_nano.max(call.received_unix_nano);
        write_key(call.labels, &mut self.key);
        if let Some(series) = self.series.get_mut(self.key.as_slice()) {
            return series.add(call);
        }
        if self.series.len() == self.max_series {
            warn!(max_series = self.max_series, "more series than max_series, the rest is counted as one");
        }
        if self.series.len() >= self.max_series {
            self.key.clear();
        }
        let new = || Series::new(call.received_unix_nano);
        self.series.entry(self.key.as_slice().into()).or_insert_with(new).add(call);
    }

    /// The series in the order of their labels.
    pub(crate) fn sorted(&self) -> Vec<(&Key, &Series)> {
        let mut sorted: Vec<_> = self.series.iter().collect();
        sorted.sort_unstable_by_key(|(key, _)| *key);
        sorted
    }
}
