//! Recorded calls, sent as an instrumented program would send them: by the OpenTelemetry SDK.

use std::time::{Duration, SystemTime};

use opentelemetry::trace::{Span as _, SpanKind, Tracer as _, TracerProvider as _};
use opentelemetry::{Array, KeyValue, StringValue, Value};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use serde::Deserialize;
use spanledger_component::{Clock as _, Error, SystemClock};

/// Made by hand in the shape of the GenAI conventions.
const CALLS: &str = include_str!("../../demo/calls.json");

#[derive(Deserialize)]
struct Call {
    provider: String,
    model: String,
    answered_by: String,
    operation: String,
    seconds: f64,
    input: i64,
    cached: Option<i64>,
    output: Option<i64>,
    prompt: Option<String>,
    answer: Option<String>,
}

/// Sends every recorded call to an OTLP gRPC endpoint and returns how many spans were acknowledged.
pub(crate) async fn send(endpoint: &str) -> Result<usize, Error> {
    let calls: Vec<Call> =
        serde_json::from_str(CALLS).map_err(|error| Error::caused("read the recorded calls", error))?;
    let exporter = SpanExporter::builder().with_tonic().with_endpoint(endpoint).build();
    let exporter = exporter.map_err(|error| Error::caused("make an OTLP client", error))?;
    let resource = Resource::builder().with_service_name("demo-assistant").build();
    let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build();
    for call in &calls {
        record(&provider, call);
    }
    // The SDK's own thread sends; waiting for it must not block the runtime that serves it.
    let flushed =
        tokio::task::spawn_blocking(move || provider.force_flush().and_then(|()| provider.shutdown())).await;
    let sent = flushed.map_err(|error| Error::caused("send the recorded calls", error))?;
    sent.map_err(|error| Error::caused("send the recorded calls", error))?;
    Ok(calls.len())
}

/// Makes the span of a call that ended just now.
fn record(provider: &SdkTracerProvider, call: &Call) {
    let end = SystemClock.now();
    let start = end.checked_sub(Duration::from_secs_f64(call.seconds)).unwrap_or(SystemTime::UNIX_EPOCH);
    let tracer = provider.tracer("spanledger.demo");
    let span = tracer
        .span_builder(format!("{} {}", call.operation, call.model))
        .with_kind(SpanKind::Client)
        .with_start_time(start)
        .with_attributes(attributes(call));
    span.start(&tracer).end_with_timestamp(end);
}

fn attributes(call: &Call) -> Vec<KeyValue> {
    let mut attributes = vec![
        KeyValue::new("gen_ai.operation.name", call.operation.clone()),
        KeyValue::new("gen_ai.provider.name", call.provider.clone()),
        KeyValue::new("gen_ai.request.model", call.model.clone()),
        KeyValue::new("gen_ai.response.model", call.answered_by.clone()),
        KeyValue::new("gen_ai.usage.input_tokens", call.input),
    ];
    let counts =
        [("gen_ai.usage.cache_read.input_tokens", call.cached), ("gen_ai.usage.output_tokens", call.output)];
    attributes.extend(counts.into_iter().filter_map(|(key, count)| Some(KeyValue::new(key, count?))));
    let messages = [
        ("gen_ai.input.messages", "user", &call.prompt),
        ("gen_ai.output.messages", "assistant", &call.answer),
    ];
    attributes.extend(messages.into_iter().filter_map(|(key, role, text)| {
        let message =
            serde_json::json!([{"role": role, "parts": [{"type": "text", "content": text.as_ref()?}]}]);
        Some(KeyValue::new(key, message.to_string()))
    }));
    if call.answer.is_some() {
        let reasons = Value::Array(Array::String(vec![StringValue::from("stop")]));
        attributes.push(KeyValue::new("gen_ai.response.finish_reasons", reasons));
    }
    attributes
}
