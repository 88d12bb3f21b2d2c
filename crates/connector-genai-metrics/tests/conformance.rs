//! What the engine relies on, over calls with the labels and figures of what real SDKs sent.

#![allow(dead_code, reason = "each test file uses a part of what they share")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use std::time::{Duration, SystemTime};

use arrow_array::BooleanArray;
use spanledger_component::{Rows, Signal};
use spanledger_schema::{Spans, Table as _, spans};
use spanledger_testkit::{captures, conformance, rows};
use support::{built, connector};

/// Every captured span as if it were a call, its name for the model.
fn calls() -> Rows {
    let bodies = captures::bodies(Signal::Traces);
    let Rows::Spans(rows) = rows::decoded(Signal::Traces, 1, &bodies) else { panic!("spans are spans") };
    let columns = vec![
        spans::BILLABLE.set(BooleanArray::from(vec![true; rows.len()])),
        spans::PROVIDER.set(rows.get(spans::SCOPE_NAME).clone()),
        spans::REQUEST_MODEL.set(rows.get(spans::NAME).clone()),
        spans::INPUT_TOKENS.set(rows.get(spans::DURATION_NS).clone()),
        spans::COST_STATUS.set(rows.get(spans::KIND).clone()),
    ];
    Rows::Spans(rows.with(columns).unwrap())
}

#[test]
fn its_state_is_the_same_however_the_log_is_cut_and_wherever_it_restarts() {
    let log_time = SystemTime::UNIX_EPOCH + Duration::from_secs(2_000_000_000);
    conformance::connector(|| connector(2000), &calls(), log_time);
}

#[test]
fn so_it_is_when_there_are_more_series_than_it_may_tell_apart() {
    let log_time = SystemTime::UNIX_EPOCH + Duration::from_secs(2_000_000_000);
    conformance::connector(|| connector(5), &calls(), log_time);
}

#[test]
fn so_it_is_when_calls_wait_for_others_and_when_there_is_no_room_for_all_of_them() {
    let Rows::Spans(all) = calls() else { panic!("spans are spans") };
    let some = Rows::Spans(Spans::try_from_batch(all.batch().slice(0, 300)).unwrap());
    let arrived = SystemTime::UNIX_EPOCH + Duration::from_secs(1_780_315_200);
    for (memory_bytes, seconds) in [(64 << 20, 5), (64 << 20, 60), (1 << 20, 60)] {
        let log_time = arrived + Duration::from_secs(seconds);
        let new = || built(memory_bytes, 2000, Duration::from_secs(10));
        conformance::connector(new, &some, log_time);
    }
}
