//! Builds requests of spans for tests and benches.

use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, span::SpanKind};
use prost::Message as _;

/// A request of `spans` spans with `attributes` attributes each, as a chat with a model would have them.
///
/// Ids differ from those of every other call, so that no two requests are the same; everything else depends on the
/// arguments alone. Twenty attributes make a span of about 800 bytes.
pub fn request(spans: usize, attributes: usize, seed: u64) -> ExportTraceServiceRequest {
    let spans = (0..spans as u64).map(|place| span(place, attributes, seed)).collect();
    let scope = InstrumentationScope {
        name: "opentelemetry.instrumentation.openai_v2".into(),
        version: "2.1b0".into(),
        ..InstrumentationScope::default()
    };
    let resource = Resource {
        attributes: vec![
            text("service.name", format!("chat-{}", seed % 7)),
            text("service.version", "1.4.2".into()),
            text("telemetry.sdk.language", "python".into()),
            text("telemetry.sdk.version", "1.30.0".into()),
        ],
        ..Resource::default()
    };
    let scope_spans = vec![ScopeSpans { scope: Some(scope), spans, ..ScopeSpans::default() }];
    let resource_spans =
        vec![ResourceSpans { resource: Some(resource), scope_spans, ..ResourceSpans::default() }];
    ExportTraceServiceRequest { resource_spans }
}

/// The same as protobuf.
pub fn body(spans: usize, attributes: usize, seed: u64) -> Bytes {
    request(spans, attributes, seed).encode_to_vec().into()
}

/// Gives every span of a request an attribute with about `bytes` bytes of messages, which differ from span to span and
/// compress about as well as prose does.
pub fn with_messages(mut request: ExportTraceServiceRequest, bytes: usize) -> ExportTraceServiceRequest {
    let scopes = request.resource_spans.iter_mut().flat_map(|resource| &mut resource.scope_spans);
    for span in scopes.flat_map(|scope| &mut scope.spans) {
        let seed = span.span_id.iter().fold(0, |seed, byte| seed << 8 | u64::from(*byte));
        let content = prose(bytes, seed);
        let messages = format!(r#"[{{"role":"user","parts":[{{"type":"text","content":"{content}"}}]}}]"#);
        span.attributes.push(text("gen_ai.input.messages", messages));
    }
    request
}

/// Lets the calls of a request go to so many models by turns: fine-tuned ones, which have a price.
pub fn with_models(mut request: ExportTraceServiceRequest, models: usize) -> ExportTraceServiceRequest {
    let scopes = request.resource_spans.iter_mut().flat_map(|resource| &mut resource.scope_spans);
    for (place, span) in scopes.flat_map(|scope| &mut scope.spans).enumerate() {
        let model = format!("gpt-4o-mini-2024-07-18.ft-team-{}", place % models.max(1));
        for pair in span.attributes.iter_mut().filter(|pair| pair.key.ends_with(".model")) {
            *pair = text(&pair.key, model.clone());
        }
    }
    request
}

/// Gives each span of a request the model of the next number, and all of them one service: so many series of metrics.
pub fn with_series(
    mut request: ExportTraceServiceRequest,
    models: impl IntoIterator<Item = usize>,
) -> ExportTraceServiceRequest {
    for resource in request.resource_spans.iter_mut().filter_map(|spans| spans.resource.as_mut()) {
        replace(&mut resource.attributes, text("service.name", "chat".into()));
    }
    let scopes = request.resource_spans.iter_mut().flat_map(|resource| &mut resource.scope_spans);
    for (span, model) in scopes.flat_map(|scope| &mut scope.spans).zip(models) {
        replace(&mut span.attributes, text("gen_ai.request.model", format!("gpt-4o-mini-{model}")));
    }
    request
}

fn replace(attributes: &mut [KeyValue], by: KeyValue) {
    if let Some(attribute) = attributes.iter_mut().find(|attribute| attribute.key == by.key) {
        *attribute = by;
    }
}

/// Words of which half are common ones, and the others made of syllables.
fn prose(bytes: usize, seed: u64) -> String {
    const COMMON: [&str; 32] = [
        "the", "of", "and", "to", "in", "is", "that", "for", "it", "as", "was", "with", "on", "by", "not",
        "which", "this", "from", "have", "are", "all", "one", "when", "invoice", "paid", "customer", "order",
        "please", "answer", "question", "because", "before",
    ];
    const SYLLABLES: [&str; 32] = [
        "ta", "re", "con", "ing", "di", "mo", "ver", "ti", "al", "en", "ma", "per", "si", "lo", "un", "ter",
        "ra", "vi", "co", "ment", "de", "ble", "na", "por", "ga", "shi", "fel", "ous", "pre", "ki", "hal",
        "tion",
    ];
    let pick = |list: [&'static str; 32], random: u64| {
        list.get(random as usize % list.len()).copied().unwrap_or_default()
    };
    let mut text = String::with_capacity(bytes + 16);
    let mut random = seed;
    while text.len() < bytes {
        random = mixed(random);
        if random.is_multiple_of(2) {
            text.push_str(pick(COMMON, random >> 8));
        } else {
            let syllables = 2 + (random >> 1) % 2;
            (1..=syllables).for_each(|at| text.push_str(pick(SYLLABLES, random >> (at * 8))));
        }
        text.push(' ');
    }
    text
}

/// Counts the spans ever built, which tells their ids apart.
static BUILT: AtomicU64 = AtomicU64::new(1);

fn span(place: u64, attributes: usize, seed: u64) -> Span {
    let ordinal = BUILT.fetch_add(1, Ordering::Relaxed);
    let start = 1_750_000_000_000_000_000 + (seed % 100_000) * 1_000_000_000 + place * 1_000_000;
    Span {
        trace_id: [mixed(seed).to_be_bytes(), ordinal.to_be_bytes()].concat(),
        span_id: mixed(ordinal).max(1).to_be_bytes().to_vec(),
        name: "chat gpt-4o-mini".into(),
        kind: SpanKind::Client.into(),
        start_time_unix_nano: start,
        end_time_unix_nano: start + 500_000_000 + mixed(seed ^ place) % 1_000_000_000,
        attributes: (0..attributes as u64).map(|at| attribute(at, mixed(seed ^ place))).collect(),
        flags: 0x101,
        ..Span::default()
    }
}

/// The attributes of a chat first; what is asked for beyond them are made-up ones.
fn attribute(place: u64, random: u64) -> KeyValue {
    match place {
        0 => text("gen_ai.operation.name", "chat".into()),
        1 => text("gen_ai.provider.name", "openai".into()),
        2 => text("gen_ai.request.model", "gpt-4o-mini".into()),
        3 => text("gen_ai.response.model", "gpt-4o-mini-2024-07-18".into()),
        4 => number("gen_ai.usage.input_tokens", 100 + random % 1000),
        5 => number("gen_ai.usage.output_tokens", 1 + random % 500),
        6 => text("gen_ai.response.id", format!("chatcmpl-{random:016x}")),
        7 => text("server.address", "api.openai.com".into()),
        8 => number("server.port", 443),
        9 => text("session.id", format!("session-{}", random % 100)),
        _ if place.is_multiple_of(4) => number(&format!("app.number.{place}"), random % 10_000),
        _ => text(&format!("app.attribute.{place}"), format!("value-{}", random % 1000)),
    }
}

fn text(key: &str, value: String) -> KeyValue {
    pair(key, Value::StringValue(value))
}

fn number(key: &str, value: u64) -> KeyValue {
    pair(key, Value::IntValue(i64::try_from(value).unwrap_or(i64::MAX)))
}

fn pair(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.into(), value: Some(AnyValue { value: Some(value) }), key_strindex: 0 }
}

/// A number that looks random and depends on `seed` alone (the finalizer of splitmix64).
fn mixed(seed: u64) -> u64 {
    let mut value = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_spans_share_an_id() {
        let requests = [request(50, 3, 1), request(50, 3, 1), request(50, 3, 2)];
        let spans = requests.iter().flat_map(|request| &request.resource_spans[0].scope_spans[0].spans);
        let ids: HashSet<_> = spans.map(|span| (span.trace_id.clone(), span.span_id.clone())).collect();
        assert_eq!(ids.len(), 150);
    }

    #[test]
    fn calls_go_to_as_many_models_as_are_asked_for() {
        let request = with_models(request(10, 20, 1), 4);
        let spans = &request.resource_spans[0].scope_spans[0].spans;
        let pairs = spans.iter().flat_map(|span| &span.attributes);
        let models = pairs.filter(|pair| pair.key == "gen_ai.response.model");
        let models: HashSet<_> = models.map(|pair| format!("{:?}", pair.value)).collect();
        assert_eq!(models.len(), 4);
    }

    #[test]
    fn twenty_attributes_make_a_span_of_about_800_bytes() {
        let bytes = body(100, 20, 1).len() / 100;
        assert!((700..900).contains(&bytes), "{bytes} bytes");
    }
}
