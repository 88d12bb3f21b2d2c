//! Which convention a span follows: told by its instrumentation scope, else by its attributes, never by its service.

use std::sync::LazyLock;

use rustc_hash::FxHashMap;

use crate::names::Beginnings;

/// A convention that is recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Dialect {
    AgentFramework,
    AnthropicSdk,
    Autogen,
    Bifrost,
    ClaudeCode,
    Genkit,
    GoogleAdk,
    Langfuse,
    Langsmith,
    Litellm,
    Livekit,
    Logfire,
    Mlflow,
    Openinference,
    Openlit,
    Openllmetry,
    Openrouter,
    Otel,
    PydanticAi,
    SemanticKernel,
    Strands,
    VercelAi,
}

/// How spans of a dialect are told from others.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) dialect: Dialect,
    /// The text in the column `dialect`.
    pub(crate) name: &'static str,
    /// What people call it.
    pub(crate) title: &'static str,
    /// Instrumentation scopes; one that ends in `*` stands for all that begin so.
    pub(crate) scopes: &'static [&'static str],
    /// Attributes that only this dialect has; of spans whose scope is not listed the first row with one counts.
    pub(crate) markers: &'static [&'static str],
    /// Its scopes have other spans, too: one without such an attribute, or one of the markers, is not about GenAI.
    pub(crate) only_with: &'static [&'static str],
}

const fn row(dialect: Dialect, name: &'static str, title: &'static str) -> Row {
    Row { dialect, name, title, scopes: &[], markers: &[], only_with: &[] }
}

/// The dialects. Scopes are those seen on the wire, or named in the source of the instrumentation.
#[rustfmt::skip]
pub(crate) const ROWS: &[Row] = &[
    Row {
        scopes: &["langfuse-sdk", "langfuse-*"],
        markers: &["langfuse.observation.*"],
        ..row(Dialect::Langfuse, "langfuse", "Langfuse SDK")
    },
    Row {
        scopes: &["openinference.instrumentation*", "@arizeai/openinference-*"],
        markers: &["openinference.span.kind"],
        ..row(Dialect::Openinference, "openinference", "OpenInference (Arize Phoenix)")
    },
    Row {
        scopes: &["litellm"],
        markers: &["litellm.*", "hidden_params"],
        ..row(Dialect::Litellm, "litellm", "LiteLLM SDK and proxy")
    },
    Row {
        scopes: &["langsmith"],
        markers: &["langsmith.*"],
        ..row(Dialect::Langsmith, "langsmith", "LangSmith")
    },
    Row {
        scopes: &["mlflow*"],
        markers: &["mlflow.spanType", "mlflow.chat.tokenUsage"],
        ..row(Dialect::Mlflow, "mlflow", "MLflow Tracing")
    },
    Row {
        scopes: &["genkit*"],
        markers: &["genkit:*", "genkit.*"],
        ..row(Dialect::Genkit, "genkit", "Genkit")
    },
    Row {
        scopes: &["ai", "gen_ai"],
        markers: &["ai.operationId", "ai.model.*", "ai.usage.*"],
        only_with: &["gen_ai.*"],
        ..row(Dialect::VercelAi, "vercel_ai", "Vercel AI SDK")
    },
    Row {
        scopes: &["gcp.vertex.agent"],
        markers: &["gcp.vertex.agent.*"],
        ..row(Dialect::GoogleAdk, "google_adk", "Google ADK")
    },
    Row {
        scopes: &["com.anthropic.sdk.*", "com.anthropic.claude-platform"],
        markers: &["anthropic.request.id", "anthropic.message.*"],
        ..row(Dialect::AnthropicSdk, "anthropic_sdk", "Anthropic SDK and API")
    },
    Row {
        scopes: &["com.anthropic.claude_code*"],
        only_with: &["gen_ai.*", "span.type"],
        ..row(Dialect::ClaudeCode, "claude_code", "Claude Code")
    },
    Row {
        scopes: &["openrouter"],
        markers: &["trace.metadata.openrouter.*"],
        only_with: &["gen_ai.*"],
        ..row(Dialect::Openrouter, "openrouter", "OpenRouter, its broadcast")
    },
    Row {
        scopes: &["livekit-agents"],
        only_with: &["gen_ai.*", "lk.function_tool.*"],
        ..row(Dialect::Livekit, "livekit", "LiveKit Agents")
    },
    Row {
        scopes: &["openlit*", "@openlit/*"],
        ..row(Dialect::Openlit, "openlit", "OpenLIT")
    },
    Row {
        scopes: &[
            "traceloop.tracer", "@traceloop/*",
            "opentelemetry.instrumentation.openai.v0", "opentelemetry.instrumentation.openai.v1",
            "opentelemetry.instrumentation.agno", "opentelemetry.instrumentation.alephalpha",
            "opentelemetry.instrumentation.anthropic", "opentelemetry.instrumentation.bedrock",
            "opentelemetry.instrumentation.cohere", "opentelemetry.instrumentation.crewai",
            "opentelemetry.instrumentation.google_generativeai", "opentelemetry.instrumentation.groq",
            "opentelemetry.instrumentation.haystack", "opentelemetry.instrumentation.langchain",
            "opentelemetry.instrumentation.litellm", "opentelemetry.instrumentation.llamaindex",
            "opentelemetry.instrumentation.mcp",
            "opentelemetry.instrumentation.mistralai", "opentelemetry.instrumentation.ollama",
            "opentelemetry.instrumentation.replicate", "opentelemetry.instrumentation.sagemaker",
            "opentelemetry.instrumentation.together", "opentelemetry.instrumentation.transformers",
            "opentelemetry.instrumentation.voyageai", "opentelemetry.instrumentation.watsonx", "opentelemetry.instrumentation.writer",
        ],
        markers: &["traceloop.*", "llm.request.type", "llm.usage.total_tokens", "gen_ai.prompt.0.*"],
        only_with: &["gen_ai.*", "llm.*"],
        ..row(Dialect::Openllmetry, "openllmetry", "OpenLLMetry (Traceloop)")
    },
    Row {
        scopes: &["pydantic-ai", "pydantic_ai*"],
        markers: &["pydantic_ai.*"],
        only_with: &["gen_ai.*", "agent_name", "all_messages_events", "tool_arguments", "model_name"],
        ..row(Dialect::PydanticAi, "pydantic_ai", "Pydantic AI")
    },
    Row {
        scopes: &["logfire", "logfire.*"],
        only_with: &["gen_ai.*", "response_data"],
        ..row(Dialect::Logfire, "logfire", "Logfire")
    },
    Row {
        scopes: &["agent_framework*", "Microsoft.Agents.AI*", "Experimental.Microsoft.Agents.AI*"],
        only_with: &["gen_ai.*"],
        ..row(Dialect::AgentFramework, "agent_framework", "Microsoft Agent Framework")
    },
    Row {
        scopes: &["semantic_kernel*", "Microsoft.SemanticKernel*"],
        only_with: &["gen_ai.*"],
        ..row(Dialect::SemanticKernel, "semantic_kernel", "Semantic Kernel")
    },
    Row {
        scopes: &["strands.telemetry*", "strands*"],
        markers: &["event_loop.cycle_id"],
        only_with: &["gen_ai.*"],
        ..row(Dialect::Strands, "strands", "Strands Agents")
    },
    Row {
        scopes: &["autogen*"],
        only_with: &["gen_ai.*"],
        ..row(Dialect::Autogen, "autogen", "AutoGen")
    },
    Row {
        scopes: &["bifrost*"],
        markers: &["bifrost.*"],
        only_with: &["gen_ai.*"],
        ..row(Dialect::Bifrost, "bifrost", "Bifrost")
    },
    Row {
        scopes: &[
            "opentelemetry.util.genai*", "opentelemetry.instrumentation.genai*",
            "opentelemetry.instrumentation.openai_v2", "opentelemetry.instrumentation.openai_agents",
            "opentelemetry.instrumentation.google_genai", "opentelemetry.instrumentation.vertexai",
            "opentelemetry.instrumentation.botocore*", "@opentelemetry/instrumentation-openai",
            "@opentelemetry/instrumentation-aws-sdk", "Experimental.Microsoft.Extensions.AI",
        ],
        markers: &["gen_ai.*"],
        ..row(Dialect::Otel, "otel", "OpenTelemetry GenAI")
    },
    Row {
        // What other conventions share with none of the above: tokens of a model by the names of OpenInference.
        markers: &["llm.token_count.*", "llm.model_name"],
        ..row(Dialect::Openinference, "openinference", "OpenInference (Arize Phoenix)")
    },
];

impl Dialect {
    /// The text in the column `dialect`.
    pub(crate) fn name(self) -> &'static str {
        ROWS.iter().find(|row| row.dialect == self).map_or("otel", |row| row.name)
    }
}

/// The convention of a span with this scope and these attribute names, and the scope as far as it was recognised;
/// `None` when the span is not about GenAI.
pub(crate) fn recognise<'a>(
    scope_name: Option<&str>,
    attributes: impl Iterator<Item = &'a str> + Clone,
) -> Option<Dialect> {
    let by_scope = scope_name.and_then(of_scope);
    if let Some(row) = by_scope {
        let is_of_it = |name: &str| row.only_with.iter().chain(row.markers).any(|sign| matches(sign, name));
        let is_certain = row.only_with.is_empty() && row.dialect != Dialect::Otel;
        if is_certain || attributes.clone().any(is_of_it) {
            return Some(row.dialect);
        }
    }
    let first = attributes.filter_map(of_marker).min()?;
    ROWS.get(first).map(|row| row.dialect)
}

/// What told a dialect.
pub(crate) fn reason<'a>(
    dialect: Dialect,
    scope_name: Option<&str>,
    attributes: impl Iterator<Item = &'a str>,
) -> String {
    if let Some(scope) = scope_name.filter(|scope| of_scope(scope).is_some_and(|row| row.dialect == dialect))
    {
        return format!("the scope is {scope:?}");
    }
    let marker = attributes.min_by_key(|name| of_marker(name).unwrap_or(usize::MAX)).unwrap_or_default();
    format!("the scope tells nothing, and the span has the attribute {marker:?}")
}

/// Whether a name is this one, or begins like this one that ends in `*`.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => name.starts_with(prefix),
        None => name == pattern,
    }
}

fn of_scope(scope: &str) -> Option<&'static Row> {
    static EXACT: LazyLock<FxHashMap<&'static str, &'static Row>> = LazyLock::new(|| {
        let all = ROWS.iter().rev().flat_map(|row| row.scopes.iter().map(move |scope| (*scope, row)));
        all.filter(|(scope, _)| !scope.ends_with('*')).collect()
    });
    static BEGINNINGS: LazyLock<Beginnings<(&'static str, &'static Row)>> = LazyLock::new(|| {
        let all = ROWS.iter().flat_map(|row| row.scopes.iter().map(move |scope| (*scope, row)));
        Beginnings::of(all.filter(|(scope, _)| scope.ends_with('*')).map(|of| (of.0, of)))
    });
    let is_it = |(pattern, _): &&(&str, _)| matches(pattern, scope);
    let begins_so = || BEGINNINGS.like(scope).iter().find(is_it).map(|(_, row)| *row);
    EXACT.get(scope).copied().or_else(begins_so)
}

/// The place of the first row that has a marker for this attribute.
fn of_marker(attribute: &str) -> Option<usize> {
    static MARKERS: LazyLock<Beginnings<(&'static str, usize)>> = LazyLock::new(|| {
        let all = (0..).zip(ROWS).flat_map(|(place, row)| row.markers.iter().map(move |sign| (*sign, place)));
        Beginnings::of(all.map(|of| (of.0, of)))
    });
    let signs = MARKERS.like(attribute).iter();
    signs.copied().find(|(sign, _)| matches(sign, attribute)).map(|(_, place)| place)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(scope: &str, attributes: &[&str]) -> Option<&'static str> {
        recognise(Some(scope), attributes.iter().copied()).map(Dialect::name)
    }

    #[test]
    fn the_scope_tells_before_the_attributes() {
        let gen_ai = ["gen_ai.operation.name"];
        assert_eq!(name("opentelemetry.instrumentation.openai_v2", &gen_ai), Some("otel"));
        assert_eq!(name("opentelemetry.instrumentation.openai.v1", &gen_ai), Some("openllmetry"));
        assert_eq!(name("opentelemetry.instrumentation.anthropic", &gen_ai), Some("openllmetry"));
        assert_eq!(name("openlit.instrumentation.anthropic", &gen_ai), Some("openlit"));
        assert_eq!(name("openinference.instrumentation.openai", &[]), Some("openinference"));
        assert_eq!(name("@openlit/instrumentation-anthropic", &gen_ai), Some("openlit"));
        assert_eq!(name("gen_ai", &gen_ai), Some("vercel_ai"));
        assert_eq!(name("ai", &["ai.operationId", "gen_ai.system"]), Some("vercel_ai"));
    }

    #[test]
    fn a_marker_tells_where_the_scope_is_unknown() {
        assert_eq!(name("my.app", &["openinference.span.kind", "gen_ai.system"]), Some("openinference"));
        assert_eq!(name("my.app", &["gen_ai.system", "traceloop.span.kind"]), Some("openllmetry"));
        assert_eq!(name("my.app", &["gen_ai.system", "http.route"]), Some("otel"));
        assert_eq!(
            name("my.app", &["langfuse.tags", "gen_ai.system"]),
            Some("otel"),
            "a tag for Langfuse is no dialect"
        );
        assert_eq!(recognise(None, ["mlflow.spanType"].into_iter()).map(Dialect::name), Some("mlflow"));
    }

    #[test]
    fn other_spans_of_a_scope_that_has_some_are_left_alone() {
        assert_eq!(name("logfire", &["logfire.msg", "http.route"]), None);
        assert_eq!(name("logfire.openai", &["logfire.msg", "gen_ai.system"]), Some("logfire"));
        assert_eq!(name("opentelemetry.instrumentation.botocore.s3", &["rpc.method"]), None);
        assert_eq!(name("autogen SingleThreadedAgentRuntime", &["messaging.operation"]), None);
        assert_eq!(name("http", &["http.route", "session.id", "server.address"]), None);
    }

    #[test]
    fn scopes_and_markers_are_listed_once() {
        let mut all: Vec<_> = ROWS.iter().flat_map(|row| row.scopes.iter().chain(row.markers)).collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}
