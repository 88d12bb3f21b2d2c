//! The state over a restart: taken back whole, however the log was cut, and refused when it is none of ours.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

#[allow(dead_code, reason = "each test file uses a part of what they share")]
mod support;

use std::time::{Duration, SystemTime};

use proptest::prelude::*;
use spanledger_component::Connector;
use support::{Call, built, connector, emitted, rows};

fn call() -> impl Strategy<Value = Call> {
    let labels = (
        any::<bool>(),
        prop_oneof![Just(None), Just(Some("openai")), Just(Some("anthropic"))],
        prop_oneof![Just(None), Just(Some("a")), Just(Some("b")), Just(Some("c"))],
        prop_oneof![Just("UNSET"), Just("OK"), Just("ERROR")],
        prop_oneof![Just(None), Just(Some("429"))],
    );
    let figures = (
        any::<i64>(),
        any::<Option<i64>>(),
        proptest::option::of(0..100_000_000_000_i128),
        prop_oneof![Just(None), Just(Some("no_usage")), Just(Some("unknown_model"))],
        0..100_000_i64,
    );
    let ids = (
        0..4_u32,
        0..40_u32,
        proptest::option::of(0..40_u32),
        prop_oneof![Just(None), Just(Some("r1")), Just(Some("r2"))],
        prop_oneof![Just("openai"), Just("langchain")],
    );
    (labels, figures, ids).prop_map(|(labels, figures, ids)| {
        let (billable, provider, model, status, error_type) = labels;
        let (duration_ns, tokens, cost, cost_status, received_micros) = figures;
        Call {
            billable,
            provider,
            model,
            status,
            error_type,
            duration_ns,
            input_tokens: tokens,
            output_tokens: tokens.map(|tokens| tokens / 2),
            cost,
            cost_status,
            reported_cost: cost.filter(|cost| cost % 2 == 0),
            received_micros: 1_000 * received_micros,
            trace: ids.0,
            span: ids.1,
            parent: ids.2,
            response_id: ids.3,
            scope: ids.4,
            aggregated: (!billable).then_some((7, 2, Some(1), None, cost)),
            ..Call::default()
        }
    })
}

/// With few series; it lets calls wait for ten seconds if it is to.
fn empty(waits: bool) -> Box<dyn Connector> {
    built(64 << 20, 8, Duration::from_secs(if waits { 10 } else { 0 }))
}

fn folded(calls: &[Call], waits: bool) -> Box<dyn Connector> {
    let mut connector = empty(waits);
    connector.fold(&rows(calls));
    connector
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_split_and_a_restart_in_the_middle_give_the_same_state(
        calls in proptest::collection::vec(call(), 0..40),
        cuts in proptest::collection::vec(0..40_usize, 0..4),
        restart_after in 0..5_usize,
        waits in any::<bool>(),
    ) {
        let mut uninterrupted = folded(&calls, waits);
        let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(calls.len())).collect();
        cuts.extend([0, calls.len()]);
        cuts.sort_unstable();
        let mut split = empty(waits);
        for (batch, range) in cuts.windows(2).enumerate() {
            split.fold(&rows(&calls[range[0]..range[1]]));
            if batch == restart_after {
                let snapshot = split.snapshot();
                split = empty(waits);
                split.restore(&snapshot).unwrap();
            }
        }
        prop_assert_eq!(split.snapshot(), uninterrupted.snapshot());
        prop_assert_eq!(emitted(split.as_mut()), emitted(uninterrupted.as_mut()));
    }

    #[test]
    fn garbage_is_refused_and_changes_nothing(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        let mut connector = folded(&[Call::default()], true);
        let before = connector.snapshot();
        prop_assert!(connector.restore(&bytes).is_err());
        prop_assert_eq!(connector.snapshot(), before);
    }

    #[test]
    fn a_damaged_snapshot_never_panics(
        place in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        waits in any::<bool>(),
    ) {
        let wrapper = Call { billable: false, span: 2, aggregated: Some((7, 2, None, None, Some(1))), ..Call::default() };
        let calls = [Call::default(), Call { status: "ERROR", ..Call::default() }, wrapper];
        let mut bytes = folded(&calls, waits).snapshot();
        let place = place.index(bytes.len());
        bytes[place] = byte;
        let mut connector = empty(waits);
        if connector.restore(&bytes).is_ok() {
            connector.tick(SystemTime::UNIX_EPOCH + Duration::from_secs(1000));
            emitted(connector.as_mut());
        }
    }
}

#[test]
fn a_newer_version_is_refused_by_name() {
    let snapshot = folded(&[Call::default()], false).snapshot();
    assert_eq!(snapshot[..2], [8, 2], "field 1, version 2");
    let mut newer = snapshot.clone();
    newer[1] = 3;
    let error = connector(8).restore(&newer).unwrap_err().to_string();
    assert_eq!(error, "take back the state of genai_metrics: it has version 3, this program reads 1 to 2");
}

/// Version 1 is version 2 without its last field, which comes last.
#[test]
fn a_snapshot_of_version_1_is_taken_back_with_nothing_waiting() {
    let snapshot = folded(&[Call::default()], false).snapshot();
    let end = (0..snapshot.len()).rev().find(|end| {
        snapshot[*end] == 6 << 3 | 2 && usize::from(snapshot[end + 1]) == snapshot.len() - end - 2
    });
    let mut older = snapshot[..end.unwrap()].to_vec();
    older[1] = 1;
    for waits in [true, false] {
        let mut connector = empty(waits);
        connector.restore(&older).unwrap();
        let calls: Vec<_> = emitted(connector.as_mut()).into_iter().collect();
        assert!(calls[0].0.starts_with("gen_ai.client.calls{"));
        assert_eq!(calls[0].1.value, Some(1.0));
    }
}

#[test]
fn other_buckets_are_refused() {
    // Version 1, and no bounds at all.
    let error = connector(8).restore(&[8, 1]).unwrap_err().to_string();
    assert_eq!(error, "take back the state of genai_metrics: it counted with other buckets");
}

#[test]
fn a_lower_limit_keeps_the_series_that_are_there() {
    let models = ["a", "b", "c"].map(|model| Call { model: Some(model), ..Call::default() });
    let snapshot = folded(&models, false).snapshot();
    let mut connector = connector(1);
    connector.restore(&snapshot).unwrap();
    assert_eq!(connector.snapshot(), snapshot);
}
