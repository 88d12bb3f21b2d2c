//! Providers by their canonical names: those the OpenTelemetry conventions list, whatever a sender calls them.

use std::borrow::Cow;
use std::sync::LazyLock;

use crate::names::Names;

/// A provider: its canonical name, and what else it is called, in lower case.
struct Provider {
    canonical: &'static str,
    aliases: &'static [&'static str],
}

const fn provider(canonical: &'static str, aliases: &'static [&'static str]) -> Provider {
    Provider { canonical, aliases }
}

const PROVIDERS: &[Provider] = &[
    provider("anthropic", &["api.anthropic.com"]),
    provider(
        "aws.bedrock",
        &[
            "aws",
            "aws_bedrock",
            "amazon-bedrock",
            "amazon_bedrock",
            "awsbedrock",
            "bedrock",
            "bedrock_converse",
        ],
    ),
    provider("azure.ai.inference", &["az.ai.inference", "azure_ai", "microsoft_foundry"]),
    provider("azure.ai.openai", &["az.ai.openai", "azure", "azure_open_ai", "azure_openai", "azure-openai"]),
    provider("cohere", &[]),
    provider("deepseek", &["api.deepseek.com"]),
    provider("fireworks_ai", &["fireworks", "fireworks-ai"]),
    provider(
        "gcp.gemini",
        &[
            "gcp.gen_ai",
            "gemini",
            "google",
            "google-gla",
            "google_ai_gemini",
            "google_genai",
            "google_genai_ai",
            "googleai",
        ],
    ),
    provider(
        "gcp.vertex_ai",
        &[
            "gcp.vertex",
            "google-vertex",
            "google.vertex",
            "google.vertex.chat",
            "google_anthropic_vertex",
            "google_vertex_ai_anthropic",
            "google_vertex_ai_gemini",
            "google_vertexai",
            "vertex",
            "vertex_ai",
            "vertexai",
        ],
    ),
    provider("groq", &["api.groq.com"]),
    provider("ibm.watsonx.ai", &["watsonx", "watsonx_ai"]),
    provider("mistral_ai", &["api.mistral.ai", "mistral", "mistralai"]),
    provider("openai", &["api.openai.com", "open_ai", "text-completion-openai"]),
    provider("openrouter", &["openrouter.ai"]),
    provider("perplexity", &["api.perplexity.ai"]),
    provider("together_ai", &["together", "together-ai"]),
    provider("x_ai", &["api.x.ai", "x-ai", "xai"]),
];

/// Frameworks that put their own name where the provider's belongs, and words that say nothing: the provider is not
/// known.
const FRAMEWORKS: &[&str] = &[
    "agno",
    "autogen",
    "crewai",
    "gcp.vertex.agent",
    "haystack",
    "langchain",
    "langgraph",
    "llamaindex",
    "microsoft.agent_framework",
    "other",
    "semantic_kernel",
    "strands-agents",
    "unknown",
];

/// Whether a name is that of a framework, or none at all.
pub(crate) fn is_framework(name: &str) -> bool {
    if listed(name).is_some() {
        return false;
    }
    let name = name.trim_ascii();
    name.is_empty() || FRAMEWORKS.iter().any(|framework| framework.eq_ignore_ascii_case(name))
}

/// How the models of providers are called that nobody else's are, in lower case.
#[rustfmt::skip]
const MODELS: &[(&str, &[&str])] = &[
    ("anthropic",  &["claude"]),
    ("aws.bedrock", &["anthropic.claude", "us.anthropic.", "eu.anthropic.", "apac.anthropic.", "global.anthropic.", "amazon.", "us.amazon.",
                     "eu.amazon.", "apac.amazon.", "us.meta.", "us.deepseek."]),
    ("cohere",     &["command-", "embed-english", "embed-multilingual", "rerank-"]),
    ("deepseek",   &["deepseek-chat", "deepseek-reasoner"]),
    ("gcp.gemini", &["gemini"]),
    ("mistral_ai", &["mistral-large", "mistral-medium", "mistral-small", "codestral", "ministral", "magistral", "pixtral"]),
    ("openai",     &["gpt-3", "gpt-4", "gpt-5", "chatgpt-", "o1", "o3", "o4", "text-embedding-3-", "text-embedding-ada-",
                     "dall-e", "whisper-1", "tts-1"]),
    ("x_ai",       &["grok-"]),
];

/// The provider of a model, where no sender names one: by `provider/model`, else by how its models are called.
pub(crate) fn of_model(model: &str) -> Option<&'static str> {
    if let Some(provider) =
        model.split_once('/').and_then(|(provider, _)| listed(&provider.to_ascii_lowercase()))
    {
        return Some(provider);
    }
    let begins =
        |prefix: &&str| model.get(..prefix.len()).is_some_and(|first| first.eq_ignore_ascii_case(prefix));
    MODELS.iter().find(|(_, prefixes)| prefixes.iter().any(begins)).map(|(provider, _)| *provider)
}

/// A model without its provider's name before it.
pub(crate) fn without_prefix<'a>(model: &'a str, provider: Option<&str>) -> &'a str {
    match model.split_once('/') {
        Some((prefix, rest)) if provider.is_some() && listed(&prefix.to_ascii_lowercase()) == provider => {
            rest
        }
        _ => model,
    }
}

/// The canonical name of a provider; the name in lower case when it has no other; `None` when it is a framework's.
pub(crate) fn canonical(name: &str) -> Option<Cow<'_, str>> {
    if let Some(canonical) = listed(name) {
        return Some(Cow::Borrowed(canonical));
    }
    let name = name.trim_ascii();
    let name = match name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        true => Cow::Owned(name.to_ascii_lowercase()),
        false => Cow::Borrowed(name),
    };
    if name.is_empty() || FRAMEWORKS.contains(&name.as_ref()) {
        return None;
    }
    // An SDK's name for one of a provider's interfaces: `openai.chat`, `anthropic.messages`.
    let listed = listed(&name).or_else(|| listed(name.split_once('.')?.0));
    Some(listed.map_or(name, Cow::Borrowed))
}

fn listed(name: &str) -> Option<&'static str> {
    static CANONICAL: LazyLock<Names<&'static str>> = LazyLock::new(|| {
        let all = |provider: &'static Provider| provider.aliases.iter().chain([&provider.canonical]);
        let all = PROVIDERS.iter().flat_map(|provider| all(provider).map(|name| (*name, provider.canonical)));
        Names::of(all)
    });
    CANONICAL.get(name).copied()
}

/// What the table of prices calls a provider, where it does not know the canonical name: the first that lists the
/// model counts. `azure.ai.openai` is OpenAI itself to the table, whose prices are the same; Azure sells more models.
pub(crate) fn in_price_table<'a>(name: &'a str) -> impl Iterator<Item = &'a str> + use<'a> {
    let (first, second) = match name {
        "azure.ai.inference" => ("azure", None),
        "azure.ai.openai" => ("openai", Some("azure")),
        "fireworks_ai" => ("fireworks", None),
        "x_ai" => ("x-ai", None),
        name => (name, None),
    };
    [first].into_iter().chain(second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_name_a_provider_has_one_canonical_name() {
        let cases = [
            ("openai.responses", Some("openai")),
            ("Anthropic", Some("anthropic")),
            ("anthropic.messages", Some("anthropic")),
            ("aws.bedrock", Some("aws.bedrock")),
            ("azure.ai.openai", Some("azure.ai.openai")),
            ("az.ai.openai", Some("azure.ai.openai")),
            ("gcp.gemini", Some("gcp.gemini")),
            ("gcp.vertex_ai", Some("gcp.vertex_ai")),
            ("google.vertex.chat", Some("gcp.vertex_ai")),
            ("google.generative-ai", Some("gcp.gemini")),
            ("xai", Some("x_ai")),
            ("open_ai", Some("openai")),
            ("google_genai_ai", Some("gcp.gemini")),
            ("unknown", None),
            ("Acme.Inference", Some("acme.inference")),
            ("langchain", None),
            ("gcp.vertex.agent", None),
            (" ", None),
        ];
        for (name, expected) in cases {
            assert_eq!(canonical(name).as_deref(), expected, "{name}");
        }
    }

    #[test]
    fn names_are_listed_once_and_in_lower_case() {
        let mut all: Vec<_> =
            PROVIDERS.iter().flat_map(|p| p.aliases.iter().copied().chain([p.canonical])).collect();
        all.extend(FRAMEWORKS);
        let count = all.len();
        assert!(all.iter().all(|name| !name.bytes().any(|byte| byte.is_ascii_uppercase())));
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}
