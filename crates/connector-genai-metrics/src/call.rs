//! A model call as it is counted.

use crate::series::Key;

/// How many labels tell calls apart.
pub(crate) const LABELS: usize = 7;

/// Their names, after the GenAI conventions, in the order of a call's labels.
pub(crate) const LABEL_NAMES: [&str; LABELS] = [
    "gen_ai.operation.name",
    "gen_ai.provider.name",
    "gen_ai.request.model",
    "gen_ai.response.model",
    "service.name",
    "otel.status_code",
    "error.type",
];

/// Why a call has no cost: the words of the column `cost_status`, and `other` for what is none of them.
pub(crate) const UNPRICED: [&str; 5] =
    ["unknown_model", "unknown_provider", "no_usage", "invalid_usage", "other"];

/// One call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call<'a> {
    /// Its labels as the key of its series.
    pub(crate) labels: &'a Key,
    pub(crate) is_error: bool,
    pub(crate) duration_ns: i64,
    pub(crate) input_tokens: Option<i64>,
    pub(crate) output_tokens: Option<i64>,
    pub(crate) cost: Cost,
    /// What the sender says and what the price table says, where both say something.
    pub(crate) compared: Option<Compared>,
    pub(crate) received_unix_nano: i64,
}

/// What a call cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cost {
    /// Units of 1e-12 USD.
    Priced(i128),
    /// The place of the reason in [`UNPRICED`].
    Unpriced(usize),
}

/// Two costs of the same calls, in units of 1e-12 USD.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Compared {
    pub(crate) reported: i128,
    pub(crate) derived: i128,
}

/// A number below 0 counts nothing.
pub(crate) fn count(number: i64) -> Option<u64> {
    u64::try_from(number).ok()
}
