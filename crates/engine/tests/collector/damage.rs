//! Records of the log that are destroyed: header, content and trailer, so that nothing tells what stood there.

use crate::setup::{Collector, HOLDING, PASSING};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_destroyed_behind_the_cursor_is_counted_although_more_is_destroyed_before_it() {
    let config = PASSING.replace("service: {", "service: {shutdown: {timeout: 10ms}, ");
    let mut collector = Collector::start(&config).await;
    collector.send(&["early", "a"]).await;
    collector.send(&["b"]).await;
    collector.flush().await;
    collector.target().shut();
    collector.send(&["c"]).await;
    collector.send(&["late", "d", "e"]).await;
    collector.send(&["f"]).await;
    collector.stop().await;
    collector.destroy("early");
    collector.destroy("late");
    collector.start_again(&config).await;
    collector.target().open();
    collector.flush().await;
    assert_eq!(collector.target().names(), ["early", "a", "b", "c", "f"]);
    let ledger = collector.branch("scripted").ledger;
    assert_eq!((ledger.accepted, ledger.delivered, ledger.quarantined), (8, 5, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_delivered_and_destroyed_before_a_crash_stays_accounted_for() {
    let mut collector = Collector::start(HOLDING).await;
    collector.send(&["a"]).await;
    collector.send(&["destroyed", "b"]).await;
    collector.send(&["c"]).await;
    collector.flush().await;
    collector.send(&["d"]).await;
    collector.crash();
    collector.destroy("destroyed");
    for _ in 0..2 {
        collector.start_again(HOLDING).await;
        collector.flush().await;
        let ledger = collector.branch("scripted").ledger;
        assert_eq!((ledger.accepted, ledger.delivered, ledger.quarantined), (5, 5, 0));
        collector.crash();
    }
}
