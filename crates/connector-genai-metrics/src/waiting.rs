//! What waits to be settled: spans that stand for calls, and wrappers that say what the calls below them used.

use crate::call::{Compared, Cost};
use crate::series::Key;

/// What an entry takes beside its texts: in memory, in the indices, and in a checkpoint.
const ENTRY_BYTES: usize = 800;

/// How much was used; what is absent was not said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    /// Input with cache reads and writes, and output with reasoning.
    pub(crate) input_tokens: Option<i64>,
    pub(crate) output_tokens: Option<i64>,
    /// Parts of them, in the order of [`DETAILS`].
    pub(crate) details: [Option<i64>; DETAILS.len()],
}

/// The keys of a wrapper's details. A call has a column for each.
pub(crate) const DETAILS: [&str; 6] = [
    "cache_read.input_tokens",
    "cache_write.input_tokens",
    "cache_write_1h.input_tokens",
    "reasoning.output_tokens",
    "audio.input_tokens",
    "audio.output_tokens",
];

const CACHE_READ: usize = 0;
const CACHE_WRITE: usize = 1;
const REASONING: usize = 3;

impl Usage {
    pub(crate) fn is_empty(&self) -> bool {
        self.input_tokens.is_none() && self.output_tokens.is_none()
    }

    /// How many figures there are.
    pub(crate) fn figures(&self) -> usize {
        self.all().iter().flatten().count()
    }

    pub(crate) fn totals(&self) -> (Option<i64>, Option<i64>) {
        (self.input_tokens, self.output_tokens)
    }

    /// Whether these totals are the other's, or the other's with the parts that it left out.
    pub(crate) fn contains(&self, other: &Self) -> bool {
        let part = |place: usize| self.details.get(place).copied().flatten().unwrap_or(0);
        let cached = part(CACHE_READ).saturating_add(part(CACHE_WRITE));
        let is_met = |mine: Option<i64>, other: Option<i64>, left_out: i64| match (mine, other) {
            (_, None) => true,
            (None, Some(_)) => false,
            (Some(mine), Some(other)) => mine == other || mine == other.saturating_add(left_out),
        };
        is_met(self.input_tokens, other.input_tokens, cached)
            && is_met(self.output_tokens, other.output_tokens, part(REASONING))
    }

    /// Whether it says something that the other does not.
    pub(crate) fn says_more_than(&self, other: &Self) -> bool {
        self.all().iter().zip(other.all()).any(|(mine, other)| mine.is_some() && other.is_none())
    }

    /// This usage, with the other's figures where it has none.
    pub(crate) fn or(self, other: &Self) -> Self {
        let mut details = self.details;
        details.iter_mut().zip(other.details).for_each(|(mine, other)| *mine = mine.or(other));
        Self {
            input_tokens: self.input_tokens.or(other.input_tokens),
            output_tokens: self.output_tokens.or(other.output_tokens),
            details,
        }
    }

    /// Input, output, then the details.
    pub(crate) fn all(&self) -> [Option<i64>; 2 + DETAILS.len()] {
        let [a, b, c, d, e, f] = self.details;
        [self.input_tokens, self.output_tokens, a, b, c, d, e, f]
    }
}

/// Who a span is, and when it was. Texts that are only compared are hashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity {
    /// Of the trace's id.
    pub(crate) trace: u64,
    /// Of both its ids.
    pub(crate) span: u64,
    /// The same of its parent.
    pub(crate) parent: Option<u64>,
    /// The ids as numbers: what decides at last.
    pub(crate) ids: (u128, u64),
    /// When it was received.
    pub(crate) received_unix_nano: i64,
    /// When it came by log time, which never goes back.
    pub(crate) arrived_unix_nano: i64,
}

/// A span that stands for a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub(crate) identity: Identity,
    /// Its labels as the key of its series.
    pub(crate) labels: Key,
    /// Of the response's id, if it has one.
    pub(crate) response: Option<u64>,
    pub(crate) model: u64,
    pub(crate) instance: u64,
    pub(crate) scope: u64,
    pub(crate) kind: u64,
    pub(crate) is_error: bool,
    pub(crate) is_estimated: bool,
    pub(crate) start_unix_nano: i64,
    pub(crate) duration_ns: i64,
    pub(crate) usage: Usage,
    pub(crate) cost: Cost,
    /// What the sender says and what the price table says, where both say something.
    pub(crate) compared: Option<Compared>,
}

/// The model of a call that names none.
pub(crate) const NO_MODEL: u64 = 0;

impl Waiting {
    /// Whether it says neither which model was called nor what was used.
    pub(crate) fn is_mute(&self) -> bool {
        self.model == NO_MODEL && self.usage.is_empty()
    }

    pub(crate) fn bytes(&self) -> usize {
        // The labels stand in a checkpoint as well.
        ENTRY_BYTES + 2 * self.labels.len()
    }

    pub(crate) fn end_unix_nano(&self) -> i64 {
        self.start_unix_nano.saturating_add(self.duration_ns)
    }
}

/// A span that is no call and says what was used below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wrapper {
    pub(crate) identity: Identity,
    pub(crate) usage: Usage,
    /// Units of 1e-12 USD.
    pub(crate) cost: Option<i128>,
}

impl Wrapper {
    pub(crate) const BYTES: usize = 400;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(input: i64, output: i64, cache_read: Option<i64>, reasoning: Option<i64>) -> Usage {
        let details = [cache_read, None, None, reasoning, None, None];
        Usage { input_tokens: Some(input), output_tokens: Some(output), details }
    }

    #[test]
    fn totals_contain_those_that_left_their_parts_out_and_no_others() {
        let wrapper = usage(139, 20, Some(100), Some(8));
        for (input, output) in [(139, 20), (39, 20), (139, 12), (39, 12)] {
            assert!(wrapper.contains(&usage(input, output, None, None)), "{input} {output}");
        }
        assert!(wrapper.contains(&Usage::default()), "no usage at all is contained");
        for (input, output) in [(138, 20), (140, 20), (139, 21), (0, 20)] {
            assert!(!wrapper.contains(&usage(input, output, None, None)), "{input} {output}");
        }
    }
}
