//! What the door answers.

use std::time::Duration;

use bytes::Bytes;
use spanledger_component::{Accepted, Refused, Request, Signal};
use spanledger_testkit::spans;

use crate::setup::{Collector, HOLDING, PASSING};

async fn hand_in(collector: &Collector, body: Bytes) -> Result<Accepted, Refused> {
    let intake = collector.scene.intake("handed").await;
    let room = intake.reserve(body.len()).await?;
    intake.accept(Request { signal: Signal::Traces, body }, room).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_request_is_accepted_and_nothing_waits() {
    let collector = Collector::start(HOLDING).await;
    assert_eq!(hand_in(&collector, Bytes::new()).await.unwrap(), Accepted::default());
    collector.flush().await;
    assert_eq!(collector.branch("scripted").waiting_items, 0);
    assert_eq!(collector.target().names(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_of_nothing_but_bad_spans_is_answered_and_not_kept() {
    let collector = Collector::start(HOLDING).await;
    // resource_spans { scope_spans { span { trace_id: 3 bytes } } }
    let body = Bytes::from_static(&[0x0a, 9, 0x12, 7, 0x12, 5, 0x0a, 3, 1, 2, 3]);
    let accepted = hand_in(&collector, body).await.unwrap();
    assert_eq!((accepted.items, accepted.rejected), (1, 1));
    assert!(accepted.message.starts_with("item 0: "), "{}", accepted.message);
    collector.flush().await;
    assert_eq!(collector.target().names(), Vec::<String>::new());
    assert_eq!(collector.branch("scripted").waiting_items, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parent_id_that_is_none_is_left_out_and_told() {
    let collector = Collector::start(HOLDING).await;
    // resource_spans { scope_spans { span { trace_id: 16 bytes, span_id: 8 bytes, parent_span_id: 3 bytes } } }
    let mut body = vec![0x0a, 37, 0x12, 35, 0x12, 33, 0x0a, 16];
    body.extend([1; 16]);
    body.extend([0x12, 8, 2, 2, 2, 2, 2, 2, 2, 2, 0x22, 3, 1, 2, 3]);
    let left_out = "parent ids or links that are no ids, and are left out: 1";
    for message in
        [left_out, &format!("the same request was stored before and is not stored again; {left_out}")]
    {
        let accepted = hand_in(&collector, Bytes::from(body.clone())).await.unwrap();
        assert_eq!((accepted.items, accepted.rejected, accepted.dropped_ids), (1, 0, 1));
        assert_eq!(accepted.message, message);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_request_is_refused() {
    let collector = Collector::start(HOLDING).await;
    let refused = hand_in(&collector, Bytes::from_static(b"\xff\xff\xff")).await.unwrap_err();
    assert!(matches!(refused, Refused::Malformed(_)), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_log_refuses_until_its_branches_moved_on() {
    let config = format!("{PASSING}\n").replace("service: {", "service: {memory: 32MiB, ");
    let collector = Collector::start_with_log_of(&config, Some(32 << 20)).await;
    collector.target().shut();
    let large = "n".repeat(1 << 20);
    let mut taken = 0;
    let refused = loop {
        match collector.scene.send(&[&format!("{taken} {large}")]).await {
            Ok(_) => taken += 1,
            Err(refused) => break refused,
        }
    };
    assert!(matches!(refused, Refused::Full { items: 1, .. }), "{refused}");
    assert!(taken > 5, "only {taken} MiB fit");
    collector.target().open();
    collector.flush().await;
    assert_eq!(collector.target().names().len(), taken);
    let taken_again = async { while collector.scene.send(&["small"]).await.is_err() {} };
    tokio::time::timeout(crate::setup::LONG, taken_again).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_stops_refuses_for_now() {
    let mut collector = Collector::start(HOLDING).await;
    let intake = collector.scene.intake("handed").await;
    collector.stop().await;
    let refused = intake.reserve(1).await.unwrap_err();
    assert!(matches!(refused, Refused::Stopping { .. }), "{refused}");
}

#[tokio::test]
async fn a_disk_that_never_answers_is_told_as_a_refusal_and_the_repeat_is_stored_once() {
    let collector = Collector::start(PASSING).await;
    let body = spans::body(1, 20, 7);
    collector.disk.stall();
    tokio::time::pause();
    let refused = {
        let mut sending = std::pin::pin!(hand_in(&collector, body.clone()));
        let going_on = async {
            loop {
                tokio::time::advance(Duration::from_secs(1)).await;
            }
        };
        tokio::select! {
            biased;
            sent = &mut sending => sent.unwrap_err(),
            () = going_on => unreachable!(),
        }
    };
    assert!(
        matches!(&refused, Refused::Full { reason, .. } if reason.contains("not answered for 8 s")),
        "{refused:?}"
    );
    tokio::time::resume();
    collector.disk.heal();
    assert!(hand_in(&collector, body).await.unwrap().is_repeat);
    collector.flush().await;
    assert_eq!(collector.target().names().len(), 1);
}
