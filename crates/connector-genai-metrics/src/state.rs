//! The state: a bounded number of series by their labels.

use std::collections::HashMap;

use tracing::warn;

use crate::call::Call;
use crate::series::{Key, Series};

/// What a series takes at most beside its labels: its counts, its part of a checkpoint, and its rows of a scrape.
const SERIES_BYTES: usize = 20 << 10;

/// Its labels stand in its key, twice where a checkpoint is made, and in each of its rows of a scrape, at most thirteen.
const LABEL_COPIES: usize = 16;

/// The last calls whose series are remembered.
const LATELY: usize = 64;

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
    series: Vec<(Key, Series)>,
    places: HashMap<Key, usize>,
    /// The keys of the last calls and the places of their series. Calls share their keys, so that these need not be read.
    lately: [Option<(Key, usize)>; LATELY],
    /// What the series take, at most.
    bytes: usize,
}

impl State {
    pub(crate) fn new(limits: Limits) -> Self {
        Self::with(limits, 0, HashMap::new())
    }

    /// The state with series that were saved, also more than the limits allow.
    pub(crate) fn with(limits: Limits, last_unix_nano: i64, series: HashMap<Key, Series>) -> Self {
        let bytes = series.keys().map(|key| series_bytes(key)).sum();
        let series: Vec<_> = series.into_iter().collect();
        let places = series.iter().enumerate().map(|(place, (key, _))| (key.clone(), place)).collect();
        Self { limits, last_unix_nano, series, places, lately: [const { None }; LATELY], bytes }
    }

    pub(crate) fn add(&mut self, call: &Call<'_>) {
        self.last_unix_nano = self.last_unix_nano.max(call.received_unix_nano);
        let place = self.place(call);
        if let Some((_, series)) = self.series.get_mut(place) {
            series.add(call);
        }
    }

    /// Where the series of a call stands.
    fn place(&mut self, call: &Call<'_>) -> usize {
        // What is allocated stands at a multiple of 16.
        let slot = (call.labels.as_ptr().addr() >> 4) % LATELY;
        if let Some((_, place)) =
            self.lately.get(slot).and_then(Option::as_ref).filter(|(key, _)| Key::ptr_eq(key, call.labels))
        {
            return *place;
        }
        let place = self.places.get(call.labels).copied().unwrap_or_else(|| self.open(call));
        self.lately.get_mut(slot).into_iter().for_each(|lately| *lately = Some((call.labels.clone(), place)));
        place
    }

    /// Begins the series of a call, or the one that counts the rest.
    fn open(&mut self, call: &Call<'_>) -> usize {
        let key = if self.is_full(call.labels) { Key::from([]) } else { call.labels.clone() };
        if let Some(place) = self.places.get(&key) {
            return *place;
        }
        if key.is_empty() {
            let (series, bytes) = (self.series.len(), self.bytes);
            warn!(
                series,
                bytes, "more series than max_series or the memory allow, the rest is counted as one"
            );
        }
        self.bytes += series_bytes(&key);
        let place = self.series.len();
        self.places.insert(key.clone(), place);
        self.series.push((key, Series::new(call.received_unix_nano)));
        place
    }

    /// Whether there is no room for a series of this key.
    fn is_full(&self, key: &[u8]) -> bool {
        self.series.len() >= self.limits.max_series
            || self.bytes + series_bytes(key) > self.limits.memory_bytes
    }

    /// The series in the order of their labels.
    pub(crate) fn sorted(&self) -> Vec<(&Key, &Series)> {
        let mut sorted: Vec<_> = self.series.iter().map(|(key, series)| (key, series)).collect();
        sorted.sort_unstable_by_key(|(key, _)| *key);
        sorted
    }
}

fn series_bytes(key: &[u8]) -> usize {
    SERIES_BYTES + LABEL_COPIES * key.len()
}
