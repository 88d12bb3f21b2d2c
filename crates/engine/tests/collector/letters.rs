//! What becomes of dead letters when their cause is gone, or when nobody wants them any more.

use spanledger_testkit::exporters::Target;

use crate::connectors::{COUNTING, counts};
use crate::setup::{Collector, HOLDING, PASSING, until};

/// A collector with one dead letter of two spans among spans that were delivered.
async fn with_letter(config: &str, reject: impl Fn(&Target, &str)) -> Collector {
    let collector = Collector::start(config).await;
    reject(&collector.target(), "bad");
    collector.send(&["a"]).await;
    collector.send(&["bad", "b"]).await;
    collector.send(&["c"]).await;
    collector.flush().await;
    let ledger = collector.branch("scripted").ledger;
    assert_eq!((ledger.accepted, ledger.delivered, ledger.dead_lettered), (4, 2, 2));
    collector
}

async fn assert_all_is_delivered(collector: &Collector) {
    assert_eq!(collector.target().names(), ["a", "c", "bad", "b"]);
    assert_eq!(collector.dead_letters(), []);
    let branch = collector.branch("scripted");
    assert_eq!((branch.dead_letters, branch.waiting_items), (0, 0));
    assert_eq!((branch.ledger.delivered, branch.ledger.dead_lettered), (4, 0));
    // Its file goes once the ledger has it.
    let folder = collector.path().join("dead-letters");
    until(|| std::fs::read_dir(&folder).unwrap().next().is_none()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_whose_cause_is_gone_is_delivered_once() {
    for config in [HOLDING, PASSING] {
        let mut collector = with_letter(config, Target::reject).await;
        let position = collector.dead_letters()[0].position;
        collector.target().accept("bad");
        assert_eq!(collector.replay().await, [None]);
        assert_all_is_delivered(&collector).await;
        if config == HOLDING {
            let plan = collector.target().plans().pop().unwrap();
            assert_eq!((plan.first, plan.last), (position, position), "under the position it always had");
        }
        collector.crash();
        collector.start_again(config).await;
        collector.flush().await;
        assert_all_is_delivered(&collector).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_still_cannot_be_taken_stays_and_holds_up_nothing() {
    for reject in [Target::reject as fn(&Target, &str), Target::reject_at_seal, Target::panic_on] {
        let collector = with_letter(HOLDING, reject).await;
        let [Some(reason)] = &collector.replay().await[..] else { panic!("it was delivered") };
        assert_eq!(collector.dead_letters()[0].reason, *reason);
        assert_eq!(collector.branch("scripted").dead_letters, 1);
        collector.send(&["d"]).await;
        collector.flush().await;
        assert_eq!(collector.target().names(), ["a", "c", "d"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_is_delivered_once_although_a_crash_comes_before_its_commit() {
    let mut collector = with_letter(HOLDING, Target::reject).await;
    collector.target().accept("bad");
    let delivered = collector.target().tried().len() as u64;
    collector.target().shut();
    collector.ask_for_replay();
    collector.target().tries(delivered + 1).await;
    collector.crash_before_commit().await;
    collector.start_again(HOLDING).await;
    collector.flush().await;
    until(|| collector.branch("scripted").ledger.delivered == 4).await;
    assert_all_is_delivered(&collector).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_given_up_counts_as_dropped() {
    for config in [HOLDING, PASSING] {
        let mut collector = with_letter(config, Target::reject).await;
        assert_eq!(collector.give_up("nobody").await, []);
        assert_eq!(collector.give_up("scripted").await, [None]);
        for _ in 0..2 {
            assert_eq!(collector.dead_letters(), []);
            let ledger = collector.branch("scripted").ledger;
            assert_eq!(
                (ledger.accepted, ledger.delivered, ledger.dead_lettered, ledger.dropped),
                (4, 2, 0, 2)
            );
            collector.crash();
            collector.start_again(config).await;
            collector.flush().await;
        }
        assert_eq!(collector.target().names(), ["a", "c"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_are_tried_again_when_the_config_has_changed_and_only_then() {
    let mut collector = with_letter(HOLDING, Target::reject).await;
    let before = collector.dead_letters();
    collector.stop().await;
    collector.target().accept("bad");
    collector.start_again(HOLDING).await;
    collector.send(&["d"]).await;
    collector.flush().await;
    assert_eq!(collector.dead_letters(), before, "nothing has changed");
    collector.stop().await;
    let renamed = HOLDING.replace("traces:", "traces/renamed:");
    collector.start_again(&renamed).await;
    until(|| collector.branch("scripted").ledger.delivered == 5).await;
    assert_eq!(collector.dead_letters(), []);
    assert_eq!(collector.target().names(), ["a", "c", "d", "bad", "b"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_a_connector_could_not_count_is_counted_once() {
    let mut collector = Collector::start(COUNTING).await;
    let counted = collector.scene.counted("counting");
    collector.send(&["a"]).await;
    collector.send(&["c", "uncountable"]).await;
    collector.flush().await;
    assert!(collector.replay().await[0].is_some(), "it panics still");
    assert_eq!(counted.latest(), counts(&[("a", 1)]));
    collector.stop().await;
    let lenient = COUNTING.replace("{counting: {", "{counting: {is_lenient: true, ");
    let all = counts(&[("a", 1), ("c", 1), ("uncountable", 1)]);
    collector.start_again(&lenient).await;
    until(|| collector.branch("counting").ledger.delivered == 3).await;
    for _ in 0..2 {
        collector.flush().await;
        assert_eq!(counted.latest(), all);
        assert_eq!(collector.branch("counting").ledger.delivered, 3);
        collector.crash();
        collector.start_again(&lenient).await;
    }
}
