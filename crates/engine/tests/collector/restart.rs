//! Stops and crashes, at each point between the door and the commit.

use crate::setup::{Collector, HOLDING, PASSING, SHORT, until};

#[tokio::test(flavor = "multi_thread")]
async fn after_a_stop_only_what_is_new_is_delivered() {
    for config in [HOLDING, PASSING] {
        let mut collector = Collector::start(config).await;
        collector.send(&["a", "b"]).await;
        let summary = collector.stop().await;
        assert_eq!(summary.waiting, []);
        collector.start_again(config).await;
        collector.send(&["c"]).await;
        collector.flush().await;
        assert_eq!(collector.target().names(), ["a", "b", "c"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_before_a_crash_is_delivered_after_it() {
    let mut collector = Collector::start(HOLDING).await;
    collector.send(&["a"]).await;
    collector.send(&["b"]).await;
    collector.crash();
    collector.start_again(HOLDING).await;
    collector.send(&["c"]).await;
    collector.flush().await;
    assert_eq!(collector.target().names(), ["a", "b", "c"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_a_crash_interrupts_is_carried_out_again_as_it_was() {
    let mut collector = Collector::start(&HOLDING.replace("100", "2")).await;
    collector.target().shut();
    collector.send(&["a", "b"]).await;
    collector.target().tries(1).await;
    collector.send(&["c"]).await;
    collector.crash();
    collector.target().open();
    // Another size of ranges changes nothing about the planned one.
    collector.start_again(HOLDING).await;
    collector.flush().await;
    let (tried, plans) = (collector.target().tried(), collector.target().plans());
    assert_eq!(collector.target().names(), ["a", "b", "c"]);
    assert_eq!(plans[0], tried[0]);
    assert_eq!(plans.len(), 2);
    assert_eq!(plans[1].first, plans[0].last.next());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_delivered_but_not_committed_before_a_crash_is_not_there_twice() {
    let mut collector = Collector::start(HOLDING).await;
    collector.target().shut();
    collector.send(&["a", "b"]).await;
    assert!(collector.try_flush(None, SHORT).await.is_err());
    collector.target().tries(1).await;
    collector.crash_before_commit().await;
    collector.start_again(HOLDING).await;
    collector.send(&["c"]).await;
    collector.flush().await;
    assert_eq!(collector.target().names(), ["a", "b", "c"]);
    let tried = collector.target().tried();
    assert_eq!(tried[0], tried[1], "it was tried again by the same plan");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_keeps_what_it_excludes() {
    let mut collector = Collector::start(HOLDING).await;
    collector.target().reject("bad");
    collector.target().shut();
    for name in ["a", "bad", "c"] {
        collector.send(&[name]).await;
    }
    assert!(collector.try_flush(None, SHORT).await.is_err());
    collector.target().tries(1).await;
    collector.crash();
    collector.target().open();
    collector.start_again(HOLDING).await;
    collector.flush().await;
    assert_eq!(collector.target().names(), ["a", "c"]);
    assert_eq!(collector.target().plans(), collector.target().tried()[..1]);
    assert_eq!(collector.branch("scripted").dead_letters, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_is_counted_once_although_its_plan_was_never_made() {
    let mut collector = Collector::start(HOLDING).await;
    collector.target().reject("bad");
    collector.send(&["bad"]).await;
    collector.send(&["b"]).await;
    until(|| collector.branch("scripted").dead_letters == 1).await;
    collector.crash();
    collector.start_again(HOLDING).await;
    collector.flush().await;
    assert_eq!(collector.target().names(), ["b"]);
    assert_eq!(collector.branch("scripted").dead_letters, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_crashes_in_a_row_lose_and_repeat_nothing() {
    let mut collector = Collector::start(&HOLDING.replace("100", "3")).await;
    let mut sent = Vec::new();
    for round in 0..6 {
        for record in 0..4 {
            let name = format!("span-{round}-{record}");
            collector.send(&[&name]).await;
            sent.push(name);
        }
        if round % 2 == 0 {
            collector.target().fail(1);
        }
        collector.crash();
        collector.start_again(&HOLDING.replace("100", "3")).await;
    }
    collector.flush().await;
    assert_eq!(collector.target().names(), sent);
}
