//! Counters over restarts, and snapshots on their way to exporters.

use std::fs;

use spanledger_testkit::connectors::Counts;

use crate::setup::{Collector, SHORT};

pub(crate) const COUNTING: &str = "
receivers: {handed: {scene: SCENE}}
connectors: {counting: {scene: SCENE}}
exporters: {scripted: {scene: SCENE}}
service:
  pipelines:
    traces: {receivers: [handed], exporters: [counting]}
    metrics: {receivers: [counting], exporters: [scripted]}
";

pub(crate) fn counts(pairs: &[(&str, u64)]) -> Counts {
    pairs.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flush_ends_only_after_the_exporter_took_the_counts() {
    let collector = Collector::start(COUNTING).await;
    collector.flush().await;
    collector.target().shut();
    collector.send(&["a", "b", "a"]).await;
    let left = collector.try_flush(None, SHORT).await.unwrap_err();
    assert_eq!(left.len(), 1, "{left:?}");
    assert_eq!(left[0].branch, "scripted");
    assert_eq!(left[0].error.as_deref(), Some("it has not taken in the latest metrics"));
    collector.target().open();
    collector.flush().await;
    assert_eq!(collector.scene.counted("counting").latest(), counts(&[("a", 2), ("b", 1)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn counters_go_on_after_a_stop() {
    let mut collector = Collector::start(COUNTING).await;
    let counted = collector.scene.counted("counting");
    collector.send(&["a", "a"]).await;
    collector.stop().await;
    let before = counted.snapshots().len();
    collector.start_again(COUNTING).await;
    collector.send(&["a"]).await;
    collector.flush().await;
    assert_eq!(counted.snapshots()[before], counts(&[("a", 2)]), "the first after the restart");
    assert_eq!(counted.latest(), counts(&[("a", 3)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_crash_nothing_is_handed_out_before_the_counters_caught_up() {
    let mut collector = Collector::start(COUNTING).await;
    let counted = collector.scene.counted("counting");
    collector.send(&["a"]).await;
    collector.stop().await;
    collector.start_again(COUNTING).await;
    for _ in 0..50 {
        collector.send(&["a"]).await;
    }
    collector.flush().await;
    collector.crash();
    let before = counted.snapshots().len();
    collector.start_again(COUNTING).await;
    collector.flush().await;
    assert_eq!(counted.snapshots()[before], counts(&[("a", 51)]), "the first after the crash");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_checkpoint_a_connector_begins_anew_and_counts_nothing_twice() {
    for lose in [fs::remove_file as fn(std::path::PathBuf) -> _, |path| fs::write(path, "nonsense")] {
        let mut collector = Collector::start(COUNTING).await;
        let counted = collector.scene.counted("counting");
        collector.send(&["a", "a"]).await;
        collector.stop().await;
        for checkpoint in fs::read_dir(collector.path().join("checkpoints")).unwrap() {
            lose(checkpoint.unwrap().path()).unwrap();
        }
        collector.start_again(COUNTING).await;
        collector.send(&["b"]).await;
        collector.flush().await;
        assert_eq!(counted.latest(), counts(&[("b", 1)]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_that_an_exporter_could_not_take_are_handed_to_it_again() {
    let collector = Collector::start(COUNTING).await;
    collector.flush().await;
    collector.target().be_busy(3);
    collector.send(&["a"]).await;
    collector.flush().await;
    assert_eq!(collector.scene.counted("counting").latest(), counts(&[("a", 1)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_a_connector_cannot_count_is_put_aside_alone() {
    let mut collector = Collector::start(COUNTING).await;
    let counted = collector.scene.counted("counting");
    collector.send(&["a"]).await;
    collector.flush().await;
    collector.send(&["b"]).await;
    collector.send(&["c", "uncountable"]).await;
    collector.send(&["d"]).await;
    collector.flush().await;
    let all = counts(&[("a", 1), ("b", 1), ("d", 1)]);
    assert_eq!(counted.latest(), all);
    assert_eq!(collector.branch("counting").dead_letters, 1);
    for _ in 0..2 {
        collector.crash();
        let before = counted.snapshots().len();
        collector.start_again(COUNTING).await;
        collector.flush().await;
        assert_eq!(counted.snapshots()[before], all, "the first after the crash");
        assert_eq!(collector.branch("counting").dead_letters, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_that_a_crash_left_behind_is_removed() {
    let mut collector = Collector::start(COUNTING).await;
    collector.send(&["a"]).await;
    collector.stop().await;
    let orphan = collector.path().join("checkpoints/counting-00000000000000ff");
    fs::write(&orphan, "1 a").unwrap();
    collector.start_again(COUNTING).await;
    assert!(!orphan.exists());
    collector.send(&["a"]).await;
    collector.flush().await;
    assert_eq!(collector.scene.counted("counting").latest(), counts(&[("a", 2)]));
}
