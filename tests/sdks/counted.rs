//! The metrics of an SDK's calls, held against what the provider knows.

use super::lacks;
use super::provider::Call;
use crate::harness::{Collector, http};

/// The counters of one provider's calls.
#[derive(Debug, Default, PartialEq)]
struct Counted {
    calls: f64,
    errors: f64,
    input_tokens: f64,
    output_tokens: f64,
}

/// All that is wrong with the counters, in words; nothing when all is right.
pub async fn judge(sdk: &str, calls: &[Call], collector: &Collector) -> Vec<String> {
    let page = settled(collector).await;
    let mut wrong = Vec::new();
    for provider in ["openai", "anthropic"] {
        let (counted, true_ones) = (Counted::read(&page, provider), Counted::truth(sdk, calls, provider));
        if counted != true_ones {
            wrong.push(format!("{provider} is counted as {counted:?}, in truth {true_ones:?}"));
        }
    }
    let all = sum(&page, "gen_ai_client_calls_total", &[]);
    let of_both: f64 =
        ["openai", "anthropic"].iter().map(|provider| Counted::read(&page, provider).calls).sum();
    if all != of_both {
        wrong.push(format!("{all} calls are counted, {of_both} of them of a provider"));
    }
    wrong
}

/// What is scraped when no span waits for others of its call any more.
async fn settled(collector: &Collector) -> String {
    let mut ticks = tokio::time::interval(std::time::Duration::from_millis(200));
    for _ in 0..300 {
        ticks.tick().await;
        let page = http::get(collector.setup.prometheus, "/metrics").await;
        if page.contains("gen_ai_client_calls_total{")
            && sum(&page, "gen_ai_client_waiting_spans", &[]) == 0.0
        {
            return page;
        }
    }
    panic!("spans wait to be counted for more than a minute:\n{}", collector.log());
}

impl Counted {
    fn read(page: &str, provider: &str) -> Self {
        let provider = format!("gen_ai_provider_name=\"{provider}\"");
        let of = |family: &str| sum(page, family, &[&provider]);
        let tokens = |word: &str| {
            let token_type = format!("gen_ai_token_type=\"{word}\"");
            sum(page, "gen_ai_client_token_usage_sum", &[&provider, &token_type])
        };
        Self {
            calls: of("gen_ai_client_calls_total"),
            errors: of("gen_ai_client_errors_total"),
            input_tokens: tokens("input"),
            output_tokens: tokens("output"),
        }
    }

    /// What has to be counted: every call that has a span, and all that it says.
    fn truth(sdk: &str, calls: &[Call], provider: &str) -> Self {
        let mut counted = Self::default();
        let says = |call: &Call, column: &str| lacks::of(sdk, call, column).is_none();
        let of_provider = calls.iter().filter(|call| call.provider == provider);
        for call in of_provider.filter(|call| says(call, lacks::SPAN)) {
            counted.calls += 1.0;
            counted.errors += f64::from(u8::from(call.is_error() && says(call, "error")));
            let Some(usage) = call.usage.filter(|_| call.usage_sent) else { continue };
            if says(call, "input_tokens") {
                counted.input_tokens += usage.input as f64;
            }
            if says(call, "output_tokens") {
                counted.output_tokens += usage.output as f64;
            }
        }
        counted
    }
}

/// The sum of the series of a family that have all of these labels.
fn sum(page: &str, family: &str, labels: &[&str]) -> f64 {
    let is_of = |line: &&str| {
        line.strip_prefix(family).is_some_and(|rest| rest.starts_with(['{', ' ']))
            && labels.iter().all(|label| line.contains(label))
    };
    page.lines().filter(is_of).map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
}
