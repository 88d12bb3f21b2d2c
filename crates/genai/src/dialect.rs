//! Which convention a span follows: told by its instrumentation scope, else by its attributes.

/// A convention that is recognised.
#[derive(Debug)]
struct Dialect {
    name: &'static str,
    scopes: &'static [Scope],
    /// How attributes of spans begin whose scope is not listed.
    marker: &'static str,
}

/// An instrumentation, and what its numbers were measured to mean.
#[derive(Debug)]
struct Scope {
    name: &'static str,
    input: InputTokens,
}

/// Whether a sender counts cached tokens as input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InputTokens {
    /// It was not measured; the conventions say that it should.
    Unmeasured,
    IncludesCache,
    ExcludesCache,
}

use InputTokens::{ExcludesCache, IncludesCache, Unmeasured};

const fn scope(name: &'static str, input: InputTokens) -> Scope {
    Scope { name, input }
}

#[rustfmt::skip]
const DIALECTS: &[Dialect] = &[
    Dialect {
        name: "otel",
        scopes: &[
            scope("@opentelemetry/instrumentation-openai",                       Unmeasured),
            scope("com.anthropic.sdk.python",                                    IncludesCache),
            scope("opentelemetry.instrumentation.botocore.bedrock-runtime",      ExcludesCache),
            scope("opentelemetry.instrumentation.google_genai",                  Unmeasured),
            scope("opentelemetry.instrumentation.openai_agents",                 Unmeasured),
            scope("opentelemetry.instrumentation.openai_v2",                     Unmeasured),
            scope("opentelemetry.instrumentation.vertexai",                      Unmeasured),
            scope("opentelemetry.util.genai.handler",                            Unmeasured),
        ],
        marker: "gen_ai.",
    },
];

/// What was recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Recognised {
    pub(crate) dialect: &'static str,
    pub(crate) input: InputTokens,
}

/// The convention of a span with this scope and these attribute names; `None` when it is not about GenAI.
pub(crate) fn recognise<'a>(
    scope_name: Option<&str>,
    attributes: impl Iterator<Item = &'a str> + Clone,
) -> Option<Recognised> {
    let by_scope = scope_name.and_then(|name| {
        let scopes =
            DIALECTS.iter().flat_map(|dialect| dialect.scopes.iter().map(move |scope| (dialect, scope)));
        scopes.into_iter().find(|(_, scope)| scope.name == name)
    });
    if let Some((dialect, scope)) = by_scope {
        return Some(Recognised { dialect: dialect.name, input: scope.input });
    }
    let is_marked = |dialect: &&Dialect| attributes.clone().any(|name| name.starts_with(dialect.marker));
    let by_marker = DIALECTS.iter().find(is_marked);
    by_marker.map(|dialect| Recognised { dialect: dialect.name, input: Unmeasured })
}
