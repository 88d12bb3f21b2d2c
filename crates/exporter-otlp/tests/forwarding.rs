//! Spans are sent by both protocols to a server that answers as it is told to.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod backend;
mod emitting;

use std::collections::BTreeMap;
use std::time::Duration;

use backend::{Answer, Backend};
use bytes::Bytes;
use prost::Message as _;
use spanledger_component::{
    Batch, Context, Delivery, Exporter, ExporterFactory, LogId, Plan, PlanId, Position, Rows, Signal,
};
use spanledger_exporter_otlp::{GrpcConfig, HttpConfig, Otlp, OtlpHttp};
use spanledger_schema::{Metrics, Spans, Table as _, spans};
use spanledger_telemetry::Meter;
use spanledger_testkit::conformance::{self, Held, RowId};
use spanledger_testkit::{captures, rows, spans as made};
use tokio_util::sync::CancellationToken;

#[derive(Debug, Clone, Copy)]
enum Protocol {
    Grpc,
    Http,
}

const BOTH: [Protocol; 2] = [Protocol::Grpc, Protocol::Http];

fn context(meter: &Meter) -> Context {
    Context { meter: meter.clone(), memory_bytes: 64 << 20, ..Context::new("otlp/backend".parse().unwrap()) }
}

async fn exporter(protocol: Protocol, backend: &Backend, more: &str, meter: &Meter) -> Box<dyn Exporter> {
    let context = context(meter);
    let settings = format!("endpoint: http://127.0.0.1:{}\n{more}", backend.port);
    let mut exporter = match protocol {
        Protocol::Grpc => Otlp::build(&serde_saphyr::from_str::<GrpcConfig>(&settings).unwrap(), &context),
        Protocol::Http => {
            OtlpHttp::build(&serde_saphyr::from_str::<HttpConfig>(&settings).unwrap(), &context)
        }
    }
    .unwrap();
    exporter.start(CancellationToken::new()).await.unwrap();
    exporter
}

async fn delivery(exporter: &mut dyn Exporter, batch: &Batch) -> Box<dyn Delivery> {
    exporter.export(batch).await.unwrap();
    let plan = Plan {
        id: PlanId([7; 16]),
        log: LogId([0; 16]),
        exporter: "otlp/backend".parse().unwrap(),
        first: batch.first,
        last: batch.last,
        excluded: Vec::new(),
    };
    exporter.seal(&plan).unwrap()
}

fn batch(spans: usize) -> Batch {
    rows::batch(Signal::Traces, 1, &[made::body(spans, 20, 3)])
}

/// Row ids by span id.
fn ids(batches: &[Batch]) -> BTreeMap<String, RowId> {
    let of = |rows: &Rows| -> Vec<(String, RowId)> {
        let Rows::Spans(rows) = rows else { return Vec::new() };
        let (positions, indices) = (rows.get(spans::POSITION), rows.get(spans::INDEX));
        let id = |row| rows.get(spans::TRACE_ID).value(row).to_owned() + rows.get(spans::SPAN_ID).value(row);
        (0..rows.len()).map(|row| (id(row), (positions.value(row), indices.value(row)))).collect()
    };
    batches.iter().flat_map(|batch| &batch.rows).flat_map(of).collect()
}

/// What the backend took; as a receiver that recognises repeats, the same bytes count once.
fn look(backend: &Backend, ids: &BTreeMap<String, RowId>) -> Held {
    let bodies = backend.taken();
    let objects: BTreeMap<String, Vec<u8>> =
        bodies.iter().map(|body| (format!("{body:?}"), body.to_vec())).collect();
    let rows = objects.values().flat_map(|body| backend::span_ids(body)).map(|id| ids[&id]).collect();
    Held { objects, rows }
}

#[tokio::test]
async fn a_planned_range_of_captured_requests_goes_out_once_and_with_the_same_bytes_again() {
    // Some captures are of one run twice: their spans could not be told apart.
    let mut seen = std::collections::BTreeSet::new();
    let mut bodies = captures::bodies(Signal::Traces);
    bodies.retain(|body| backend::span_ids(body).into_iter().all(|id| seen.insert(id)));
    let part = |first: usize, count: usize| {
        rows::batch(Signal::Traces, first as u64 + 1, &bodies[first..first + count])
    };
    let half = bodies.len() / 2;
    let first = [part(0, 1), part(1, 1), part(2, half - 2)];
    let second = [part(half, bodies.len() - half)];
    let ids = ids(&[&first[..], &second[..]].concat());
    let mut refused = part(0, 3);
    refused.rows.push(Rows::Metrics(Metrics::empty()));
    for protocol in BOTH {
        let backend = Backend::start().await;
        let new = async || exporter(protocol, &backend, "", &Meter::default()).await;
        let again = [part(0, half)];
        conformance::exporter(new, || look(&backend, &ids), [&first, &second], &again, &refused).await;
    }
}

#[tokio::test]
async fn spans_arrive_as_they_were_sent() {
    for protocol in BOTH {
        for compression in ["gzip", "zstd", "none"] {
            let backend = Backend::start().await;
            let settings = format!("compression: {compression}\nheaders: {{x-tenant: blue}}");
            let mut exporter = exporter(protocol, &backend, &settings, &Meter::default()).await;
            let body = made::body(3, 20, 1);
            let batch = rows::batch(Signal::Traces, 1, std::slice::from_ref(&body));
            delivery(exporter.as_mut(), &batch).await.deliver().await.unwrap();
            assert_eq!(backend.taken(), [body], "{protocol:?} {compression}");
            let request = backend.requests().remove(0);
            let encoding = request.headers.get("grpc-encoding").or(request.headers.get("content-encoding"));
            let expected = Some(compression).filter(|name| *name != "none");
            assert_eq!(encoding.map(|value| value.to_str().unwrap()), expected);
            assert_eq!(request.headers["x-tenant"], "blue");
            let path = match protocol {
                Protocol::Grpc => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
                Protocol::Http => "/v1/traces",
            };
            assert_eq!(request.path, path);
        }
    }
}

#[tokio::test]
async fn a_large_range_is_split_into_requests_below_4_mib() {
    let request = made::with_messages(made::request(100, 20, 5), 100_000);
    let body = Bytes::from(request.encode_to_vec());
    let batch = rows::batch(Signal::Traces, 1, &[body]);
    for protocol in BOTH {
        let backend = Backend::start().await;
        let mut exporter = exporter(protocol, &backend, "", &Meter::default()).await;
        delivery(exporter.as_mut(), &batch).await.deliver().await.unwrap();
        let sizes: Vec<usize> = backend.taken().iter().map(Bytes::len).collect();
        assert_eq!(sizes.len(), 3, "10 MB do not fit into less: {sizes:?}");
        assert!(sizes.iter().all(|size| *size < 4 << 20), "{sizes:?}");
        let arrived = backend.taken().iter().flat_map(|body| backend::span_ids(body)).collect::<Vec<_>>();
        assert_eq!(arrived.len(), 100);
        assert_eq!(ids(std::slice::from_ref(&batch)).len(), 100);
    }
}

#[tokio::test]
async fn a_span_that_is_larger_than_a_request_goes_alone() {
    let mut request = made::request(3, 5, 5);
    let spans = &mut request.resource_spans[0].scope_spans[0].spans;
    spans[1].name = "n".repeat(5 << 20);
    let batch = rows::batch(Signal::Traces, 1, &[request.encode_to_vec().into()]);
    let backend = Backend::start().await;
    let mut exporter = exporter(Protocol::Http, &backend, "", &Meter::default()).await;
    delivery(exporter.as_mut(), &batch).await.deliver().await.unwrap();
    let counts: Vec<usize> = backend.taken().iter().map(|body| backend::span_ids(body).len()).collect();
    assert_eq!(counts, [1, 1, 1]);
}

#[tokio::test]
async fn a_server_that_is_away_is_tried_again_when_it_says_and_what_it_took_is_not_sent_again() {
    let request = made::with_messages(made::request(60, 20, 5), 100_000);
    let batch = rows::batch(Signal::Traces, 1, &[request.encode_to_vec().into()]);
    for protocol in BOTH {
        let backend = Backend::start().await;
        let mut exporter = exporter(protocol, &backend, "", &Meter::default()).await;
        let delivery = delivery(exporter.as_mut(), &batch).await;
        backend.script([Answer::Take, Answer::Away { after: 7 }]);
        let retry = delivery.deliver().await.unwrap_err();
        assert_eq!((retry.after, retry.alarm), (Some(Duration::from_secs(7)), false), "{retry}");
        delivery.deliver().await.unwrap();
        assert_eq!(backend.requests().len(), 3, "the first request is not sent again");
        let taken: Vec<String> = backend.taken().iter().flat_map(|body| backend::span_ids(body)).collect();
        assert_eq!(taken.len(), 60);
    }
}

#[tokio::test]
async fn a_server_that_does_not_answer_or_is_not_there_is_tried_again() {
    for protocol in BOTH {
        let backend = Backend::start().await;
        let mut exporter = exporter(protocol, &backend, "timeout: 50ms", &Meter::default()).await;
        backend.script([Answer::Never]);
        let retry = delivery(exporter.as_mut(), &batch(1)).await.deliver().await.unwrap_err();
        assert!(retry.to_string().contains("no answer within 0.05 s") && !retry.alarm, "{retry}");
        let port = backend.port;
        backend.stop().await;
        let retry = delivery(exporter.as_mut(), &batch(1)).await.deliver().await.unwrap_err();
        assert!(retry.to_string().contains(&format!("send spans to http://127.0.0.1:{port}/")), "{retry}");
        assert!(!retry.alarm);
    }
}

#[tokio::test]
async fn a_key_that_is_refused_raises_an_alarm_and_is_not_shown() {
    for protocol in BOTH {
        let backend = Backend::start().await;
        let settings = "headers: {authorization: Bearer sk-12345}";
        let mut exporter = exporter(protocol, &backend, settings, &Meter::default()).await;
        assert!(!format!("{:?}", context(&Meter::default())).contains("12345"));
        let delivery = delivery(exporter.as_mut(), &batch(1)).await;
        backend.script([Answer::Unauthenticated { echoes: "Bearer sk-12345 is unknown".into() }]);
        let retry = delivery.deliver().await.unwrap_err();
        assert!(retry.alarm);
        assert!(retry.to_string().contains("[REDACTED] is unknown"), "{retry}");
        assert!(!format!("{retry} {retry:?}").contains("12345"), "{retry:?}");
        assert_eq!(backend.requests()[0].headers["authorization"], "Bearer sk-12345");
    }
}

#[tokio::test]
async fn spans_that_are_rejected_of_a_request_that_is_taken_are_counted() {
    for protocol in BOTH {
        let (backend, meter) = (Backend::start().await, Meter::default());
        let mut exporter = exporter(protocol, &backend, "", &meter).await;
        backend.script([Answer::TakePart { rejected: 2 }]);
        delivery(exporter.as_mut(), &batch(5)).await.deliver().await.unwrap();
        let counted = |name: &str| meter.counter(name, "", &[("exporter", "otlp/backend")]).value();
        assert_eq!(counted("spanledger_otlp_rejected_spans"), 2);
        assert_eq!(counted("spanledger_otlp_sent_requests"), 1);
    }
}

#[tokio::test]
async fn pipelines_of_one_exporter_do_not_mix_up_the_order() {
    let body = made::body(4, 5, 1);
    let backend = Backend::start().await;
    let mut exporter = exporter(Protocol::Http, &backend, "", &Meter::default()).await;
    let whole = rows::batch(Signal::Traces, 1, std::slice::from_ref(&body));
    let Rows::Spans(rows) = &whole.rows[0] else { panic!("spans") };
    let slice = |start, count| Rows::Spans(Spans::try_from_batch(rows.batch().slice(start, count)).unwrap());
    let batch = Batch { first: Position(1), last: Position(1), rows: vec![slice(2, 2), slice(0, 2)] };
    delivery(exporter.as_mut(), &batch).await.deliver().await.unwrap();
    assert_eq!(backend.taken(), [body]);
}
