//! What the token counts of a span mean: whether its input contains the cached tokens.

use crate::Usage;
use crate::dialect::InputTokens;

/// How it was found out whether the input contains the cached tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UsageSemantics {
    /// The instrumentation was measured.
    Table,
    /// The numbers contradicted it, and were put right.
    Repaired,
    /// As the conventions say.
    Assumed,
}

impl UsageSemantics {
    /// The text in the column `usage_semantics`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Repaired => "repaired",
            Self::Assumed => "assumed",
        }
    }
}

/// Makes the input contain the cached tokens and the output the reasoning, where `sent` does not have them in.
pub(crate) fn settle(
    mut sent: Usage,
    total_tokens: Option<i64>,
    measured: InputTokens,
) -> (Usage, UsageSemantics) {
    let count = |tokens: Option<i64>| tokens.unwrap_or(0);
    let cached = count(sent.cache_read_input_tokens) + count(sent.cache_write_input_tokens);
    let reasoning = count(sent.reasoning_output_tokens);
    let (input, output) = (count(sent.input_tokens), count(sent.output_tokens));

    let is_reasoning_apart = sent.output_tokens.is_some() && reasoning > output;
    if is_reasoning_apart {
        sent.output_tokens = Some(output + reasoning);
    }
    let is_in_total = cached > 0 && total_tokens == Some(input + output + cached);
    let is_contradiction = sent.input_tokens.is_some() && (cached > input || is_in_total);
    let is_cache_apart =
        sent.input_tokens.is_some() && measured == InputTokens::ExcludesCache || is_contradiction;
    if is_cache_apart {
        sent.input_tokens = Some(input + cached);
    }
    let semantics = match measured {
        InputTokens::ExcludesCache if !is_reasoning_apart => UsageSemantics::Table,
        InputTokens::IncludesCache if !is_contradiction && !is_reasoning_apart => UsageSemantics::Table,
        _ if is_contradiction || is_reasoning_apart => UsageSemantics::Repaired,
        _ => UsageSemantics::Assumed,
    };
    (sent, semantics)
}

#[cfg(test)]
mod tests {
    use super::*;
    use InputTokens::{ExcludesCache, IncludesCache, Unmeasured};
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
        let (usage, semantics) = settle(sent, total, measured);
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
        let (usage, semantics) = settle(sent, None, Unmeasured);
        assert_eq!((usage.output_tokens, semantics), (Some(320), Repaired));
    }

    #[test]
    fn a_count_that_was_not_sent_stays_unknown() {
        let sent =
            Usage { cache_read_input_tokens: Some(5), reasoning_output_tokens: Some(5), ..Usage::default() };
        assert_eq!(settle(sent, None, ExcludesCache).0, sent);
    }
}
