//! The fields of a call that attributes can fill.

use Field::*;

/// A field of a call that an attribute can fill; the column of the same name, unless said otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are those of the columns")]
pub enum Field {
    /// The column `call_kind`: what the sender calls the kind of span.
    Kind,
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
    Tags,
}

impl Field {
    /// Every field, and the column it fills.
    const COLUMNS: [(Field, &'static str); Self::COUNT] = [
        (Kind, "call_kind"),
        (Operation, "operation"),
        (Provider, "provider"),
        (ServerAddress, "server_address"),
        (RequestModel, "request_model"),
        (ResponseModel, "response_model"),
        (ResponseId, "response_id"),
        (FinishReasons, "finish_reasons"),
        (ServiceTier, "service_tier"),
        (IsStream, "is_stream"),
        (Temperature, "temperature"),
        (TopP, "top_p"),
        (MaxTokens, "max_tokens"),
        (ChoiceCount, "choice_count"),
        (TimeToFirstToken, "ttft_ns"),
        (InputTokens, "input_tokens"),
        (OutputTokens, "output_tokens"),
        (CacheRead, "cache_read_input_tokens"),
        (CacheWrite, "cache_write_input_tokens"),
        (CacheWrite5m, "cache_write_input_tokens"),
        (CacheWrite1h, "cache_write_1h_input_tokens"),
        (Reasoning, "reasoning_output_tokens"),
        (AudioInput, "audio_input_tokens"),
        (AudioOutput, "audio_output_tokens"),
        (TextInput, "usage_details"),
        (ImageInput, "usage_details"),
        (VideoInput, "usage_details"),
        (TextOutput, "usage_details"),
        (ImageOutput, "usage_details"),
        (VideoOutput, "usage_details"),
        (TextCacheRead, "usage_details"),
        (ImageCacheRead, "usage_details"),
        (AudioCacheRead, "usage_details"),
        (VideoCacheRead, "usage_details"),
        (TotalTokens, "total_tokens"),
        (ReportedCost, "reported_cost"),
        (SessionId, "session_id"),
        (ConversationId, "conversation_id"),
        (UserId, "user_id"),
        (AgentName, "agent_name"),
        (AgentId, "agent_id"),
        (WorkflowName, "workflow_name"),
        (ToolName, "tool_name"),
        (ToolCallId, "tool_call_id"),
        (PromptName, "prompt_name"),
        (PromptVersion, "prompt_version"),
        (Tags, "tags"),
    ];

    /// Every field.
    pub(crate) fn all() -> impl Iterator<Item = Field> {
        Self::COLUMNS.iter().map(|(field, _)| *field)
    }

    /// The column that a field fills, or is a part of.
    pub(crate) fn column(self) -> &'static str {
        Self::COLUMNS.get(self as usize).map_or("", |(_, column)| column)
    }

    /// How many fields there are.
    pub const COUNT: usize = Tags as usize + 1;

    /// Whether the field's column is a text as it was sent.
    pub(crate) fn is_text(self) -> bool {
        matches!(
            self,
            Operation | Provider | ServerAddress | RequestModel | ResponseModel | ResponseId | ServiceTier
        ) || matches!(self, SessionId | ConversationId | UserId | AgentName | AgentId | WorkflowName)
            || matches!(self, ToolName | ToolCallId | PromptName | PromptVersion)
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_in_the_order_of_the_fields() {
        assert!(Field::all().enumerate().all(|(place, field)| place == field as usize));
    }
}
