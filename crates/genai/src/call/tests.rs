use proptest::prelude::*;

use super::*;
use crate::EventView;
use crate::conventions::{Origin, ROWS, Row, Unit, When};

const SECOND: i64 = 1_000_000_000;

const MESSAGES: &str = r#"[{"role":"user","parts":[{"type":"text","content":"Hi"}]}]"#;

fn span<'a>(attributes: &'a [(&'a str, &'a str)]) -> SpanView<'a> {
    SpanView {
        start_unix_nano: 1_795_212_180 * SECOND,
        duration_ns: 2 * SECOND,
        attributes,
        ..SpanView::default()
    }
}

fn read<'a>(attributes: &'a [(&'a str, &'a str)]) -> Call<'a> {
    normalise(&span(attributes), &Prices::bundled()).unwrap()
}

fn places(call: &Call<'_>) -> Vec<usize> {
    let mut places: Vec<_> = call.moved().collect();
    places.sort_unstable();
    places
}

#[test]
fn a_call_by_the_newest_conventions_is_read_and_priced() {
    let call = read(&[
        ("gen_ai.operation.name", "chat"),
        ("gen_ai.provider.name", "openai"),
        ("gen_ai.request.model", "gpt-4o"),
        ("gen_ai.response.model", "gpt-4o-2024-08-06"),
        ("gen_ai.response.finish_reasons", r#"["stop"]"#),
        ("gen_ai.usage.input_tokens", "51"),
        ("gen_ai.usage.output_tokens", "41"),
        ("gen_ai.input.messages", MESSAGES),
        ("gen_ai.output.messages", MESSAGES),
        ("openai.response.service_tier", "default"),
        ("my.own", "1"),
    ]);
    assert_eq!((call.dialect, call.kind, call.is_billable), ("otel", CallKind::Llm, true));
    assert_eq!(call.provider.as_deref(), Some("openai"));
    assert_eq!(call.model.as_deref(), Some("gpt-4o-2024-08-06"));
    assert_eq!(call.finish_reasons, Some(vec!["stop".to_owned()]));
    assert_eq!((call.usage.input_tokens, call.usage.output_tokens), (Some(51), Some(41)));
    assert_eq!(call.usage_semantics, Some(UsageSemantics::Assumed));
    assert_eq!(call.cost.status, CostStatus::Priced);
    assert_eq!(call.cost.total, Some(537_500_000), "51 at 2.50 and 41 at 10 dollars a million");
    assert_eq!(call.content.bytes(), Some(2 * MESSAGES.len()));
    assert_eq!(places(&call), (0..10).collect::<Vec<_>>(), "all but what is no column");
}

#[test]
fn a_call_by_the_oldest_conventions_is_the_same_call() {
    let call = read(&[
        ("gen_ai.operation.name", "chat"),
        ("gen_ai.system", "openai"),
        ("gen_ai.response.model", "gpt-4o-2024-08-06"),
        ("gen_ai.usage.prompt_tokens", "51"),
        ("gen_ai.usage.completion_tokens", "41"),
        ("gen_ai.openai.response.service_tier", "default"),
    ]);
    assert_eq!(call.provider.as_deref(), Some("openai"));
    assert_eq!(call.text(Field::ServiceTier), Some("default"));
    assert_eq!(call.cost.total, Some(537_500_000));
}

#[test]
fn the_newer_name_counts_whatever_the_order() {
    let both = [
        ("gen_ai.usage.prompt_tokens", "1"),
        ("gen_ai.usage.input_tokens", "2"),
        ("gen_ai.operation.name", "chat"),
    ];
    let call = read(&both);
    assert_eq!(call.usage.input_tokens, Some(2));
    assert_eq!(places(&call), [1, 2], "the older one stays where it was");
    let empty = [("gen_ai.provider.name", ""), ("gen_ai.system", "openai")];
    assert_eq!(read(&empty).provider.as_deref(), Some("openai"));
}

/// JSON that has a value at a path.
fn json_at(path: &str, value: &str) -> String {
    path.rsplit('.').fold(format!("{value:?}"), |inner, level| match level {
        "0" | "*" => format!("[{inner}]"),
        // A sum is one of numbers.
        level if level.ends_with('*') => format!("{{{:?}: {value}}}", level.trim_end_matches('*')),
        level => format!("{{{level:?}: {inner}}}"),
    })
}

/// What a row reads as `1`.
fn one(row: &Row) -> &'static str {
    match row.unit {
        Unit::BeforeSlash => "1/x",
        Unit::SecondWord => "chat 1",
        Unit::AfterSlash => "x/1",
        _ => "1",
    }
}

#[test]
fn every_row_of_the_table_fills_its_field() {
    for row in ROWS {
        let json = match row.from {
            Origin::Json(path) => json_at(path, one(row)),
            _ => one(row).to_owned(),
        };
        let operation = match row.when {
            When::Always => None,
            When::Calls => Some("chat"),
            When::Of(kind) => Some(kind.as_str()),
        };
        let events = [EventView { name: row.name, time_unix_nano: 1, attributes: &[] }];
        let mut attributes = vec![("gen_ai.x", "x")];
        attributes.extend(operation.map(|operation| ("gen_ai.operation.name", operation)));
        let mut view = SpanView { scope_name: row.only.map(scope_of), ..span(&[]) };
        match row.from {
            Origin::Attribute | Origin::Json(_) => attributes.push((row.name, &json)),
            Origin::Event => view.events = &events,
            Origin::SpanName => view.name = &json,
        }
        view.attributes = &attributes;
        let call = normalise(&view, &Prices::bundled()).unwrap();
        let text = call.text(row.field).map(|text| text.trim_matches(['[', ']', '"']));
        assert_eq!(text, Some("1"), "{row:?}");
    }
}

fn scope_of(dialect: Dialect) -> &'static str {
    let row = crate::dialect::ROWS.iter().find(|row| row.dialect == dialect).unwrap();
    row.scopes[0].trim_end_matches('*')
}

#[test]
fn what_is_not_genai_is_left_alone() {
    let attributes =
        [("http.request.method", "POST"), ("server.address", "api.openai.com"), ("user.id", "u")];
    assert!(normalise(&span(&attributes), &Prices::bundled()).is_none());
}

#[test]
fn the_scope_tells_the_convention_and_how_input_is_counted() {
    let attributes = [
        ("gen_ai.operation.name", "chat"),
        ("gen_ai.usage.input_tokens", "100"),
        ("gen_ai.usage.cache_read.input_tokens", "30"),
    ];
    let scope_name = Some("opentelemetry.instrumentation.botocore.bedrock-runtime");
    let call = normalise(&SpanView { scope_name, ..span(&attributes) }, &Prices::bundled()).unwrap();
    assert_eq!(call.usage.input_tokens, Some(130));
    assert_eq!(call.usage_semantics, Some(UsageSemantics::Table));
    assert_eq!(places(&call), [0, 2], "the input that was sent is not what the column holds");
}

#[test]
fn usage_of_agents_is_a_sum_and_never_counted() {
    let call = read(&[
        ("gen_ai.operation.name", "invoke_agent"),
        ("gen_ai.request.model", "gpt-4o"),
        ("gen_ai.usage.input_tokens", "100"),
        ("gen_ai.usage.output_tokens", "20"),
    ]);
    assert_eq!((call.kind, call.is_billable), (CallKind::Agent, false));
    assert_eq!(call.usage, Usage::default());
    assert_eq!((call.aggregated_input_tokens, call.aggregated_output_tokens), (Some(100), Some(20)));
    assert_eq!(call.cost.status, CostStatus::NotBillable);
}

#[test]
fn an_operation_nobody_knows_is_no_call() {
    for (operation, kind) in [
        ("unknown", CallKind::Other),
        ("execute_event_loop_cycle", CallKind::Chain),
        ("execute_tool", CallKind::Tool),
        ("invoke_workflow", CallKind::Chain),
        ("retrieval", CallKind::Retriever),
    ] {
        let attributes = [("gen_ai.operation.name", operation)];
        let call = read(&attributes);
        assert_eq!((call.kind, call.is_billable), (kind, false), "{operation}");
    }
    assert_eq!(read(&[("gen_ai.tool.name", "search")]).kind, CallKind::Tool);
}

#[test]
fn a_call_without_usage_has_no_cost_and_not_zero() {
    let call = read(&[("gen_ai.operation.name", "chat"), ("gen_ai.request.model", "gpt-4o")]);
    assert_eq!((call.cost.status, call.cost.total), (CostStatus::NoUsage, None));
    assert_eq!(call.usage_semantics, None);
    let call = read(&[
        ("gen_ai.operation.name", "chat"),
        ("gen_ai.request.model", "nobodys-model"),
        ("gen_ai.usage.input_tokens", "9"),
    ]);
    assert_eq!((call.cost.status, call.cost.total), (CostStatus::UnknownModel, None));
}

#[test]
fn the_host_says_who_serves_an_openai_client() {
    let call = read(&[
        ("gen_ai.operation.name", "chat"),
        ("gen_ai.system", "openai"),
        ("server.address", "api.groq.com"),
        ("gen_ai.request.model", "llama-3.3-70b-versatile"),
        ("gen_ai.usage.input_tokens", "1000000"),
        ("gen_ai.usage.output_tokens", "0"),
    ]);
    assert_eq!(&*call.cost.entry.unwrap().provider, "groq");
    assert_eq!(call.cost.total, Some(590_000_000_000), "0.59 dollars a million");
}

#[test]
fn time_to_first_token_is_of_streams_and_within_the_span() {
    let latency = |stream, ttft| {
        let attributes = [
            ("gen_ai.operation.name", "chat"),
            ("gen_ai.request.stream", stream),
            ("gen_ai.response.time_to_first_chunk", ttft),
            ("gen_ai.usage.output_tokens", "11"),
        ];
        let call = read(&attributes);
        (call.is_stream, call.ttft_ns, call.tpot_ns)
    };
    assert_eq!(latency("true", "0.5"), (Some(true), Some(500_000_000), Some(150_000_000)));
    assert_eq!(latency("", "0.5"), (Some(true), Some(500_000_000), Some(150_000_000)));
    assert_eq!(latency("false", "0.5"), (Some(false), None, None));
    assert_eq!(latency("true", "2.5"), (Some(true), None, None));
    assert_eq!(latency("", "-1"), (None, None, None));
}

#[test]
fn a_reported_cost_of_zero_for_used_tokens_is_none() {
    let cost = |tokens, usd| {
        read(&[
            ("gen_ai.operation.name", "chat"),
            ("gen_ai.usage.input_tokens", tokens),
            ("gen_ai.usage.cost", usd),
        ])
        .reported_cost
    };
    assert_eq!(cost("10", "0.25"), Some(250_000_000_000));
    assert_eq!(cost("10", "0"), None);
    assert_eq!(cost("0", "0"), Some(0));
    assert_eq!(cost("10", "-3"), None);
}

#[test]
fn a_reported_cost_of_zero_is_none_for_an_agent_whose_calls_used_tokens() {
    let cost = |tokens| {
        read(&[
            ("gen_ai.operation.name", "invoke_agent"),
            ("gen_ai.usage.input_tokens", tokens),
            ("gen_ai.usage.cost", "0.0"),
        ])
        .reported_cost
    };
    assert_eq!(cost("1000"), None);
    assert_eq!(cost("0"), Some(0));
}

#[test]
fn tokens_by_modality_are_details_of_usage() {
    let call = read(&[
        ("gen_ai.operation.name", "generate_content"),
        ("gen_ai.usage.input_tokens", "300"),
        ("gen_ai.usage.image.input_tokens", "200"),
        ("gen_ai.usage.text.input_tokens", "100"),
        ("gen_ai.usage.text.cache_read.input_tokens", "40.0"),
        ("gen_ai.usage.video.output_tokens", "none"),
    ]);
    let expected =
        [("text.input_tokens", 100), ("image.input_tokens", 200), ("text.cache_read.input_tokens", 40)];
    assert_eq!(call.usage_details, expected);
    assert_eq!(places(&call), [0, 1, 2, 3], "the column holds neither 40.0 nor what is no number");
}

#[test]
fn a_negative_count_makes_usage_invalid() {
    let read = |name, count| {
        let attributes = [
            ("gen_ai.operation.name", "chat"),
            ("gen_ai.request.model", "gpt-4o"),
            ("gen_ai.usage.output_tokens", "10"),
            (name, count),
        ];
        let call = read(&attributes);
        (call.cost.status, call.usage.input_tokens, call.usage_semantics)
    };
    let invalid = (CostStatus::InvalidUsage, None, None);
    assert_eq!(read("gen_ai.usage.input_tokens", "-1"), invalid);
    assert_eq!(read("gen_ai.usage.cache_read.input_tokens", "-5"), invalid);
    assert_eq!(read("gen_ai.usage.input_tokens", "0").0, CostStatus::Priced);
    let unlimited = (CostStatus::NoUsage, None, Some(UsageSemantics::Assumed));
    assert_eq!(read("gen_ai.request.max_tokens", "-1"), unlimited, "of no count");
}

#[test]
fn values_that_cannot_be_read_and_times_outside_the_span_are_told() {
    let told = |attributes: &[(&str, &str)]| {
        let call = read(attributes);
        (call.unreadable(), call.is_ttft_outside)
    };
    let chat = ("gen_ai.operation.name", "chat");
    let ttft = |text| [chat, ("gen_ai.response.time_to_first_chunk", text)];
    assert_eq!(told(&[chat, ("gen_ai.usage.input_tokens", "7"), ("my.own", "x")]), (0, false));
    assert_eq!(
        told(&[
            chat,
            ("gen_ai.usage.input_tokens", "many"),
            ("gen_ai.request.temperature", "warm"),
            ("gen_ai.usage.cost", "much"),
            ("anthropic.usage.cache_creation.ephemeral_1h_input_tokens", "few"),
            ("anthropic.usage.cache_creation.ephemeral_5m_input_tokens", "few"),
        ]),
        (5, false)
    );
    assert_eq!(told(&ttft("0.5")), (0, false));
    assert_eq!(told(&ttft("2.5")), (0, true));
    assert_eq!(told(&ttft("soon")), (1, false));
}

#[test]
fn an_attribute_stays_unless_its_column_holds_its_exact_text() {
    let call = read(&[
        ("gen_ai.operation.name", "chat"),
        ("gen_ai.usage.input_tokens", "44.0"),
        ("gen_ai.request.temperature", "0.2"),
        ("gen_ai.request.top_p", "0.20"),
        ("gen_ai.request.stream", "True"),
        ("gen_ai.response.finish_reasons", "stop"),
        ("gen_ai.response.time_to_first_chunk", "0.1"),
        ("gen_ai.request.max_tokens", "lots"),
        ("session.id", "[Scrubbed due to 'session']"),
        ("gen_ai.request.choice.count", "3000000000"),
    ]);
    assert_eq!((call.usage.input_tokens, call.temperature, call.top_p), (Some(44), Some(0.2), Some(0.2)));
    assert_eq!((call.is_stream, call.max_tokens), (Some(true), None));
    assert_eq!(call.text(Field::SessionId), None);
    assert_eq!(places(&call), [0, 2]);
}

#[test]
fn the_name_of_a_span_tells_the_model_only_where_it_begins_with_an_operation() {
    let model = |name| {
        let view = SpanView { name, scope_name: Some("openlit.instrumentation.anthropic"), ..span(&[]) };
        let call = normalise(&view, &Prices::bundled()).unwrap();
        (call.kind, call.text(Field::RequestModel).map(str::to_owned))
    };
    assert_eq!(model("chat claude-sonnet-4-5"), (CallKind::Llm, Some("claude-sonnet-4-5".to_owned())));
    assert_eq!(model("OpenAI Embeddings"), (CallKind::Other, None));
    assert_eq!(model("chat with a friend"), (CallKind::Other, None));
}

#[test]
fn cache_writes_are_the_sum_of_their_parts_when_only_those_are_sent() {
    let call = read(&[
        ("gen_ai.operation.name", "chat"),
        ("gen_ai.usage.input_tokens", "100"),
        ("anthropic.usage.cache_creation.ephemeral_5m_input_tokens", "20"),
        ("anthropic.usage.cache_creation.ephemeral_1h_input_tokens", "30"),
    ]);
    assert_eq!(call.usage.cache_write_input_tokens, Some(50));
    assert_eq!(call.usage.cache_write_1h_input_tokens, Some(30));
}

#[test]
fn a_sum_of_cache_writes_that_is_0_does_not_hide_its_parts() {
    let usage = r#"{"input": 5, "input_cache_creation": 0, "input_ephemeral_5m_input_tokens": 20,
        "input_ephemeral_1h_input_tokens": 30, "output": 4, "total": 59}"#;
    let attributes = [
        ("langfuse.observation.type", "generation"),
        ("langfuse.observation.model.name", "claude-sonnet-4-5"),
        ("langfuse.observation.usage_details", usage),
    ];
    let call = read(&attributes);
    assert_eq!(call.usage.input_tokens, Some(55));
    assert_eq!(call.usage.cache_write_input_tokens, Some(50));
    assert_eq!(call.usage.cache_write_1h_input_tokens, Some(30));
}

#[test]
fn cached_tokens_beside_the_parts_of_an_input_are_no_part_of_it() {
    let usage = |details| {
        let attributes = [
            ("langfuse.observation.type", "generation"),
            ("langfuse.observation.model.name", "claude-sonnet-4-5"),
            ("langfuse.observation.usage_details", details),
        ];
        let call = read(&attributes);
        (call.usage.input_tokens, call.usage.cache_read_input_tokens, call.usage.cache_write_input_tokens)
    };
    let anthropic = r#"{"input": 100, "output": 9, "cache_read_input_tokens": 60,
        "cache_creation_input_tokens": 20, "cache_creation_ephemeral_5m_input_tokens": 20}"#;
    assert_eq!(usage(anthropic), (Some(180), Some(60), Some(20)));
    let split = r#"{"input": 100, "output": 9, "input_cache_read": 60, "input_cache_creation": 20}"#;
    assert_eq!(usage(split), (Some(180), Some(60), Some(20)));
}

#[test]
fn details_of_usage_may_be_written_as_python_does() {
    let call = read(&[
        ("langsmith.span.kind", "llm"),
        ("gen_ai.request.model", "gpt-4o"),
        ("gen_ai.usage.input_tokens", "100"),
        ("gen_ai.usage.output_tokens", "50"),
        ("gen_ai.usage.input_token_details", "{'audio': 0, 'cache_read': 60}"),
        ("gen_ai.usage.output_token_details", "{'audio': 0, 'reasoning': 20}"),
    ]);
    assert_eq!(call.usage.cache_read_input_tokens, Some(60));
    assert_eq!(call.usage.reasoning_output_tokens, Some(20));
    assert_eq!((call.usage.input_tokens, call.usage.output_tokens), (Some(100), Some(50)));
}

/// Input, output, cache read and cache write of a span of this scope.
fn counts(scope: &str, attributes: &[(&str, &str)]) -> [Option<i64>; 4] {
    let view = SpanView { scope_name: Some(scope), ..span(attributes) };
    let usage = normalise(&view, &Prices::bundled()).unwrap().usage;
    let cached = [usage.cache_read_input_tokens, usage.cache_write_input_tokens];
    [usage.input_tokens, usage.output_tokens, cached[0], cached[1]]
}

#[test]
fn the_answer_tells_what_of_the_input_was_cached_where_no_attribute_does() {
    let answer = r#"{"id": "msg_1", "usage": {"input_tokens": 100, "output_tokens": 9,
        "cache_read_input_tokens": 60, "cache_creation_input_tokens": 20}}"#;
    let expected = [Some(180), Some(9), Some(60), Some(20)];
    let openinference = [
        ("openinference.span.kind", "LLM"),
        ("llm.provider", "anthropic"),
        ("llm.token_count.prompt", "100"),
        ("llm.token_count.completion", "9"),
        ("llm.token_count.total", "109"),
        ("output.value", answer),
    ];
    assert_eq!(counts("@arizeai/openinference-instrumentation-anthropic", &openinference), expected);
    let mlflow = [
        ("mlflow.spanType", "\"CHAT_MODEL\""),
        ("mlflow.message.format", "\"anthropic\""),
        ("mlflow.chat.tokenUsage", r#"{"input_tokens": 100, "output_tokens": 9, "total_tokens": 109}"#),
        ("mlflow.spanOutputs", answer),
    ];
    assert_eq!(counts("mlflow.tracing.provider", &mlflow), expected);
}

#[test]
fn genkit_hands_on_what_the_provider_counts() {
    let usage = |name, output| {
        let attributes =
            [("genkit:name", name), ("genkit:metadata:subtype", "model"), ("genkit:output", output)];
        counts("genkit-tracer", &attributes)
    };
    let claude = r#"{"usage": {"inputTokens": 100, "outputTokens": 9, "custom":
        {"cache_read_input_tokens": 60, "cache_creation_input_tokens": 20}}, "raw": {"id": "msg_1"}}"#;
    assert_eq!(usage("anthropic/claude-sonnet-4-5", claude), [Some(180), Some(9), Some(60), Some(20)]);
    let gemini = r#"{"usage": {"inputTokens": 100, "outputTokens": 9, "thoughtsTokens": 7, "cachedContentTokens": 60}}"#;
    assert_eq!(usage("googleai/gemini-2.5-flash", gemini), [Some(100), Some(16), Some(60), None]);
    let gpt = r#"{"usage": {"inputTokens": 100, "outputTokens": 9, "thoughtsTokens": 7}}"#;
    assert_eq!(usage("openai/gpt-5", gpt), [Some(100), Some(9), None, None]);
}

#[test]
fn google_adk_counted_thoughts_apart_until_it_named_them_as_the_conventions_do() {
    let usage = |thoughts| {
        let attributes = [
            ("gen_ai.operation.name", "generate_content"),
            ("gen_ai.usage.input_tokens", "100"),
            ("gen_ai.usage.output_tokens", "50"),
            (thoughts, "20"),
        ];
        counts("gcp.vertex.agent", &attributes)[1]
    };
    assert_eq!(usage("gen_ai.usage.experimental.reasoning_tokens"), Some(70));
    assert_eq!(usage("gen_ai.usage.reasoning.output_tokens"), Some(50));
}

#[test]
fn the_provider_of_a_model_of_bedrock_is_told_by_its_name() {
    let call = read(&[
        ("gen_ai.operation.name", "chat"),
        ("gen_ai.system", "strands-agents"),
        ("gen_ai.request.model", "us.anthropic.claude-sonnet-4-5-20250929-v1:0"),
        ("gen_ai.usage.input_tokens", "1000"),
        ("gen_ai.usage.output_tokens", "0"),
    ]);
    assert_eq!(call.provider.as_deref(), Some("aws.bedrock"));
    assert_eq!(call.cost.status, CostStatus::Priced);
}

#[test]
fn a_request_that_brought_a_call_to_bifrost_is_no_call() {
    let of = |name, attributes: &[(&str, &str)]| {
        let view = SpanView { name, ..span(attributes) };
        normalise(&view, &Prices::bundled()).unwrap().is_billable
    };
    let model = ("gen_ai.request.model", "gpt-4o");
    let id = ("bifrost.request.id", "1");
    assert!(!of("/v1/chat/completions", &[model, id, ("gen_ai.response.finish_reasons", "stop")]));
    assert!(of("gpt-4o", &[model, id, ("gen_ai.operation.name", "chat")]));
    assert!(of("gpt-4o", &[model]));
}

/// What a span stands for, by its scope and its name.
fn kind_of(scope: &str, name: &str, attributes: &[(&str, &str)]) -> CallKind {
    let view = SpanView { scope_name: Some(scope), name, ..span(attributes) };
    normalise(&view, &Prices::bundled()).unwrap().kind
}

#[test]
fn claude_code_tells_its_calls_and_tools_by_names_of_its_own() {
    let scope = "com.anthropic.claude_code.tracing";
    let call = [
        ("span.type", "llm_request"),
        ("gen_ai.system", "anthropic"),
        ("gen_ai.request.model", "claude-opus-4-5"),
        ("input_tokens", "2"),
        ("output_tokens", "1200"),
        ("cache_read_tokens", "84562"),
        ("cache_creation_tokens", "7096"),
        ("stop_reason", "tool_use"),
        ("ttft_ms", "812.5"),
    ];
    assert_eq!(counts(scope, &call), [Some(91_660), Some(1200), Some(84_562), Some(7096)]);
    let view = SpanView { scope_name: Some(scope), ..span(&call) };
    let call = normalise(&view, &Prices::bundled()).unwrap();
    assert_eq!((call.is_billable, call.ttft_ns), (true, Some(812_500_000)));
    assert_eq!(call.finish_reasons.as_deref(), Some(&["tool_use".to_owned()][..]));
    let kind = |attributes| kind_of(scope, "", attributes);
    assert_eq!(kind(&[("span.type", "interaction")]), CallKind::Agent);
    assert_eq!(kind(&[("span.type", "tool"), ("gen_ai.tool.call.id", "toolu_1")]), CallKind::Tool);
    assert_eq!(kind(&[("span.type", "tool.execution")]), CallKind::Other);
}

#[test]
fn what_litellm_passes_on_is_a_call_if_its_usage_is_known() {
    let operation = |word| [("gen_ai.operation.name", word), ("gen_ai.usage.input_tokens", "5")];
    let kind = |attributes: &[(&str, &str)]| kind_of("litellm", "litellm_request", attributes);
    for word in ["pass_through_endpoint", "allm_passthrough_route", "agenerate_content_stream"] {
        assert_eq!(kind(&operation(word)), CallKind::Llm, "{word}");
    }
    assert_eq!(kind(&operation("pass_through_endpoint")[..1]), CallKind::Other);
    assert_eq!(kind(&operation("acreate_batch")), CallKind::Other);
}

#[test]
fn counting_tokens_is_no_call() {
    let attributes = [
        ("openinference.span.kind", "LLM"),
        ("llm.model_name", "claude-sonnet-4-5"),
        ("llm.token_count.prompt", "100"),
    ];
    assert_eq!(kind_of("envoyproxy/ai-gateway", "CountTokens", &attributes), CallKind::Other);
    assert_eq!(kind_of("envoyproxy/ai-gateway", "Message", &attributes), CallKind::Llm);
}

#[test]
fn what_openrouter_tells_beside_a_call_is_none() {
    let call = [
        ("gen_ai.operation.name", "chat"),
        ("gen_ai.provider.name", "anthropic"),
        ("gen_ai.response.model", "anthropic/claude-haiku-4.5"),
        ("gen_ai.response.id", "gen-1"),
        ("gen_ai.usage.input_tokens", "100"),
        ("gen_ai.usage.output_tokens", "20"),
        ("gen_ai.usage.input_tokens.cached", "60"),
        ("gen_ai.usage.input_tokens.cache_write", "10"),
        ("gen_ai.usage.output_tokens.reasoning", "5"),
    ];
    assert_eq!(counts("openrouter", &call), [Some(100), Some(20), Some(60), Some(10)]);
    assert_eq!(kind_of("openrouter", "LLM Generation", &call), CallKind::Llm);
    let attempt = [("gen_ai.operation.name", "chat"), ("gen_ai.response.id", "gen-1:attempt-0")];
    assert_eq!(kind_of("openrouter", "provider attempt 1: Anthropic", &attempt), CallKind::Other);
    assert_eq!(kind_of("somebody", "chat", &attempt), CallKind::Llm);
}

#[test]
fn a_model_of_speech_around_livekit_s_calls_is_no_call() {
    let model = [("gen_ai.request.model", "sonic-2"), ("gen_ai.provider.name", "Cartesia")];
    assert_eq!(kind_of("livekit-agents", "tts_node", &model), CallKind::Other);
    let tool = [("lk.function_tool.name", "weather"), ("lk.function_tool.id", "call_1")];
    assert_eq!(kind_of("livekit-agents", "function_tool", &tool), CallKind::Tool);
    let call = [
        ("gen_ai.operation.name", "chat"),
        ("gen_ai.provider.name", "api.openai.com"),
        ("gen_ai.request.model", "gpt-4o"),
        ("gen_ai.usage.input_tokens", "100"),
        ("gen_ai.usage.output_tokens", "20"),
        ("gen_ai.usage.input_cached_tokens", "60"),
    ];
    assert_eq!(kind_of("livekit-agents", "llm_request", &call), CallKind::Llm);
    assert_eq!(counts("livekit-agents", &call), [Some(100), Some(20), Some(60), None]);
    assert_eq!(read(&call).provider.as_deref(), Some("openai"));
}

#[test]
fn openinference_hands_on_what_agno_and_claude_s_agent_count_of_claude() {
    let call = [
        ("openinference.span.kind", "LLM"),
        ("llm.provider", "Anthropic"),
        ("llm.token_count.prompt", "100"),
        ("llm.token_count.completion", "20"),
        ("llm.token_count.prompt_details.cache_read", "50"),
    ];
    let inclusive = [Some(150), Some(20), Some(50), None];
    assert_eq!(counts("openinference.instrumentation.agno", &call), inclusive);
    assert_eq!(counts("openinference.instrumentation.pipecat", &call), inclusive);
    assert_eq!(counts("openinference.instrumentation.langchain", &call)[0], Some(100));
    let scope_name = Some("openinference.instrumentation.claude_agent_sdk");
    let agent = [&[("openinference.span.kind", "AGENT")], &call[1..]].concat();
    let agent = normalise(&SpanView { scope_name, ..span(&agent) }, &Prices::bundled()).unwrap();
    assert_eq!((agent.is_billable, agent.aggregated_input_tokens), (false, Some(150)));
}

#[test]
fn finish_reasons_that_are_joined_are_a_list() {
    let reasons = |text| {
        let attributes = [("gen_ai.operation.name", "chat"), ("gen_ai.response.finish_reasons", text)];
        read(&attributes).finish_reasons.unwrap()
    };
    assert_eq!(reasons("stop, length"), ["stop", "length"]);
    assert_eq!(reasons("FinishReason.STOP"), ["stop"]);
    assert_eq!(reasons(r#"["tool_calls"]"#), ["tool_calls"]);
}

#[test]
fn semantic_kernel_streams_by_another_name() {
    let call = read(&[
        ("gen_ai.operation.name", "chat.streaming_completions"),
        ("gen_ai.request.model", "gpt-4o"),
        ("gen_ai.response.prompt_tokens", "5"),
        ("gen_ai.response.completion_tokens", "6"),
    ]);
    assert_eq!((call.is_billable, call.is_stream), (true, Some(true)));
    assert_eq!((call.usage.input_tokens, call.usage.output_tokens), (Some(5), Some(6)));
}

#[test]
fn rig_streams_by_another_name() {
    let call = read(&[
        ("gen_ai.operation.name", "chat_streaming"),
        ("gen_ai.provider.name", "gcp.vertex"),
        ("gen_ai.request.model", "gemini-2.5-pro"),
        ("gen_ai.usage.input_tokens", "100"),
        ("gen_ai.usage.output_tokens", "20"),
        ("gen_ai.usage.cached_tokens", "60"),
    ]);
    assert_eq!((call.is_billable, call.is_stream), (true, Some(true)));
    assert_eq!(call.provider.as_deref(), Some("gcp.vertex_ai"));
    assert_eq!(call.usage.cache_read_input_tokens, Some(60));
}

#[test]
fn why_a_choice_ended_is_told_by_the_event_with_its_message_where_nothing_else_tells() {
    let message = [("message", r#"[{"text": "Sunny."}]"#), ("finish_reason", "end_turn")];
    let events = [EventView { name: "gen_ai.choice", time_unix_nano: 1, attributes: &message }];
    let reasons = |attributes: &[(&str, &str)]| {
        let view = SpanView { attributes, events: &events, ..span(&[]) };
        normalise(&view, &Prices::bundled()).unwrap().finish_reasons.unwrap()
    };
    assert_eq!(reasons(&[("gen_ai.operation.name", "chat")]), ["end_turn"]);
    let sent = [("gen_ai.operation.name", "chat"), ("gen_ai.response.finish_reasons", r#"["stop"]"#)];
    assert_eq!(reasons(&sent), ["stop"]);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_attributes_make_it_panic(
        rows in prop::collection::vec((0..ROWS.len(), prop_oneof![".*", "-?[0-9]{1,40}(\\.[0-9]{0,20})?(e-?[0-9]{1,9})?", "\\[.*\\]"]), 0..30),
        name in ".*",
        operation in prop::sample::select(vec!["chat", "embeddings", "invoke_agent", ""]),
        start_unix_nano in any::<i64>(),
        duration_ns in any::<i64>(),
    ) {
        let mut attributes = vec![("gen_ai.operation.name", operation), (name.as_str(), "x")];
        attributes.extend(rows.iter().map(|(row, text)| (ROWS[*row].name, text.as_str())));
        let view = SpanView { scope_name: Some(&name), start_unix_nano, duration_ns, attributes: &attributes, ..SpanView::default() };
        let call = normalise(&view, &Prices::bundled()).unwrap();
        prop_assert!(call.moved().all(|place| place < attributes.len()));
        prop_assert!(call.cost.total.is_none_or(|usd| usd >= 0));
    }

    #[test]
    fn what_is_read_of_a_span_does_not_depend_on_those_before_it(
        texts in prop::collection::vec((
            prop::sample::select(vec!["openai", "OpenAI", "anthropic", "azure", "acme", "langchain", ""]),
            prop::sample::select(vec!["gpt-4o", "gpt-4o-mini", "o3-mini", "claude-opus-4-1", "openai/o3", "GPT-4o", ""]),
            prop::sample::select(vec!["gpt-5", "gpt-4", "claude-haiku-4-5", "gpt-4o-mini-2024-07-18", "mine", ""]),
            prop::sample::select(vec!["api.openai.com", "api.anthropic.com", "proxy", ""]),
            prop::sample::select(vec!["priority", "flex", ""]),
            0..2_000_000_i64,
        ), 1..30),
    ) {
        let prices = Prices::bundled();
        let mut pricing = Pricing::of(&prices);
        for (provider, asked, answered, address, tier, tokens) in texts {
            let tokens = tokens.to_string();
            let attributes = [
                ("gen_ai.operation.name", "chat"),
                ("gen_ai.provider.name", provider),
                ("gen_ai.request.model", asked),
                ("gen_ai.response.model", answered),
                ("server.address", address),
                ("openai.response.service_tier", tier),
                ("gen_ai.usage.input_tokens", &tokens),
                ("gen_ai.usage.output_tokens", "20"),
            ];
            let span = span(&attributes);
            let shape = Shape::of(None, attributes.iter().map(|(name, _)| *name)).unwrap();
            let alone = format!("{:?}", normalise(&span, &prices));
            prop_assert_eq!(format!("{:?}", Some(super::read(&span, &shape, &mut pricing))), alone);
        }
    }
}
