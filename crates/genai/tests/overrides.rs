//! Overrides and aliases: prices that the settings say, before and beside the table.

#![expect(clippy::unwrap_used, reason = "helpers of a test may stop it where its own data is wrong")]

use serde_json::json;
use spanledger_genai::{
    CallRef, Cost, CostStatus, Override, Prefer, PriceSettings, PriceTable, Prices, Usage,
};

const DAY: i64 = 24 * 60 * 60 * 1_000_000_000;

/// The bundled table under these overrides and aliases.
fn prices(overrides: serde_json::Value, aliases: &[(&str, &str)]) -> std::sync::Arc<Prices> {
    let overrides: Vec<Override> = serde_json::from_value(overrides).unwrap();
    let aliases = aliases.iter().map(|(name, target)| (name.to_string(), target.to_string())).collect();
    let settings = PriceSettings { overrides, aliases, prefer: Prefer::Derived };
    assert_eq!(settings.check(), Vec::new());
    Prices::new(&PriceTable::bundled(), settings).unwrap()
}

/// A million tokens of input of a model.
fn call<'a>(provider: &'a str, model: &'a str) -> CallRef<'a> {
    let usage = Usage { input_tokens: Some(1_000_000), output_tokens: Some(0), ..Usage::default() };
    CallRef {
        provider: Some(provider),
        model: Some(model),
        start_unix_nano: 20_000 * DAY,
        usage,
        ..CallRef::default()
    }
}

/// In micro dollars, and what gave it.
fn answer(cost: &Cost) -> (Option<i128>, Option<String>) {
    let id = cost.entry.as_ref().map(|entry| entry.model_id.to_string());
    (cost.total.map(|total| total / 1_000_000), id)
}

fn told(micro_usd: i128, id: &str) -> (Option<i128>, Option<String>) {
    (Some(micro_usd), Some(id.to_owned()))
}

#[test]
fn the_first_override_that_a_call_passes_comes_before_the_table() {
    let prices = prices(
        json!([
            {"provider": "openai", "match": {"starts_with": "GPT-4o"}, "prices": {"input_mtok": 2.0, "output_mtok": 8}},
            {"match": {"or": [{"regex": "^gpt-4o-mini$"}, {"equals": "my-model"}]}, "prices": {"input_mtok": 7}},
        ]),
        &[],
    );
    assert_eq!(answer(&prices.cost(&call("openai", "gpt-4o-mini"))), told(2_000_000, "overrides::0"));
    assert_eq!(answer(&prices.cost(&call("azure", "gpt-4o-mini"))), told(7_000_000, "overrides::1"));
    assert_eq!(answer(&prices.cost(&call("acme", "my-model"))), told(7_000_000, "overrides::1"));
    assert_eq!(answer(&prices.cost(&call("openai", "gpt-4.1-mini"))), told(400_000, "openai/gpt-4.1-mini"));
    assert_eq!(prices.cost(&call("acme", "other")).status, CostStatus::UnknownProvider);
}

#[test]
fn an_override_may_name_the_model_that_was_asked_for() {
    let prices = prices(json!([{"match": {"equals": "our-deployment"}, "prices": {"input_mtok": 1.5}}]), &[]);
    let call = CallRef { request_model: Some("our-deployment"), ..call("azure.ai.openai", "gpt-4o") };
    assert_eq!(answer(&prices.cost(&call)), told(1_500_000, "overrides::0"));
}

#[test]
fn a_multiplier_alone_is_a_factor_on_the_table() {
    let prices = prices(
        json!([{"provider": "x_ai", "multiplier": 2}, {"provider": "gemini", "multiplier": 0.9},
        {"provider": "openai", "multiplier": 0.85}, {"multiplier": 0.5}]),
        &[],
    );
    assert_eq!(answer(&prices.cost(&call("openai", "gpt-4.1-mini"))), told(340_000, "openai/gpt-4.1-mini"));
    assert_eq!(
        answer(&prices.cost(&call("anthropic", "claude-sonnet-4-5"))),
        told(3_000_000, "anthropic/claude-sonnet-4-5")
    );
    assert_eq!(prices.cost(&call("openai", "no-such-model")).status, CostStatus::UnknownModel);
    // A third of a price is not rounded twice: 0.4 * 0.333333333333.
    let third = self::prices(json!([{"multiplier": 0.333333333333}]), &[]);
    assert_eq!(third.cost(&call("openai", "gpt-4.1-mini")).total, Some(133_333_333_333));
}

#[test]
fn a_multiplier_beside_prices_is_a_factor_on_them() {
    let prices = prices(json!([{"prices": {"input_mtok": 2.5}, "multiplier": 0.8}]), &[]);
    assert_eq!(answer(&prices.cost(&call("acme", "x"))), told(2_000_000, "overrides::0"));
}

#[test]
fn an_override_begins_with_its_day_or_moment() {
    let prices = prices(
        json!([
            {"valid_from": "2024-10-05T00:00:01Z", "prices": {"input_mtok": 9}},
            {"valid_from": "2024-10-04", "prices": {"input_mtok": 5}},
        ]),
        &[],
    );
    let at =
        |nano| answer(&prices.cost(&CallRef { start_unix_nano: nano, ..call("openai", "gpt-4.1-mini") })).0;
    let (first, second) = (20_000 * DAY, 20_001 * DAY + 1_000_000_000);
    assert_eq!(at(first - 1), Some(400_000));
    assert_eq!(at(first), Some(5_000_000));
    assert_eq!(at(second - 1), Some(5_000_000));
    assert_eq!(at(second), Some(9_000_000));
}

#[test]
fn free_is_a_cost_of_nothing_also_without_usage() {
    let prices = prices(json!([{"match": {"contains": "llama"}, "free": true}]), &[]);
    let cost = prices.cost(&CallRef { usage: Usage::default(), ..call("ollama", "Llama3.2") });
    assert_eq!((cost.status, cost.total), (CostStatus::Priced, Some(0)));
}

#[test]
fn a_known_address_tells_the_provider_of_an_override_before_its_name() {
    let prices = prices(json!([{"provider": "groq", "free": true}]), &[]);
    let with = |address| CallRef { server_address: Some(address), ..call("openai", "gpt-4.1-mini") };
    assert_eq!(prices.cost(&with("api.groq.com")).total, Some(0));
    assert_eq!(prices.cost(&with("api.openai.com")).total, Some(400_000_000_000));
}

#[test]
fn an_alias_says_which_model_a_gateways_name_stands_for() {
    let prices = prices(
        json!([{"match": {"equals": "claude-opus-4-1"}, "free": true}]),
        &[
            ("Smart", "anthropic/claude-sonnet-4-5"),
            ("mini", "gpt-4.1-mini"),
            ("best", "anthropic/claude-opus-4-1"),
            ("odd", "meta-llama/x"),
        ],
    );
    let cost = prices.cost(&call("litellm", "smart"));
    assert_eq!(answer(&cost), told(6_000_000, "anthropic/claude-sonnet-4-5"));
    let alias = cost.entry.unwrap().alias.clone().unwrap();
    assert_eq!((alias.provider.as_deref(), &*alias.model), (Some("anthropic"), "claude-sonnet-4-5"));
    let at_gateway = CallRef { server_address: Some("api.openai.com"), ..call("openai", "SMART") };
    assert_eq!(answer(&prices.cost(&at_gateway)), told(6_000_000, "anthropic/claude-sonnet-4-5"));
    assert_eq!(answer(&prices.cost(&call("openai", "mini"))), told(400_000, "openai/gpt-4.1-mini"));
    assert_eq!(prices.cost(&call("gateway", "best")).total, Some(0), "overrides see what it stands for");
    assert_eq!(prices.cost(&call("openai", "odd")).status, CostStatus::UnknownModel);
}

#[test]
fn an_override_that_says_no_price_or_two_is_refused_with_its_place() {
    let problems = |one: serde_json::Value| {
        let overrides = vec![serde_json::from_value(one).unwrap()];
        PriceSettings { overrides, ..PriceSettings::default() }.check()
    };
    let path = |one| problems(one).first().map(|(path, _)| path.clone());
    assert_eq!(path(json!({})).as_deref(), Some("overrides.0"));
    assert_eq!(path(json!({"free": true, "multiplier": 2})).as_deref(), Some("overrides.0.free"));
    assert_eq!(path(json!({"prices": {"input_mtok": 0}})).as_deref(), Some("overrides.0.prices"));
    assert_eq!(path(json!({"prices": {"input_miles": 1}})).as_deref(), Some("overrides.0.prices"));
    assert_eq!(path(json!({"prices": 3})).as_deref(), Some("overrides.0.prices"));
    assert_eq!(path(json!({"multiplier": 2})), None);
}

#[test]
fn a_key_or_value_that_an_override_cannot_have_is_refused() {
    for wrong in [
        json!({"modell": "x"}),
        json!({"match": {"is": "x"}}),
        json!({"match": {"regex": "("}}),
        json!({"multiplier": 0}),
        json!({"multiplier": -1}),
        json!({"valid_from": "soon"}),
    ] {
        assert!(serde_json::from_value::<Override>(wrong.clone()).is_err(), "{wrong}");
    }
}

#[test]
fn a_reported_cost_counts_where_the_settings_prefer_it() {
    let settings = PriceSettings { prefer: Prefer::Reported, ..PriceSettings::default() };
    let prices = Prices::new(&PriceTable::bundled(), settings).unwrap();
    let derived = || prices.cost(&call("openai", "gpt-4.1-mini"));
    let cost = prices.preferred(derived(), Some(5));
    assert_eq!(
        (cost.status, cost.total, cost.input, cost.output),
        (CostStatus::Reported, Some(5), None, None)
    );
    assert_eq!(prices.preferred(derived(), None), derived());
    assert_eq!(Prices::bundled().preferred(derived(), Some(5)), derived());
}

#[test]
fn prices_are_found_by_the_version_on_a_row_and_the_same_settings_give_the_same_version() {
    let one = || prices(json!([{"multiplier": 0.123}]), &[]);
    let (first, second) = (one(), one());
    assert_eq!(first.version(), second.version());
    assert!(
        first.version().starts_with("genai-prices/0.2.3+sha256:e4adb06d+settings:"),
        "{}",
        first.version()
    );
    let found = Prices::of_version(first.version()).unwrap();
    assert_eq!(found.cost(&call("openai", "gpt-4.1-mini")).total, Some(49_200_000_000));
    assert_ne!(prices(json!([{"multiplier": 0.124}]), &[]).version(), first.version());
    let version = first.version().to_owned();
    drop((first, second, found));
    assert!(Prices::of_version(&version).is_none(), "nobody holds them");
}
