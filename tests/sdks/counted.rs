//! The metrics of an SDK's calls: they count what stands in the view `calls`, which the judge has looked at call by call.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use super::judge::rows;
use crate::harness::{Collector, http};

/// Calls, errors, input tokens and output tokens of a provider.
type Figures = [f64; 4];

/// All that is wrong with the counters, in words; nothing when all is right.
pub async fn judge(collector: &Collector, lake: &Path) -> Vec<String> {
    let rows = rows(lake);
    let page = settled(collector).await;
    let mut wrong = Vec::new();
    for provider in ["openai", "anthropic", ""] {
        let (counted, stored) = (counted(&page, provider), stored(&rows, provider));
        if counted != stored {
            wrong.push(format!(
                "of provider `{provider}` {counted:?} is counted, and {stored:?} stands there"
            ));
        }
    }
    wrong
}

/// What is scraped when no span waits for others of its call any more.
async fn settled(collector: &Collector) -> String {
    let mut ticks = tokio::time::interval(Duration::from_millis(200));
    for _ in 0..300 {
        ticks.tick().await;
        let page = http::get(collector.setup.prometheus, "/metrics").await;
        let is_counting = page.contains("gen_ai_client_calls_total{");
        if is_counting && sum(&page, "gen_ai_client_waiting_spans", &[]) == 0.0 {
            return page;
        }
    }
    panic!("spans wait to be counted for more than a minute:\n{}", collector.log());
}

/// By the metrics. Without a provider's name: of all providers.
fn counted(page: &str, provider: &str) -> Figures {
    let provider =
        if provider.is_empty() { String::new() } else { format!("gen_ai_provider_name=\"{provider}\"") };
    let of = |family: &str, label: &str| sum(page, family, &[&provider, label]);
    [
        of("gen_ai_client_calls_total", ""),
        of("gen_ai_client_errors_total", ""),
        of("gen_ai_client_token_usage_sum", "gen_ai_token_type=\"input\""),
        of("gen_ai_client_token_usage_sum", "gen_ai_token_type=\"output\""),
    ]
}

/// By the view.
fn stored(rows: &[Value], provider: &str) -> Figures {
    let rows = || rows.iter().filter(|row| provider.is_empty() || row["provider"] == provider);
    let tokens = |column: &str| rows().filter_map(|row| row[column].as_f64()).sum();
    let errors = rows().filter(|row| row["error"] == true).count();
    [rows().count() as f64, errors as f64, tokens("input_tokens"), tokens("output_tokens")]
}

/// The sum of the series of a family that have all of these labels.
fn sum(page: &str, family: &str, labels: &[&str]) -> f64 {
    let is_of = |line: &&str| {
        line.strip_prefix(family).is_some_and(|rest| rest.starts_with(['{', ' ']))
            && labels.iter().all(|label| line.contains(label))
    };
    page.lines().filter(is_of).map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
}
