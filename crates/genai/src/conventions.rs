//! The conventions as one table: what can fill which field of a call, in which order.
//!
//! To support an older or a newer name, or another instrumentation's, add a row. Of the sources of a field that a span
//! has, the one that stands first here counts. The last column says where a name comes from: versions are those of
//! the OpenTelemetry semantic conventions, `genai` is their repository of their own, which took over after 1.41, and
//! others are the instrumentation that sends it, whatever convention it follows else.

use std::sync::LazyLock;

use rustc_hash::FxHashMap;

use crate::dialect::Dialect::{
    self, ClaudeCode, Genkit, GoogleAdk, Langfuse, Litellm, Livekit, Mlflow, Openinference, PydanticAi,
};
use crate::names::Names;
use crate::{CallKind, Field};
use Field::*;
use Origin::{Attribute, Event, Json, SpanName};
use Unit::{
    AfterSlash, AskedOrAnswered, BeforeSlash, Commas, Instant, Milliseconds, Nanoseconds, Plain,
    Provider as OfProvider, SecondWord, Seconds, SecondsOrMilliseconds, Usd,
};
use When::{Always, Calls, Of};

/// A row: this fills this field.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) field: Field,
    /// The name of an attribute or an event.
    pub(crate) name: &'static str,
    pub(crate) from: Origin,
    pub(crate) unit: Unit,
    pub(crate) when: When,
    /// The only dialect whose spans it counts for: other senders mean something else by the name.
    pub(crate) only: Option<Dialect>,
    /// What brought it.
    pub(crate) since: &'static str,
}

/// Where in a span a value stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// In an attribute.
    Attribute,
    /// In an attribute that holds JSON, at this path: see [`crate::json`].
    Json(&'static str),
    /// The time of the first event of this name.
    Event,
    /// It is the name of the span.
    SpanName,
}

/// How a value is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// As it is.
    Plain,
    Seconds,
    Milliseconds,
    Nanoseconds,
    /// Seconds, unless they would be longer than the span: then milliseconds.
    SecondsOrMilliseconds,
    /// A moment; what counts is the time since the span began.
    Instant,
    Usd,
    /// Tokens as the provider itself counts them.
    Provider,
    /// The model that answered, or where there was no answer the one that was asked.
    AskedOrAnswered,
    /// What stands before the first `/`.
    BeforeSlash,
    /// What stands behind the first `/`, or all.
    AfterSlash,
    /// What stands behind the first of two words.
    SecondWord,
    /// Texts between commas.
    Commas,
}

/// Which spans a row counts for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    Always,
    /// Those that stand for a call of a model: the value stands in a large text, or means something else elsewhere.
    Calls,
    Of(CallKind),
}

impl Row {
    const fn of(self, dialect: Dialect) -> Self {
        Self { only: Some(dialect), ..self }
    }

    const fn when(self, when: When) -> Self {
        Self { when, ..self }
    }

    const fn unit(self, unit: Unit) -> Self {
        Self { unit, ..self }
    }

    /// Whether it counts for spans of a dialect.
    pub(crate) fn is_of(&self, dialect: Dialect) -> bool {
        self.only.is_none_or(|only| only == dialect)
    }
}

/// An attribute.
const fn row(field: Field, name: &'static str, since: &'static str) -> Row {
    Row { field, name, from: Attribute, unit: Plain, when: Always, only: None, since }
}

/// A value in an attribute that holds JSON.
const fn json(field: Field, name: &'static str, path: &'static str, since: &'static str) -> Row {
    Row { from: Json(path), ..row(field, name, since) }
}

/// A value in an answer of a model, which can be a large text.
const fn answer(field: Field, name: &'static str, path: &'static str, since: &'static str) -> Row {
    Row { from: Json(path), when: Calls, ..row(field, name, since) }
}

/// The time of an event.
const fn event(field: Field, name: &'static str, since: &'static str) -> Row {
    Row { from: Event, unit: Instant, when: Calls, ..row(field, name, since) }
}

/// The name of the span.
const fn span_name(field: Field, when: When, since: &'static str) -> Row {
    Row { from: SpanName, when, ..row(field, "", since) }
}

/// An attribute of a span whose sender has read it already, and what the span stands for: what its attributes of the
/// current conventions say is settled.
pub const NORMALISED: &str = "spanledger.call_kind";

const USAGE: &str = "langfuse.observation.usage_details";
const LITELLM: &str = "metadata.usage_object";
const LANGSMITH: &str = "langsmith.metadata.usage_metadata";
const LANGSMITH_VOICE: &str = "langsmith.usage_metadata";
const MLFLOW: &str = "mlflow.chat.tokenUsage";
const VERCEL: &str = "ai.response.providerMetadata";
const ADK: &str = "gcp.vertex.agent.llm_response";
const PARAMETERS: &str = "llm.invocation_parameters";
const INPUT_DETAILS: &str = "gen_ai.usage.input_token_details";
const OUTPUT_DETAILS: &str = "gen_ai.usage.output_token_details";
const LANGFUSE_PARAMETERS: &str = "langfuse.observation.model.parameters";

// One table at one address: what counts is told from what does not by where its row stands.
#[rustfmt::skip]
pub(crate) static ROWS: &[Row] = &[
    row(Kind, NORMALISED,                                         "Spanledger, of a span that it passed on"),
    row(Kind, "openinference.span.kind",                          "OpenInference"),
    row(Kind, "langfuse.observation.type",                        "Langfuse 3"),
    row(Kind, "langsmith.span.kind",                              "LangSmith"),
    row(Kind, "mlflow.spanType",                                  "MLflow"),
    row(Kind, "ai.operationId",                                   "Vercel AI 3"),
    row(Kind, "genkit:metadata:subtype",                          "Genkit"),
    row(Kind, "span.type",                                        "Claude Code").of(ClaudeCode),
    row(Kind, "traceloop.span.kind",                              "OpenLLMetry"),
    row(Kind, "gen_ai.operation.name",                            "1.27"),
    row(Kind, "llm.request.type",                                 "OpenLLMetry"),
    row(Kind, "gen_ai.span.kind",                                 "Alibaba LoongSuite, Dify"),
    row(Operation, "gen_ai.operation.name",                       "1.27"),

    row(Provider, "gen_ai.provider.name",                         "1.37"),
    row(Provider, "gen_ai.system",                                "1.27"),
    row(Provider, "llm.provider",                                 "OpenInference"),
    row(Provider, "llm.system",                                   "OpenInference"),
    row(Provider, "gen_ai.model.provider",                        "Cloudflare AI Gateway"),
    row(Provider, "llm.vendor",                                   "OpenLLMetry before 0.20, Langtrace"),
    row(Provider, "ai.model.provider",                            "Vercel AI 3"),
    row(Provider, "traceloop.association.properties.ls_provider", "OpenLLMetry"),
    row(Provider, "langfuse.observation.metadata.ls_provider",    "Langfuse 3"),
    row(Provider, "langsmith.metadata.ls_provider",               "LangSmith"),
    row(Provider, "mlflow.llm.provider",                          "MLflow 3"),
    row(Provider, "mlflow.message.format",                        "MLflow 3"),
    row(Provider, "litellm.provider.model",                       "LiteLLM").unit(BeforeSlash),
    json(Provider, "hidden_params", "litellm_provider",           "LiteLLM"),
    json(Provider, "hidden_params", "custom_llm_provider",        "LiteLLM"),
    row(Provider, "genkit:name",                                  "Genkit").unit(BeforeSlash).when(Calls),
    row(ServerAddress, "server.address",                          "1.27"),
    row(ServerAddress, "gen_ai.openai.api_base",                  "OpenLLMetry"),
    json(ServerAddress, PARAMETERS, "base_url",                   "OpenInference"),
    json(ServerAddress, "hidden_params", "api_base",              "LiteLLM"),

    row(RequestModel, "gen_ai.request.model",                     "1.27"),
    row(RequestModel, "llm.request.model_name",                   "OpenInference"),
    row(RequestModel, "llm.input_model_name",                     "OpenInference"),
    row(RequestModel, "reranker.model_name",                      "OpenInference"),
    row(RequestModel, "llm.request.model",                        "OpenLLMetry before 0.20, Langtrace"),
    row(RequestModel, "ai.model.id",                              "Vercel AI 3"),
    json(RequestModel, PARAMETERS, "model",                       "OpenInference"),
    json(RequestModel, "embedding.invocation_parameters", "model", "OpenInference"),
    row(RequestModel, "langfuse.observation.metadata.ls_model_name", "Langfuse 3"),
    row(RequestModel, "langsmith.metadata.ls_model_name",         "LangSmith"),
    row(RequestModel, "model",                                    "MLflow").of(Mlflow),
    row(RequestModel, "model_name",                               "Pydantic AI 0").of(PydanticAi),
    row(RequestModel, "genkit:name",                              "Genkit").unit(AfterSlash).when(Calls),
    answer(RequestModel, "mlflow.spanInputs", "model",            "MLflow"),
    answer(RequestModel, "input.value", "model",                  "OpenInference").of(Openinference),
    span_name(RequestModel, Calls,                                "1.27, `{operation} {model}`").unit(SecondWord),
    row(ResponseModel, "gen_ai.response.model",                   "1.27"),
    row(ResponseModel, "llm.response.model_name",                 "OpenInference"),
    row(ResponseModel, "llm.output_model_name",                   "OpenInference"),
    row(ResponseModel, "llm.response.model",                      "OpenLLMetry before 0.20, Langtrace"),
    row(ResponseModel, "ai.response.model",                       "Vercel AI 4"),
    row(ResponseModel, "langfuse.observation.model.name",         "Langfuse 3").unit(AskedOrAnswered),
    row(ResponseModel, "mlflow.llm.model",                        "MLflow 3"),
    answer(ResponseModel, "output.value", "model",                "OpenInference").of(Openinference),
    answer(ResponseModel, "output.value", "generations.0.0.message.kwargs.response_metadata.model_name", "OpenInference").of(Openinference),
    row(ResponseModel, "llm.model_name",                          "OpenInference").unit(AskedOrAnswered),
    row(ResponseModel, "embedding.model_name",                    "OpenInference").unit(AskedOrAnswered),
    answer(ResponseModel, "mlflow.spanOutputs", "model",          "MLflow"),
    answer(ResponseModel, "mlflow.spanOutputs", "model_version",  "MLflow, Gemini"),
    answer(ResponseModel, "gen_ai.completion", "generations.0.0.message.kwargs.response_metadata.model_name", "LangSmith"),
    answer(ResponseModel, "gen_ai.completion", "llm_output.model_name", "LangSmith"),
    answer(ResponseModel, ADK, "model_version",                   "Google ADK"),
    answer(ResponseModel, "response_data", "model",               "Logfire"),
    row(ResponseId, "gen_ai.response.id",                         "1.27"),
    row(ResponseId, "ai.response.id",                             "Vercel AI 4"),
    row(ResponseId, "langfuse.observation.metadata.id",           "Langfuse 3"),
    answer(ResponseId, "output.value", "id",                      "OpenInference").of(Openinference),
    answer(ResponseId, "output.value", "generations.0.0.message.kwargs.response_metadata.id", "OpenInference").of(Openinference),
    answer(ResponseId, "output.value", "llm_output.id",           "OpenInference").of(Openinference),
    answer(ResponseId, "gen_ai.completion", "generations.0.0.message.kwargs.response_metadata.id", "LangSmith"),
    answer(ResponseId, "gen_ai.completion", "llm_output.id",      "LangSmith"),
    answer(ResponseId, "mlflow.spanOutputs", "id",                "MLflow"),
    answer(ResponseId, "mlflow.spanOutputs", "response_id",       "MLflow, Gemini"),
    answer(ResponseId, "genkit:output", "raw.id",                 "Genkit").of(Genkit),
    answer(ResponseId, "genkit:output", "custom.id",              "Genkit").of(Genkit),
    answer(ResponseId, "genkit:output", "custom.responseId",      "Genkit, Gemini").of(Genkit),
    row(FinishReasons, "gen_ai.response.finish_reasons",          "1.27"),
    row(FinishReasons, "gen_ai.response.finish_reason",           "Semantic Kernel"),
    row(FinishReasons, "llm.finish_reason",                       "OpenInference"),
    row(FinishReasons, "llm.response.finish_reasons",             "OpenInference for Java, LangChain4j"),
    row(FinishReasons, "stop_reason",                             "Claude Code").of(ClaudeCode),
    row(FinishReasons, "ai.response.finishReason",                "Vercel AI 3"),
    row(FinishReasons, "anthropic.message.stop_reason",           "Anthropic SDK"),
    row(FinishReasons, "llm.response.finish_reason",              "OpenLLMetry"),
    row(FinishReasons, "llm.response.stop_reason",                "OpenLLMetry"),
    row(FinishReasons, "gen_ai.response.stop_reason",             "OpenLLMetry 0.60"),
    row(FinishReasons, "gen_ai.completion.0.finish_reason",       "OpenLLMetry"),
    row(FinishReasons, "langfuse.observation.metadata.finish_reason", "Langfuse 3"),
    row(FinishReasons, "langfuse.observation.metadata.status",    "Langfuse 3"),
    answer(FinishReasons, "output.value", "choices.*.finish_reason", "OpenInference").of(Openinference),
    answer(FinishReasons, "output.value", "stop_reason",          "OpenInference").of(Openinference),
    answer(FinishReasons, "output.value", "status",               "OpenInference").of(Openinference),
    answer(FinishReasons, "gen_ai.completion", "generations.*.0.generation_info.finish_reason", "LangSmith"),
    answer(FinishReasons, "gen_ai.completion", "generations.*.0.message.kwargs.response_metadata.finish_reason", "LangSmith"),
    answer(FinishReasons, "gen_ai.completion", "generations.*.0.message.kwargs.response_metadata.stop_reason", "LangSmith"),
    answer(FinishReasons, "mlflow.spanOutputs", "choices.*.finish_reason", "MLflow"),
    answer(FinishReasons, "mlflow.spanOutputs", "stop_reason",    "MLflow"),
    answer(FinishReasons, "mlflow.spanOutputs", "status",         "MLflow"),
    answer(FinishReasons, "genkit:output", "finishReason",        "Genkit"),
    answer(FinishReasons, ADK, "finish_reason",                   "Google ADK"),
    answer(FinishReasons, "langfuse.observation.output", "status", "Langfuse 3"),
    answer(FinishReasons, "langfuse.observation.output", "*.status", "Langfuse 3"),
    answer(FinishReasons, "gen_ai.output.messages", "*.finish_reason", "1.37"),
    row(ServiceTier, "openai.response.service_tier",              "1.37"),
    row(ServiceTier, "gen_ai.openai.response.service_tier",       "1.28"),
    row(ServiceTier, "anthropic.response.service_tier",           "Anthropic SDK"),
    row(ServiceTier, "gen_ai.response.service_tier",              "LangSmith, Bifrost"),
    row(ServiceTier, "langfuse.observation.metadata.service_tier", "Langfuse 3"),
    json(ServiceTier, LANGFUSE_PARAMETERS, "service_tier",        "Langfuse 3, of the response"),
    json(ServiceTier, VERCEL, "openai.serviceTier",               "Vercel AI 5"),
    json(ServiceTier, VERCEL, "anthropic.usage.service_tier",     "Vercel AI 5"),
    answer(ServiceTier, "output.value", "service_tier",           "OpenInference").of(Openinference),
    answer(ServiceTier, "output.value", "usage.service_tier",     "OpenInference").of(Openinference),
    answer(ServiceTier, "output.value", "generations.0.0.message.kwargs.response_metadata.service_tier", "OpenInference").of(Openinference),
    answer(ServiceTier, "output.value", "llm_output.usage.service_tier", "OpenInference").of(Openinference),
    answer(ServiceTier, "gen_ai.completion", "generations.0.0.message.kwargs.response_metadata.service_tier", "LangSmith"),
    answer(ServiceTier, "mlflow.spanOutputs", "service_tier",     "MLflow"),

    row(IsStream, "gen_ai.request.stream",                        "1.41"),
    row(IsStream, "gen_ai.is_streaming",                          "OpenLLMetry 0.50"),
    row(IsStream, "llm.is_streaming",                             "OpenLLMetry, LiteLLM"),
    row(IsStream, "litellm.request.streaming",                    "LiteLLM, its second integration"),
    row(IsStream, "gen_ai.request.is_stream",                     "OpenLIT for TypeScript"),
    json(IsStream, PARAMETERS, "stream",                          "OpenInference"),
    row(IsStream, "langsmith.metadata.stream",                    "LangSmith"),
    row(IsStream, "langsmith.request.streaming",                  "LangSmith"),
    answer(IsStream, "gen_ai.completion", "rawRequest.stream",    "OpenRouter"),
    row(Temperature, "gen_ai.request.temperature",                "1.27"),
    row(Temperature, "ai.settings.temperature",                   "Vercel AI 3"),
    json(Temperature, PARAMETERS, "temperature",                  "OpenInference"),
    json(Temperature, LANGFUSE_PARAMETERS, "temperature",         "Langfuse 3"),
    row(TopP, "gen_ai.request.top_p",                             "1.27"),
    row(TopP, "ai.settings.topP",                                 "Vercel AI 3"),
    json(TopP, PARAMETERS, "top_p",                               "OpenInference"),
    json(TopP, LANGFUSE_PARAMETERS, "top_p",                      "Langfuse 3"),
    row(MaxTokens, "gen_ai.request.max_tokens",                   "1.27"),
    row(MaxTokens, "ai.settings.maxOutputTokens",                 "Vercel AI 5"),
    row(MaxTokens, "ai.settings.maxTokens",                       "Vercel AI 3"),
    json(MaxTokens, PARAMETERS, "max_tokens",                     "OpenInference"),
    json(MaxTokens, LANGFUSE_PARAMETERS, "max_tokens",            "Langfuse 3"),
    row(ChoiceCount, "gen_ai.request.choice.count",               "1.31"),
    json(ChoiceCount, PARAMETERS, "n",                            "OpenInference"),

    row(TimeToFirstToken, "gen_ai.response.time_to_first_chunk",         "1.41").unit(Seconds),
    row(TimeToFirstToken, "gen_ai.client.operation.time_to_first_chunk", "Vercel AI 7").unit(Seconds),
    row(TimeToFirstToken, "ai.response.msToFirstChunk",           "Vercel AI 3").unit(Milliseconds),
    row(TimeToFirstToken, "langfuse.observation.completion_start_time", "Langfuse 3").unit(Instant),
    row(TimeToFirstToken, "mastra.completion_start_time",         "Mastra").unit(Instant),
    row(TimeToFirstToken, "ttft_ms",                              "Claude Code").unit(Milliseconds).of(ClaudeCode),
    row(TimeToFirstToken, "trace.metadata.openrouter.first_token_ms", "OpenRouter").unit(Milliseconds),
    event(TimeToFirstToken, "First Token Stream Event",           "OpenInference"),
    event(TimeToFirstToken, "gen_ai.content.completion.chunk",    "OpenLLMetry 0.50"),
    event(TimeToFirstToken, "llm.content.completion.chunk",       "OpenLLMetry"),
    row(TimeToFirstToken, "gen_ai.server.time_to_first_token",    "OpenLIT, Strands").unit(SecondsOrMilliseconds),
    row(TimeToFirstToken, "gen_ai.response.time_to_first_token",  "Bifrost before 2").unit(Nanoseconds),
    row(TimeToFirstToken, "metrics.ttfb",                         "Pipecat").unit(Seconds).when(Calls),

    row(InputTokens, "gen_ai.usage.input_tokens",                 "1.27"),
    row(InputTokens, "gen_ai.usage.prompt_tokens",                "1.26"),
    row(InputTokens, "gen_ai.response.prompt_tokens",             "Semantic Kernel 1.1x"),
    row(InputTokens, "llm.usage.prompt_tokens",                   "OpenLLMetry before 0.20, Langtrace"),
    row(InputTokens, "gen_ai.aggregated_usage.input_tokens",      "Pydantic AI 2").when(Of(CallKind::Agent)),
    row(InputTokens, "llm.token_count.prompt",                    "OpenInference"),
    row(InputTokens, "ai.usage.inputTokens",                      "Vercel AI 5"),
    row(InputTokens, "ai.usage.promptTokens",                     "Vercel AI 3"),
    row(InputTokens, "ai.usage.tokens",                           "Vercel AI 3, embeddings"),
    row(InputTokens, "input_tokens",                              "Claude Code").unit(OfProvider).of(ClaudeCode),
    json(InputTokens, USAGE, "input*",                            "Langfuse 3"),
    json(InputTokens, USAGE, "prompt_tokens",                     "Langfuse 3"),
    json(InputTokens, USAGE, "input_tokens",                      "Langfuse 3").unit(OfProvider),
    json(InputTokens, USAGE, "promptTokens",                      "Langfuse 3"),
    answer(InputTokens, "mlflow.spanOutputs", "usage.input_tokens", "MLflow").unit(OfProvider),
    json(InputTokens, MLFLOW, "input_tokens",                     "MLflow 3"),
    json(InputTokens, LANGSMITH, "input_tokens",                  "LangSmith"),
    json(InputTokens, LANGSMITH_VOICE, "input_tokens",            "LangSmith, voice"),
    json(InputTokens, LITELLM, "prompt_tokens",                   "LiteLLM"),
    answer(InputTokens, "genkit:output", "usage.inputTokens",     "Genkit").unit(OfProvider).of(Genkit),
    answer(InputTokens, ADK, "usage_metadata.prompt_token_count", "Google ADK").unit(OfProvider).of(GoogleAdk),
    row(OutputTokens, "gen_ai.usage.output_tokens",               "1.27"),
    row(OutputTokens, "gen_ai.usage.completion_tokens",           "1.26"),
    row(OutputTokens, "gen_ai.response.completion_tokens",        "Semantic Kernel 1.1x"),
    row(OutputTokens, "llm.usage.completion_tokens",              "OpenLLMetry before 0.20, Langtrace"),
    row(OutputTokens, "gen_ai.aggregated_usage.output_tokens",    "Pydantic AI 2").when(Of(CallKind::Agent)),
    row(OutputTokens, "llm.token_count.completion",               "OpenInference"),
    row(OutputTokens, "ai.usage.outputTokens",                    "Vercel AI 5"),
    row(OutputTokens, "ai.usage.completionTokens",                "Vercel AI 3"),
    row(OutputTokens, "output_tokens",                            "Claude Code").unit(OfProvider).of(ClaudeCode),
    json(OutputTokens, USAGE, "output*",                          "Langfuse 3"),
    json(OutputTokens, USAGE, "completion_tokens",                "Langfuse 3"),
    json(OutputTokens, USAGE, "output_tokens",                    "Langfuse 3").unit(OfProvider),
    json(OutputTokens, USAGE, "completionTokens",                 "Langfuse 3"),
    json(OutputTokens, MLFLOW, "output_tokens",                   "MLflow 3"),
    json(OutputTokens, LANGSMITH, "output_tokens",                "LangSmith"),
    json(OutputTokens, LANGSMITH_VOICE, "output_tokens",          "LangSmith, voice"),
    json(OutputTokens, LITELLM, "completion_tokens",              "LiteLLM"),
    answer(OutputTokens, "genkit:output", "usage.outputTokens",   "Genkit").unit(OfProvider).of(Genkit),
    answer(OutputTokens, ADK, "usage_metadata.candidates_token_count", "Google ADK").unit(OfProvider).of(GoogleAdk),
    row(CacheRead, "gen_ai.usage.cache_read.input_tokens",        "1.40"),
    row(CacheRead, "gen_ai.usage.cache_read_input_tokens",        "OpenLLMetry"),
    row(CacheRead, "gen_ai.aggregated_usage.cache_read.input_tokens", "Pydantic AI 2").when(Of(CallKind::Agent)),
    row(CacheRead, "gen_ai.usage.details.cache_read_tokens",      "Pydantic AI"),
    row(CacheRead, "gen_ai.usage.details.cache_read_input_tokens", "Pydantic AI"),
    row(CacheRead, "gen_ai.usage.details.cached_tokens",          "Pydantic AI 0"),
    row(CacheRead, "gen_ai.usage.prompt_token_details.cached_read_tokens", "Bifrost"),
    row(CacheRead, "gen_ai.usage.prompt_tokens_details.cached_tokens", "OpenLIT before 1.40"),
    row(CacheRead, "gen_ai.usage.prompt_tokens_details.cache_read", "OpenLIT before 1.40"),
    row(CacheRead, "gen_ai.usage.experimental.cached_tokens",     "Google ADK 1"),
    row(CacheRead, "gen_ai.usage.input_tokens.cached",            "OpenRouter, Sentry"),
    row(CacheRead, "gen_ai.usage.input_cached_tokens",            "LiveKit Agents"),
    row(CacheRead, "gen_ai.usage.cached_tokens",                  "Rig"),
    row(CacheRead, "gen_ai.usage.cached_input_tokens",            "LangWatch for Go"),
    row(CacheRead, "gen_ai.usage.cache_read_tokens",              "de facto"),
    row(CacheRead, "cache_read_tokens",                           "Claude Code").of(ClaudeCode),
    row(CacheRead, "llm.token_count.prompt_details.cache_read",   "OpenInference"),
    row(CacheRead, "ai.usage.inputTokenDetails.cacheReadTokens",  "Vercel AI 6"),
    row(CacheRead, "ai.usage.cachedInputTokens",                  "Vercel AI 5"),
    json(CacheRead, VERCEL, "openai.cachedPromptTokens",          "Vercel AI 4"),
    json(CacheRead, VERCEL, "anthropic.usage.cache_read_input_tokens", "Vercel AI 5"),
    json(CacheRead, VERCEL, "anthropic.cacheReadInputTokens",     "Vercel AI 4"),
    json(CacheRead, VERCEL, "bedrock.usage.cacheReadInputTokens", "Vercel AI 4"),
    json(CacheRead, VERCEL, "google.usageMetadata.cachedContentTokenCount", "Vercel AI 5"),
    json(CacheRead, USAGE, "input_cached_tokens",                 "Langfuse JS"),
    json(CacheRead, USAGE, "input_cache_read",                    "Langfuse 3, LangChain"),
    json(CacheRead, USAGE, "input_cache_read_tokens",             "Langfuse 3"),
    json(CacheRead, USAGE, "cache_read_input_tokens",             "Langfuse 3, Anthropic"),
    json(CacheRead, USAGE, "cached_modality_TEXT",                "Langfuse 3, LangChain on Vertex AI"),
    json(CacheRead, USAGE, "prompt_tokens_details.cached_tokens", "Langfuse 3, OpenAI"),
    json(CacheRead, USAGE, "input_tokens_details.cached_tokens",  "Langfuse 3, OpenAI responses"),
    answer(CacheRead, "output.value", "usage.cache_read_input_tokens", "OpenInference JS, Anthropic").of(Openinference),
    json(CacheRead, MLFLOW, "cache_read_input_tokens",            "MLflow 3"),
    answer(CacheRead, "mlflow.spanOutputs", "usage.cache_read_input_tokens", "MLflow, Anthropic"),
    answer(CacheRead, "mlflow.spanOutputs", "usage.prompt_tokens_details.cached_tokens", "MLflow, OpenAI"),
    answer(CacheRead, "mlflow.spanOutputs", "usage.input_tokens_details.cached_tokens", "MLflow, OpenAI responses"),
    json(CacheRead, LANGSMITH, "input_token_details.cache_read",  "LangSmith"),
    json(CacheRead, INPUT_DETAILS, "cache_read",                  "LangSmith"),
    json(CacheRead, LANGSMITH_VOICE, "input_token_details.cache_read", "LangSmith, voice"),
    json(CacheRead, LITELLM, "prompt_tokens_details.cached_tokens", "LiteLLM"),
    json(CacheRead, LITELLM, "cache_read_input_tokens",           "LiteLLM, Anthropic"),
    answer(CacheRead, "genkit:output", "usage.cachedContentTokens", "Genkit").of(Genkit),
    answer(CacheRead, "genkit:output", "usage.custom.cache_read_input_tokens", "Genkit, Anthropic").of(Genkit),
    answer(CacheRead, ADK, "usage_metadata.cached_content_token_count", "Google ADK").of(GoogleAdk),
    row(CacheWrite, "gen_ai.usage.cache_write.input_tokens",      "genai"),
    row(CacheWrite, "gen_ai.usage.cache_creation.input_tokens",   "1.40"),
    row(CacheWrite, "gen_ai.usage.cache_creation_input_tokens",   "OpenLLMetry"),
    row(CacheWrite, "gen_ai.aggregated_usage.cache_creation.input_tokens", "Pydantic AI 2").when(Of(CallKind::Agent)),
    row(CacheWrite, "gen_ai.usage.cache_write_input_tokens",      "Strands"),
    row(CacheWrite, "gen_ai.usage.details.cache_write_tokens",    "Pydantic AI"),
    row(CacheWrite, "gen_ai.usage.details.cache_creation_input_tokens", "Pydantic AI"),
    row(CacheWrite, "gen_ai.usage.prompt_token_details.cached_write_tokens", "Bifrost"),
    row(CacheWrite, "gen_ai.usage.input_token_details.cached_write_tokens", "Bifrost"),
    row(CacheWrite, "gen_ai.usage.prompt_tokens_details.cache_creation_tokens", "OpenLIT before 1.40"),
    row(CacheWrite, "gen_ai.usage.prompt_tokens_details.cache_write", "OpenLIT before 1.40"),
    row(CacheWrite, "gen_ai.usage.input_tokens.cache_write",      "OpenRouter, Sentry"),
    row(CacheWrite, "gen_ai.usage.cache_creation_tokens",         "de facto"),
    row(CacheWrite, "gen_ai.usage.cache_write_tokens",            "de facto"),
    row(CacheWrite, "cache_creation_tokens",                      "Claude Code").of(ClaudeCode),
    row(CacheWrite, "llm.token_count.prompt_details.cache_write", "OpenInference"),
    row(CacheWrite, "ai.usage.inputTokenDetails.cacheWriteTokens", "Vercel AI 6"),
    json(CacheWrite, VERCEL, "anthropic.usage.cache_creation_input_tokens", "Vercel AI 5"),
    json(CacheWrite, VERCEL, "anthropic.cacheCreationInputTokens", "Vercel AI 4"),
    json(CacheWrite, VERCEL, "bedrock.usage.cacheWriteInputTokens", "Vercel AI 4"),
    json(CacheWrite, USAGE, "input_cache_creation",               "Langfuse 3, LangChain"),
    json(CacheWrite, USAGE, "cache_creation_input_tokens",        "Langfuse 3, Anthropic"),
    answer(CacheWrite, "output.value", "usage.cache_creation_input_tokens", "OpenInference JS, Anthropic").of(Openinference),
    json(CacheWrite, MLFLOW, "cache_creation_input_tokens",       "MLflow 3"),
    answer(CacheWrite, "mlflow.spanOutputs", "usage.cache_creation_input_tokens", "MLflow, Anthropic"),
    json(CacheWrite, LANGSMITH, "input_token_details.cache_creation", "LangSmith"),
    answer(CacheWrite, "genkit:output", "usage.custom.cache_creation_input_tokens", "Genkit, Anthropic").of(Genkit),
    json(CacheWrite, INPUT_DETAILS, "cache_creation",             "LangSmith"),
    json(CacheWrite, LANGSMITH_VOICE, "input_token_details.cache_creation", "LangSmith, voice"),
    json(CacheWrite, LITELLM, "cache_creation_input_tokens",      "LiteLLM, Anthropic"),
    json(CacheWrite, LITELLM, "prompt_tokens_details.cache_creation_tokens", "LiteLLM"),
    row(CacheWrite5m, "anthropic.usage.cache_creation.ephemeral_5m_input_tokens", "Anthropic SDK"),
    row(CacheWrite5m, "gen_ai.usage.prompt_token_details.cached_write_tokens_5m", "Bifrost"),
    row(CacheWrite5m, "gen_ai.usage.input_token_details.cached_write_tokens_5m", "Bifrost"),
    row(CacheWrite5m, "gen_ai.usage.input_tokens.cache_write_5m", "OpenRouter"),
    json(CacheWrite5m, USAGE, "input_cache_creation_5m",          "Langfuse 3"),
    answer(CacheWrite5m, "genkit:output", "usage.custom.ephemeral_5m_input_tokens", "Genkit, Anthropic").of(Genkit),
    json(CacheWrite5m, USAGE, "input_ephemeral_5m_input_tokens",  "Langfuse 3, LangChain"),
    json(CacheWrite5m, USAGE, "cache_creation_ephemeral_5m_input_tokens", "Langfuse 5, LangChain"),
    json(CacheWrite5m, LANGSMITH, "input_token_details.ephemeral_5m_input_tokens", "LangSmith"),
    json(CacheWrite5m, INPUT_DETAILS, "ephemeral_5m_input_tokens", "LangSmith"),
    row(CacheWrite1h, "anthropic.usage.cache_creation.ephemeral_1h_input_tokens", "Anthropic SDK"),
    row(CacheWrite1h, "gen_ai.usage.prompt_token_details.cached_write_tokens_1h", "Bifrost"),
    row(CacheWrite1h, "gen_ai.usage.input_token_details.cached_write_tokens_1h", "Bifrost"),
    row(CacheWrite1h, "gen_ai.usage.input_tokens.cache_write_1h", "OpenRouter"),
    json(CacheWrite1h, VERCEL, "anthropic.usage.cache_creation.ephemeral_1h_input_tokens", "Vercel AI 5"),
    json(CacheWrite1h, USAGE, "input_cache_creation_1h",          "Langfuse 3"),
    answer(CacheWrite1h, "genkit:output", "usage.custom.ephemeral_1h_input_tokens", "Genkit, Anthropic").of(Genkit),
    json(CacheWrite1h, USAGE, "input_ephemeral_1h_input_tokens",  "Langfuse 3, LangChain"),
    json(CacheWrite1h, USAGE, "cache_creation_ephemeral_1h_input_tokens", "Langfuse 5, LangChain"),
    json(CacheWrite1h, LANGSMITH, "input_token_details.ephemeral_1h_input_tokens", "LangSmith"),
    json(CacheWrite1h, INPUT_DETAILS, "ephemeral_1h_input_tokens", "LangSmith"),
    row(Reasoning, "gen_ai.usage.reasoning.output_tokens",        "1.41"),
    row(Reasoning, "gen_ai.usage.reasoning_tokens",               "OpenLLMetry"),
    row(Reasoning, "gen_ai.usage.details.reasoning_tokens",       "Pydantic AI"),
    row(Reasoning, "gen_ai.usage.details.thoughts_tokens",        "Pydantic AI, Gemini"),
    row(Reasoning, "gen_ai.usage.completion_token_details.reasoning_tokens", "Bifrost"),
    row(Reasoning, "gen_ai.usage.output_token_details.reasoning_tokens", "Bifrost"),
    row(Reasoning, "gen_ai.usage.completion_tokens_details.reasoning_tokens", "OpenLIT"),
    row(Reasoning, "gen_ai.usage.completion_tokens_details.reasoning", "OpenLIT for TypeScript"),
    row(Reasoning, "gen_ai.usage.experimental.reasoning_tokens",  "Google ADK 1"),
    row(Reasoning, "gen_ai.usage.output_tokens.reasoning",        "OpenRouter, Sentry"),
    row(Reasoning, "llm.usage.reasoning_tokens",                  "OpenLLMetry before 0.50"),
    row(Reasoning, "llm.token_count.completion_details.reasoning", "OpenInference"),
    row(Reasoning, "ai.usage.outputTokenDetails.reasoningTokens", "Vercel AI 6"),
    row(Reasoning, "ai.usage.reasoningTokens",                    "Vercel AI 5"),
    json(Reasoning, VERCEL, "openai.reasoningTokens",             "Vercel AI 4"),
    json(Reasoning, VERCEL, "google.usageMetadata.thoughtsTokenCount", "Vercel AI 5"),
    json(Reasoning, USAGE, "output_reasoning_tokens",             "Langfuse JS"),
    json(Reasoning, USAGE, "output_reasoning",                    "Langfuse 3, LangChain"),
    json(Reasoning, USAGE, "thoughts_token_count",                "Langfuse 3, LangChain on Vertex AI"),
    json(Reasoning, USAGE, "completion_tokens_details.reasoning_tokens", "Langfuse 3, OpenAI"),
    json(Reasoning, USAGE, "output_tokens_details.reasoning_tokens", "Langfuse 3, OpenAI responses"),
    json(Reasoning, LANGSMITH, "output_token_details.reasoning",  "LangSmith"),
    json(Reasoning, OUTPUT_DETAILS, "reasoning",                   "LangSmith"),
    json(Reasoning, LANGSMITH_VOICE, "output_token_details.reasoning", "LangSmith, voice"),
    json(Reasoning, LITELLM, "completion_tokens_details.reasoning_tokens", "LiteLLM"),
    answer(Reasoning, "mlflow.spanOutputs", "usage.completion_tokens_details.reasoning_tokens", "MLflow"),
    answer(Reasoning, "mlflow.spanOutputs", "usage.output_tokens_details.reasoning_tokens", "MLflow"),
    answer(Reasoning, "genkit:output", "usage.thoughtsTokens",    "Genkit").of(Genkit),
    answer(Reasoning, ADK, "usage_metadata.thoughts_token_count", "Google ADK").of(GoogleAdk),
    row(AudioInput, "gen_ai.usage.audio.input_tokens",            "genai"),
    row(AudioInput, "gen_ai.usage.details.input_audio_tokens",    "Pydantic AI"),
    row(AudioInput, "gen_ai.usage.input_audio_tokens",            "LiveKit Agents"),
    row(AudioInput, "gen_ai.usage.audio_input_tokens",            "Mastra"),
    row(AudioInput, "gen_ai.usage.prompt_token_details.audio_tokens", "Bifrost"),
    row(AudioInput, "llm.token_count.prompt_details.audio",       "OpenInference"),
    json(AudioInput, USAGE, "input_audio_tokens",                 "Langfuse JS"),
    json(AudioInput, USAGE, "input_audio",                        "Langfuse 3, LangChain"),
    json(AudioInput, USAGE, "prompt_tokens_details.audio_tokens", "Langfuse 3, OpenAI"),
    json(AudioInput, LITELLM, "prompt_tokens_details.audio_tokens", "LiteLLM"),
    json(AudioInput, INPUT_DETAILS, "audio",                      "LangSmith"),
    json(AudioInput, LANGSMITH_VOICE, "input_token_details.audio", "LangSmith, voice"),
    row(AudioOutput, "gen_ai.usage.audio.output_tokens",          "genai"),
    row(AudioOutput, "gen_ai.usage.details.output_audio_tokens",  "Pydantic AI"),
    row(AudioOutput, "gen_ai.usage.output_audio_tokens",          "LiveKit Agents"),
    row(AudioOutput, "gen_ai.usage.audio_output_tokens",          "Mastra"),
    row(AudioOutput, "gen_ai.usage.completion_token_details.audio_tokens", "Bifrost"),
    row(AudioOutput, "llm.token_count.completion_details.audio",  "OpenInference"),
    json(AudioOutput, USAGE, "output_audio_tokens",               "Langfuse JS"),
    json(AudioOutput, USAGE, "output_audio",                      "Langfuse 3, LangChain"),
    json(AudioOutput, USAGE, "completion_tokens_details.audio_tokens", "Langfuse 3, OpenAI"),
    json(AudioOutput, LITELLM, "completion_tokens_details.audio_tokens", "LiteLLM"),
    json(AudioOutput, OUTPUT_DETAILS, "audio",                    "LangSmith"),
    json(AudioOutput, LANGSMITH_VOICE, "output_token_details.audio", "LangSmith, voice"),
    row(TextInput, "gen_ai.usage.text.input_tokens",              "genai"),
    row(TextInput, "gen_ai.usage.input_text_tokens",              "LiveKit Agents"),
    row(ImageInput, "gen_ai.usage.image.input_tokens",            "genai"),
    row(VideoInput, "gen_ai.usage.video.input_tokens",            "genai"),
    row(TextOutput, "gen_ai.usage.text.output_tokens",            "genai"),
    row(TextOutput, "gen_ai.usage.output_text_tokens",            "LiveKit Agents"),
    row(ImageOutput, "gen_ai.usage.image.output_tokens",          "genai"),
    row(VideoOutput, "gen_ai.usage.video.output_tokens",          "genai"),
    row(TextCacheRead, "gen_ai.usage.text.cache_read.input_tokens", "genai"),
    row(ImageCacheRead, "gen_ai.usage.image.cache_read.input_tokens", "genai"),
    row(AudioCacheRead, "gen_ai.usage.audio.cache_read.input_tokens", "genai"),
    row(VideoCacheRead, "gen_ai.usage.video.cache_read.input_tokens", "genai"),
    row(TotalTokens, "gen_ai.usage.total_tokens",                 "OpenLLMetry"),
    row(TotalTokens, "llm.usage.total_tokens",                    "OpenLLMetry"),
    row(TotalTokens, "llm.token_count.total",                     "OpenInference"),
    row(TotalTokens, "ai.usage.totalTokens",                      "Vercel AI 5"),
    row(TotalTokens, "gen_ai.client.token.usage",                 "OpenLIT"),
    json(TotalTokens, USAGE, "total",                             "Langfuse 3"),
    json(TotalTokens, USAGE, "total_tokens",                      "Langfuse 3"),
    json(TotalTokens, MLFLOW, "total_tokens",                     "MLflow 3"),
    json(TotalTokens, LANGSMITH, "total_tokens",                  "LangSmith"),
    json(TotalTokens, LANGSMITH_VOICE, "total_tokens",            "LangSmith, voice"),
    answer(TotalTokens, "genkit:output", "usage.totalTokens",     "Genkit").of(Genkit),
    answer(TotalTokens, ADK, "usage_metadata.total_token_count",  "Google ADK").of(GoogleAdk),
    row(ReportedCost, "gen_ai.usage.cost",                        "OpenLIT").unit(Usd),
    row(ReportedCost, "gen_ai.usage.total_cost",                  "de facto").unit(Usd),
    row(ReportedCost, "gen_ai.usage.cost_usd",                    "de facto").unit(Usd),
    row(ReportedCost, "gen_ai.cost.total_tokens",                 "Sentry").unit(Usd),
    row(ReportedCost, "gen_ai.cost.total_cost",                   "LiteLLM").unit(Usd),
    row(ReportedCost, "litellm.cost.total",                       "LiteLLM, its second integration").unit(Usd),
    row(ReportedCost, "llm.cost.total",                           "OpenInference").unit(Usd),
    row(ReportedCost, "operation.cost",                           "Logfire, Pydantic AI").unit(Usd),
    json(ReportedCost, "langfuse.observation.cost_details", "total", "Langfuse 3").unit(Usd),
    json(ReportedCost, "mlflow.llm.cost", "total_cost",           "MLflow 3").unit(Usd),
    json(ReportedCost, "hidden_params", "response_cost",          "LiteLLM").unit(Usd),

    row(SessionId, "session.id",                                  "1.27"),
    row(SessionId, "langfuse.session.id",                         "Langfuse 3"),
    row(SessionId, "langfuse.trace.metadata.langfuse_session_id", "Langfuse 3, LangChain"),
    row(SessionId, "langfuse.observation.metadata.langfuse_session_id", "Langfuse 3, LangChain"),
    row(SessionId, "traceloop.association.properties.session_id", "OpenLLMetry"),
    row(SessionId, "traceloop.association.properties.thread_id",  "OpenLLMetry"),
    row(SessionId, "traceloop.association.properties.chat_id",    "OpenLLMetry"),
    row(SessionId, "traceloop.association.properties.conversation_id", "OpenLLMetry"),
    row(SessionId, "ai.telemetry.metadata.sessionId",             "Vercel AI 3"),
    row(SessionId, "ai.settings.context.sessionId",               "Vercel AI 7"),
    row(SessionId, "langsmith.metadata.session_id",               "LangSmith"),
    row(SessionId, "langsmith.metadata.thread_id",                "LangSmith"),
    row(SessionId, "langsmith.metadata.conversation_id",          "LangSmith"),
    row(SessionId, "gcp.vertex.agent.session_id",                 "Google ADK"),
    row(SessionId, "gen_ai.session.id",                           "Alibaba LoongSuite, Dify"),
    row(SessionId, "mlflow.trace.session",                        "MLflow 3"),
    json(SessionId, "metadata", "session_id",                     "LiteLLM").of(Litellm),
    json(SessionId, "metadata.requester_metadata", "session_id",  "LiteLLM"),
    json(SessionId, PARAMETERS, "metadata.session_id",            "OpenInference, LiteLLM"),
    row(ConversationId, "gen_ai.conversation.id",                 "1.34"),
    row(UserId, "user.id",                                        "1.27"),
    row(UserId, "enduser.id",                                     "1.27"),
    row(UserId, "enduser.pseudo.id",                              "1.31"),
    row(UserId, "langfuse.user.id",                               "Langfuse 3"),
    row(UserId, "langfuse.trace.metadata.langfuse_user_id",       "Langfuse 3, LangChain"),
    row(UserId, "langfuse.observation.metadata.langfuse_user_id", "Langfuse 3, LangChain"),
    row(UserId, "traceloop.association.properties.user_id",       "OpenLLMetry"),
    row(UserId, "traceloop.association.properties.userId",        "OpenLLMetry JS"),
    row(UserId, "ai.telemetry.metadata.userId",                   "Vercel AI 3"),
    row(UserId, "ai.settings.context.userId",                     "Vercel AI 7"),
    row(UserId, "langsmith.metadata.user_id",                     "LangSmith"),
    row(UserId, "mlflow.trace.user",                              "MLflow 3"),
    row(UserId, "llm.user",                                       "LiteLLM"),
    row(UserId, "litellm.end_user.id",                            "LiteLLM, its second integration"),
    row(UserId, "metadata.user_api_key_end_user_id",              "LiteLLM"),
    row(UserId, "metadata.user_api_key_user_id",                  "LiteLLM"),
    row(UserId, "bifrost.user.id",                                "Bifrost"),
    row(UserId, "gen_ai.request.user",                            "OpenLIT"),
    row(UserId, "gen_ai.user",                                    "OpenLLMetry"),
    row(UserId, "gen_ai.user.id",                                 "Alibaba LoongSuite, Dify"),
    row(UserId, "gcp.vertex.agent.user_id",                       "Google ADK"),
    json(UserId, PARAMETERS, "user",                              "OpenInference"),
    json(UserId, PARAMETERS, "metadata.trace_user_id",            "OpenInference, LiteLLM"),
    row(Tags, "tag.tags",                                         "OpenInference"),
    row(Tags, "langfuse.trace.tags",                              "Langfuse 3"),
    row(Tags, "langfuse.tags",                                    "Strands"),
    row(Tags, "ai.telemetry.metadata.tags",                       "Vercel AI 3"),
    row(Tags, "langsmith.span.tags",                              "LangSmith").unit(Commas),
    json(Tags, PARAMETERS, "metadata.tags",                       "OpenInference, LiteLLM"),
    row(AgentName, "gen_ai.agent.name",                           "1.31"),
    row(AgentName, "agent.name",                                  "OpenInference"),
    row(AgentName, "graph.node.id",                               "OpenInference").when(Of(CallKind::Agent)),
    row(AgentName, "agent_name",                                  "Pydantic AI 0").of(PydanticAi),
    row(AgentName, "traceloop.entity.name",                       "OpenLLMetry").when(Of(CallKind::Agent)),
    row(AgentName, "langfuse.observation.metadata.lc_agent_name", "Langfuse 3, LangChain"),
    row(AgentName, "langsmith.metadata.lc_agent_name",            "LangSmith"),
    row(AgentName, "lk.agent_name",                               "LiveKit Agents").of(Livekit),
    row(AgentName, "ai.telemetry.functionId",                     "Vercel AI 3"),
    span_name(AgentName, Of(CallKind::Agent),                     "Langfuse 3").of(Langfuse),
    row(AgentId, "gen_ai.agent.id",                               "1.31"),
    row(AgentId, "agent_id",                                      "Claude Code").of(ClaudeCode),
    row(WorkflowName, "gen_ai.workflow.name",                     "1.41"),
    row(WorkflowName, "traceloop.workflow.name",                  "OpenLLMetry"),
    row(ToolName, "gen_ai.tool.name",                             "1.31"),
    row(ToolName, "tool.name",                                    "OpenInference"),
    row(ToolName, "ai.toolCall.name",                             "Vercel AI 3"),
    row(ToolName, "tool_name",                                    "Claude Code").of(ClaudeCode),
    row(ToolName, "lk.function_tool.name",                        "LiveKit Agents").of(Livekit),
    row(ToolName, "traceloop.entity.name",                        "OpenLLMetry").when(Of(CallKind::Tool)),
    span_name(ToolName, Of(CallKind::Tool),                       "Langfuse 3").of(Langfuse),
    row(ToolCallId, "gen_ai.tool.call.id",                        "1.31"),
    row(ToolCallId, "ai.toolCall.id",                             "Vercel AI 3"),
    row(ToolCallId, "tool_call.id",                               "OpenInference"),
    row(ToolCallId, "tool.id",                                    "OpenInference").when(Of(CallKind::Tool)),
    row(ToolCallId, "tool_use_id",                                "Claude Code").of(ClaudeCode),
    row(ToolCallId, "lk.function_tool.id",                        "LiveKit Agents").of(Livekit),
    row(ToolCallId, "langfuse.observation.metadata.tool_call_id", "Langfuse 3, LangChain"),
    row(PromptName, "gen_ai.prompt.name",                         "1.39"),
    row(PromptName, "langfuse.observation.prompt.name",           "Langfuse 3"),
    row(PromptName, "traceloop.prompt.key",                       "OpenLLMetry"),
    row(PromptVersion, "gen_ai.prompt.version",                   "genai"),
    row(PromptVersion, "langfuse.observation.prompt.version",     "Langfuse 3"),
    row(PromptVersion, "traceloop.prompt.version",                "OpenLLMetry"),
    row(PromptVersion, "llm.prompt_template.version",             "OpenInference"),

];

/// The place of a row in [`ROWS`].
pub(crate) type Place = u16;

/// The rows for an attribute of a span, by their places.
pub(crate) fn rows_of(attribute: &str) -> &'static [Place] {
    static BY_NAME: LazyLock<Names<Vec<Place>>> =
        LazyLock::new(|| Names::of(by_name(|from| from != Event).into_iter()));
    BY_NAME.get(attribute).map_or(&[], Vec::as_slice)
}

/// The rows for the time of an event, by their places.
pub(crate) fn rows_of_event(name: &str) -> &'static [Place] {
    static BY_NAME: LazyLock<FxHashMap<&'static str, Vec<Place>>> =
        LazyLock::new(|| by_name(|from| from == Event));
    BY_NAME.get(name).map_or(&[], Vec::as_slice)
}

/// The rows for the name of a span.
pub(crate) fn rows_of_span_name() -> &'static [Place] {
    rows_of("")
}

fn by_name(is_asked: fn(Origin) -> bool) -> FxHashMap<&'static str, Vec<Place>> {
    let mut by_name: FxHashMap<_, Vec<_>> = FxHashMap::default();
    for (place, row) in (0..).zip(ROWS).filter(|(_, row)| is_asked(row.from)) {
        by_name.entry(row.name).or_default().push(place);
    }
    by_name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_source_of_a_field_stands_in_the_table_once() {
        let mut sources: Vec<_> =
            ROWS.iter().map(|row| format!("{:?} {} {:?}", row.field, row.name, row.from)).collect();
        sources.sort_unstable();
        let count = sources.len();
        sources.dedup();
        assert_eq!(sources.len(), count);
    }

    #[test]
    fn every_field_has_a_source() {
        let mut fields: Vec<_> = ROWS.iter().map(|row| row.field as usize).collect();
        fields.sort_unstable();
        fields.dedup();
        assert_eq!(fields, (0..Field::COUNT).collect::<Vec<_>>());
    }

    #[test]
    fn details_of_usage_are_called_as_their_attributes_are() {
        for (field, key) in Field::DETAILS {
            let mut rows = ROWS.iter().filter(|row| row.field == field);
            assert_eq!(rows.next().map(|row| row.name), Some(format!("gen_ai.usage.{key}").as_str()));
        }
    }

    #[test]
    fn times_and_money_are_read_in_their_units() {
        for row in ROWS {
            let is_time =
                matches!(row.unit, Seconds | Milliseconds | Nanoseconds | SecondsOrMilliseconds | Instant);
            assert_eq!(is_time, row.field == TimeToFirstToken, "{}", row.name);
            assert_eq!(row.unit == Usd, row.field == ReportedCost, "{}", row.name);
        }
    }
}
