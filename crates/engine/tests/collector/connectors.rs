//! Counters over restarts, and snapshots on their way to exporters.

use std::fs;
use std::path::{Path, PathBuf};

use spanledger_testkit::connectors::Counts;

use crate::setup::{Collector, SHORT, until};
use crate::told::Told;

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
async fn what_waits_for_log_time_is_counted_while_nothing_arrives_and_stays_counted_after_a_crash() {
    let mut collector = Collector::start(COUNTING).await;
    let counted = collector.scene.counted("counting");
    collector.send(&["a", "later"]).await;
    until(|| counted.latest() == counts(&[("a", 1), ("later", 1)])).await;
    collector.crash();
    let before = counted.snapshots().len();
    collector.start_again(COUNTING).await;
    collector.flush().await;
    let first = &counted.snapshots()[before];
    assert_eq!(*first, counts(&[("a", 1), ("later", 1)]), "the first after the crash");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_at_a_stop_is_counted_after_the_next_start() {
    let mut collector = Collector::start(COUNTING).await;
    let counted = collector.scene.counted("counting");
    collector.send(&["later", "later"]).await;
    collector.stop().await;
    collector.start_again(COUNTING).await;
    until(|| counted.latest() == counts(&[("later", 2)])).await;
}

/// The checkpoints there are, oldest first.
fn checkpoints(collector: &Collector) -> Vec<PathBuf> {
    let files = fs::read_dir(collector.path().join("checkpoints")).unwrap();
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    files
}

fn flip_a_bit(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, bytes).unwrap();
}

fn cut_off(path: &Path) {
    let bytes = fs::read(path).unwrap();
    fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
}

fn remove(path: &Path) {
    fs::remove_file(path).unwrap();
}

/// A collector that was stopped after each of two records, and so has two checkpoints.
async fn with_two_checkpoints() -> Collector {
    let mut collector = Collector::start(COUNTING).await;
    for names in [&["a", "a"][..], &["a", "b"]] {
        collector.send(names).await;
        collector.stop().await;
        collector.start_again(COUNTING).await;
    }
    collector.stop().await;
    assert_eq!(checkpoints(&collector).len(), 2);
    collector
}

/// Starts it, and looks at the first snapshot, and at what one more record adds.
async fn assert_counters_go_on(mut collector: Collector, case: &str) {
    let counted = collector.scene.counted("counting");
    for (expected, more) in [(&[("a", 3), ("b", 1)], 4), (&[("a", 4), ("b", 1)], 5)] {
        let before = counted.snapshots().len();
        collector.start_again(COUNTING).await;
        collector.send(&["a"]).await;
        collector.flush().await;
        assert_eq!(counted.snapshots()[before], counts(expected), "the first after the start: {case}");
        assert_eq!(counted.latest(), counts(&[("a", more), ("b", 1)]), "{case}");
        collector.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn counters_go_on_although_the_last_checkpoint_or_every_one_is_lost() {
    let losses = [flip_a_bit as fn(&Path), cut_off, remove];
    for (number, lose) in losses.into_iter().enumerate() {
        for lost in [1, 2] {
            let collector = with_two_checkpoints().await;
            checkpoints(&collector).iter().rev().take(lost).for_each(|checkpoint| lose(checkpoint));
            assert_counters_go_on(collector, &format!("loss {number} of {lost}")).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn counters_go_on_although_an_older_checkpoint_was_put_back() {
    let collector = with_two_checkpoints().await;
    let files = checkpoints(&collector);
    fs::copy(&files[0], &files[1]).unwrap();
    assert_counters_go_on(collector, "under the name of the last").await;

    let collector = with_two_checkpoints().await;
    let files = checkpoints(&collector);
    fs::remove_file(&files[1]).unwrap();
    assert_counters_go_on(collector, "under its own name").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_are_not_counted_although_everything_is_folded_again() {
    let mut collector = Collector::start(COUNTING).await;
    let counted = collector.scene.counted("counting");
    collector.send(&["a"]).await;
    collector.send(&["b", "uncountable"]).await;
    collector.send(&["c"]).await;
    collector.flush().await;
    collector.stop().await;
    checkpoints(&collector).iter().for_each(|checkpoint| remove(checkpoint));
    let before = counted.snapshots().len();
    let lenient = COUNTING.replace("{counting: {", "{counting: {is_lenient: true, ");
    collector.start_again(&lenient).await;
    collector.flush().await;
    assert_eq!(counted.snapshots()[before], counts(&[("a", 1), ("c", 1)]), "what was counted before");
    until(|| collector.branch("counting").ledger.dead_lettered == 0).await;
    collector.flush().await;
    assert_eq!(counted.latest(), counts(&[("a", 1), ("b", 1), ("c", 1), ("uncountable", 1)]));
}

#[tokio::test]
async fn counters_begin_anew_and_say_so_when_the_log_no_longer_holds_what_they_counted() {
    let config = COUNTING.replace("service:", "service:\n  memory: 32MiB");
    let large = "n".repeat(1 << 20);
    for lose in [flip_a_bit as fn(&Path), cut_off, remove] {
        let told = Told::listen(
            "the state of the connector is lost: its counters begin again at 0 with what follows",
        );
        let mut collector = Collector::start_with_log_of(&config, Some(32 << 20)).await;
        let counted = collector.scene.counted("counting");
        for _ in 0..6 {
            for _ in 0..9 {
                collector.send(&[&large]).await;
            }
            // Each stop writes a checkpoint, and what is before it may go.
            collector.stop().await;
            collector.start_again(&config).await;
        }
        collector.stop().await;
        checkpoints(&collector).iter().for_each(|checkpoint| lose(checkpoint));
        let before = counted.snapshots().len();
        collector.start_again(&config).await;
        collector.send(&["b"]).await;
        collector.flush().await;
        assert_eq!(counted.snapshots()[before], counts(&[]), "the first after the start");
        assert_eq!(counted.latest(), counts(&[("b", 1)]));
        assert_eq!(told.reasons().len(), 1);
    }
}

/// A counter that falls would be taken for one that began anew and counted all of it since: much too much.
#[tokio::test(flavor = "multi_thread")]
async fn counters_begin_anew_behind_a_destroyed_record_that_was_in_them_and_in_no_checkpoint() {
    let mut collector = Collector::start(COUNTING).await;
    let counted = collector.scene.counted("counting");
    collector.send(&["a", "b"]).await;
    collector.stop().await;
    collector.start_again(COUNTING).await;
    collector.send(&["a", "a"]).await;
    collector.send(&["destroyed", "a"]).await;
    collector.send(&["a"]).await;
    collector.flush().await;
    assert_eq!(counted.latest(), counts(&[("a", 5), ("b", 1), ("destroyed", 1)]));
    collector.crash();
    collector.destroy("destroyed");
    for _ in 0..2 {
        let before = counted.snapshots().len();
        collector.start_again(COUNTING).await;
        collector.flush().await;
        assert_eq!(counted.snapshots()[before], counts(&[("a", 1)]), "the first after the crash");
        collector.crash();
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
