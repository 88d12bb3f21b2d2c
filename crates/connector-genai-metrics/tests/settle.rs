//! Which spans stand for one call, which of them is counted, and what becomes of the others. Each test is a rule.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

#[allow(dead_code, reason = "each test file uses a part of what they share")]
mod support;

use std::time::{Duration, SystemTime};

use spanledger_component::Connector;
use support::{Call, built, emitted, rows, settling};

const SECOND: i64 = 1_000_000;
const MS: i64 = 1_000_000;

/// What a family has come to over all its series that have this label.
fn total(connector: &mut dyn Connector, family: &str, label: &str) -> f64 {
    let points = emitted(connector);
    let wanted =
        points.iter().filter(|(name, _)| name.starts_with(&format!("{family}{{")) && name.contains(label));
    wanted.map(|(_, point)| point.value.or(point.sum).unwrap()).sum()
}

fn tick(connector: &mut dyn Connector, seconds: u64) {
    connector.tick(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
}

/// Calls, input tokens, output tokens and cost in units of 0.1 USD, once all is settled.
fn settled(connector: &mut dyn Connector) -> (f64, f64, f64, f64) {
    tick(connector, 1000);
    (
        total(connector, "gen_ai.client.calls", ""),
        total(connector, "gen_ai.client.token.usage", "token.type=input"),
        total(connector, "gen_ai.client.token.usage", "token.type=output"),
        (total(connector, "gen_ai.client.cost", "") * 10.0).round(),
    )
}

/// What these spans come to, in whatever order they arrive within the window.
fn counted(spans: &[Call]) -> (f64, f64, f64, f64) {
    let mut orders = vec![spans.to_vec()];
    orders.push(spans.iter().rev().cloned().collect());
    for shift in 1..spans.len() {
        let mut order = spans.to_vec();
        order.rotate_left(shift);
        orders.push(order);
    }
    let of = |order: &Vec<Call>| {
        let mut connector = settling();
        for (arrival, span) in (0..).zip(order) {
            let received_micros = SECOND + arrival * SECOND;
            connector.fold(&rows(&[Call { received_micros, ..span.clone() }]));
        }
        settled(connector.as_mut())
    };
    let first = of(&orders[0]);
    orders.iter().for_each(|order| assert_eq!(of(order), first, "the order of arrival matters"));
    first
}

/// A span of its own trace, told by another instrumentation of the same process.
fn beside(start_ms: i64, duration_ms: i64) -> Call {
    let (start_ns, duration_ns) = (start_ms * MS, duration_ms * MS);
    Call { trace: 9, span: 90, scope: "langchain", start_ns, duration_ns, ..Call::default() }
}

fn call(start_ms: i64, duration_ms: i64) -> Call {
    Call { start_ns: start_ms * MS, duration_ns: duration_ms * MS, ..Call::default() }
}

#[test]
fn a_call_is_counted_when_its_window_is_over_and_not_before() {
    let mut connector = settling();
    connector.fold(&rows(&[Call { received_micros: SECOND, ..Call::default() }]));
    assert_eq!(connector.due(), Some(SystemTime::UNIX_EPOCH + Duration::from_secs(11)));
    assert_eq!(total(connector.as_mut(), "gen_ai.client.waiting_spans", ""), 1.0);
    tick(connector.as_mut(), 10);
    assert_eq!(total(connector.as_mut(), "gen_ai.client.calls", ""), 0.0);
    tick(connector.as_mut(), 11);
    assert_eq!(total(connector.as_mut(), "gen_ai.client.calls", ""), 1.0);
    assert_eq!(connector.due(), None);
    assert_eq!(total(connector.as_mut(), "gen_ai.client.waiting_spans", ""), 0.0);
}

#[test]
fn what_was_received_later_settles_what_waits_before_it_is_taken_in() {
    let mut connector = settling();
    let later = Call { received_micros: 30 * SECOND, trace: 2, ..Call::default() };
    connector.fold(&rows(&[Call { received_micros: SECOND, ..Call::default() }, later]));
    assert_eq!(total(connector.as_mut(), "gen_ai.client.calls", ""), 1.0);
    assert_eq!(total(connector.as_mut(), "gen_ai.client.waiting_spans", ""), 1.0);
}

#[test]
fn spans_with_one_response_id_are_one_call_in_any_trace_and_service() {
    let gateway = Call {
        trace: 7,
        service: "gateway",
        instance: Some("two"),
        response_id: Some(" chatcmpl-abc\n"),
        input_tokens: Some(90),
        start_ns: 77,
        ..Call::default()
    };
    let client = Call { response_id: Some("chatcmpl-abc"), cost: None, ..Call::default() };
    assert_eq!(counted(&[gateway, client]), (1.0, 90.0, 20.0, 1.0), "the one that has a price");
}

#[test]
fn an_empty_response_id_is_none() {
    let spans = [1, 2].map(|trace| Call { trace, response_id: Some("  "), ..Call::default() });
    assert_eq!(counted(&spans).0, 2.0);
}

#[test]
fn a_number_below_a_thousand_names_an_answer_only_together_with_its_usage() {
    let of = |trace, input| Call {
        trace,
        response_id: Some("chatcmpl-7"),
        input_tokens: Some(input),
        ..Call::default()
    };
    assert_eq!(counted(&[of(1, 5), of(2, 6)]).0, 2.0);
    assert_eq!(counted(&[of(1, 5), of(2, 5)]).0, 1.0);
}

#[test]
fn of_priced_spans_the_one_with_most_figures_counts_then_the_innermost() {
    let same =
        |trace, input_tokens| Call { trace, input_tokens, response_id: Some("r-1"), ..Call::default() };
    let rich = Call { cache_read: Some(50), ..same(2, Some(101)) };
    assert_eq!(counted(&[same(1, Some(100)), rich]).1, 101.0);
    let inner = Call { duration_ns: 9, ..same(2, Some(102)) };
    assert_eq!(counted(&[same(1, Some(100)), inner]).1, 102.0);
    let guessed = Call { semantics: Some("estimated"), cache_read: Some(1), ..same(2, Some(103)) };
    assert_eq!(counted(&[same(1, Some(100)), guessed]).1, 100.0, "measured is better than guessed");
    let lowest = [same(3, Some(3)), same(2, Some(2)), same(4, Some(4))];
    assert_eq!(counted(&lowest).1, 2.0, "the lowest ids decide at last");
}

#[test]
fn a_span_that_comes_twice_is_one_call() {
    assert_eq!(counted(&[Call::default(), Call::default()]).0, 1.0);
}

#[test]
fn spans_of_two_instrumentations_in_one_process_are_one_call_when_one_contains_the_other() {
    assert_eq!(counted(&[call(1, 8), beside(0, 10)]).0, 1.0);
    assert_eq!(counted(&[call(1, 10), beside(0, 10)]).0, 2.0, "it ends later");
    assert_eq!(counted(&[call(1, 8), Call { instance: Some("two"), ..beside(0, 10) }]).0, 2.0);
    assert_eq!(counted(&[call(1, 8), Call { model: Some("gpt-5"), ..beside(0, 10) }]).0, 2.0);
    assert_eq!(counted(&[call(1, 8), Call { input_tokens: Some(99), ..beside(0, 10) }]).0, 2.0);
    assert_eq!(
        counted(&[call(1, 8), Call { scope: "openai", ..beside(0, 10) }]).0,
        2.0,
        "of one instrumentation"
    );
    let known = Call { response_id: Some("r-1"), ..call(1, 8) };
    assert_eq!(counted(&[known.clone(), beside(0, 10)]).0, 1.0);
    assert_eq!(counted(&[known, Call { response_id: Some("r-2"), ..beside(0, 10) }]).0, 2.0);
}

#[test]
fn failed_calls_told_twice_are_one_as_well() {
    let failed = |call: Call| Call {
        input_tokens: None,
        output_tokens: None,
        cost: None,
        cost_status: Some("no_usage"),
        status: "ERROR",
        ..call
    };
    assert_eq!(counted(&[failed(call(1, 8)), failed(beside(0, 10))]).0, 1.0);
}

#[test]
fn without_an_instance_the_trace_within_the_service_has_to_be_the_same() {
    let bare = |call: Call| Call { instance: None, ..call };
    assert_eq!(counted(&[bare(call(1, 8)), bare(beside(0, 10))]).0, 2.0);
    assert_eq!(counted(&[bare(call(1, 8)), Call { trace: 1, ..bare(beside(0, 10)) }]).0, 1.0);
}

#[test]
fn calls_side_by_side_pair_in_the_order_in_which_they_began() {
    let inner = |n: u8| {
        let response_id = Some(["a-1", "a-2", "a-3"][usize::from(n)]);
        Call { span: n.into(), response_id, ..call(10 + i64::from(n), 50) }
    };
    let outer = |n: u8| Call { span: 90 + u32::from(n), ..beside(n.into(), 100) };
    assert_eq!(counted(&[inner(0), inner(1), inner(2), outer(0), outer(1), outer(2)]).0, 3.0);
}

#[test]
fn a_model_call_within_a_model_call_of_equal_usage_is_the_same_call() {
    let outer = Call { span: 1, ..call(0, 10) };
    let chain = Call { span: 2, parent: Some(1), billable: false, kind: "chain", ..call(1, 8) };
    let inner = Call { span: 3, parent: Some(2), ..call(2, 6) };
    assert_eq!(counted(&[outer.clone(), chain.clone(), inner.clone()]).0, 1.0);
    let other_model = Call { model: Some("gpt-5"), ..inner.clone() };
    assert_eq!(counted(&[outer.clone(), chain.clone(), other_model]).0, 2.0);
    let more = Call { output_tokens: Some(21), ..inner.clone() };
    assert_eq!(counted(&[outer.clone(), chain.clone(), more]).0, 2.0);
    let other_kind = Call { kind: "embedding", ..inner.clone() };
    assert_eq!(counted(&[outer.clone(), chain.clone(), other_kind]).0, 2.0);
    let innermost = Call { span: 4, parent: Some(3), ..call(3, 4) };
    assert_eq!(counted(&[outer, chain, inner, innermost]).0, 1.0, "three deep");
}

#[test]
fn the_answers_id_decides_between_two_calls_within_one_span() {
    let outer = Call { span: 1, ..call(0, 10) };
    let inner = |span, id| Call { span, parent: Some(1), response_id: Some(id), ..call(i64::from(span), 2) };
    assert_eq!(counted(&[outer, inner(2, "a-1"), inner(3, "a-2")]).0, 2.0);
}

#[test]
fn a_model_call_that_does_not_know_its_usage_is_the_one_above_or_below_that_does() {
    let silent = Call {
        input_tokens: None,
        output_tokens: None,
        cost: None,
        cost_status: Some("no_usage"),
        ..call(0, 10)
    };
    let inner = Call { span: 2, parent: Some(1), ..call(1, 8) };
    assert_eq!(counted(&[silent, inner]), (1.0, 100.0, 20.0, 1.0));
}

#[test]
fn a_function_that_is_marked_as_a_call_is_the_call_in_it() {
    let mute = Call {
        model: None,
        input_tokens: None,
        output_tokens: None,
        cost: None,
        cost_status: Some("unknown_model"),
        ..call(0, 10)
    };
    let inner = |span| Call { span, parent: Some(1), response_id: None, ..call(i64::from(span), 2) };
    assert_eq!(counted(&[mute.clone(), inner(2)]), (1.0, 100.0, 20.0, 1.0));
    let step = Call { span: 3, parent: Some(1), billable: false, kind: "chain", ..call(1, 8) };
    let below = Call { parent: Some(3), ..inner(2) };
    assert_eq!(counted(&[mute.clone(), step, below]), (1.0, 100.0, 20.0, 1.0), "with a step between");
    let answered = Call { response_id: Some("a-1"), ..inner(2) };
    assert_eq!(counted(&[mute.clone(), answered]).0, 1.0, "with an id");
    let two = [mute.clone(), inner(2), Call { model: Some("gpt-5"), ..inner(5) }];
    assert_eq!(counted(&two), (2.0, 200.0, 40.0, 2.0), "two calls in it are two");
    let other_kind = Call { kind: "embedding", ..inner(2) };
    assert_eq!(counted(&[mute.clone(), other_kind]).0, 2.0, "an embedding is no answer");
    assert_eq!(counted(&[mute]).0, 1.0, "alone it is a call of which nothing is known");
}

#[test]
fn an_embedding_or_a_ranking_within_one_of_its_kind_is_the_same_call() {
    for kind in ["embedding", "rerank"] {
        let inner = Call { kind, span: 2, parent: Some(1), output_tokens: None, ..Call::default() };
        let silent = Call { kind, input_tokens: None, output_tokens: None, cost: None, ..call(0, 2000) };
        assert_eq!(counted(&[silent.clone(), inner.clone()]), (1.0, 100.0, 0.0, 1.0), "{kind}");
        let outer = Call { output_tokens: None, ..Call { kind, ..call(0, 2000) } };
        assert_eq!(counted(&[outer, inner.clone()]), (1.0, 100.0, 0.0, 1.0), "{kind}");
        let answer = Call { kind: "llm", ..silent };
        assert_eq!(counted(&[answer, inner]), (2.0, 100.0, 0.0, 1.0), "another kind is another call");
    }
}

#[test]
fn agents_and_chains_never_count() {
    let agent = Call {
        billable: false,
        kind: "agent",
        aggregated: Some((100, 20, None, None, None)),
        ..Call::default()
    };
    let inner = Call { span: 2, parent: Some(1), ..Call::default() };
    assert_eq!(counted(&[agent, inner]), (1.0, 100.0, 20.0, 1.0));
}

/// As Vercel 5 sends it: cached and reasoning tokens are on the outer span only.
fn wrapper(aggregated: (i64, i64, Option<i64>, Option<i64>, Option<i128>)) -> Call {
    Call { billable: false, kind: "chain", aggregated: Some(aggregated), ..Call::default() }
}

const DIME: i128 = 100_000_000_000;

#[test]
fn details_that_stand_on_a_wrapper_alone_are_those_of_its_one_call() {
    let inner = Call { span: 2, parent: Some(1), ..Call::default() };
    let outer = wrapper((100, 20, Some(60), None, Some(3 * DIME)));
    assert_eq!(
        counted(&[outer.clone(), inner.clone()]),
        (1.0, 100.0, 20.0, 3.0),
        "its cost is the wrapper's"
    );
    let exclusive = wrapper((160, 28, Some(60), Some(8), Some(4 * DIME)));
    assert_eq!(
        counted(&[exclusive, inner.clone()]),
        (1.0, 160.0, 28.0, 4.0),
        "totals that contain the call's"
    );
    let other = wrapper((500, 20, Some(60), None, Some(9 * DIME)));
    assert_eq!(counted(&[other, inner.clone()]), (1.0, 100.0, 20.0, 1.0), "totals of something else");
    let silent = wrapper((100, 20, None, None, Some(9 * DIME)));
    assert_eq!(counted(&[silent, inner.clone()]), (1.0, 100.0, 20.0, 1.0), "it says no more than the call");
    let unpriced = wrapper((160, 20, Some(60), None, None));
    assert_eq!(counted(&[unpriced, inner.clone()]), (1.0, 160.0, 20.0, 1.0), "a known cost stays");
    let streamed = Call { input_tokens: None, output_tokens: None, cost: None, ..inner };
    assert_eq!(counted(&[outer, streamed]), (1.0, 100.0, 20.0, 3.0), "usage on the wrapper alone");
}

#[test]
fn the_nearest_wrapper_counts_and_one_with_two_calls_says_nothing_of_either() {
    let agent = Call { span: 5, ..wrapper((100, 20, Some(60), None, Some(9 * DIME))) };
    let near = Call { span: 1, parent: Some(5), ..wrapper((100, 20, Some(60), None, Some(3 * DIME))) };
    let inner = Call { span: 2, parent: Some(1), ..Call::default() };
    assert_eq!(counted(&[agent, near.clone(), inner.clone()]).3, 3.0);
    let second = Call { span: 3, parent: Some(1), response_id: Some("r-2"), ..call(900, 5) };
    assert_eq!(counted(&[near, inner, second]), (2.0, 200.0, 40.0, 2.0));
}

#[test]
fn a_call_that_was_settled_before_its_wrapper_came_is_one_of_two() {
    let mut connector = settling();
    let of = |span, seconds| Call {
        span,
        parent: Some(1),
        received_micros: seconds * SECOND,
        ..call(seconds * 1000, 5)
    };
    connector.fold(&rows(&[of(2, 1), of(3, 20)]));
    let outer = wrapper((100, 20, Some(60), None, Some(3 * DIME)));
    connector.fold(&rows(&[Call { received_micros: 21 * SECOND, ..outer }]));
    assert_eq!(settled(connector.as_mut()), (2.0, 200.0, 40.0, 2.0));
}

#[test]
fn usage_below_which_there_is_no_call_is_told_apart_once() {
    let mut connector = settling();
    let unattributed = |connector: &mut dyn Connector, kind: &str| {
        total(connector, "gen_ai.client.unattributed_usage", &format!("token.type={kind}"))
    };
    let agent = Call { span: 5, ..wrapper((100, 20, None, None, None)) };
    let chain = Call { span: 6, parent: Some(5), ..wrapper((70, 10, None, None, None)) };
    let other = Call { trace: 2, span: 7, ..wrapper((1000, 1000, None, None, None)) };
    let call = Call { trace: 2, span: 8, parent: Some(7), ..Call::default() };
    connector.fold(&rows(&[agent, call, other, chain]));
    assert_eq!(settled(connector.as_mut()).1, 100.0);
    assert_eq!(unattributed(connector.as_mut(), "input"), 70.0, "the innermost that says something");
    assert_eq!(unattributed(connector.as_mut(), "output"), 10.0);
}

#[test]
fn a_span_that_comes_after_its_call_was_counted_is_not_counted_for_a_day() {
    let mut connector = settling();
    let of = |trace, hours: i64, id| Call {
        trace,
        received_micros: SECOND + hours * 3600 * SECOND,
        response_id: id,
        ..Call::default()
    };
    connector.fold(&rows(&[of(1, 0, Some("r-1")), of(2, 20, Some("r-1")), of(3, 25, Some("r-1"))]));
    tick(connector.as_mut(), 100 * 3600);
    assert_eq!(total(connector.as_mut(), "gen_ai.client.calls", ""), 2.0);
    assert_eq!(total(connector.as_mut(), "gen_ai.client.late_spans", ""), 1.0);
}

#[test]
fn merged_spans_are_counted() {
    let mut connector = settling();
    let spans = [1, 2, 3].map(|trace| Call { trace, response_id: Some("r-1"), ..Call::default() });
    connector.fold(&rows(&spans));
    assert_eq!(settled(connector.as_mut()).0, 1.0);
    assert_eq!(total(connector.as_mut(), "gen_ai.client.merged_spans", ""), 2.0);
}

#[test]
fn what_waits_survives_a_restart() {
    let mut connector = settling();
    let span = |trace| Call { trace, response_id: Some("r-1"), ..Call::default() };
    connector.fold(&rows(&[span(1)]));
    let snapshot = connector.snapshot();
    let mut connector = settling();
    connector.restore(&snapshot).unwrap();
    connector.fold(&rows(&[span(2)]));
    assert_eq!(settled(connector.as_mut()).0, 1.0);
}

#[test]
fn what_does_not_fit_is_counted_early_and_nothing_is_lost() {
    let memory_bytes = 1 << 20;
    let mut connector = built(memory_bytes, 10, Duration::from_secs(10));
    let spans = (0..5000).map(|trace| Call { trace, input_tokens: Some(1), ..Call::default() });
    connector.fold(&rows(&spans.collect::<Vec<_>>()));
    let early = total(connector.as_mut(), "gen_ai.client.early_calls", "");
    assert!(early > 4000.0, "{early}");
    let snapshot_bytes = connector.snapshot().len();
    assert!(snapshot_bytes < memory_bytes / 2, "{snapshot_bytes}");
    assert!(total(connector.as_mut(), "gen_ai.client.forgotten_ids", "") > 1000.0);
    assert_eq!(settled(connector.as_mut()).1, 5000.0);
}
