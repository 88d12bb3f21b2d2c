//! Spans in, calls out: by hand, and as real SDKs send them.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of a test may stop it where its own data is wrong"
)]

mod support;

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use serde_json::Value;
use spanledger_component::{Context, Processor, ProcessorFactory as _, Rows};
use spanledger_processor_genai::{Config, Genai};
use spanledger_schema::{Column, Int, Spans, Table, Text, spans};
use spanledger_telemetry::Meter;

use support::{Span, attributes_of, captured, rows, truth};

fn process(spans: Spans) -> Spans {
    process_with(&Genai::new(&Meter::default(), "genai"), spans)
}

fn process_with(genai: &Genai, spans: Spans) -> Spans {
    match genai.process(Rows::Spans(spans)).unwrap() {
        Rows::Spans(spans) => spans,
        rows => panic!("spans became {rows:?}"),
    }
}

fn span(attributes: &[(&str, &str)]) -> Span {
    let attributes = attributes.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    Span {
        start_unix_nano: 1_795_212_180_000_000_000,
        duration_ns: 2_000_000_000,
        attributes,
        ..Span::default()
    }
}

fn text(spans: &Spans, column: Column<Text>, row: usize) -> Option<&str> {
    let column = spans.get(column);
    column.is_valid(row).then(|| column.value(row))
}

fn int(spans: &Spans, column: Column<Int>, row: usize) -> Option<i64> {
    let column = spans.get(column);
    column.is_valid(row).then(|| column.value(row))
}

#[test]
fn originals_are_kept_beside_the_columns_for_those_who_want_them() {
    let config = Config { keep_originals: true, ..Config::default() };
    let context = Context { memory_bytes: 1 << 20, ..Context::new("genai".parse().unwrap()) };
    let keeping = Genai::build(&config, &context).unwrap();
    let Rows::Spans(kept) = keeping.process(Rows::Spans(rows(&[span(CHAT)]))).unwrap() else {
        panic!("spans")
    };
    let sent = CHAT.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    assert_eq!(attributes_of(kept.get(spans::SPAN_ATTRIBUTES), 0), sent);
    let usual = process(rows(&[span(CHAT)]));
    assert!(attributes_of(usual.get(spans::SPAN_ATTRIBUTES), 0).len() < sent.len());
    assert_eq!(text(&kept, spans::RESPONSE_MODEL, 0), text(&usual, spans::RESPONSE_MODEL, 0));
}

const CHAT: &[(&str, &str)] = &[
    ("my.own", "a value of more than twelve bytes"),
    ("gen_ai.operation.name", "chat"),
    ("gen_ai.provider.name", "openai"),
    ("gen_ai.response.model", "gpt-4o-2024-08-06"),
    ("gen_ai.response.finish_reasons", r#"["stop"]"#),
    ("gen_ai.request.temperature", "0.2"),
    ("gen_ai.usage.input_tokens", "51"),
    ("gen_ai.usage.output_tokens", "41"),
    ("gen_ai.input.messages", r#"[{"role":"user","parts":[]}]"#),
    ("gen_ai.usage.cost", "0.5"),
];

#[test]
fn a_call_fills_its_columns_and_leaves_the_rest_in_the_attributes() {
    let spans = process(rows(&[span(&[("http.route", "/")]), span(CHAT), span(&[])]));
    assert_eq!(text(&spans, spans::DIALECT, 1), Some("otel"));
    assert_eq!(text(&spans, spans::CALL_KIND, 1), Some("llm"));
    assert_eq!(text(&spans, spans::OPERATION, 1), Some("chat"));
    assert_eq!(text(&spans, spans::PROVIDER, 1), Some("openai"));
    assert_eq!(text(&spans, spans::RESPONSE_MODEL, 1), Some("gpt-4o-2024-08-06"));
    assert_eq!(text(&spans, spans::PRICE_VERSION, 1), Some("genai-prices/0.2.3+sha256:e4adb06d"));
    assert_eq!(text(&spans, spans::PRICE_MODEL_ID, 1), Some("openai/gpt-4o"));
    assert_eq!(text(&spans, spans::COST_STATUS, 1), Some("priced"));
    assert_eq!(text(&spans, spans::INPUT_MESSAGES, 1), Some(r#"[{"role":"user","parts":[]}]"#));
    assert_eq!(text(&spans, spans::CONTENT_STATE, 1), Some("stored"));
    assert_eq!(int(&spans, spans::CONTENT_BYTES, 1), Some(28));
    assert_eq!(int(&spans, spans::INPUT_TOKENS, 1), Some(51));
    assert_eq!(spans.get(spans::TEMPERATURE).value(1), 0.2);
    assert_eq!(spans.get(spans::COST_TOTAL).value(1), 537_500_000);
    assert_eq!(spans.get(spans::REPORTED_COST).value(1), 500_000_000_000);
    assert_eq!(spans.get(spans::FINISH_REASONS).value(1).as_string_view().value(0), "stop");
    assert_eq!(spans.get(spans::BILLABLE).iter().collect::<Vec<_>>(), [Some(false), Some(true), Some(false)]);
    let left = attributes_of(spans.get(spans::SPAN_ATTRIBUTES), 1);
    assert_eq!(left.len(), 2, "{left:?}");
    assert_eq!(left["my.own"], "a value of more than twelve bytes");
    assert_eq!(left["gen_ai.usage.cost"], "0.5");
}

#[test]
fn spans_that_are_no_calls_stay_as_they_are() {
    let before =
        rows(&[span(&[("http.route", "/"), ("user.id", "u"), ("server.address", "api.openai.com")])]);
    assert_eq!(process(before.clone()).batch(), before.batch());

    let beside = process(rows(&[span(&[("http.route", "/"), ("user.id", "u")]), span(CHAT)]));
    assert_eq!(text(&beside, spans::DIALECT, 0), None);
    assert_eq!(text(&beside, spans::USER_ID, 0), None);
    assert_eq!(text(&beside, spans::COST_STATUS, 0), None);
    assert_eq!(attributes_of(beside.get(spans::SPAN_ATTRIBUTES), 0).len(), 2);
}

#[test]
fn reading_twice_is_reading_once() {
    let once = process(rows(&[span(CHAT)]));
    assert_eq!(process(once.clone()).batch(), once.batch());
}

#[test]
fn rows_are_read_alike_however_they_are_cut_into_batches() {
    let all = captured("otel-openai-v2");
    let whole = process(all.clone());
    let cut = |first, rows| Spans::try_from_batch(all.batch().slice(first, rows)).unwrap();
    assert_eq!(*process(cut(0, 7)).batch(), whole.batch().slice(0, 7));
    assert_eq!(*process(cut(7, 5)).batch(), whole.batch().slice(7, 5));
}

#[test]
fn rows_are_read_alike_whatever_stands_beside_them() {
    let of = |number: usize| {
        let own = format!("app.{}", if number < 150 { number % 20 } else { number });
        let scope_name = ["pydantic-ai", "http", "pydantic-ai"][number % 3].to_owned();
        Span { scope_name, ..span(&[("agent_name", "a"), ("model_name", "gpt-4o"), (&own, "1")]) }
    };
    let all: Vec<Span> = (0..450).map(of).chain([span(CHAT), span(CHAT)]).collect();
    let whole = process(rows(&all));
    for (row, one) in all.iter().enumerate() {
        let alone = process(rows(std::slice::from_ref(one)));
        assert_eq!(whole.batch().slice(row, 1), *alone.batch(), "row {row}");
    }
    assert_eq!(whole.get(spans::DIALECT).null_count(), 150);
}

#[test]
fn long_texts_are_not_copied() {
    let text = "x".repeat(10_000);
    let prompt = format!(r#"[{{"role":"user","parts":[{{"type":"text","content":"{text}"}}]}}]"#);
    let before =
        rows(&[span(&[("gen_ai.input.messages", &prompt), ("gen_ai.response.id", "chatcmpl-0123456789")])]);
    let after = process(before.clone());
    let body = before.get(spans::SPAN_ATTRIBUTES).values().as_string_view().data_buffers();
    for column in [spans::INPUT_MESSAGES, spans::RESPONSE_ID] {
        let buffers = after.get(column).data_buffers();
        assert!(
            buffers.iter().all(|buffer| body.iter().any(|body| body.as_ptr() == buffer.as_ptr())),
            "{}",
            column.name
        );
    }
    assert_eq!(after.get(spans::OPERATION).data_buffers().len(), 0);
}

#[test]
fn values_that_cannot_be_used_are_counted_by_reason() {
    let meter = Meter::default();
    let genai = Genai::new(&meter, "genai");
    let odd = [
        ("gen_ai.operation.name", "chat"),
        ("gen_ai.usage.input_tokens", "many"),
        ("gen_ai.request.temperature", "warm"),
        ("gen_ai.response.time_to_first_chunk", "9"),
    ];
    process_with(&genai, rows(&[span(CHAT), span(&odd)]));
    let families = meter.collect();
    let family = families.iter().find(|family| family.name == "spanledger_genai_unusable_values").unwrap();
    let value = |reason: &str| {
        let reason = ("reason".to_owned(), reason.to_owned());
        family.samples.iter().find(|sample| sample.labels.contains(&reason)).unwrap().value
    };
    assert_eq!((value("unreadable"), value("outside_span")), (2.0, 1.0));
}

#[test]
fn tokens_by_modality_stand_in_one_column() {
    let details = [
        ("gen_ai.operation.name", "generate_content"),
        ("gen_ai.usage.text.input_tokens", "100"),
        ("gen_ai.usage.image.input_tokens", "200"),
    ];
    let spans = process(rows(&[span(CHAT), span(&details), span(&[])]));
    let column = spans.get(spans::USAGE_DETAILS);
    assert_eq!((column.is_valid(0), column.is_valid(1), column.is_valid(2)), (false, true, false));
    let row = column.value(1);
    let names: Vec<_> = row.column(0).as_string_view().iter().flatten().collect();
    assert_eq!(names, ["text.input_tokens", "image.input_tokens"]);
    assert_eq!(*row.column(1).as_primitive::<Int64Type>().values(), [100, 200]);
    assert!(attributes_of(spans.get(spans::SPAN_ATTRIBUTES), 1).is_empty());
}

/// Nano dollars, half to even.
fn nano_usd(pico: i128) -> i64 {
    let (quotient, rest) = (pico / 1000, pico % 1000);
    let up = rest > 500 || rest == 500 && quotient % 2 == 1;
    i64::try_from(quotient).unwrap() + i64::from(up)
}

fn check_capture(sdk: &str) {
    let spans = process(captured(sdk));
    let truth = truth(sdk);
    let mut rows = Vec::new();
    for call in truth["llm_calls"].as_array().unwrap().iter().filter(|call| call["span"].is_object()) {
        let row = (0..spans.len()).find(|row| {
            text(&spans, spans::TRACE_ID, *row) == call["span"]["trace_id"].as_str()
                && text(&spans, spans::SPAN_ID, *row) == call["span"]["span_id"].as_str()
        });
        check_call(sdk, &spans, row.unwrap(), call);
        rows.push(row.unwrap());
    }
    let others = (0..spans.len()).filter(|row| !rows.contains(row));
    let counted_besides = others.filter(|row| int(&spans, spans::INPUT_TOKENS, *row).is_some()).count();
    assert_eq!(counted_besides, 0, "{sdk}: no tokens are counted but those of calls");
}

fn check_call(sdk: &str, spans: &Spans, row: usize, call: &Value) {
    assert!(spans.get(spans::BILLABLE).value(row), "{sdk}: {call}");
    let tokens = [
        ("input_tokens", spans::INPUT_TOKENS),
        ("output_tokens", spans::OUTPUT_TOKENS),
        ("cache_read_tokens", spans::CACHE_READ_INPUT_TOKENS),
        ("cache_write_tokens", spans::CACHE_WRITE_INPUT_TOKENS),
        ("reasoning_tokens", spans::REASONING_OUTPUT_TOKENS),
    ];
    for (name, column) in tokens {
        let sent = call["usage_found_in"][name]
            .as_object()
            .is_some_and(|places| places.keys().any(|place| !place.starts_with("log: ")));
        let expected = if sent { call[name].as_i64() } else { None };
        assert_eq!(int(spans, column, row), expected, "{sdk}: {name} of {call}");
    }
    let cost = spans.get(spans::COST_TOTAL);
    let cost = cost.is_valid(row).then(|| nano_usd(cost.value(row)));
    // These clients speak to other providers as to OpenAI; of Groq's model the name does not tell whose it is.
    let is_told = call["provider"] != "groq";
    let expected = if is_told { call["cost_nano_usd_from_wire"].as_i64() } else { None };
    assert_eq!(cost, expected, "{sdk}: cost of {call}");
}

#[test]
fn calls_of_python_openai_v2_have_their_true_usage_and_cost() {
    check_capture("otel-openai-v2");
}

#[test]
fn calls_by_the_latest_experimental_conventions_have_their_true_usage_and_cost() {
    check_capture("otel-openai-v2-latest-experimental");
}

#[test]
fn calls_by_the_legacy_conventions_have_their_true_usage_and_cost() {
    check_capture("otel-openai-v2-legacy");
}

#[test]
fn calls_of_javascript_openai_have_their_true_usage_and_cost() {
    check_capture("otel-js-openai");
}

#[test]
fn calls_of_the_openai_agents_sdk_have_their_true_usage_and_cost() {
    check_capture("otel-openai-agents-v2");
}
