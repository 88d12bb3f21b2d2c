//! Laws that hold for every request, with prost as the reference.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::Span;
use proptest::collection::vec;
use proptest::prelude::*;
use prost::Message as _;
use spanledger_otlp::{
    Message, NewAttributes, Requests, Source, decode_logs, decode_spans, rewrite_attributes, walk,
};
use spanledger_schema::{Table as _, spans};
use support::{arbitrary, columns, reference};

const LOG: &str = "0123456789abcdef0123456789abcdef";

proptest! {
    #![proptest_config(support::config())]

    #[test]
    fn spans_decode_as_prost_reads_them(requests in vec(arbitrary::traces(), 1..4)) {
        let bodies: Vec<Bytes> = requests.iter().map(|request| request.encode_to_vec().into()).collect();
        let walked: Vec<Vec<u32>> = bodies.iter().map(|body| rejected(Message::Traces, body)).collect();
        let rows = decode_spans(LOG, &sources(&bodies, &walked)).unwrap();
        let expected: Vec<_> = requests.iter().map(reference::spans).collect();
        prop_assert_eq!(&walked, &expected.iter().map(|(_, rejected)| rejected.clone()).collect::<Vec<_>>());
        let expected: Vec<_> = expected.into_iter().flat_map(|(rows, _)| rows).collect();
        prop_assert_eq!(columns::rows(&rows), expected);
    }

    #[test]
    fn log_records_decode_as_prost_reads_them(requests in vec(arbitrary::logs(), 1..4)) {
        let bodies: Vec<Bytes> = requests.iter().map(|request| request.encode_to_vec().into()).collect();
        let walked: Vec<Vec<u32>> = bodies.iter().map(|body| rejected(Message::Logs, body)).collect();
        let rows = decode_logs(LOG, &sources(&bodies, &walked)).unwrap();
        let expected: Vec<_> = requests.iter().map(reference::logs).collect();
        prop_assert_eq!(&walked, &expected.iter().map(|(_, rejected)| rejected.clone()).collect::<Vec<_>>());
        let expected: Vec<_> = expected.into_iter().flat_map(|(rows, _)| rows).collect();
        prop_assert_eq!(columns::rows(&rows), expected);
    }

    #[test]
    fn messages_in_fragments_are_merged_as_prost_merges_them(
        requests in (arbitrary::traces(), arbitrary::traces()),
        values in (arbitrary::value(), arbitrary::value()),
    ) {
        let fragments = [&requests.0, &requests.1].map(|request| request.resource_spans.first().cloned().unwrap_or_default());
        let scopes = fragments.clone().map(|resource| resource.scope_spans.first().cloned().unwrap_or_default());
        let spans = scopes.clone().map(|scope| scope.spans.first().cloned().unwrap_or_default());
        let value = [values.0, values.1].map(|value| field(2, &value.encode_to_vec())).concat();
        let span = [joined(&spans), field(9, &[field(1, b"key"), value].concat()), ids()].concat();
        let scope = [joined(&scopes), field(2, &span)].concat();
        let resource = [joined(&fragments), field(2, &scope)].concat();
        agrees_with_prost(&field(1, &resource))?;
    }

    #[test]
    fn spans_encode_as_they_came(requests in vec(arbitrary::traces(), 1..4)) {
        let bodies: Vec<Bytes> = requests.iter().map(|request| request.encode_to_vec().into()).collect();
        let walked: Vec<Vec<u32>> = bodies.iter().map(|body| rejected(Message::Traces, body)).collect();
        let rows = decode_spans(LOG, &sources(&bodies, &walked)).unwrap();
        let expected: Vec<String> = requests.iter().zip(&walked).flat_map(|(request, walked)| flat(request, walked)).collect();

        let mut encoded = Requests::new(usize::MAX);
        (0..rows.len()).for_each(|row| encoded.push(&rows, row, rows.get(spans::WIRE_SPAN).value(row)));
        let encoded = encoded.finish().pop().map(|request| request.body).unwrap_or_default();
        let encoded = ExportTraceServiceRequest::decode(&encoded[..]).unwrap();
        prop_assert_eq!(flat(&encoded, &[]), expected);
    }

    #[test]
    fn attributes_are_replaced_and_the_rest_of_a_span_stays(
        request in arbitrary::traces(),
        text in ".*",
        int in any::<i64>(),
        float in any::<f64>().prop_filter("is equal to itself", |float| !float.is_nan()),
        flag in any::<bool>(),
        texts in vec(".*", 0..3),
    ) {
        let body: Bytes = request.encode_to_vec().into();
        let walked = [rejected(Message::Traces, &body)];
        let rows = decode_spans(LOG, &sources(&[body], &walked)).unwrap();
        for row in 0..rows.len() {
            let wire = rows.get(spans::WIRE_SPAN).value(row);
            let mut expected = Span::decode(wire).unwrap();
            let replaced = expected.attributes.first().map_or_else(|| "text".to_owned(), |pair| pair.key.clone());
            expected.attributes.retain(|pair| pair.key.len() % 2 == 0 && pair.key != replaced);
            let array = Value::ArrayValue(ArrayValue { values: texts.iter().cloned().map(text_value).collect() });
            expected.attributes.extend([
                pair(&replaced, Value::StringValue(text.clone())),
                pair("new int", Value::IntValue(int)),
                pair("new float", Value::DoubleValue(float)),
                pair("new flag", Value::BoolValue(flag)),
                pair("new texts", array),
            ]);
            let mut new = NewAttributes::default();
            new.text(&replaced, &text);
            new.text(&replaced, "a name that is taken");
            new.int("new int", int);
            new.float("new float", float);
            new.flag("new flag", flag);
            new.texts("new texts", texts.iter().map(String::as_str));
            let rewritten = rewrite_attributes(wire, new, |name| name.len() % 2 == 0).unwrap();
            // As bytes: a value that is not a number equals nothing.
            prop_assert_eq!(Span::decode(&rewritten[..]).unwrap().encode_to_vec(), expected.encode_to_vec());
        }
    }

    #[test]
    fn the_walk_accepts_of_arbitrary_bytes_what_prost_accepts(body in vec(any::<u8>(), 0..40)) {
        agrees_with_prost(&body)?;
    }

    #[test]
    fn the_walk_accepts_of_damaged_requests_what_prost_accepts(
        request in arbitrary::traces(),
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        end in any::<prop::sample::Index>(),
    ) {
        let mut body = request.encode_to_vec();
        for (place, byte) in damage.into_iter().filter(|_| !request.resource_spans.is_empty()) {
            let place = place.index(body.len());
            body[place] = byte;
        }
        agrees_with_prost(&body)?;
        body.truncate(end.index(body.len() + 1));
        agrees_with_prost(&body)?;
    }
}

fn sources<'a>(bodies: &'a [Bytes], rejected: &'a [Vec<u32>]) -> Vec<Source<'a>> {
    let all = (7..).zip(bodies).zip(rejected);
    all.map(|((position, body), rejected)| Source { body, position, arrival_unix_nano: 5_000, rejected })
        .collect()
}

fn pair(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}

fn text_value(text: String) -> AnyValue {
    AnyValue { value: Some(Value::StringValue(text)) }
}

/// Messages one after another, which is how protobuf merges them.
fn joined<M: prost::Message>(messages: &[M]) -> Vec<u8> {
    messages.iter().flat_map(|message| message.encode_to_vec()).collect()
}

/// A field of bytes.
fn field(number: u32, bytes: &[u8]) -> Vec<u8> {
    let mut field = Vec::new();
    prost::encoding::bytes::encode(number, &bytes.to_vec(), &mut field);
    field
}

/// The fields of a span that make it a good one.
fn ids() -> Vec<u8> {
    let time = [[0x39].as_slice(), &[1; 8], &[0x41], &[2; 8]].concat();
    [field(1, &[1; 16]), field(2, &[2; 8]), time].concat()
}

/// Each span that is not rejected, with its scope and its resource.
fn flat(request: &ExportTraceServiceRequest, rejected: &[u32]) -> Vec<String> {
    let (mut spans, mut index) = (Vec::new(), 0);
    for resource in &request.resource_spans {
        for scope in &resource.scope_spans {
            for span in &scope.spans {
                if !rejected.contains(&index) {
                    let (resource_url, scope_url) = (&resource.schema_url, &scope.schema_url);
                    let (resource, scope) = (&resource.resource, &scope.scope);
                    spans.push(format!("{resource:?} {resource_url} {scope:?} {scope_url} {span:?}"));
                }
                index += 1;
            }
        }
    }
    spans
}

fn rejected(message: Message, body: &[u8]) -> Vec<u32> {
    walk(message, body).unwrap().rejected.iter().map(|rejection| rejection.index).collect()
}

/// The walk accepts `body` when prost does; and then the decoder reads from it what prost reads.
fn agrees_with_prost(body: &[u8]) -> Result<(), TestCaseError> {
    let traces = ExportTraceServiceRequest::decode(body);
    prop_assert_eq!(walk(Message::Traces, body).is_ok(), traces.is_ok(), "traces: {:?}", traces);
    let logs = ExportLogsServiceRequest::decode(body);
    prop_assert_eq!(walk(Message::Logs, body).is_ok(), logs.is_ok(), "logs: {:?}", logs);
    let metrics = ExportMetricsServiceRequest::decode(body);
    prop_assert_eq!(walk(Message::Metrics, body).is_ok(), metrics.is_ok(), "metrics: {:?}", metrics);

    let body = [Bytes::copy_from_slice(body)];
    if let Ok(traces) = traces {
        let rejected = [rejected(Message::Traces, &body[0])];
        let rows = decode_spans(LOG, &sources(&body, &rejected)).unwrap();
        prop_assert_eq!(columns::rows(&rows), reference::spans(&traces).0);
    }
    if let Ok(logs) = logs {
        let rejected = [rejected(Message::Logs, &body[0])];
        let rows = decode_logs(LOG, &sources(&body, &rejected)).unwrap();
        prop_assert_eq!(columns::rows(&rows), reference::logs(&logs).0);
    }
    Ok(())
}
