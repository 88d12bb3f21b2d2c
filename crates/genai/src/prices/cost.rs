//! What is asked of a table of prices, and what it answers.

use std::sync::Arc;

/// What is to be known of a call for its price.
#[derive(Debug, Clone, Copy, Default)]
pub struct CallRef<'a> {
    /// The provider as the caller calls it: an id of the table, or any name of the conventions.
    pub provider: Option<&'a str>,
    /// The host the call went to. Where it is a known provider's, it counts more than the name.
    pub server_address: Option<&'a str>,
    /// The model that answered.
    pub model: Option<&'a str>,
    /// The model that was asked for; counts when the other has no price.
    pub request_model: Option<&'a str>,
    /// When the call began.
    pub start_unix_nano: i64,
    /// The tier that served the call, from the response.
    pub service_tier: Option<&'a str>,
    /// `batch`, where the call was part of one.
    pub processing: Option<&'a str>,
    /// `fast`, where the provider served the call so.
    pub speed: Option<&'a str>,
    /// What was used.
    pub usage: Usage,
    /// Parts of it by modality, and what else is counted, by the keys of the column `usage_details`.
    pub details: &'a [(&'static str, i64)],
}

/// Tokens of a call; `None` is "not known", never 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// All input, cache reads and writes included.
    pub input_tokens: Option<i64>,
    /// All output, reasoning included.
    pub output_tokens: Option<i64>,
    /// The part of the input that was read from a cache.
    pub cache_read_input_tokens: Option<i64>,
    /// The part of the input that was written to a cache.
    pub cache_write_input_tokens: Option<i64>,
    /// The part of that which the cache keeps for an hour.
    pub cache_write_1h_input_tokens: Option<i64>,
    /// The part of the output that was reasoning.
    pub reasoning_output_tokens: Option<i64>,
    /// The part of the input that was audio.
    pub audio_input_tokens: Option<i64>,
    /// The part of the output that was audio.
    pub audio_output_tokens: Option<i64>,
}

impl Usage {
    /// What the table calls the counts, in the order of [`Usage::counts`].
    pub(super) const KEYS: [&'static str; 8] = [
        "input_tokens",
        "output_tokens",
        "cache_read_tokens",
        "cache_write_tokens",
        "cache_write_1h_tokens",
        "output_reasoning_tokens",
        "input_audio_tokens",
        "output_audio_tokens",
    ];

    pub(super) fn counts(&self) -> [Option<i64>; Self::KEYS.len()] {
        [
            self.input_tokens,
            self.output_tokens,
            self.cache_read_input_tokens,
            self.cache_write_input_tokens,
            self.cache_write_1h_input_tokens,
            self.reasoning_output_tokens,
            self.audio_input_tokens,
            self.audio_output_tokens,
        ]
    }
}

/// What became of the attempt to price a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CostStatus {
    /// There is a cost.
    Priced,
    /// The cost is what the sender says, since the settings prefer that.
    Reported,
    /// No model of this name has a price.
    UnknownModel,
    /// No provider of this name is in the table.
    UnknownProvider,
    /// The call does not say how much it used.
    NoUsage,
    /// The numbers contradict each other, or one is missing that the price depends on.
    InvalidUsage,
    /// The span does not stand for a call.
    NotBillable,
}

impl CostStatus {
    /// The text in the column `cost_status`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Priced => "priced",
            Self::Reported => "reported",
            Self::UnknownModel => "unknown_model",
            Self::UnknownProvider => "unknown_provider",
            Self::NoUsage => "no_usage",
            Self::InvalidUsage => "invalid_usage",
            Self::NotBillable => "not_billable",
        }
    }
}

/// The cost of a call in USD with twelve decimals: 1 is 0.000000000001 dollars.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cost {
    /// Whether there is a cost, and why not.
    pub status: CostStatus,
    /// The entry of the table, found also where usage is missing.
    pub entry: Option<Arc<Entry>>,
    /// Of the input.
    pub input: Option<i128>,
    /// Of the output; none where no output was counted.
    pub output: Option<i128>,
    /// Of the call; rounded by itself, not a sum of the two.
    pub total: Option<i128>,
}

/// What gave a price: an entry of the table, or an override.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Who served the call, by the table's id; as the sender calls it where the table does not know it.
    pub provider: Arc<str>,
    /// `openai/gpt-4o`: the provider that lists the model, and its id there; `overrides::0` for the first override.
    pub model_id: Arc<str>,
    /// Whether the name of the model that answered led here, and not that of the model asked for.
    pub is_response_model: bool,
    /// What the name of the model stands for, where it is an alias.
    pub alias: Option<Alias>,
}

/// What a gateway's name for a model stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alias {
    /// The canonical name of the provider, where the alias says one.
    pub provider: Option<Arc<str>>,
    /// The model, in lower case.
    pub model: Arc<str>,
}

impl Cost {
    /// No cost, and why.
    pub(crate) fn none(status: CostStatus, entry: Option<Arc<Entry>>) -> Self {
        Self { status, entry, input: None, output: None, total: None }
    }

    /// What the sender says, of which nobody knows the parts.
    pub(super) fn reported(usd: i128, entry: Option<Arc<Entry>>) -> Self {
        Self { status: CostStatus::Reported, entry, input: None, output: None, total: Some(usd) }
    }
}
