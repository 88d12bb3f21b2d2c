//! What the token counts of a span mean: whether its input contains the cached tokens, and its output the reasoning.

use crate::Usage;
use crate::conventions::NORMALISED;
use crate::dialect::matches;

/// How it was found out whether the input contains the cached tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UsageSemantics {
    /// The instrumentation was measured.
    Table,
    /// The numbers contradicted it, and were put right.
    Repaired,
    /// As the conventions say.
    Assumed,
    /// The sender counts by itself what the provider did not tell it, and says nothing of that.
    Estimated,
}

impl UsageSemantics {
    /// The text in the column `usage_semantics`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Repaired => "repaired",
            Self::Assumed => "assumed",
            Self::Estimated => "estimated",
        }
    }
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

/// Whether a sender counts reasoning as output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OutputTokens {
    /// As the conventions say.
    IncludesReasoning,
    ExcludesReasoning,
    /// It counts the answer alone; only its total has the reasoning.
    IsAnswerAlone,
}

use OutputTokens::{ExcludesReasoning, IncludesReasoning, IsAnswerAlone};

/// What a sender counts.
pub(crate) type Counts = (InputTokens, OutputTokens);

/// What was measured of an instrumentation, or stands in its source, by its scope.
#[derive(Debug)]
pub(crate) struct Measured {
    /// The scope; `*` at its end stands for anything that follows.
    pub(crate) scope: &'static str,
    /// The only provider that it was measured for.
    pub(crate) provider: Option<&'static str>,
    /// Attributes that begin so tell that it is another version.
    pub(crate) unless: Option<&'static str>,
    pub(crate) input: InputTokens,
    pub(crate) output: OutputTokens,
}

const fn measured(scope: &'static str, input: InputTokens) -> Measured {
    Measured { scope, provider: None, unless: None, input, output: IncludesReasoning }
}

/// The first of Vercel's attributes that came with inclusive counts: those of version 5 were the provider's own.
const VERCEL_6: &str = "ai.usage.inputTokenDetails.";

/// A row of Vercel AI 5.
const fn vercel_5(provider: &'static str, input: InputTokens, output: OutputTokens) -> Measured {
    Measured { provider: Some(provider), unless: Some(VERCEL_6), output, ..measured("ai", input) }
}

const fn of(provider: &'static str, row: Measured) -> Measured {
    Measured { provider: Some(provider), ..row }
}

const fn output(output: OutputTokens, row: Measured) -> Measured {
    Measured { output, ..row }
}

/// The first row that fits counts.
#[rustfmt::skip]
pub(crate) const MEASURED: &[Measured] = &[
    measured("com.anthropic.sdk.*",                             IncludesCache),
    of("anthropic", measured("openinference.instrumentation.agno", ExcludesCache)),
    of("anthropic", measured("openinference.instrumentation.pipecat", ExcludesCache)),
    measured("openinference.instrumentation.claude_agent_sdk",  ExcludesCache),
    measured("openinference.instrumentation.*",                 IncludesCache),
    measured("@arizeai/openinference-instrumentation-anthropic", ExcludesCache),
    measured("@arizeai/openinference-instrumentation-bedrock",  ExcludesCache),
    measured("@arizeai/openinference-*",                        IncludesCache),
    measured("opentelemetry.instrumentation.anthropic",         IncludesCache),
    measured("opentelemetry.instrumentation.openai.v*",         IncludesCache),
    measured("opentelemetry.instrumentation.botocore*",         ExcludesCache),
    measured("opentelemetry.instrumentation.bedrock",           ExcludesCache),
    output(IsAnswerAlone, measured("opentelemetry.instrumentation.google_generativeai", IncludesCache)),
    output(IsAnswerAlone, measured("opentelemetry.instrumentation.vertexai", IncludesCache)),
    Measured {
        unless: Some("gen_ai.usage.reasoning.output_tokens"),
        ..output(ExcludesReasoning, measured("gcp.vertex.agent", Unmeasured))
    },
    measured("litellm",                                         IncludesCache),
    measured("openrouter",                                      IncludesCache),
    measured("livekit-agents",                                  IncludesCache),
    measured("pydantic-ai",                                     IncludesCache),
    measured("gen_ai",                                          IncludesCache),
    vercel_5("anthropic",    ExcludesCache, IncludesReasoning),
    vercel_5("aws.bedrock",  ExcludesCache, IncludesReasoning),
    vercel_5("gcp.gemini",   IncludesCache, IsAnswerAlone),
    vercel_5("gcp.vertex_ai", IncludesCache, IsAnswerAlone),
    measured("ai",                                              IncludesCache),
    measured("openlit.instrumentation.anthropic",               ExcludesCache),
    measured("@openlit/instrumentation-anthropic",              ExcludesCache),
    measured("openlit.instrumentation.bedrock",                 ExcludesCache),
    measured("@openlit/instrumentation-bedrock",                ExcludesCache),
    output(ExcludesReasoning, measured("openlit.instrumentation.google_ai_studio", IncludesCache)),
    output(ExcludesReasoning, measured("@openlit/instrumentation-google-ai", IncludesCache)),
];

/// How providers themselves count, where they do not include everything.
pub(crate) fn of_provider(provider: Option<&str>) -> Counts {
    match provider {
        Some("anthropic" | "aws.bedrock") => (ExcludesCache, IncludesReasoning),
        Some("gcp.gemini" | "gcp.vertex_ai" | "gcp.gen_ai") => (IncludesCache, ExcludesReasoning),
        _ => (Unmeasured, IncludesReasoning),
    }
}

/// What is known of how a sender counts, by its scope and by which attributes it sends.
#[derive(Debug, Clone)]
pub(crate) struct Counting {
    /// Whoever passed a normalised span on has counted as the conventions do.
    is_normalised: bool,
    /// The rows that fit, whoever the provider is.
    measured: Vec<&'static Measured>,
    /// Why the numbers of a stream are its sender's own, where they are.
    pub(crate) estimates: Option<&'static str>,
}

impl Counting {
    pub(crate) fn of<'n>(scope: Option<&str>, names: impl Iterator<Item = &'n str> + Clone) -> Self {
        let is_normalised = names.clone().any(|name| name == NORMALISED);
        let fits = |row: &&Measured| {
            scope.is_some_and(|scope| matches(row.scope, scope))
                && row.unless.is_none_or(|prefix| !names.clone().any(|name| name.starts_with(prefix)))
        };
        let measured = MEASURED.iter().filter(fits).collect();
        let has = |wanted: &str| names.clone().any(|name| name == wanted);
        let counts = |row: &&Estimates| {
            scope.is_some_and(|scope| matches(row.scope, scope)) && !row.unless.is_some_and(has)
        };
        let estimates = ESTIMATES.iter().find(counts).map(|row| row.why);
        Self { is_normalised, measured, estimates }
    }

    /// What is counted of calls to a provider.
    pub(crate) fn counts(&self, provider: Option<&str>) -> Counts {
        let is_for = |row: &&&Measured| row.provider.is_none_or(|of| provider == Some(of));
        match self.measured.iter().find(is_for) {
            _ if self.is_normalised => (IncludesCache, IncludesReasoning),
            Some(row) => (row.input, row.output),
            None => (Unmeasured, IncludesReasoning),
        }
    }
}

/// An instrumentation that counts the tokens of some streams by itself.
#[derive(Debug)]
pub(crate) struct Estimates {
    pub(crate) scope: &'static str,
    /// An attribute that only numbers of the provider come with.
    pub(crate) unless: Option<&'static str>,
    pub(crate) why: &'static str,
}

#[rustfmt::skip]
pub(crate) const ESTIMATES: &[Estimates] = &[
    Estimates {
        scope: "openlit*",
        unless: Some("gen_ai.usage.cache_read.input_tokens"),
        why: "counts the tokens of a stream that brings no usage",
    },
    Estimates {
        scope: "@openlit/*",
        unless: Some("gen_ai.usage.cache_read.input_tokens"),
        why: "counts the tokens of a stream that brings no usage",
    },
    Estimates {
        scope: "opentelemetry.instrumentation.anthropic",
        unless: None,
        why: "adds the first count of a stream to the last, which is 1 too many (0.45 to 0.62)",
    },
    Estimates {
        scope: "@traceloop/instrumentation-*",
        unless: None,
        why: "counts the tokens of streams, also when the provider sent them (0.27)",
    },
];

/// Makes the input contain the cached tokens and the output the reasoning, where `sent` does not have them in.
pub(crate) fn settle(
    mut sent: Usage,
    total_tokens: Option<i64>,
    (measured, measured_output): Counts,
) -> (Usage, UsageSemantics) {
    let count = |tokens: Option<i64>| tokens.unwrap_or(0);
    let cached = count(sent.cache_read_input_tokens) + count(sent.cache_write_input_tokens);
    let reasoning = count(sent.reasoning_output_tokens);
    let (input, output) = (count(sent.input_tokens), count(sent.output_tokens));
    let is_total = |sum: i64| total_tokens == Some(sum) && sum != input + output;
    let untold = total_tokens.map_or(0, |total| total.saturating_sub(input).saturating_sub(output).max(0));

    let in_total_apart = is_total(input + output + cached) || is_total(input + output + cached + reasoning);
    let is_cache_repaired = sent.input_tokens.is_some() && (cached > input || cached > 0 && in_total_apart);
    let out_total_apart =
        is_total(input + output + reasoning) || is_total(input + output + cached + reasoning);
    let is_reasoning_repaired =
        sent.output_tokens.is_some() && (reasoning > output || reasoning > 0 && out_total_apart);
    if sent.input_tokens.is_some() && (measured == ExcludesCache || is_cache_repaired) {
        sent.input_tokens = Some(input + cached);
    }
    let apart = match measured_output {
        IsAnswerAlone if reasoning == 0 => untold,
        IsAnswerAlone if total_tokens == Some(input + output) => 0,
        IncludesReasoning if !is_reasoning_repaired => 0,
        _ => reasoning,
    };
    sent.output_tokens = sent.output_tokens.map(|output| output + apart);
    let is_surprise = is_cache_repaired && measured != ExcludesCache
        || is_reasoning_repaired && measured_output == IncludesReasoning;
    let semantics = match measured {
        _ if is_surprise => UsageSemantics::Repaired,
        Unmeasured => UsageSemantics::Assumed,
        IncludesCache | ExcludesCache => UsageSemantics::Table,
    };
    (sent, semantics)
}

#[cfg(test)]
mod tests {
    use super::*;
    use InputTokens::{ExcludesCache, IncludesCache, Unmeasured};
    use OutputTokens::{ExcludesReasoning, IncludesReasoning, IsAnswerAlone};
    use UsageSemantics::{Assumed, Repaired, Table};

    fn input_after(
        input: i64,
        read: i64,
        write: i64,
        total: Option<i64>,
        measured: InputTokens,
    ) -> (i64, UsageSemantics) {
        let sent = Usage {
            input_tokens: Some(input),
            output_tokens: Some(10),
            cache_read_input_tokens: Some(read),
            cache_write_input_tokens: Some(write),
            ..Usage::default()
        };
        let (usage, semantics) = settle(sent, total, (measured, IncludesReasoning));
        (usage.input_tokens.unwrap(), semantics)
    }

    #[test]
    fn input_contains_the_cache_unless_something_says_otherwise() {
        assert_eq!(input_after(100, 60, 20, None, Unmeasured), (100, Assumed));
        assert_eq!(input_after(100, 60, 50, None, Unmeasured), (210, Repaired));
        assert_eq!(input_after(100, 60, 20, Some(190), Unmeasured), (180, Repaired));
        assert_eq!(input_after(100, 60, 20, Some(110), Unmeasured), (100, Assumed));
        assert_eq!(input_after(100, 60, 20, None, IncludesCache), (100, Table));
        assert_eq!(input_after(10, 60, 20, None, IncludesCache), (90, Repaired));
        assert_eq!(input_after(100, 60, 20, None, ExcludesCache), (180, Table));
        assert_eq!(input_after(100, 0, 0, Some(110), Unmeasured), (100, Assumed));
    }

    #[test]
    fn output_contains_the_reasoning() {
        let sent = Usage { output_tokens: Some(20), reasoning_output_tokens: Some(300), ..Usage::default() };
        let (usage, semantics) = settle(sent, None, (Unmeasured, IncludesReasoning));
        assert_eq!((usage.output_tokens, semantics), (Some(320), Repaired));
    }

    #[test]
    fn a_total_tells_what_is_counted_apart() {
        let sent = |reasoning, read| Usage {
            input_tokens: Some(100),
            output_tokens: Some(50),
            reasoning_output_tokens: reasoning,
            cache_read_input_tokens: read,
            ..Usage::default()
        };
        let after = |reasoning, read, total| {
            let (usage, semantics) =
                settle(sent(reasoning, read), Some(total), (Unmeasured, IncludesReasoning));
            (usage.input_tokens.unwrap(), usage.output_tokens.unwrap(), semantics)
        };
        assert_eq!(after(Some(20), None, 170), (100, 70, Repaired));
        assert_eq!(after(Some(20), Some(30), 150), (100, 50, Assumed));
        assert_eq!(after(Some(20), Some(30), 180), (130, 50, Repaired));
        assert_eq!(after(Some(20), Some(30), 200), (130, 70, Repaired));
    }

    #[test]
    fn reasoning_that_a_sender_leaves_out_is_added_to_its_output() {
        let sent = |reasoning| Usage {
            input_tokens: Some(100),
            output_tokens: Some(50),
            reasoning_output_tokens: reasoning,
            ..Usage::default()
        };
        let after = |reasoning, total, counts| {
            settle(sent(reasoning), total, (IncludesCache, counts)).0.output_tokens.unwrap()
        };
        assert_eq!(after(Some(20), Some(150), ExcludesReasoning), 70, "its total leaves it out, too");
        assert_eq!(after(None, Some(170), IsAnswerAlone), 70);
        assert_eq!(after(None, None, IsAnswerAlone), 50);
        assert_eq!(after(Some(20), Some(170), IsAnswerAlone), 70);
        assert_eq!(after(Some(20), Some(150), IsAnswerAlone), 50, "it was in already");
        assert_eq!(after(None, Some(170), IncludesReasoning), 50, "nobody says what the rest is");
    }

    #[test]
    fn what_was_measured_depends_on_the_scope_the_provider_and_the_version() {
        let of = |scope, provider, attributes: &[&'static str]| {
            Counting::of(Some(scope), attributes.iter().copied()).counts(Some(provider)).0
        };
        assert_eq!(of("ai", "anthropic", &["ai.usage.inputTokens"]), ExcludesCache);
        assert_eq!(of("ai", "anthropic", &["ai.usage.inputTokenDetails.cacheReadTokens"]), IncludesCache);
        assert_eq!(of("ai", "openai", &[]), IncludesCache);
        assert_eq!(of("openlit.instrumentation.anthropic", "anthropic", &[]), ExcludesCache);
        assert_eq!(of("openlit.instrumentation.bedrock", "aws.bedrock", &[]), ExcludesCache);
        assert_eq!(of("opentelemetry.instrumentation.bedrock", "aws.bedrock", &[]), ExcludesCache);
        assert_eq!(of("@arizeai/openinference-instrumentation-anthropic", "anthropic", &[]), ExcludesCache);
        assert_eq!(of("@arizeai/openinference-instrumentation-openai", "openai", &[]), IncludesCache);
        assert_eq!(of("openlit.instrumentation.openai", "openai", &[]), Unmeasured);
        assert_eq!(Counting::of(None, std::iter::empty()).counts(Some("anthropic")).0, Unmeasured);
        assert_eq!(of("ai", "anthropic", &["ai.usage.inputTokens", "spanledger.call_kind"]), IncludesCache);
    }

    #[test]
    fn a_count_that_was_not_sent_stays_unknown() {
        let sent =
            Usage { cache_read_input_tokens: Some(5), reasoning_output_tokens: Some(5), ..Usage::default() };
        assert_eq!(settle(sent, None, (ExcludesCache, IncludesReasoning)).0, sent);
    }
}
