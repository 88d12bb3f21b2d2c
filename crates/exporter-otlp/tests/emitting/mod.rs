//! What a GenAI span says goes out in the current conventions, and means the same to who reads it again.

use std::collections::BTreeMap;

use arrow_array::Array as _;
use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use spanledger_component::{Batch, Position, Processor, ProcessorFactory as _, Rows, Signal};
use spanledger_processor_genai::{Config, Emit, Genai};
use spanledger_schema::{Spans, Table as _, spans};
use spanledger_telemetry::Meter;
use spanledger_testkit::{captures, rows};

use super::backend::Backend;
use super::{Protocol, context, delivery, exporter};

fn genai(emit: Emit) -> Box<dyn Processor> {
    Genai::build(&Config { emit, ..Config::default() }, &context(&Meter::default())).unwrap()
}

fn read(genai: &dyn Processor, bodies: &[Bytes]) -> Spans {
    match genai.process(rows::decoded(Signal::Traces, 1, bodies)).unwrap() {
        Rows::Spans(spans) => spans,
        rows => panic!("{rows:?}"),
    }
}

/// What a backend gets of spans.
async fn sent_on(rows: &Spans) -> Vec<Bytes> {
    let backend = Backend::start().await;
    let mut exporter = exporter(Protocol::Grpc, &backend, "", &Meter::default()).await;
    let batch = Batch { first: Position(1), last: Position(1), rows: vec![Rows::Spans(rows.clone())] };
    delivery(&mut *exporter, &batch).await.deliver().await.unwrap();
    backend.taken()
}

/// The columns that say what a call was. Which convention it came in may be told from what is left out, and what was
/// sent in other words than those of the conventions goes out in theirs.
fn meaning() -> Vec<(usize, &'static str)> {
    let first = spans::CALL_KIND.index;
    let all = Spans::FIELDS.iter().enumerate().map(|(place, field)| (place, field.name));
    let other = [
        "operation",
        "provider_raw",
        "usage_semantics",
        "content_bytes",
        "resource_attributes",
        "span_attributes",
        "ingested_at",
        "log",
        "position",
        "index",
        "wire_span",
        "wire_scope",
        "wire_resource",
    ];
    all.filter(|(place, name)| *place >= first && !other.contains(name)).collect()
}

#[tokio::test]
async fn spans_that_were_sent_on_mean_the_same_when_they_are_read_again() {
    let mut different = Vec::new();
    for emit in [Emit::Current, Emit::Both, Emit::Original] {
        let genai = genai(emit);
        for body in captures::bodies(Signal::Traces) {
            let first = read(&*genai, &[body]);
            let again = read(&*genai, &sent_on(&first).await);
            assert_eq!(first.len(), again.len());
            for (place, name) in meaning() {
                for row in 0..first.len() {
                    let value = |rows: &Spans| rows.batch().column(place).slice(row, 1);
                    let (was, is) = (value(&first), value(&again));
                    if was.to_data() != is.to_data() {
                        let span =
                            (first.get(spans::SCOPE_NAME).value(row), first.get(spans::NAME).value(row));
                        different.push(format!("{emit:?}: {name} of {span:?}: {was:?} is {is:?}"));
                    }
                }
            }
        }
    }
    assert_eq!(different, [""; 0]);
}

/// The attributes of the first span that was sent on, with their types.
fn attributes(bodies: &[Bytes]) -> BTreeMap<String, Value> {
    let request = ExportTraceServiceRequest::decode(bodies[0].clone()).unwrap();
    let span: &Span = &request.resource_spans[0].scope_spans[0].spans[0];
    span.attributes
        .iter()
        .map(|pair| (pair.key.clone(), pair.value.clone().unwrap().value.unwrap()))
        .collect()
}

fn text(text: &str) -> Value {
    Value::StringValue(text.to_owned())
}

/// A call as OpenInference tells it, with counts of a provider that leaves cached tokens out.
const SENT: &[(&str, &str)] = &[
    ("openinference.span.kind", "LLM"),
    ("llm.provider", "anthropic"),
    ("llm.model_name", "claude-sonnet-4-5"),
    ("llm.token_count.prompt", "1200"),
    ("llm.token_count.completion", "50"),
    ("llm.token_count.prompt_details.cache_read", "1000"),
    ("llm.input_messages.0.message.role", "user"),
    ("llm.input_messages.0.message.content", "Weather?"),
    ("my.own", "stays"),
];

fn openinference() -> Bytes {
    let mut request = spanledger_testkit::spans::request(1, 0, 1);
    let scope = &mut request.resource_spans[0].scope_spans[0];
    scope.scope.get_or_insert_default().name = "openinference.instrumentation.anthropic".to_owned();
    let pair = |(key, value): &(&str, &str)| {
        let value = value.parse().map_or_else(|_| text(value), Value::IntValue);
        KeyValue {
            key: (*key).to_owned(),
            value: Some(AnyValue { value: Some(value) }),
            ..KeyValue::default()
        }
    };
    scope.spans[0].attributes = SENT.iter().map(pair).collect();
    request.encode_to_vec().into()
}

#[tokio::test]
async fn what_columns_hold_goes_out_by_the_names_and_types_of_the_conventions() {
    let sent = [openinference()];
    let current = attributes(&sent_on(&read(&*genai(Emit::Current), &sent)).await);
    let both = attributes(&sent_on(&read(&*genai(Emit::Both), &sent)).await);
    let messages = r#"[{"role":"user","parts":[{"type":"text","content":"Weather?"}]}]"#;
    for (name, expected) in [
        ("gen_ai.operation.name", text("chat")),
        ("gen_ai.provider.name", text("anthropic")),
        ("gen_ai.usage.input_tokens", Value::IntValue(1200)),
        ("gen_ai.usage.output_tokens", Value::IntValue(50)),
        ("gen_ai.usage.cache_read.input_tokens", Value::IntValue(1000)),
        ("gen_ai.input.messages", text(messages)),
        ("spanledger.call_kind", text("llm")),
        ("my.own", text("stays")),
    ] {
        assert_eq!(current.get(name), Some(&expected), "{name} of {current:?}");
        assert_eq!(both.get(name), Some(&expected), "{name} of {both:?}");
    }
    assert!(!current.keys().any(|name| name.starts_with("llm.")), "{current:?}");
    let is_there = |name: &&str| both.contains_key(*name);
    assert!(SENT.iter().all(|(name, _)| is_there(name)), "{both:?}");
    assert_eq!(sent_on(&read(&*genai(Emit::Original), &sent)).await, sent);
}

#[tokio::test]
async fn spans_that_are_not_genai_go_out_as_they_came() {
    let plain = spanledger_testkit::spans::request(3, 0, 2);
    let mixed = [openinference(), plain.encode_to_vec().into()];
    let spans_of = |request: ExportTraceServiceRequest| -> Vec<Span> {
        let scopes = request.resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
        scopes.flat_map(|scope| scope.spans).collect()
    };
    for emit in [Emit::Current, Emit::Both] {
        let bodies = sent_on(&read(&*genai(emit), &mixed)).await;
        let request = ExportTraceServiceRequest::decode(bodies[0].clone()).unwrap();
        assert_eq!(spans_of(request)[1..], spans_of(plain.clone()), "{emit:?}");
    }
}
