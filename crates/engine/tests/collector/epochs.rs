//! What a change of the config does to what is in the log.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::setup::{Collector, HOLDING};

const SUFFIXED: &str = "
receivers: {handed: {scene: SCENE}}
processors: {suffixing: {suffix: SUFFIX}}
exporters: {scripted: {scene: SCENE, holds: 100}}
service: {pipelines: {traces: {receivers: [handed], processors: [suffixing], exporters: [scripted]}}}
";

/// `scripted` and another one.
const BOTH: &str = "
receivers: {handed: {scene: SCENE}}
exporters: {scripted: {scene: SCENE, holds: 100}, scripted/b: {scene: SCENE, holds: 100}}
service: {pipelines: {traces: {receivers: [handed], exporters: [scripted, scripted/b]}}}
";

#[tokio::test(flavor = "multi_thread")]
async fn rows_keep_the_processors_of_their_time() {
    let mut collector = Collector::start(&SUFFIXED.replace("SUFFIX", "-1")).await;
    collector.send(&["a"]).await;
    collector.crash();
    collector.start_again(&SUFFIXED.replace("SUFFIX", "-2")).await;
    collector.send(&["b"]).await;
    collector.crash();
    collector.start_again(&SUFFIXED.replace("SUFFIX", "-3")).await;
    collector.send(&["c"]).await;
    collector.flush().await;
    assert_eq!(collector.target().names(), ["a-1", "b-2", "c-3"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_config_goes_on_where_the_last_one_stopped() {
    let mut collector = Collector::start(&SUFFIXED.replace("SUFFIX", "-1")).await;
    collector.send(&["a"]).await;
    collector.stop().await;
    for suffix in ["-2", "-3", "-1"] {
        collector.start_again(&SUFFIXED.replace("SUFFIX", suffix)).await;
        collector.send(&["b"]).await;
        collector.stop().await;
    }
    assert_eq!(collector.target().names(), ["a-1", "b-2", "b-3", "b-1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_branch_gets_what_is_still_in_the_log() {
    let mut collector = Collector::start(HOLDING).await;
    collector.send(&["a"]).await;
    collector.stop().await;
    collector.start_again(BOTH).await;
    collector.send(&["b"]).await;
    collector.flush().await;
    assert_eq!(collector.scene.target("scripted/b").names(), ["a", "b"]);
    assert_eq!(collector.target().names(), ["a", "b"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_branch_that_vanished_with_a_backlog_keeps_the_collector_from_starting() {
    let mut collector = Collector::start(BOTH).await;
    collector.send(&["a", "b"]).await;
    collector.crash();
    let refused = collector.try_start(HOLDING).await.unwrap_err().to_string();
    assert!(refused.contains("spanledger forget scripted/b"), "{refused}");
    assert!(refused.contains("2 items wait"), "{refused}");
    collector.start_again(BOTH).await;
    collector.flush().await;
    assert_eq!(collector.scene.target("scripted/b").names(), ["a", "b"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_branch_that_comes_back_delivers_nothing_again() {
    let mut collector = Collector::start(BOTH).await;
    collector.send(&["a"]).await;
    collector.stop().await;
    collector.start_again(HOLDING).await;
    collector.send(&["meanwhile"]).await;
    collector.stop().await;
    collector.start_again(BOTH).await;
    collector.send(&["c"]).await;
    collector.flush().await;
    assert_eq!(collector.scene.target("scripted/b").names(), ["a", "meanwhile", "c"]);
}

fn epochs(log: &Path) -> BTreeSet<PathBuf> {
    fs::read_dir(log.join("epochs")).unwrap().map(|epoch| epoch.unwrap().path()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_config_that_is_refused_leaves_nothing_in_the_log() {
    let mut collector = Collector::start(BOTH).await;
    collector.send(&["a"]).await;
    collector.crash();
    let before = epochs(&collector.path());
    collector.try_start(&SUFFIXED.replace("SUFFIX", "-1")).await.unwrap_err();
    assert_eq!(epochs(&collector.path()), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_epoch_is_needed_only_while_records_of_its_time_wait() {
    for needed in [false, true] {
        let mut collector = Collector::start(&SUFFIXED.replace("SUFFIX", "-1")).await;
        collector.send(&["a"]).await;
        match needed {
            true => collector.crash(),
            false => drop(collector.stop().await),
        }
        for epoch in epochs(&collector.path()) {
            fs::remove_file(epoch).unwrap();
        }
        let started = collector.try_start(&SUFFIXED.replace("SUFFIX", "-2")).await;
        assert_eq!(started.is_err(), needed, "{started:?}");
    }
}
