//! Costs against two independent oracles: exact decimals of the Python genai-prices, and its Rust crate's `f64`.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of a test may stop it where its own data is wrong"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, UNIX_EPOCH};

use genai_prices::{Calculator, PriceRequest, Usage as OracleUsage};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::Value;
use spanledger_genai::{CallRef, CostStatus, Prices, SpanView, Usage, normalise};

const TABLE: &str = include_str!("../data/genai-prices-0.2.3-data.json");
const CASES: &str = include_str!("data/prices.json");

fn usage(case: &Value) -> Usage {
    let count = |key| case["usage"][key].as_i64();
    Usage {
        input_tokens: count("input_tokens"),
        output_tokens: count("output_tokens"),
        cache_read_input_tokens: count("cache_read_tokens"),
        cache_write_input_tokens: count("cache_write_tokens"),
        ..Usage::default()
    }
}

fn unix_nano(rfc3339: &str) -> i64 {
    chrono::DateTime::parse_from_rfc3339(rfc3339).unwrap().timestamp_nanos_opt().unwrap()
}

/// Twelve decimals as an integer, from text of any precision up to that.
fn pico_usd(text: &Value) -> Option<i128> {
    let text = text.as_str()?;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    assert!(fraction.len() <= 12, "{text}");
    Some(format!("{whole}{fraction:0<12}").parse().unwrap())
}

#[test]
fn costs_are_exactly_those_of_the_reference() {
    let prices = Prices::bundled();
    let cases: Value = serde_json::from_str(CASES).unwrap();
    let mut cases_by_context = BTreeMap::new();
    for case in cases["cases"].as_array().unwrap() {
        let context = &case["price_context"];
        *cases_by_context.entry(context.to_string()).or_insert(0) += 1;
        let cost = prices.cost(&CallRef {
            provider: case["provider_id"].as_str(),
            model: case["model"].as_str(),
            start_unix_nano: unix_nano(case["timestamp"].as_str().unwrap()),
            service_tier: context["service_tier"].as_str(),
            processing: context["processing"].as_str(),
            speed: context["speed"].as_str(),
            usage: usage(case),
            ..CallRef::default()
        });
        assert_eq!(cost.total, pico_usd(&case["expected_usd"]), "{case}");
        assert_eq!(cost.input, pico_usd(&case["expected_input_usd"]), "{case}");
        assert_eq!(cost.output, pico_usd(&case["expected_output_usd"]), "{case}");
        assert_eq!(cost.status == CostStatus::Priced, case["expected_usd"].is_string(), "{case}");
        if let Some(provider) = case["matched_provider"].as_str() {
            let entry = cost.entry.unwrap();
            assert_eq!(&*entry.provider, provider);
            let model = entry.model_id.split_once('/').unwrap().1;
            assert_eq!(model, case["matched_model"], "{case}");
        }
    }
    assert_eq!(cases_by_context.values().sum::<usize>(), 60);
    assert!(cases_by_context.len() > 2, "with and without a context: {cases_by_context:?}");
}

/// The cost of input alone, in micro dollars.
fn input_cost(
    provider: &str,
    model: &str,
    time: &str,
    service_tier: Option<&str>,
    input_tokens: i64,
) -> i128 {
    let usage = Usage { input_tokens: Some(input_tokens), output_tokens: Some(0), ..Usage::default() };
    let (provider, model, start_unix_nano) = (Some(provider), Some(model), unix_nano(time));
    let call = CallRef { provider, model, start_unix_nano, service_tier, usage, ..CallRef::default() };
    Prices::bundled().cost(&call).total.unwrap() / 1_000_000
}

#[test]
fn a_tier_begins_above_its_start() {
    let cost = |input| input_cost("anthropic", "claude-sonnet-4-5", "2026-01-01T00:00:00Z", None, input);
    assert_eq!(cost(200_000), 600_000, "3 dollars a million");
    assert_eq!(cost(200_001), 1_200_006, "6 dollars a million");
}

#[test]
fn a_price_begins_with_the_first_moment_of_its_day() {
    let cost = |time| input_cost("openai", "gpt-5", time, Some("flex"), 1_000_000);
    assert_eq!(cost("2026-10-11T23:59:59Z"), 1_250_000);
    assert_eq!(cost("2026-10-12T00:00:00Z"), 625_000);
}

/// What a million tokens of input cost on a span with these attributes, in micro dollars, and under which entry.
fn span_cost(attributes: &[(&str, &str)]) -> (i128, String) {
    let mut all = vec![("gen_ai.operation.name", "chat"), ("gen_ai.usage.input_tokens", "1000000")];
    all.extend(attributes);
    let start_unix_nano = unix_nano("2026-11-01T00:00:00Z");
    let span = SpanView { start_unix_nano, attributes: &all, ..SpanView::default() };
    let cost = normalise(&span, &Prices::bundled()).unwrap().cost;
    (cost.total.unwrap() / 1_000_000, cost.entry.unwrap().model_id.to_string())
}

#[test]
fn a_tier_of_one_provider_is_not_that_of_another_who_resells_the_model() {
    let flex = [("gen_ai.response.model", "gpt-5"), ("openai.response.service_tier", "flex")];
    let cost = |attribute| span_cost(&[attribute, flex[0], flex[1]]).0;
    assert_eq!(cost(("gen_ai.provider.name", "openai")), 625_000);
    assert_eq!(cost(("gen_ai.system", "azure")), 1_250_000);
    assert_eq!(cost(("server.address", "x.openai.azure.com")), 1_250_000);
}

#[test]
fn a_model_that_azure_sells_beside_those_of_openai_has_azures_price() {
    let cost =
        |model| span_cost(&[("gen_ai.provider.name", "azure.ai.openai"), ("gen_ai.response.model", model)]);
    assert_eq!(cost("phi-4"), (125_000, "azure/phi-4".to_owned()));
    assert_eq!(cost("gpt-4.1-mini"), (400_000, "openai/gpt-4.1-mini".to_owned()));
}

/// Every model of the table, with its provider.
fn models() -> Vec<String> {
    let table: Value = serde_json::from_str(TABLE).unwrap();
    let models = table.as_array().unwrap().iter().flat_map(|provider| {
        let models = provider["models"].as_array().unwrap().iter();
        models.map(|model| format!("{}/{}", provider["id"].as_str().unwrap(), model["id"].as_str().unwrap()))
    });
    models.collect()
}

/// Every literal that some model of the table answers to, with its provider.
fn names() -> Vec<(String, String)> {
    fn literals(test: &Value, found: &mut Vec<String>) {
        for (kind, value) in test.as_object().unwrap() {
            match value {
                Value::Array(tests) => tests.iter().for_each(|test| literals(test, found)),
                Value::String(text) if kind != "regex" => found.push(text.clone()),
                _ => {}
            }
        }
    }
    let table: Value = serde_json::from_str(TABLE).unwrap();
    let mut names = Vec::new();
    for provider in table.as_array().unwrap() {
        for model in provider["models"].as_array().unwrap() {
            let mut found = vec![model["id"].as_str().unwrap().to_owned()];
            literals(&model["match"], &mut found);
            names.extend(found.into_iter().map(|name| (provider["id"].as_str().unwrap().to_owned(), name)));
        }
    }
    names
}

/// Counts by the keys of the oracle; the first eight are those of [`Usage`], the others those of `details`.
const KEYS: [&str; 14] = [
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "cache_write_1h_tokens",
    "output_reasoning_tokens",
    "input_audio_tokens",
    "output_audio_tokens",
    "input_image_tokens",
    "output_image_tokens",
    "cache_image_read_tokens",
    "cache_audio_read_tokens",
    "input_video_tokens",
    "web_searches",
];

const DETAILS: [&str; 6] = [
    "image.input_tokens",
    "image.output_tokens",
    "image.cache_read.input_tokens",
    "audio.cache_read.input_tokens",
    "video.input_tokens",
    "web_searches",
];

#[derive(Debug, Clone)]
struct Call {
    provider: Option<String>,
    model: String,
    unix_seconds: i64,
    context: Option<(&'static str, &'static str)>,
    counts: [Option<i64>; KEYS.len()],
}

fn calls() -> impl Strategy<Value = Call> {
    let names = names();
    let providers: Vec<_> = names.iter().map(|(provider, _)| provider.clone()).collect();
    let suffix =
        select(vec!["", "", "", "-20250807", "-20251001", "-2025-04-14", ":free", "-x", "-v1:0", "-latest"]);
    let prefix = select(vec!["", "", "", "", "", "", "", "", "", "", "openai/", "anthropic/", "us.", "ft:"]);
    let model = (select(names), prefix, suffix, any::<bool>()).prop_map(
        |((provider, name), prefix, suffix, upper)| {
            let model = format!("{prefix}{name}{suffix}");
            (provider, if upper { model.to_uppercase() } else { model })
        },
    );
    let asked = prop_oneof![
        6 => Just(None),
        1 => select(providers).prop_map(|provider| Some(Some(provider))),
        1 => Just(Some(Some("litellm".to_owned()))),
        1 => Just(Some(None)),
    ];
    let call = (model, asked, usages(), ways(), seconds());
    call.prop_map(|((own, model), asked, counts, context, unix_seconds)| Call {
        provider: asked.unwrap_or(Some(own)),
        model,
        unix_seconds,
        context,
        counts,
    })
}

fn seconds() -> impl Strategy<Value = i64> {
    1_735_689_600_i64..1_800_000_000
}

fn ways() -> impl Strategy<Value = Option<(&'static str, &'static str)>> {
    select(vec![
        None,
        None,
        None,
        Some(("service_tier", "flex")),
        Some(("service_tier", "priority")),
        Some(("service_tier", "fast")),
        Some(("service_tier", "odd")),
        Some(("processing", "batch")),
        Some(("speed", "fast")),
    ])
}

fn usages() -> impl Strategy<Value = [Option<i64>; KEYS.len()]> {
    let part = || prop_oneof![2 => Just(None), 2 => Just(Some(0)), 3 => (0_i64..1000).prop_map(Some)];
    let rare = || prop_oneof![6 => Just(None), 1 => Just(Some(0)), 1 => (0_i64..1000).prop_map(Some)];
    let wholes = (0_i64..500_000, proptest::option::of(0_i64..20_000));
    let parts = (prop::array::uniform6(part()), prop::array::uniform6(rare()));
    (wholes, parts, prop_oneof![9 => Just(4), 1 => Just(1)]).prop_map(
        |((input, output), (parts, rare), share)| {
            let of = |part: Option<i64>, whole: i64| part.map(|permille| whole * permille / 1000 / share);
            let out = output.unwrap_or(0);
            [
                Some(input),
                output,
                of(parts[0], input),
                of(parts[1], input),
                of(parts[2], input / 4),
                of(parts[3], out),
                of(parts[4], input),
                of(parts[5], out),
                of(rare[0], input / 2),
                of(rare[1], out / 2),
                of(rare[2], input / 8),
                of(rare[3], input / 8),
                of(rare[4], input / 8),
                of(rare[5], 40),
            ]
        },
    )
}

fn oracle_cost(oracle: &Calculator, call: &Call) -> Option<f64> {
    let mut usage = OracleUsage::new();
    for (key, count) in KEYS.into_iter().zip(call.counts) {
        if let Some(count) = count {
            usage.insert(key, count as f64);
        }
    }
    let time = UNIX_EPOCH + Duration::from_secs(u64::try_from(call.unix_seconds).unwrap());
    let mut request = PriceRequest::new(&call.model, &usage).with_timestamp(time);
    if let Some(provider) = &call.provider {
        request = request.with_provider_id(provider);
    }
    if let Some((key, value)) = call.context {
        request = request.with_price_context(key, value);
    }
    oracle.calculate(&request).ok().map(|price| price.total_price)
}

fn our_cost(prices: &Prices, call: &Call) -> spanledger_genai::Cost {
    let [input, output, read, write, write_1h, reasoning, audio_input, audio_output, details @ ..] =
        call.counts;
    let details: Vec<_> =
        DETAILS.into_iter().zip(details).filter_map(|(key, count)| Some((key, count?))).collect();
    let way = |wanted| call.context.filter(|(key, _)| *key == wanted).map(|(_, value)| value);
    prices.cost(&CallRef {
        provider: call.provider.as_deref(),
        model: Some(&call.model),
        start_unix_nano: call.unix_seconds * 1_000_000_000,
        service_tier: way("service_tier"),
        processing: way("processing"),
        speed: way("speed"),
        usage: Usage {
            input_tokens: input,
            output_tokens: output,
            cache_read_input_tokens: read,
            cache_write_input_tokens: write,
            cache_write_1h_input_tokens: write_1h,
            reasoning_output_tokens: reasoning,
            audio_input_tokens: audio_input,
            audio_output_tokens: audio_output,
        },
        details: &details,
        ..CallRef::default()
    })
}

/// Whether both have the same cost, or both none; says whether there is one.
fn agree(prices: &Prices, oracle: &Calculator, call: &Call) -> Result<bool, TestCaseError> {
    match (oracle_cost(oracle, call), our_cost(prices, call).total) {
        (Some(theirs), Some(ours)) => {
            let ours = ours as f64 / 1e12;
            let tolerance = 1e-12_f64.max(theirs.abs() * 1e-12);
            prop_assert!((ours - theirs).abs() <= tolerance, "{call:?}: {ours} here, {theirs} there");
            Ok(true)
        }
        (theirs, ours) => {
            prop_assert!(theirs.is_none() && ours.is_none(), "{call:?}: {ours:?} here, {theirs:?} there");
            Ok(false)
        }
    }
}

fn runner(cases: u32) -> TestRunner {
    TestRunner::new(ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() })
}

#[test]
fn costs_agree_with_the_genai_prices_crate() {
    let prices = Prices::bundled();
    let oracle = Calculator::from_json(TABLE).unwrap();
    let priced = std::cell::Cell::new(0);
    let result = runner(3000).run(&calls(), |call| {
        priced.set(priced.get() + usize::from(agree(&prices, &oracle, &call)?));
        Ok(())
    });
    result.unwrap();
    assert!(priced.get() > 500, "only {} calls had a price", priced.get());
}

#[test]
fn every_model_of_the_table_costs_what_the_genai_prices_crate_says() {
    let prices = Prices::bundled();
    let oracle = Calculator::from_json(TABLE).unwrap();
    let (mut runner, any) = (runner(1), (usages(), ways(), seconds()));
    let mut priced = BTreeSet::new();
    for (provider, model) in names() {
        let mut left = 4;
        // A usage that contradicts itself has no cost; it takes a few to see each model priced.
        for _ in 0..20 {
            let (counts, context, unix_seconds) = any.new_tree(&mut runner).unwrap().current();
            let call = Call {
                provider: Some(provider.clone()),
                model: model.clone(),
                unix_seconds,
                context,
                counts,
            };
            if agree(&prices, &oracle, &call).unwrap() {
                priced.insert(our_cost(&prices, &call).entry.unwrap().model_id.to_string());
                left -= 1;
            }
            if left == 0 {
                break;
            }
        }
    }
    let unpriced: Vec<_> = models().into_iter().filter(|id| !priced.contains(id)).collect();
    assert!(unpriced.is_empty(), "{} models never had a price: {unpriced:?}", unpriced.len());
}
