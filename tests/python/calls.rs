//! The view `calls` and the connector `genai_metrics` count the same calls, whatever order spans arrive in and however
//! they are cut into requests.

#[path = "../../crates/connector-genai-metrics/tests/support/mod.rs"]
#[allow(dead_code, reason = "shared with the tests of the connector")]
mod support;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message as _;
use spanledger_component::{
    Batch, Connector, Context, ExporterFactory as _, LogId, Plan, PlanId, Position, Processor as _, Rows,
    Signal,
};
use spanledger_exporter_parquet::{Config, Parquet};
use spanledger_otlp::{Source, decode_spans};
use spanledger_processor_genai::Genai;
use spanledger_telemetry::Meter;
use spanledger_testkit::captures;
use support::{Call, emitted, rows, settling};
use tokio_util::sync::CancellationToken;

use crate::harness::duck;

const LOG: LogId = LogId([0xab; 16]);

/// 2026-06-01T12:00:00Z.
const NOON_SECONDS: u64 = 1_780_315_200;

/// Within the window, even when rounded up.
const WITHIN_NANOS: u64 = 9_000_000_000;

/// The view, as its file has it.
const CALLS: &str = include_str!("../../crates/schema/sql/calls.sql");

/// Calls, input tokens, output tokens, and cost in units of 1e-12 USD.
type Figures = [i128; 4];

/// What a connector counted, by its labels.
fn streamed(connector: &mut dyn Connector) -> BTreeMap<String, Figures> {
    connector.tick(SystemTime::UNIX_EPOCH + Duration::from_secs(NOON_SECONDS + 3600));
    let mut figures: BTreeMap<String, Figures> = BTreeMap::new();
    for (name, point) in emitted(connector) {
        let (family, labels) = name.split_once('{').unwrap();
        let value = point.value.or(point.sum).unwrap();
        let (place, units) = match family {
            "gen_ai.client.calls" => (0, 1.0),
            "gen_ai.client.token.usage" if labels.contains("token.type=input") => (1, 1.0),
            "gen_ai.client.token.usage" => (2, 1.0),
            "gen_ai.client.cost" => (3, 1e12),
            _ => continue,
        };
        let labels: Vec<_> = labels
            .trim_end_matches('}')
            .split(',')
            .filter(|label| !label.starts_with("gen_ai.token.type"))
            .collect();
        figures.entry(labels.join(",")).or_default()[place] += (value * units).round() as i128;
    }
    figures
}

/// The same from the view, over the rows of a lake.
fn queried(lake: &Path) -> BTreeMap<String, Figures> {
    let sql = format!(
        "create view spans as from {{spans}};
         {CALLS}
         select concat_ws(',', 'gen_ai.operation.name=' || nullif(operation, ''),
             'gen_ai.provider.name=' || nullif(provider, ''), 'gen_ai.request.model=' || nullif(request_model, ''),
             'gen_ai.response.model=' || nullif(response_model, ''), 'service.name=' || nullif(service_name, ''),
             'otel.status_code=' || nullif(status_code, 'UNSET'),
             'error.type=' || coalesce(nullif(error_type, ''), case when status_code = 'ERROR' then '_OTHER' end)) as labels,
           count(*) as calls, coalesce(sum(greatest(input_tokens, 0)), 0)::bigint as input,
           coalesce(sum(greatest(output_tokens, 0)), 0)::bigint as output,
           coalesce(sum(cost), 0::decimal(38, 12))::varchar as cost
         from calls group by all"
    );
    let rows = duck::query(lake, &sql);
    let figures = rows.iter().map(|row| {
        let number = |column: &str| i128::from(row[column].as_i64().unwrap());
        // It has twelve decimals.
        let cost = row["cost"].as_str().unwrap().replace('.', "");
        let figures = [number("calls"), number("input"), number("output"), cost.parse().unwrap()];
        (row["labels"].as_str().unwrap().to_owned(), figures)
    });
    figures.collect()
}

/// Writes rows as the collector does.
async fn write(lake: &Path, rows: Rows) {
    let context = Context { memory_bytes: 192 << 20, log: LOG, ..Context::new("parquet".parse().unwrap()) };
    let config = Config { path: lake.to_str().unwrap().to_owned(), ..Config::default() };
    let mut exporter = Parquet::build(&config, &context).unwrap();
    exporter.start(CancellationToken::new()).await.unwrap();
    let (first, last) = (Position(1), Position(1 << 20));
    exporter.export(&Batch { first, last, rows: vec![rows] }).await.unwrap();
    let plan = Plan { id: PlanId([1; 16]), log: LOG, exporter: context.id, first, last, excluded: vec![] };
    exporter.seal(&plan).unwrap().deliver().await.unwrap();
}

/// Shuffles in a way that the seed alone decides.
fn shuffled<T>(mut items: Vec<T>, random: &mut fastrand::Rng) -> Vec<T> {
    random.shuffle(&mut items);
    items
}

/// Every span in a request of its own, its attributes in another order where no name is there twice.
fn split(body: &Bytes, random: &mut fastrand::Rng) -> Vec<Bytes> {
    let request = ExportTraceServiceRequest::decode(body.clone()).unwrap();
    let mut bodies = Vec::new();
    for resource in &request.resource_spans {
        for scope in &resource.scope_spans {
            for span in &scope.spans {
                let mut span = span.clone();
                let mut names: Vec<_> = span.attributes.iter().map(|attribute| &attribute.key).collect();
                names.sort();
                if names.windows(2).all(|pair| pair[0] != pair[1]) {
                    random.shuffle(&mut span.attributes);
                }
                let mut scope = scope.clone();
                scope.spans = vec![span];
                let mut resource = resource.clone();
                resource.scope_spans = vec![scope];
                bodies.push(
                    ExportTraceServiceRequest { resource_spans: vec![resource] }.encode_to_vec().into(),
                );
            }
        }
    }
    bodies
}

/// The rows of requests that arrive one after the other within the window.
fn arrived(bodies: &[Bytes], random: &mut fastrand::Rng) -> Rows {
    let mut arrivals: Vec<u64> = bodies.iter().map(|_| random.u64(..WITHIN_NANOS)).collect();
    arrivals.sort_unstable();
    let source = |((position, body), arrival)| Source {
        body,
        position,
        arrival_unix_nano: NOON_SECONDS * 1_000_000_000 + arrival,
        rejected: &[],
    };
    let sources: Vec<_> = (1..).zip(bodies).zip(arrivals).map(source).collect();
    let spans = Rows::Spans(decode_spans(&LOG.to_string(), &sources).unwrap());
    Genai::new(&Meter::default(), "genai").process(spans).unwrap()
}

fn counted(rows: &Rows) -> BTreeMap<String, Figures> {
    let mut connector = settling();
    connector.fold(rows);
    streamed(connector.as_mut())
}

#[tokio::test(flavor = "multi_thread")]
async fn stream_and_view_agree_on_every_capture_in_whatever_order_and_pieces_it_arrives() {
    let bodies = captures::bodies(Signal::Traces);
    let in_order = arrived(&bodies, &mut fastrand::Rng::with_seed(0));
    let expected = counted(&in_order);
    assert!(expected.values().map(|figures| figures[0]).sum::<i128>() > 150, "{expected:#?}");
    for seed in 0..8 {
        let mut random = fastrand::Rng::with_seed(seed);
        let whole = shuffled(bodies.clone(), &mut random);
        let pieces = bodies.iter().flat_map(|body| split(body, &mut random)).collect();
        let pieces = shuffled(pieces, &mut random);
        for (what, bodies) in [("whole requests", whole), ("single spans", pieces)] {
            let rows = arrived(&bodies, &mut random);
            assert_eq!(counted(&rows), expected, "{what}, seed {seed}");
            if seed < 2 {
                let lake = tempfile::tempdir().unwrap();
                write(lake.path(), rows).await;
                assert_eq!(queried(lake.path()), expected, "the view, {what}, seed {seed}");
            }
        }
    }
}

/// A text of one case, which lives as long as the process.
fn text(case: u32, word: &str) -> &'static str {
    format!("{word}-{case}").leak()
}

/// Spans of one case: few ids, times and figures, so that much coincides.
fn coinciding(case: u32, random: &mut fastrand::Rng) -> Vec<Call> {
    let spans = random.u32(1..9);
    let mut calls: Vec<Call> = (0..spans)
        .map(|span| {
            let billable = random.u8(..4) > 0;
            let usage = [None, Some((10, 5)), Some((10, 5)), Some((30, 9))][random.usize(..4)];
            let ids = [None, None, Some("answer"), Some("other"), Some("chatcmpl-7")];
            let details = (random.bool().then_some(20), random.bool().then_some(4));
            let aggregated = [(10, 5), (30, 9), (30, 5), (10, 9)][random.usize(..4)];
            let cost = |random: &mut fastrand::Rng| random.bool().then(|| i128::from(random.u32(1..1 << 30)));
            Call {
                billable,
                trace: 2 * case + random.u32(..2),
                span: span + 1,
                parent: (span > 0 && random.u8(..3) > 0).then(|| random.u32(1..=span)),
                response_id: ids[random.usize(..5)]
                    .map(|id| if id == "chatcmpl-7" { id } else { text(case, id) }),
                model: (random.u8(..5) > 0)
                    .then(|| text(case, ["small", "large"][random.usize(..2).min(random.usize(..2))])),
                kind: ["llm", "llm", "llm", "embedding"][random.usize(..4)],
                scope: ["one", "two", "three"][random.usize(..3)],
                service: text(case, "service"),
                instance: [None, Some(text(case, "first")), Some(text(case, "first"))][random.usize(..3)],
                start_ns: random.i64(0..12),
                duration_ns: random.i64(0..12),
                input_tokens: usage.map(|usage| usage.0),
                output_tokens: usage.map(|usage| usage.1),
                cache_read: (random.u8(..4) == 0).then_some(3),
                reasoning: (random.u8(..4) == 0).then_some(2),
                semantics: (random.u8(..4) == 0).then_some("estimated"),
                cost: cost(random),
                aggregated: (!billable && random.bool())
                    .then(|| (aggregated.0, aggregated.1, details.0, details.1, cost(random))),
                ..Call::default()
            }
        })
        .collect();
    for call in &mut calls {
        // Of Ollama's ids there are but a thousand.
        if call.response_id == Some("chatcmpl-7") {
            call.response_id = Some(format!("chatcmpl-{case}").leak());
        }
    }
    if random.bool() {
        calls.push(calls[0].clone());
    }
    calls
}

#[tokio::test(flavor = "multi_thread")]
async fn stream_and_view_agree_on_spans_that_coincide_by_chance() {
    let mut random = fastrand::Rng::with_seed(4);
    let (mut expected, mut all) = (BTreeMap::new(), Vec::new());
    let (mut spans, mut position) = (0, 0);
    for case in 0..1000 {
        let mut calls = coinciding(case, &mut random);
        spans += calls.len();
        let mut count = || {
            let mut connector = settling();
            random.shuffle(&mut calls);
            for call in &mut calls {
                position += 1;
                call.position = position;
                call.received_micros = NOON_SECONDS as i64 * 1_000_000 + position;
            }
            connector.fold(&rows(&calls));
            streamed(connector.as_mut())
        };
        let figures = count();
        assert_eq!(count(), figures, "the order of arrival matters in case {case}");
        expected.extend(figures);
        all.extend(calls);
    }
    let calls: i128 = expected.values().map(|figures| figures[0]).sum();
    assert!((calls as usize) < spans * 2 / 3, "{calls} calls of {spans} spans: not much coincided");
    let lake = tempfile::tempdir().unwrap();
    write(lake.path(), rows(&all)).await;
    let queried = queried(lake.path());
    for (labels, figures) in &expected {
        assert_eq!(queried.get(labels), Some(figures), "{labels}");
    }
    assert_eq!(queried.len(), expected.len());
}
