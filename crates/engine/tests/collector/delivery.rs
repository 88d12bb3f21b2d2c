//! From the door to the target.

use std::time::Duration;

use crate::setup::{Collector, HOLDING, LONG, PASSING, SHORT};

const TWO: &str = "
receivers: {handed: {scene: SCENE}}
exporters: {scripted/a: {scene: SCENE, holds: 1}, scripted/b: {scene: SCENE, holds: 1}}
service: {pipelines: {traces: {receivers: [handed], exporters: [scripted/a, scripted/b]}}}
";

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_delivered_once_and_in_order() {
    for config in [HOLDING, PASSING] {
        let collector = Collector::start(config).await;
        collector.send(&["a", "b"]).await;
        collector.send(&["c"]).await;
        collector.flush().await;
        collector.send(&["d"]).await;
        collector.flush().await;
        assert_eq!(collector.target().names(), ["a", "b", "c", "d"]);
        assert_eq!(collector.branch("scripted").waiting_items, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_exporter_delivers_without_being_asked() {
    let collector = Collector::start(&HOLDING.replace("100", "2")).await;
    collector.send(&["a", "b"]).await;
    collector.target().tries(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_exporter_is_given_no_more_before_it_delivers_however_much_there_is() {
    // Windows of some hundred spans, each more than enough.
    let config = HOLDING.replace("100", "1").replace("service: {", "service: {memory: 8MiB, ");
    let collector = Collector::start(&config).await;
    collector.target().shut();
    let names: Vec<String> = (0..3000).map(|name| name.to_string()).collect();
    for names in names.chunks(10) {
        collector.send(&names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    }
    collector.target().open();
    collector.flush().await;
    assert_eq!(collector.target().names(), names);
    let plans = collector.target().plans();
    assert!(plans.iter().all(|plan| plan.last.0 - plan.first.0 < 30), "of 300 records: {plans:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_held_is_delivered_when_asked_although_nothing_new_arrives() {
    let collector = Collector::start(HOLDING).await;
    collector.send(&["a"]).await;
    // Until it has been read, so that only the question can wake the branch.
    assert!(collector.try_flush(None, Duration::ZERO).await.is_err());
    collector.flush().await;
    assert_eq!(collector.target().names(), ["a"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_that_fails_is_repeated_under_the_same_plan() {
    let collector = Collector::start(HOLDING).await;
    collector.target().fail(2);
    collector.send(&["a"]).await;
    collector.flush().await;
    assert_eq!(collector.target().names(), ["a"]);
    let tried = collector.target().tried();
    assert_eq!(tried.len(), 3);
    assert!(tried.iter().all(|plan| *plan == tried[0]), "{tried:?}");
    assert_eq!(collector.branch("scripted").error, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_that_panics_is_repeated() {
    let collector = Collector::start(HOLDING).await;
    collector.target().panic_in_delivery(1);
    collector.send(&["a"]).await;
    collector.flush().await;
    assert_eq!(collector.target().names(), ["a"]);
    assert_eq!(collector.target().tried().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_exporter_is_given_the_same_batch_again() {
    for config in [HOLDING, PASSING] {
        let collector = Collector::start(config).await;
        collector.target().be_busy(2);
        collector.send(&["a", "b"]).await;
        collector.flush().await;
        assert_eq!(collector.target().names(), ["a", "b"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exporter_that_is_stuck_holds_up_no_other() {
    let collector = Collector::start(TWO).await;
    let (stuck, other) = (collector.scene.target("scripted/a"), collector.scene.target("scripted/b"));
    stuck.shut();
    for name in ["a", "b", "c"] {
        collector.send(&[name]).await;
        assert_eq!(collector.try_flush(Some("scripted/b"), LONG).await, Ok(()));
    }
    assert_eq!(other.names(), ["a", "b", "c"]);
    assert_eq!(stuck.names(), Vec::<String>::new());
    stuck.open();
    collector.flush().await;
    assert_eq!(stuck.names(), ["a", "b", "c"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flush_that_takes_too_long_says_what_waits() {
    let collector = Collector::start(TWO).await;
    collector.scene.target("scripted/a").shut();
    collector.send(&["a", "b"]).await;
    let left = collector.try_flush(None, SHORT).await.unwrap_err();
    assert_eq!(left.len(), 1, "{left:?}");
    assert_eq!((left[0].branch.as_str(), left[0].items), ("scripted/a", 2));
    let unknown = collector.try_flush(Some("parquet"), LONG).await.unwrap_err();
    assert_eq!(unknown[0].error.as_deref(), Some("there is no such branch"));
}
