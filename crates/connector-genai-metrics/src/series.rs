//! What is counted of calls with the same labels, and the key those labels make.

use std::str;
use std::sync::Arc;

use crate::call::{Call, Compared, Cost, LABEL_NAMES, LABELS, UNPRICED, count};
use crate::histogram::{DURATION_BOUNDS_NS, Histogram, TOKEN_BOUNDS};

/// Longer texts are cut, so that the memory of a series is bounded whatever a sender calls its model.
const LABEL_BYTES_MAX: usize = 256;

/// Stands after each value; never part of UTF-8.
const END: u8 = 0xff;

/// Counts of calls with the same labels. Money and time are integers, so that they add up exactly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Series {
    /// When the first of them was received.
    pub(crate) start_unix_nano: i64,
    pub(crate) errors: u64,
    /// Units of 1e-12 USD.
    pub(crate) cost: i128,
    /// Over the calls that have both costs.
    pub(crate) compared: Compared,
    /// Calls without a cost, by reason: see [`UNPRICED`].
    pub(crate) unpriced: [u64; UNPRICED.len()],
    pub(crate) duration_ns: Histogram,
    pub(crate) input_tokens: Histogram,
    pub(crate) output_tokens: Histogram,
}

impl Series {
    pub(crate) fn new(start_unix_nano: i64) -> Self {
        Self {
            start_unix_nano,
            errors: 0,
            cost: 0,
            compared: Compared::default(),
            unpriced: [0; UNPRICED.len()],
            duration_ns: Histogram::new(&DURATION_BOUNDS_NS),
            input_tokens: Histogram::new(&TOKEN_BOUNDS),
            output_tokens: Histogram::new(&TOKEN_BOUNDS),
        }
    }

    pub(crate) fn add(&mut self, call: &Call<'_>) {
        // A span that ended before it started took no time; a sum never goes down.
        self.duration_ns.add(count(call.duration_ns).unwrap_or_default());
        self.errors = self.errors.saturating_add(u64::from(call.is_error));
        if let Some(tokens) = call.input_tokens.and_then(count) {
            self.input_tokens.add(tokens);
        }
        if let Some(tokens) = call.output_tokens.and_then(count) {
            self.output_tokens.add(tokens);
        }
        if let Some(Compared { reported, derived }) = call.compared {
            self.compared.reported = self.compared.reported.saturating_add(reported);
            self.compared.derived = self.compared.derived.saturating_add(derived);
        }
        match call.cost {
            Cost::Priced(cost) => self.cost = self.cost.saturating_add(cost),
            Cost::Unpriced(reason) => {
                if let Some(count) = self.unpriced.get_mut(reason) {
                    *count = count.saturating_add(1);
                }
            }
        }
    }

    /// Every call has a duration.
    pub(crate) fn calls(&self) -> u64 {
        self.duration_ns.count()
    }

    pub(crate) fn has_priced_calls(&self) -> bool {
        self.unpriced.iter().fold(0, |sum: u64, count| sum.saturating_add(*count)) < self.calls()
    }
}

/// The labels of a series as bytes. The empty key is that of the overflow series.
pub(crate) type Key = Arc<[u8]>;

/// Writes the key of those labels into `key`.
pub(crate) fn write_key(labels: [&str; LABELS], key: &mut Vec<u8>) {
    key.clear();
    for label in labels {
        let cut = label.floor_char_boundary(LABEL_BYTES_MAX);
        key.extend_from_slice(label.as_bytes().get(..cut).unwrap_or_default());
        key.push(END);
    }
}

/// The labels of a key that are present, by name.
pub(crate) fn labels(key: &[u8]) -> Vec<(&'static str, &str)> {
    if key.is_empty() {
        return vec![("otel.metric.overflow", "true")];
    }
    let values = key.split(|byte| *byte == END).map(|value| str::from_utf8(value).unwrap_or_default());
    LABEL_NAMES.into_iter().zip(values).filter(|(_, value)| !value.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_gives_back_its_labels_and_cuts_long_ones_between_characters() {
        let long = format!("{}é", "x".repeat(255));
        let mut key = Vec::new();
        write_key(["chat", "", &long, "", "", "", "a\0b"], &mut key);
        let cut = "x".repeat(255);
        let expected = [
            ("gen_ai.operation.name", "chat"),
            ("gen_ai.request.model", cut.as_str()),
            ("error.type", "a\0b"),
        ];
        assert_eq!(labels(&key), expected);
        assert_eq!(labels(b""), [("otel.metric.overflow", "true")]);
    }
}
