//! The way down.

use crate::setup::{Collector, HOLDING, LONG, PASSING};

fn in_a_hurry(config: &str) -> String {
    config.replace("service: {", "service: {shutdown: {timeout: 100ms}, ")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_says_what_is_left() {
    let config = in_a_hurry(HOLDING);
    let mut collector = Collector::start(&config).await;
    collector.target().shut();
    collector.send(&["a", "b"]).await;
    let summary = collector.stop().await;
    assert_eq!(summary.directory, collector.path());
    assert_eq!(summary.waiting.len(), 1);
    assert_eq!((summary.waiting[0].branch.as_str(), summary.waiting[0].items), ("scripted", 2));
    collector.target().open();
    collector.start_again(&config).await;
    collector.flush().await;
    assert_eq!(collector.target().names(), ["a", "b"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_ends_although_an_exporter_never_takes_anything() {
    for config in [HOLDING, PASSING] {
        let mut collector = Collector::start(&in_a_hurry(config)).await;
        collector.target().be_busy(u64::MAX);
        collector.send(&["a"]).await;
        let summary = tokio::time::timeout(LONG, collector.stop()).await.unwrap();
        let waiting = &summary.waiting[0];
        assert_eq!((waiting.items, waiting.error.as_deref()), (1, Some("the target is busy")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_thread_of_the_log_panics_the_collector_fails_and_the_next_one_has_what_was_acknowledged() {
    let mut collector = Collector::start(PASSING).await;
    collector.target().shut();
    collector.send(&["a"]).await;
    collector.disk.panic();
    assert!(collector.scene.send(&["b"]).await.is_err(), "it was never written");
    let failed = tokio::time::timeout(LONG, collector.failed()).await.unwrap();
    assert!(failed.to_string().contains("the log's thread ended"), "{failed}");

    collector.crash();
    collector.disk.heal();
    collector.target().open();
    collector.start_again(PASSING).await;
    collector.flush().await;
    assert_eq!(collector.target().names(), ["a"]);
}
