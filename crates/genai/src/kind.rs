//! What a span stands for: a call of a model, or what is around it.

use std::sync::LazyLock;

use crate::dialect::{Dialect, matches};
use crate::names::Names;

/// What a span stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallKind {
    /// A model that answers.
    Llm,
    /// A model that makes vectors.
    Embedding,
    /// A model that puts documents into an order.
    Rerank,
    /// An agent at work.
    Agent,
    /// A tool at work.
    Tool,
    /// A search in documents.
    Retriever,
    /// A workflow, or one of its steps.
    Chain,
    /// A check of what goes in or comes out.
    Guardrail,
    /// A judgement of an answer.
    Evaluator,
    /// Something else of GenAI.
    Other,
}

use CallKind::{Agent, Chain, Embedding, Evaluator, Guardrail, Llm, Other, Rerank, Retriever, Tool};

/// The words that senders have for a kind, in lower case, `*` for anything that follows.
#[rustfmt::skip]
pub(crate) const WORDS: &[(CallKind, &[&str])] = &[
    (Llm,       &["llm", "chat", "chat_model", "completion", "text_completion", "generate_content", "generation",
                  "model", "responses", "response", "anthropic_messages", "ai.generatetext.dogenerate",
                  "ai.streamtext.dostream", "ai.generateobject.dogenerate", "ai.streamobject.dostream",
                  "image_generation", "image_edit", "transcription", "speech", "chat.completions",
                  "chat.streaming_completions", "text.completions", "text.streaming_completions", "llm_response",
                  "llm_call", "chat_streaming", "image", "audio", "chat_completion", "chat_completions",
                  "generate_content_stream", "compact_responses", "pass_through_endpoint",
                  "llm_passthrough_route"]),
    (Embedding, &["embedding", "embeddings", "embedder", "ai.embed.doembed", "ai.embedmany.doembed"]),
    (Rerank,    &["rerank", "reranker", "ai.rerank.dorerank"]),
    (Agent,     &["agent", "invoke_agent", "create_agent", "agent_call", "interaction"]),
    (Tool,      &["tool", "execute_tool", "tool_call", "ai.toolcall", "mcp_tool_call", "call_mcp_tool"]),
    (Retriever, &["retriever", "retrieval", "search"]),
    (Chain,     &["chain", "workflow", "invoke_workflow", "task", "flow", "agent_step", "execute_task",
                  "execute_event_loop_cycle", "ai.*"]),
    (Guardrail, &["guardrail"]),
    (Evaluator, &["evaluator", "evaluation", "judge"]),
];

impl CallKind {
    /// The text in the column `call_kind`.
    pub fn as_str(self) -> &'static str {
        match self {
            Llm => "llm",
            Embedding => "embedding",
            Rerank => "rerank",
            Agent => "agent",
            Tool => "tool",
            Retriever => "retriever",
            Chain => "chain",
            Guardrail => "guardrail",
            Evaluator => "evaluator",
            Other => "other",
        }
    }

    /// Whether somebody bills spans of this kind.
    pub(crate) fn is_billable(self) -> bool {
        matches!(self, Llm | Embedding | Rerank)
    }

    /// The kind that a sender's word stands for, which is never guessed.
    pub(crate) fn of_word(word: &str, dialect: Dialect) -> Self {
        if let Some(kind) = exact(word) {
            return kind;
        }
        let listed = |word: &str| exact(word).or_else(|| beginning(word));
        let mut buffer = [0_u8; 48];
        let Some(word) = lower_case(word.trim(), &mut buffer) else { return Other };
        // LiteLLM says `acompletion` for a completion that is awaited.
        let awaited = (dialect == Dialect::Litellm).then(|| word.strip_prefix('a')).flatten();
        // A call to Claude Code; to others a step on the way to one.
        let own = (dialect == Dialect::ClaudeCode && word == "llm_request").then_some(Llm);
        own.or_else(|| listed(word)).or_else(|| listed(awaited?)).unwrap_or(Other)
    }
}

/// The kind of a word that is listed as it is.
fn exact(word: &str) -> Option<CallKind> {
    static KINDS: LazyLock<Names<CallKind>> = LazyLock::new(|| Names::of(words()));
    KINDS.get(word).copied()
}

/// The kind of a word that begins like a listed one.
fn beginning(word: &str) -> Option<CallKind> {
    let beginnings = words().filter(|(listed, _)| listed.ends_with('*'));
    beginnings.into_iter().find(|(listed, _)| matches(listed, word)).map(|(_, kind)| kind)
}

fn words() -> impl Iterator<Item = (&'static str, CallKind)> {
    WORDS.iter().flat_map(|(kind, words)| words.iter().map(|word| (*word, *kind)))
}

/// The word in lower case; `None` when it is longer than any that is listed.
fn lower_case<'b>(word: &str, buffer: &'b mut [u8; 48]) -> Option<&'b str> {
    let lower = buffer.get_mut(..word.len())?;
    lower.copy_from_slice(word.as_bytes());
    lower.make_ascii_lowercase();
    std::str::from_utf8(lower).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_every_dialect_lead_to_a_kind() {
        let cases = [
            ("chat", Dialect::Otel, Llm),
            ("LLM", Dialect::Openinference, Llm),
            ("CHAT_MODEL", Dialect::Mlflow, Llm),
            ("generation", Dialect::Langfuse, Llm),
            ("chat.streaming_completions", Dialect::SemanticKernel, Llm),
            ("chat_streaming", Dialect::Otel, Llm),
            ("llm_call", Dialect::Otel, Llm),
            ("tool_call", Dialect::Otel, Tool),
            ("ai.streamText.doStream", Dialect::VercelAi, Llm),
            ("ai.generateText", Dialect::VercelAi, Chain),
            ("ai.toolCall", Dialect::VercelAi, Tool),
            ("acompletion", Dialect::Litellm, Llm),
            ("acompletion", Dialect::Otel, Other),
            ("aembedding", Dialect::Litellm, Embedding),
            ("llm_request", Dialect::ClaudeCode, Llm),
            ("llm_request", Dialect::Otel, Other),
            ("RERANKER", Dialect::Openinference, Rerank),
            ("prompt", Dialect::Langsmith, Other),
            ("something_new", Dialect::Otel, Other),
            ("a word that is longer than anything that is in the table of words", Dialect::Otel, Other),
        ];
        for (word, dialect, expected) in cases {
            assert_eq!(CallKind::of_word(word, dialect), expected, "{word}");
        }
        for (word, kind) in words() {
            assert_eq!(CallKind::of_word(word, Dialect::Otel), kind, "{word}");
        }
    }
}
