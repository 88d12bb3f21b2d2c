//! What the engine relies on of an exporter that holds rows until they are sealed.

#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use spanledger_component::{Batch, Delivery, ExportError, Exporter, LogId, Plan, PlanId, Rows};
use spanledger_schema::{Table as _, logs, spans};

/// What tells a row apart: its position in the log and its index there.
pub type RowId = (i64, i32);

/// What a target holds, as a test reads it back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Held {
    /// Its objects by name.
    pub objects: BTreeMap<String, Vec<u8>>,
    /// The rows in them, as often as they stand there.
    pub rows: Vec<RowId>,
}

/// An exporter delivers exactly the planned range, once, and nothing before.
///
/// `new` gives a started exporter to the target that `look` sees, empty at first; `ranges` are two that follow each
/// other, each as the batches it comes in, `again` the first cut otherwise; `refused` is a batch that is rejected.
pub async fn exporter(
    new: impl AsyncFn() -> Box<dyn Exporter>,
    look: impl Fn() -> Held,
    ranges: [&[Batch]; 2],
    again: &[Batch],
    refused: &Batch,
) {
    let [first, second] = ranges;
    let mut exporter = new().await;
    holds_until_abandoned(exporter.as_mut(), first).await;
    leaves_nothing_of_a_refused_batch(exporter.as_mut(), refused).await;

    take(exporter.as_mut(), first).await;
    drop(seal(exporter.as_mut(), &plan(b"a plan that died", first)));
    assert_eq!(exporter.seal_by(), None, "what was sealed is not held");
    assert_eq!(look(), Held::default(), "nothing is delivered before its plan is");

    take(exporter.as_mut(), first).await;
    exporter.abandon();
    take(exporter.as_mut(), first).await;
    refuse(exporter.as_mut(), refused).await;
    let earlier = seal(exporter.as_mut(), &plan(b"the former plan.", first));
    take(exporter.as_mut(), second).await;
    let later = seal(exporter.as_mut(), &plan(b"the latter plan.", second));
    assert_eq!(look(), Held::default(), "sealing delivers nothing");

    deliver(earlier.as_ref()).await;
    let after_first = look();
    assert_eq!(sorted(after_first.rows.clone()), row_ids(first), "a seal is exactly its range");
    deliver(later.as_ref()).await;
    let delivered = look();
    assert_eq!(
        sorted(delivered.rows.clone()),
        row_ids(&[first, second].concat()),
        "each row stands there once"
    );
    let is_kept = |(name, object): (&String, &Vec<u8>)| delivered.objects.get(name) == Some(object);
    assert!(
        after_first.objects.iter().all(is_kept),
        "a later range leaves the objects of an earlier one alone"
    );

    deliver(earlier.as_ref()).await;
    assert_eq!(look(), delivered, "a delivery that is repeated changes nothing");
    let mut restarted = new().await;
    assert_eq!(restarted.seal_by(), None, "a new exporter holds nothing");
    take(restarted.as_mut(), again).await;
    deliver(seal(restarted.as_mut(), &plan(b"the former plan.", first)).as_ref()).await;
    assert_eq!(look(), delivered, "a plan carried out again after a restart changes nothing");
}

async fn holds_until_abandoned(exporter: &mut dyn Exporter, range: &[Batch]) {
    assert_eq!(exporter.seal_by(), None, "a new exporter holds nothing");
    for batch in range {
        let none = Batch { rows: Vec::new(), ..batch.clone() };
        taken(exporter.export(&none).await, "a batch without rows");
    }
    assert_eq!(exporter.seal_by(), None, "batches without rows are not held");
    take(exporter, range).await;
    assert!(exporter.seal_by().is_some(), "rows that are not delivered are held");
    exporter.abandon();
    assert_eq!(exporter.seal_by(), None, "what was abandoned is not held");
}

async fn leaves_nothing_of_a_refused_batch(exporter: &mut dyn Exporter, refused: &Batch) {
    refuse(exporter, refused).await;
    assert_eq!(exporter.seal_by(), None, "a rejected batch leaves nothing inside");
}

async fn refuse(exporter: &mut dyn Exporter, refused: &Batch) {
    let result = exporter.export(refused).await;
    assert!(matches!(result, Err(ExportError::Reject { .. })), "the batch is rejected: {result:?}");
}

async fn take(exporter: &mut dyn Exporter, range: &[Batch]) {
    for batch in range {
        taken(exporter.export(batch).await, "a batch");
    }
}

fn seal(exporter: &mut dyn Exporter, plan: &Plan) -> Box<dyn Delivery> {
    taken(exporter.seal(plan), "a range to seal")
}

fn taken<T>(result: Result<T, ExportError>, what: &str) -> T {
    result.unwrap_or_else(|error| panic!("the exporter takes {what}: {error}"))
}

async fn deliver(delivery: &dyn Delivery) {
    if let Err(error) = delivery.deliver().await {
        panic!("a plan is delivered: {error}");
    }
}

fn plan(id: &[u8; 16], range: &[Batch]) -> Plan {
    let (first, last) = range.first().zip(range.last()).expect("a range has batches");
    Plan {
        id: PlanId(*id),
        log: LogId(*b"conformance-logs"),
        exporter: "conformance".parse().expect("an id"),
        first: first.first,
        last: last.last,
        excluded: Vec::new(),
    }
}

/// The rows of batches, sorted.
pub fn row_ids(batches: &[Batch]) -> Vec<RowId> {
    let ids = |rows: &Rows| -> Vec<RowId> {
        let (positions, indices) = match rows {
            Rows::Spans(rows) => (rows.get(spans::POSITION), rows.get(spans::INDEX)),
            Rows::Logs(rows) => (rows.get(logs::POSITION), rows.get(logs::INDEX)),
            Rows::Metrics(_) => return Vec::new(),
        };
        positions.values().iter().copied().zip(indices.values().iter().copied()).collect()
    };
    sorted(batches.iter().flat_map(|batch| &batch.rows).flat_map(ids).collect())
}

fn sorted(mut rows: Vec<RowId>) -> Vec<RowId> {
    rows.sort_unstable();
    rows
}
