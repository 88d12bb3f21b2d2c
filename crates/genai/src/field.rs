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
    /// How many fields there are.
    pub(crate) const COUNT: usize = Tags as usize + 1;

    /// Whether the field's column is a text as it was sent.
    pub(crate) fn is_text(self) -> bool {
        !matches!(
            self,
            Kind | FinishReasons
                | IsStream
                | Temperature
                | TopP
                | MaxTokens
                | ChoiceCount
                | TimeToFirstToken
                | Tags
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
}
