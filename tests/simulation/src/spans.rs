//! Requests of spans as an SDK would send them, whose bytes depend on the world's seed alone.

use bytes::Bytes;
use fastrand::Rng;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, span::SpanKind};
use prost::Message as _;

/// What was sent of a span, to be held against its row.
#[derive(Debug, Clone)]
pub(crate) struct SentSpan {
    pub(crate) wire: Span,
    /// Lower-case hex, as the row has it.
    pub(crate) trace_id: String,
    pub(crate) span_id: String,
    pub(crate) name: String,
    /// A text long enough that damage to a span most likely shows in it.
    pub(crate) response_id: String,
    pub(crate) input_tokens: i64,
}

/// Makes spans, no two of which are the same.
pub(crate) struct SpanMaker {
    seed: u64,
    made: u64,
    random: Rng,
}

impl SpanMaker {
    pub(crate) fn new(seed: u64, random: Rng) -> Self {
        Self { seed, made: 0, random }
    }

    /// A span that begins at a time. With `name`, of that name.
    pub(crate) fn span(&mut self, start_unix_nano: u64, name: Option<&str>) -> SentSpan {
        self.made += 1;
        let trace_id = [self.seed.to_be_bytes(), self.made.to_be_bytes()].concat();
        let span_id = (self.made << 20 | 1).to_be_bytes().to_vec();
        let name = name.map_or_else(|| format!("call {} of {}", self.made, self.seed), str::to_owned);
        let length = if self.random.u8(..8) == 0 { 6_000 } else { self.random.usize(20..800) };
        let response_id: String = (0..length).map(|_| self.random.alphanumeric()).collect();
        let input_tokens = self.random.i64(1..5_000);
        let mut attributes = vec![
            text("gen_ai.operation.name", "chat"),
            text("gen_ai.provider.name", "openai"),
            text("gen_ai.request.model", "gpt-4o-mini"),
            text("gen_ai.response.model", "gpt-4o-mini-2024-07-18"),
            text("gen_ai.response.id", &response_id),
            number("gen_ai.usage.input_tokens", input_tokens),
            number("gen_ai.usage.output_tokens", self.random.i64(1..900)),
        ];
        if self.random.u8(..4) == 0 {
            let messages = r#"[{"role":"user","parts":[{"type":"text","content":"how many?"}]}]"#;
            attributes.push(text("gen_ai.input.messages", messages));
        }
        let wire = Span {
            trace_id: trace_id.clone(),
            span_id: span_id.clone(),
            name: name.clone(),
            kind: SpanKind::Client.into(),
            start_time_unix_nano: start_unix_nano,
            end_time_unix_nano: start_unix_nano + self.random.u64(1_000_000..9_000_000_000),
            attributes,
            ..Span::default()
        };
        SentSpan { wire, trace_id: hex(&trace_id), span_id: hex(&span_id), name, response_id, input_tokens }
    }
}

/// A request with these spans, as protobuf.
pub(crate) fn body(spans: &[SentSpan]) -> Bytes {
    let spans = spans.iter().map(|span| span.wire.clone()).collect();
    let scope = InstrumentationScope { name: "simulation".into(), ..Default::default() };
    let resource = Resource { attributes: vec![text("service.name", "simulated")], ..Default::default() };
    let scope_spans = vec![ScopeSpans { scope: Some(scope), spans, ..Default::default() }];
    let resource_spans = vec![ResourceSpans { resource: Some(resource), scope_spans, ..Default::default() }];
    ExportTraceServiceRequest { resource_spans }.encode_to_vec().into()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn text(key: &str, value: &str) -> KeyValue {
    pair(key, Value::StringValue(value.to_owned()))
}

fn number(key: &str, value: i64) -> KeyValue {
    pair(key, Value::IntValue(value))
}

fn pair(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.into(), value: Some(AnyValue { value: Some(value) }), key_strindex: 0 }
}
