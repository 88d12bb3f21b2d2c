//! The state over a restart: taken back whole, however the log was cut, and refused when it is none of ours.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use proptest::prelude::*;
use spanledger_component::Connector;
use support::{Call, connector, emitted, rows};

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
        0..1_000_000_i64,
    );
    (labels, figures).prop_map(|(labels, figures)| {
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
            reported_cost: None,
            received_micros,
        }
    })
}

fn folded(calls: &[Call]) -> Box<dyn Connector> {
    let mut connector = connector(8);
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
    ) {
        let mut uninterrupted = folded(&calls);
        let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(calls.len())).collect();
        cuts.extend([0, calls.len()]);
        cuts.sort_unstable();
        let mut split = connector(8);
        for (batch, range) in cuts.windows(2).enumerate() {
            split.fold(&rows(&calls[range[0]..range[1]]));
            if batch == restart_after {
                let snapshot = split.snapshot();
                split = connector(8);
                split.restore(&snapshot).unwrap();
            }
        }
        prop_assert_eq!(split.snapshot(), uninterrupted.snapshot());
        prop_assert_eq!(emitted(split.as_mut()), emitted(uninterrupted.as_mut()));
    }

    #[test]
    fn garbage_is_refused_and_changes_nothing(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        let mut connector = folded(&[Call::default()]);
        let before = connector.snapshot();
        prop_assert!(connector.restore(&bytes).is_err());
        prop_assert_eq!(connector.snapshot(), before);
    }

    #[test]
    fn a_damaged_snapshot_never_panics(place in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = folded(&[Call::default(), Call { status: "ERROR", ..Call::default() }]).snapshot();
        let place = place.index(bytes.len());
        bytes[place] = byte;
        let mut connector = connector(8);
        if connector.restore(&bytes).is_ok() {
            emitted(connector.as_mut());
        }
    }
}

#[test]
fn another_version_is_refused_by_name() {
    let snapshot = folded(&[Call::default()]).snapshot();
    assert_eq!(snapshot[..2], [8, 1], "field 1, version 1");
    let mut newer = snapshot.clone();
    newer[1] = 2;
    let error = connector(8).restore(&newer).unwrap_err().to_string();
    assert_eq!(error, "take back the state of genai_metrics: it has version 2, this program reads 1");
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
    let snapshot = folded(&models).snapshot();
    let mut connector = connector(1);
    connector.restore(&snapshot).unwrap();
    assert_eq!(connector.snapshot(), snapshot);
}
