//! The fakes keep what the engine relies on, as every component does.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::time::SystemTime;

use bytes::Bytes;
use prost::Message as _;
use spanledger_component::{
    Batch, ConnectorFactory as _, Context, ExporterFactory as _, ProcessorFactory as _, Signal,
};
use spanledger_testkit::conformance::{self, Held, RowId};
use spanledger_testkit::connectors::Counting;
use spanledger_testkit::exporters::Scripted;
use spanledger_testkit::processors::Suffixing;
use spanledger_testkit::{Config, Scene, captures, rows, spans};

fn context() -> Context {
    Context { memory_bytes: 1 << 20, ..Context::new("fake".parse().unwrap()) }
}

/// Three spans a record from that position on, each named by its row id.
fn named(positions: std::ops::RangeInclusive<u64>) -> Batch {
    let first = *positions.start();
    let bodies: Vec<Bytes> = positions.map(|position| record(position, 3)).collect();
    rows::batch(Signal::Traces, first, &bodies)
}

fn record(position: u64, count: usize) -> Bytes {
    let mut request = spans::request(count, 0, position);
    for (index, span) in request.resource_spans[0].scope_spans[0].spans.iter_mut().enumerate() {
        span.name = format!("{position}/{index}");
    }
    request.encode_to_vec().into()
}

fn look(scene: &Scene) -> Held {
    let target = scene.target("fake");
    let id = |name: &String| -> RowId {
        let (position, index) = name.split_once('/').unwrap();
        (position.parse().unwrap(), index.parse().unwrap())
    };
    let objects = target.plans().into_iter().map(|plan| (plan.id.to_string(), Vec::new())).collect();
    Held { objects, rows: target.names().iter().map(id).collect() }
}

#[tokio::test]
async fn the_scripted_exporter_delivers_a_planned_range_once() {
    let scene = Scene::new();
    scene.target("fake").reject("9/1");
    let config = Config { scene: scene.name().to_owned(), holds: 100, ..Config::default() };
    let new = async || Scripted::build(&config, &context()).unwrap();
    let ranges: [&[Batch]; 2] = [&[named(1..=1), named(2..=4)], &[named(5..=6)]];
    conformance::exporter(new, || look(&scene), ranges, &[named(1..=4)], &named(9..=9)).await;
}

#[tokio::test]
async fn the_scripted_exporter_delivers_at_once_when_it_may_hold_nothing() {
    let scene = Scene::new();
    let config = Config { scene: scene.name().to_owned(), ..Config::default() };
    let mut exporter = Scripted::build(&config, &context()).unwrap();
    conformance::exporter_at_once(exporter.as_mut(), &named(1..=2)).await;
}

#[test]
fn the_suffixing_processor_is_pure() {
    let config = Config { suffix: "!".into(), ..Config::default() };
    let processor = Suffixing::build(&config, &context()).unwrap();
    let captured = rows::decoded(Signal::Traces, 1, &captures::bodies(Signal::Traces));
    conformance::processor(processor.as_ref(), &captured);
}

#[test]
fn the_counting_connector_has_one_state_however_the_log_is_cut() {
    let scene = Scene::new();
    let config = Config { scene: scene.name().to_owned(), ..Config::default() };
    let new = || Counting::build(&config, &context()).unwrap();
    conformance::connector(new, &named(1..=20).rows[0], SystemTime::UNIX_EPOCH);
}
