//! What the engine relies on, over what real SDKs sent.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of a test may stop it where its own data is wrong"
)]
#![allow(dead_code, reason = "each test file uses a part of what they share")]

mod support;

use std::fs::{self, File};
use std::path::Path;

use bytes::Bytes;
use parquet::file::reader::SerializedFileReader;
use spanledger_component::{Batch, Position, Rows, Signal};
use spanledger_schema::{Metrics, Table as _};
use spanledger_testkit::conformance::{self, Held, RowId};
use spanledger_testkit::{captures, rows};
use support::{exporter, files, value};

/// Requests of spans, then those of log records.
struct Log {
    traces: Vec<Bytes>,
    logs: Vec<Bytes>,
}

impl Log {
    /// The records with these places in either list, as one batch.
    fn batch(&self, first: usize, count: usize) -> Batch {
        let logs = first.min(self.logs.len())..(first + count).min(self.logs.len());
        let (position, later) = (first as u64 + 1, 1000 + first as u64);
        let mut batch = rows::batch(Signal::Traces, position, &self.traces[first..first + count]);
        batch.rows.push(rows::decoded(Signal::Logs, later, &self.logs[logs]));
        batch
    }
}

fn look(root: &Path) -> Held {
    let paths = files(root);
    let name = |path: &Path| path.strip_prefix(root).unwrap().display().to_string();
    let objects = paths.iter().map(|path| (name(path), fs::read(path).unwrap())).collect();
    let rows = paths.iter().filter(|path| !name(path).starts_with("v1/content")).flat_map(|path| {
        let file = SerializedFileReader::new(File::open(path).unwrap()).unwrap();
        let id = |row| -> RowId {
            (value(&row, "position").parse().unwrap(), value(&row, "index").parse().unwrap())
        };
        support::rows(&file).into_iter().map(id).collect::<Vec<_>>()
    });
    Held { objects, rows: rows.collect() }
}

#[tokio::test]
async fn a_planned_range_of_captured_requests_is_delivered_once_and_nothing_else() {
    let root = tempfile::tempdir().unwrap();
    let log = Log { traces: captures::bodies(Signal::Traces), logs: captures::bodies(Signal::Logs) };
    let half = log.traces.len() / 2;
    let first: Vec<Batch> = [log.batch(0, 1), log.batch(1, 1), log.batch(2, half - 2)].into();
    let second = [log.batch(half, log.traces.len() - half)];
    let mut refused = log.batch(0, 3);
    refused.rows.push(Rows::Metrics(Metrics::empty()));
    assert_eq!(refused.last, Position(3));
    let new = async || exporter(root.path()).await;
    let again = [log.batch(0, half)];
    conformance::exporter(new, || look(root.path()), [&first, &second], &again, &refused).await;
}
