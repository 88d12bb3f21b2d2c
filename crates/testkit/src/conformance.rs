//! Conformance suites: what the engine relies on, to be run by the tests of every component.
//!
//! Each panics with what was promised and did not hold. None looks into a target: a test does that afterwards.

#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use spanledger_component::{
    Batch, Connector, ExportError, Exporter, LogId, Plan, PlanId, Position, Processor, Rows,
};
use spanledger_schema::{Logs, Metrics, Spans, Table};

/// An exporter that holds what it is given until it is sealed: `started` gives a new one, already started; `batch` has
/// rows that it takes. What it delivers in the end is `batch` once, under the plan that is returned.
pub async fn exporter(mut exporter: Box<dyn Exporter>, batch: &Batch) -> Plan {
    let plan = Plan {
        id: PlanId(*b"conformance-plan"),
        log: LogId(*b"conformance-logs"),
        exporter: "conformance".parse().expect("an id"),
        first: batch.first,
        last: batch.last,
        excluded: Vec::new(),
    };
    assert_eq!(exporter.seal_by(), None, "a new exporter holds nothing");
    let none = Batch { rows: Vec::new(), ..batch.clone() };
    taken(exporter.export(&none).await, "a batch without rows");
    assert_eq!(exporter.seal_by(), None, "a batch without rows is not held");

    taken(exporter.export(batch).await, "the batch");
    assert!(exporter.seal_by().is_some(), "rows that are not delivered are held");
    exporter.abandon();
    assert_eq!(exporter.seal_by(), None, "what was abandoned is not held");

    taken(exporter.export(batch).await, "the batch, after abandon");
    let trial = Plan { id: PlanId(*b"conformance-try-"), ..plan.clone() };
    drop(taken(exporter.seal(&trial), "the range, for a delivery that is dropped"));
    assert_eq!(exporter.seal_by(), None, "what was sealed is not held");

    taken(exporter.export(batch).await, "the batch, after a seal");
    let delivery = taken(exporter.seal(&plan), "the range");
    for attempt in ["the first time", "again"] {
        if let Err(error) = delivery.deliver().await {
            panic!("a plan is delivered {attempt}: {error}");
        }
    }
    taken(exporter.export(batch).await, "the batch, after a restart");
    let again = taken(exporter.seal(&plan), "the range, after a restart");
    if let Err(error) = again.deliver().await {
        panic!("a plan that is there already counts as delivered: {error}");
    }
    plan
}

fn taken<T>(result: Result<T, ExportError>, what: &str) -> T {
    result.unwrap_or_else(|error| panic!("the exporter takes {what}: {error}"))
}

/// A connector: however rows are cut into batches, and wherever its state goes through a snapshot, the state is the
/// same; what is no snapshot is refused and changes nothing.
pub fn connector(new: impl Fn() -> Box<dyn Connector>, rows: &Rows) {
    let mut whole = new();
    whole.fold(rows);
    let expected = whole.snapshot();
    for size in cut_sizes(rows.len()) {
        let mut cut = new();
        for part in cut_into(rows, size) {
            cut.fold(&part);
            let snapshot = cut.snapshot();
            cut = new();
            cut.restore(&snapshot).expect("a connector takes its own snapshot back");
            assert_eq!(cut.snapshot(), snapshot, "a snapshot is the whole state");
        }
        assert_eq!(cut.snapshot(), expected, "batches of {size} rows give the same state");
    }
    let _ = whole.emit();
    assert_eq!(whole.snapshot(), expected, "handing out changes no state");
    assert!(whole.restore(b"\xffno snapshot of anything").is_err(), "what is no snapshot is refused");
    assert_eq!(whole.snapshot(), expected, "a refused snapshot changes nothing");
}

/// A processor: what it makes of a row depends on that row alone, so however rows are cut, the same rows come out.
pub fn processor(processor: &dyn Processor, rows: &Rows) {
    let process = |rows: Rows| processor.process(rows).expect("the processor takes these rows");
    let whole = process(rows.clone());
    assert!(same(&whole, &process(rows.clone())), "the same rows give the same rows");
    for size in cut_sizes(rows.len()) {
        let mut at = 0;
        for part in cut_into(rows, size) {
            let made = process(part);
            let expected = slice(&whole, at, made.len().min(whole.len() - at));
            assert!(same(&made, &expected), "batches of {size} rows give the same rows, from row {at} on");
            at += made.len();
        }
        assert_eq!(at, whole.len(), "batches of {size} rows give as many rows");
    }
    assert_eq!(process(slice(rows, 0, 0)).len(), 0, "no rows give no rows");
}

fn cut_sizes(rows: usize) -> impl Iterator<Item = usize> {
    [1, 2, 3, rows / 2 + 1].into_iter()
}

fn cut_into(rows: &Rows, size: usize) -> impl Iterator<Item = Rows> {
    let starts = (0..rows.len()).step_by(size);
    starts.map(move |start| slice(rows, start, size.min(rows.len() - start)))
}

fn slice(rows: &Rows, start: usize, length: usize) -> Rows {
    fn sliced<T: Table>(rows: &T, start: usize, length: usize) -> T {
        T::try_from_batch(rows.batch().slice(start, length)).expect("a slice has the same columns")
    }
    match rows {
        Rows::Spans(rows) => Rows::Spans(sliced::<Spans>(rows, start, length)),
        Rows::Logs(rows) => Rows::Logs(sliced::<Logs>(rows, start, length)),
        Rows::Metrics(rows) => Rows::Metrics(sliced::<Metrics>(rows, start, length)),
    }
}

fn same(one: &Rows, other: &Rows) -> bool {
    match (one, other) {
        (Rows::Spans(one), Rows::Spans(other)) => one.batch() == other.batch(),
        (Rows::Logs(one), Rows::Logs(other)) => one.batch() == other.batch(),
        (Rows::Metrics(one), Rows::Metrics(other)) => one.batch() == other.batch(),
        _ => false,
    }
}

/// A batch of one record at position 1.
pub fn batch(rows: Vec<Rows>) -> Batch {
    Batch { first: Position(1), last: Position(1), rows }
}
