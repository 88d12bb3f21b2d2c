//! The exporter as the engine sees it: when it is full, what it refuses, what it counts.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of a test may stop it where its own data is wrong"
)]
#![allow(dead_code, reason = "each test file uses a part of what they share")]

mod support;

use std::sync::Arc;
use std::time::Duration;

use object_store::ObjectStore as _;
use object_store::memory::InMemory;
use parquet::file::reader::FileReader as _;
use spanledger_component::{Batch, Context, ExportError, ExporterFactory as _, Rows};
use spanledger_exporter_parquet::{Config, Parquet};
use spanledger_schema::{Metrics, Table as _};
use spanledger_telemetry::Meter;
use support::{NOON, Span, batch, config, context, exporter, file, log_records, plan, span, spans, started};
use tokio::time::Instant;

/// A batch of so many spans.
fn many(count: u128, input: Option<&'static str>) -> Batch {
    let rows: Vec<Span> = (0..count).map(|trace| Span { input, ..span(NOON, trace) }).collect();
    batch(1, 1, vec![Rows::Spans(spans(1, &rows))])
}

#[tokio::test(start_paused = true)]
async fn a_range_ends_when_its_first_row_has_reached_the_age() {
    let root = tempfile::tempdir().unwrap();
    let mut exporter = exporter(root.path()).await;
    assert_eq!(exporter.seal_by(), None);
    exporter.export(&batch(1, 9, vec![Rows::Spans(spans(1, &[]))])).await.unwrap();
    assert_eq!(exporter.seal_by(), None, "a range without rows is not held");
    let opened = Instant::now().into_std();
    for _ in 0..2 {
        exporter.export(&many(1, None)).await.unwrap();
        tokio::time::advance(Duration::from_secs(7)).await;
    }
    assert_eq!(exporter.seal_by(), Some(opened + Duration::from_secs(300)));
    let _delivery = exporter.seal(&plan(7, 1, 1)).unwrap();
    assert_eq!(exporter.seal_by(), None);
}

#[tokio::test(start_paused = true)]
async fn a_range_is_full_by_rows_or_by_encoded_bytes() {
    let root = tempfile::tempdir().unwrap();
    let mut by_rows = config(root.path());
    by_rows.rotation.max_rows = 20;
    let mut by_bytes = config(root.path());
    by_bytes.rotation.max_bytes.0 = 1;
    for (config, expected) in [(by_rows, [false, true]), (by_bytes, [true, true])] {
        let mut exporter = started(&config, &context(&Meter::default())).await;
        for is_full in expected {
            exporter.export(&many(10, None)).await.unwrap();
            assert_eq!(exporter.seal_by().unwrap() <= Instant::now().into_std(), is_full);
        }
    }
}

#[tokio::test]
async fn bodies_that_take_a_third_of_the_memory_are_encoded_at_once() {
    let root = tempfile::tempdir().unwrap();
    let memory_bytes = 3 << 20;
    let context = Context { memory_bytes, ..context(&Meter::default()) };
    let mut exporter = started(&config(root.path()), &context).await;
    let body: &'static str = "x".repeat(600 << 10).leak();
    for _ in 0..4 {
        exporter.export(&many(1, Some(body))).await.unwrap();
    }
    exporter.seal(&plan(7, 1, 1)).unwrap().deliver().await.unwrap();
    let file = file(root.path(), "content");
    let rows: Vec<_> = file.metadata().row_groups().iter().map(|group| group.num_rows()).collect();
    assert_eq!(rows, [2, 2]);
}

/// Printable text that hardly becomes smaller when it is compressed: 95 signs, all as likely.
fn noise(seed: u64, length: usize) -> &'static str {
    let mut state = seed;
    let mut sign = || {
        // The generator xorshift64.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(b' ' + (state % 95) as u8)
    };
    (0..length).map(|_| sign()).collect::<String>().leak()
}

#[tokio::test(start_paused = true)]
async fn files_stay_within_their_limit_when_what_was_said_does_not_compress() {
    let root = tempfile::tempdir().unwrap();
    let limit = 4 << 20;
    let context = Context { memory_bytes: 3 * limit, ..context(&Meter::default()) };
    let mut exporter = started(&config(root.path()), &context).await;
    let is_full = |by: Option<std::time::Instant>| by.is_some_and(|by| by <= Instant::now().into_std());
    for first in (1..).step_by(4) {
        let says = |seed| Span { input: Some(noise(seed, 32 << 10)), ..span(NOON, 1) };
        let rows = [first, first + 1, first + 2, first + 3].map(says);
        exporter.export(&batch(1, 1, vec![Rows::Spans(spans(1, &rows))])).await.unwrap();
        if is_full(exporter.seal_by()) {
            break;
        }
    }
    exporter.seal(&plan(7, 1, 1)).unwrap().deliver().await.unwrap();
    let bytes: u64 = support::files(root.path()).iter().map(|path| path.metadata().unwrap().len()).sum();
    assert!(bytes as usize <= limit && bytes as usize > limit * 3 / 4, "{bytes}");
}

#[tokio::test]
async fn metrics_are_rejected_and_leave_nothing_of_their_batch() {
    let root = tempfile::tempdir().unwrap();
    let mut exporter = exporter(root.path()).await;
    let rows = vec![Rows::Spans(spans(1, &[span(NOON, 1)])), Rows::Metrics(Metrics::empty())];
    let refused = exporter.export(&batch(1, 1, rows)).await;
    assert!(matches!(refused, Err(ExportError::Reject { .. })));
    assert_eq!(exporter.seal_by(), None);
}

#[tokio::test]
async fn what_is_delivered_is_counted_by_signal_and_table() {
    let root = tempfile::tempdir().unwrap();
    let meter = Meter::default();
    let mut exporter = started(&config(root.path()), &context(&meter)).await;
    let rows = vec![
        Rows::Spans(spans(1, &[Span { input: Some("hi"), ..span(NOON, 1) }, span(NOON, 2)])),
        Rows::Logs(log_records(1, &[(NOON, None), (NOON, None), (NOON, None)])),
    ];
    exporter.export(&batch(1, 1, rows)).await.unwrap();
    let delivery = exporter.seal(&plan(7, 1, 1)).unwrap();
    let value = |name: &str, table: Option<&str>| {
        let families = meter.collect();
        let family = families.iter().find(|family| family.name == name)?;
        let table = table.map(|table| ("table".to_owned(), table.to_owned()));
        let wanted = |labels: &[_]| table.as_ref().is_none_or(|table| labels.contains(table));
        family.samples.iter().find(|sample| wanted(&sample.labels)).map(|sample| sample.value)
    };
    assert_eq!(value("spanledger_parquet_files", None), None, "sealed is not delivered");
    delivery.deliver().await.unwrap();
    delivery.deliver().await.unwrap();
    for table in ["spans", "content", "logs"] {
        let files = support::files(&root.path().join("v1").join(table));
        let bytes = files[0].metadata().unwrap().len() as f64;
        assert_eq!(value("spanledger_parquet_files", Some(table)), Some(1.0));
        assert_eq!(value("spanledger_parquet_bytes", Some(table)), Some(bytes));
    }
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_named_with_its_key() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("taken");
    std::fs::write(&path, "").unwrap();
    let mut exporter = Parquet::build(&config(&path), &context(&Meter::default())).unwrap();
    let error = exporter.start(Default::default()).await.err().unwrap().to_string();
    assert!(error.starts_with("exporters::parquet::path: make or read folder"), "{error}");
}

#[tokio::test]
async fn a_bucket_is_asked_nothing_at_start_and_an_id_too_long_for_a_file_name_is_refused() {
    let config = Config {
        path: "s3://lake/x".into(),
        endpoint: Some("http://127.0.0.1:1".into()),
        ..Config::default()
    };
    let context = context(&Meter::default());
    started(&config, &context).await;
    let id = format!("parquet/{}", "x".repeat(200)).parse().unwrap();
    assert!(Parquet::build(&config, &Context { id, ..context }).is_err());
}

#[tokio::test(start_paused = true)]
async fn an_exporter_to_a_store_of_ones_own_puts_its_files_there() {
    let store = Arc::new(InMemory::new());
    let (mut config, context) = (Config::default(), context(&Meter::default()));
    config.path = "s3://bucket/lake".into();
    let mut exporter = Parquet::in_store(&config, &context, store.clone()).unwrap();
    exporter.start(Default::default()).await.unwrap();
    exporter.export(&many(1, None)).await.unwrap();
    exporter.seal(&plan(7, 1, 1)).unwrap().deliver().await.unwrap();
    let written = store.list_with_delimiter(Some(&"lake/v1".into())).await.unwrap().common_prefixes;
    assert_eq!(written, ["lake/v1/spans".into()]);
    config.path = "./lake".into();
    assert!(Parquet::in_store(&config, &context, store).is_err(), "a folder is no bucket");
}
