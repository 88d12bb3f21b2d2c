//! One record that cannot be taken goes to the dead letters alone; all others are delivered once.

use std::fs;

use spanledger_testkit::exporters::Target;

use crate::setup::{Collector, HOLDING, PASSING};

const PROCESSED: &str = "
receivers: {handed: {scene: SCENE}}
processors: {suffixing: }
exporters: {scripted: {scene: SCENE, holds: 100}}
service: {pipelines: {traces: {receivers: [handed], processors: [suffixing], exporters: [scripted]}}}
";

/// Sends two parts, each read at once, with the culprit in the middle of the first.
async fn deliver(config: &str, culprit: &str, script: impl Fn(&Target, &str)) -> Collector {
    let collector = Collector::start(config).await;
    let target = collector.target();
    script(&target, culprit);
    for names in [&["a", "b"][..], &["c"], &["d", culprit], &["e"], &["f"]] {
        collector.send(names).await;
    }
    collector.flush().await;
    collector.send(&["g"]).await;
    collector.flush().await;
    collector
}

fn assert_only_the_culprit_is_dead(collector: &Collector, culprit: &str) {
    assert_eq!(collector.target().names(), ["a", "b", "c", "e", "f", "g"]);
    assert_eq!(collector.branch("scripted").dead_letters, 1);
    assert_eq!(collector.branch("scripted").waiting_items, 0);
    let letters = collector.dead_letters();
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].branch, "scripted");
    let request = fs::read(&letters[0].file).unwrap();
    assert!(request.windows(culprit.len()).any(|name| name == culprit.as_bytes()), "{request:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejected_record() {
    for config in [HOLDING, PASSING] {
        assert_only_the_culprit_is_dead(&deliver(config, "bad", Target::reject).await, "bad");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_is_rejected_only_when_the_range_is_sealed() {
    assert_only_the_culprit_is_dead(&deliver(HOLDING, "bad", Target::reject_at_seal).await, "bad");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_makes_the_exporter_panic() {
    assert_only_the_culprit_is_dead(&deliver(HOLDING, "bad", Target::panic_on).await, "bad");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_a_processor_cannot_take() {
    for name in ["unfit", "poison"] {
        assert_only_the_culprit_is_dead(&deliver(PROCESSED, name, |_, _| {}).await, name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_count_in_the_budget_of_the_log() {
    let culprit = format!("bad{}", "x".repeat(1 << 20));
    let mut collector = deliver(HOLDING, &culprit, Target::reject).await;
    let letter = fs::metadata(&collector.dead_letters()[0].file).unwrap().len();
    let segments = || -> u64 {
        let files = fs::read_dir(collector.path()).unwrap().map(Result::unwrap);
        let segments = files.filter(|file| file.path().extension().is_some_and(|end| end == "seg"));
        segments.map(|file| file.metadata().unwrap().len()).sum()
    };
    assert!(collector.log_bytes() >= segments() + letter, "{} bytes", collector.log_bytes());
    collector.stop().await;
    collector.start_again(HOLDING).await;
    assert!(collector.log_bytes() > letter, "{} bytes after a restart", collector.log_bytes());
}

#[tokio::test(flavor = "multi_thread")]
async fn several_culprits_in_one_range() {
    let collector = Collector::start(HOLDING).await;
    collector.target().reject("bad");
    collector.target().reject_at_seal("worse");
    for name in ["bad", "a", "worse", "worse", "b", "bad", "c", "bad"] {
        collector.send(&[name]).await;
    }
    collector.flush().await;
    assert_eq!(collector.target().names(), ["a", "b", "c"]);
    assert_eq!(collector.branch("scripted").dead_letters, 5);
    assert_eq!(collector.target().plans()[0].excluded.len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_but_culprits() {
    for config in [HOLDING, PASSING] {
        let collector = Collector::start(config).await;
        collector.target().reject("bad");
        collector.send(&["bad"]).await;
        collector.send(&["bad", "a"]).await;
        collector.flush().await;
        assert_eq!(collector.target().names(), Vec::<String>::new());
        assert_eq!(collector.branch("scripted").dead_letters, 2);
        assert_eq!(collector.target().plans().len(), 0);
    }
}
