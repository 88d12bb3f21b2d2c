//! The conventions as one table: which attributes can fill which field of a call, in which order.
//!
//! To support an older or a newer name, or another instrumentation's, add a row. Of the attributes of a field
//! that a span carries, the one that stands first here counts. Versions are those of the OpenTelemetry
//! semantic conventions; `genai` is their repository of their own, which took over after 1.41; `-` is a name
//! that no version has and that is sent all the same.

use std::sync::LazyLock;

use Field::*;
use Unit::{Plain, Seconds, Usd};

/// A row: this attribute fills this field.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) field: Field,
    pub(crate) attribute: &'static str,
    pub(crate) unit: Unit,
    /// The version that brought it. For the reader; nothing depends on it.
    #[expect(dead_code, reason = "the source of a row belongs to the row")]
    since: &'static str,
}

/// What a number stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// As it is.
    Plain,
    /// A time.
    Seconds,
    /// Money.
    Usd,
}

const fn row(field: Field, attribute: &'static str, unit: Unit, since: &'static str) -> Row {
    Row { field, attribute, unit, since }
}

#[rustfmt::skip]
pub(crate) const ROWS: &[Row] = &[
    row(Operation,         "gen_ai.operation.name",                        Plain,   "1.27"),
    row(Provider,          "gen_ai.provider.name",                         Plain,   "1.37"),
    row(Provider,          "gen_ai.system",                                Plain,   "1.27"),
    row(ServerAddress,     "server.address",                               Plain,   "1.27"),
    row(RequestModel,      "gen_ai.request.model",                         Plain,   "1.27"),
    row(ResponseModel,     "gen_ai.response.model",                        Plain,   "1.27"),
    row(ResponseId,        "gen_ai.response.id",                           Plain,   "1.27"),
    row(FinishReasons,     "gen_ai.response.finish_reasons",               Plain,   "1.27"),
    row(ServiceTier,       "openai.response.service_tier",                 Plain,   "1.37"),
    row(ServiceTier,       "gen_ai.openai.response.service_tier",          Plain,   "1.28"),
    row(ServiceTier,       "anthropic.response.service_tier",              Plain,   "-"),

    row(IsStream,          "gen_ai.request.stream",                        Plain,   "1.41"),
    row(Temperature,       "gen_ai.request.temperature",                   Plain,   "1.27"),
    row(TopP,              "gen_ai.request.top_p",                         Plain,   "1.27"),
    row(MaxTokens,         "gen_ai.request.max_tokens",                    Plain,   "1.27"),
    row(ChoiceCount,       "gen_ai.request.choice.count",                  Plain,   "1.31"),
    row(TimeToFirstToken,  "gen_ai.response.time_to_first_chunk",          Seconds, "1.41"),
    row(TimeToFirstToken,  "gen_ai.client.operation.time_to_first_chunk",  Seconds, "-"),

    row(InputTokens,       "gen_ai.usage.input_tokens",                    Plain,   "1.27"),
    row(InputTokens,       "gen_ai.usage.prompt_tokens",                   Plain,   "1.26"),
    row(OutputTokens,      "gen_ai.usage.output_tokens",                   Plain,   "1.27"),
    row(OutputTokens,      "gen_ai.usage.completion_tokens",               Plain,   "1.26"),
    row(CacheRead,         "gen_ai.usage.cache_read.input_tokens",         Plain,   "1.40"),
    row(CacheRead,         "gen_ai.usage.cache_read_input_tokens",         Plain,   "-"),
    row(CacheRead,         "gen_ai.usage.details.cache_read_tokens",       Plain,   "-"),
    row(CacheRead,         "gen_ai.usage.details.cache_read_input_tokens", Plain,   "-"),
    row(CacheWrite,        "gen_ai.usage.cache_write.input_tokens",        Plain,   "genai"),
    row(CacheWrite,        "gen_ai.usage.cache_creation.input_tokens",     Plain,   "1.40"),
    row(CacheWrite,        "gen_ai.usage.cache_creation_input_tokens",     Plain,   "-"),
    row(CacheWrite,        "gen_ai.usage.cache_write_input_tokens",        Plain,   "-"),
    row(CacheWrite,        "gen_ai.usage.details.cache_write_tokens",      Plain,   "-"),
    row(CacheWrite5m,      "anthropic.usage.cache_creation.ephemeral_5m_input_tokens", Plain, "-"),
    row(CacheWrite1h,      "anthropic.usage.cache_creation.ephemeral_1h_input_tokens", Plain, "-"),
    row(Reasoning,         "gen_ai.usage.reasoning.output_tokens",         Plain,   "1.41"),
    row(Reasoning,         "gen_ai.usage.reasoning_tokens",                Plain,   "-"),
    row(Reasoning,         "gen_ai.usage.details.reasoning_tokens",        Plain,   "-"),
    row(Reasoning,         "gen_ai.usage.details.thoughts_tokens",         Plain,   "-"),
    row(AudioInput,        "gen_ai.usage.audio.input_tokens",              Plain,   "genai"),
    row(AudioOutput,       "gen_ai.usage.audio.output_tokens",             Plain,   "genai"),
    row(TextInput,         "gen_ai.usage.text.input_tokens",               Plain,   "genai"),
    row(ImageInput,        "gen_ai.usage.image.input_tokens",              Plain,   "genai"),
    row(VideoInput,        "gen_ai.usage.video.input_tokens",              Plain,   "genai"),
    row(TextOutput,        "gen_ai.usage.text.output_tokens",              Plain,   "genai"),
    row(ImageOutput,       "gen_ai.usage.image.output_tokens",             Plain,   "genai"),
    row(VideoOutput,       "gen_ai.usage.video.output_tokens",             Plain,   "genai"),
    row(TextCacheRead,     "gen_ai.usage.text.cache_read.input_tokens",    Plain,   "genai"),
    row(ImageCacheRead,    "gen_ai.usage.image.cache_read.input_tokens",   Plain,   "genai"),
    row(AudioCacheRead,    "gen_ai.usage.audio.cache_read.input_tokens",   Plain,   "genai"),
    row(VideoCacheRead,    "gen_ai.usage.video.cache_read.input_tokens",   Plain,   "genai"),
    row(TotalTokens,       "gen_ai.usage.total_tokens",                    Plain,   "-"),
    row(ReportedCost,      "gen_ai.usage.cost",                            Usd,     "-"),
    row(ReportedCost,      "gen_ai.usage.total_cost",                      Usd,     "-"),
    row(ReportedCost,      "gen_ai.cost.total_cost",                       Usd,     "-"),

    row(SessionId,         "session.id",                                   Plain,   "1.27"),
    row(ConversationId,    "gen_ai.conversation.id",                       Plain,   "1.34"),
    row(UserId,            "user.id",                                      Plain,   "1.27"),
    row(UserId,            "enduser.id",                                   Plain,   "1.27"),
    row(UserId,            "enduser.pseudo.id",                            Plain,   "1.31"),
    row(AgentName,         "gen_ai.agent.name",                            Plain,   "1.31"),
    row(AgentId,           "gen_ai.agent.id",                              Plain,   "1.31"),
    row(WorkflowName,      "gen_ai.workflow.name",                         Plain,   "1.41"),
    row(ToolName,          "gen_ai.tool.name",                             Plain,   "1.31"),
    row(ToolCallId,        "gen_ai.tool.call.id",                          Plain,   "1.31"),
    row(PromptName,        "gen_ai.prompt.name",                           Plain,   "1.39"),
    row(PromptVersion,     "gen_ai.prompt.version",                        Plain,   "genai"),

    row(InputMessages,     "gen_ai.input.messages",                        Plain,   "1.37"),
    row(OutputMessages,    "gen_ai.output.messages",                       Plain,   "1.37"),
    row(SystemInstructions, "gen_ai.system_instructions",                  Plain,   "1.37"),
    row(ToolDefinitions,   "gen_ai.tool.definitions",                      Plain,   "1.38"),
    row(ToolArguments,     "gen_ai.tool.call.arguments",                   Plain,   "1.38"),
    row(ToolResult,        "gen_ai.tool.call.result",                      Plain,   "1.38"),
];

/// A field of a call that an attribute can fill; the column of the same name, unless said otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are those of the columns")]
pub enum Field {
    Operation,
    /// The columns `provider_raw` as sent and `provider`.
    Provider,
    ServerAddress,
    RequestModel,
    ResponseModel,
    ResponseId,
    FinishReasons,
    ServiceTier,
    IsStream,
    Temperature,
    TopP,
    MaxTokens,
    ChoiceCount,
    /// The column `ttft_ns`.
    TimeToFirstToken,
    InputTokens,
    OutputTokens,
    CacheRead,
    CacheWrite,
    /// No column: a part of `cache_write_input_tokens`.
    CacheWrite5m,
    CacheWrite1h,
    Reasoning,
    AudioInput,
    AudioOutput,
    /// The column `usage_details`, as all down to [`Field::VideoCacheRead`]: see [`Field::DETAILS`].
    TextInput,
    ImageInput,
    VideoInput,
    TextOutput,
    ImageOutput,
    VideoOutput,
    TextCacheRead,
    ImageCacheRead,
    AudioCacheRead,
    VideoCacheRead,
    TotalTokens,
    ReportedCost,
    SessionId,
    ConversationId,
    UserId,
    AgentName,
    AgentId,
    WorkflowName,
    ToolName,
    ToolCallId,
    PromptName,
    PromptVersion,
    InputMessages,
    OutputMessages,
    SystemInstructions,
    ToolDefinitions,
    ToolArguments,
    ToolResult,
}

impl Field {
    /// How many fields there are.
    pub(crate) const COUNT: usize = ToolResult as usize + 1;

    /// Whether the field's column is a text as it was sent.
    pub(crate) fn is_text(self) -> bool {
        !matches!(
            self,
            FinishReasons | IsStream | Temperature | TopP | MaxTokens | ChoiceCount | TimeToFirstToken
        ) && !matches!(
            self,
            InputTokens | OutputTokens | CacheRead | CacheWrite | CacheWrite5m | CacheWrite1h
        ) && !matches!(self, Reasoning | AudioInput | AudioOutput | TotalTokens | ReportedCost)
            && !Self::DETAILS.iter().any(|(detail, _)| *detail == self)
    }

    /// The counts that the price depends on.
    pub(crate) const PRICED: [Field; 9] = [
        InputTokens,
        OutputTokens,
        CacheRead,
        CacheWrite,
        CacheWrite5m,
        CacheWrite1h,
        Reasoning,
        AudioInput,
        AudioOutput,
    ];

    /// The counts that the price does not depend on, with their keys in `usage_details`.
    pub const DETAILS: [(Field, &'static str); 10] = [
        (TextInput, "text.input_tokens"),
        (ImageInput, "image.input_tokens"),
        (VideoInput, "video.input_tokens"),
        (TextOutput, "text.output_tokens"),
        (ImageOutput, "image.output_tokens"),
        (VideoOutput, "video.output_tokens"),
        (TextCacheRead, "text.cache_read.input_tokens"),
        (ImageCacheRead, "image.cache_read.input_tokens"),
        (AudioCacheRead, "audio.cache_read.input_tokens"),
        (VideoCacheRead, "video.cache_read.input_tokens"),
    ];

    /// The fields that hold what was said.
    pub const CONTENT: [Field; 6] =
        [InputMessages, OutputMessages, SystemInstructions, ToolDefinitions, ToolArguments, ToolResult];
}

/// The place in [`ROWS`] of the row for an attribute, and its field.
pub(crate) fn row_of(attribute: &str) -> Option<(u16, Field)> {
    // Most attributes are none of these, and few of these are of one length: that tells faster than a hash.
    static BY_LENGTH: LazyLock<Vec<Vec<(u16, &'static Row)>>> = LazyLock::new(|| {
        let longest = ROWS.iter().map(|row| row.attribute.len()).max().unwrap_or(0);
        let of_length = |length| (0..).zip(ROWS).filter(|(_, row)| row.attribute.len() == length).collect();
        (0..=longest).map(of_length).collect()
    });
    let rows = BY_LENGTH.get(attribute.len())?;
    rows.iter().find(|(_, row)| row.attribute == attribute).map(|(place, row)| (*place, row.field))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_attribute_stands_in_the_table_once() {
        let mut attributes: Vec<_> = ROWS.iter().map(|row| row.attribute).collect();
        attributes.sort_unstable();
        attributes.dedup();
        assert_eq!(attributes.len(), ROWS.len());
    }

    #[test]
    fn every_field_has_an_attribute() {
        let mut fields: Vec<_> = ROWS.iter().map(|row| row.field as usize).collect();
        fields.sort_unstable();
        fields.dedup();
        assert_eq!(fields, (0..Field::COUNT).collect::<Vec<_>>());
    }

    #[test]
    fn details_of_usage_are_called_as_their_attributes_are() {
        for (field, key) in Field::DETAILS {
            let mut rows = ROWS.iter().filter(|row| row.field == field);
            assert_eq!(rows.next().map(|row| row.attribute), Some(format!("gen_ai.usage.{key}").as_str()));
        }
    }

    #[test]
    fn times_and_money_are_read_in_their_units() {
        for row in ROWS {
            let expected = match row.field {
                TimeToFirstToken => Seconds,
                ReportedCost => Usd,
                _ => Plain,
            };
            assert_eq!(row.unit, expected, "{}", row.attribute);
        }
    }
}
