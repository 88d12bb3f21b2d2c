//! Requests with GenAI spans, none like another, and clients that send them.

use std::sync::atomic::{AtomicU64, Ordering};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use tonic::transport::Channel;

static NEXT: AtomicU64 = AtomicU64::new(1);

/// A request of so many chat calls with so many bytes of prompt each, and the span ids in it.
pub fn request(spans: usize, prompt_bytes: usize) -> (ExportTraceServiceRequest, Vec<String>) {
    let spans: Vec<Span> =
        (0..spans).map(|_| span(NEXT.fetch_add(1, Ordering::Relaxed), prompt_bytes)).collect();
    let ids =
        spans.iter().map(|span| span.span_id.iter().map(|byte| format!("{byte:02x}")).collect()).collect();
    let scope =
        InstrumentationScope { name: "opentelemetry.instrumentation.openai_v2".into(), ..Default::default() };
    let scope_spans = vec![ScopeSpans { scope: Some(scope), spans, ..Default::default() }];
    let resource = Resource { attributes: vec![text("service.name", "load")], ..Default::default() };
    let resource_spans = vec![ResourceSpans { resource: Some(resource), scope_spans, ..Default::default() }];
    (ExportTraceServiceRequest { resource_spans }, ids)
}

fn span(number: u64, prompt_bytes: usize) -> Span {
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos() as u64;
    let mut attributes = vec![
        text("gen_ai.operation.name", "chat"),
        text("gen_ai.provider.name", "openai"),
        text("gen_ai.request.model", "gpt-4o-mini"),
        text("gen_ai.response.model", "gpt-4o-mini-2024-07-18"),
        text("gen_ai.response.id", &format!("chatcmpl-{number:032x}")),
        int("gen_ai.usage.input_tokens", 100 + (number % 50) as i64),
        int("gen_ai.usage.output_tokens", 10 + (number % 7) as i64),
    ];
    if prompt_bytes > 0 {
        attributes.push(text("gen_ai.input.messages", &messages(number, prompt_bytes)));
    }
    Span {
        // Spread like real ids, so that sorting and filters have work to do.
        trace_id: u128::from(number)
            .wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835)
            .to_be_bytes()
            .to_vec(),
        span_id: number.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes().to_vec(),
        name: "chat gpt-4o-mini".into(),
        kind: 3,
        start_time_unix_nano: now - 1_500_000_000,
        end_time_unix_nano: now,
        attributes,
        ..Default::default()
    }
}

/// Text that compresses about as well as prose does.
fn messages(number: u64, bytes: usize) -> String {
    const WORDS: [&str; 16] = [
        "the", "ledger", "of", "every", "call", "is", "kept", "while", "a", "bucket", "sleeps", "and",
        "tokens", "cost", "time", "again",
    ];
    let mut state = number;
    let mut words = String::with_capacity(bytes + 16);
    while words.len() < bytes {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        words.push_str(WORDS[(state >> 60) as usize]);
        words.push(' ');
    }
    format!(r#"[{{"role":"user","parts":[{{"type":"text","content":"{words}"}}]}}]"#)
}

pub fn text(key: &str, value: &str) -> KeyValue {
    attribute(key, Value::StringValue(value.into()))
}

pub fn int(key: &str, value: i64) -> KeyValue {
    attribute(key, Value::IntValue(value))
}

fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.into(), value: Some(AnyValue { value: Some(value) }), ..Default::default() }
}

/// A gRPC client of a collector on this machine.
pub async fn client(port: u16) -> Result<TraceServiceClient<Channel>, tonic::transport::Error> {
    TraceServiceClient::connect(format!("http://127.0.0.1:{port}")).await
}
