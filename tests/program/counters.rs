//! Counters over restarts, crashes and damage to their checkpoints, as a scraper sees them.

use std::fs;
use std::path::{Path, PathBuf};

use crate::harness::{Collector, Setup, http, load};

/// The page as OpenMetrics, which tells since when each series counts, once there is one.
async fn scraped(collector: &Collector) -> String {
    let accept = [("accept", "application/openmetrics-text;version=1.0.0")];
    loop {
        let answer = http::send("GET", collector.setup.prometheus, "/metrics", &accept, "").await.unwrap();
        let page = String::from_utf8(answer.body().to_vec()).unwrap();
        match answer.status().as_u16() {
            200 => return page,
            503 => assert_eq!(page, "the counters are catching up with the log\n"),
            other => panic!("{other}: {page}"),
        }
    }
}

async fn send(collector: &Collector, spans: usize) {
    let (request, _) = load::request(spans, 100);
    load::client(collector.setup.grpc).await.unwrap().export(request).await.unwrap();
    collector.flush().await;
}

/// The checkpoints, newest first.
fn checkpoints(folder: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(folder.join("data/wal/checkpoints")).unwrap();
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    files.reverse();
    files
}

fn flip_a_bit(files: &[PathBuf]) {
    let mut bytes = fs::read(&files[0]).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    fs::write(&files[0], bytes).unwrap();
}

fn cut_off(files: &[PathBuf]) {
    let bytes = fs::read(&files[0]).unwrap();
    fs::write(&files[0], &bytes[..bytes.len() / 3]).unwrap();
}

fn put_an_older_one_back(files: &[PathBuf]) {
    fs::copy(&files[1], &files[0]).unwrap();
}

fn remove_all(files: &[PathBuf]) {
    files.iter().for_each(|file| fs::remove_file(file).unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn counters_and_their_created_timestamps_go_on_whatever_became_of_the_checkpoint() {
    let cases = [
        ("nothing", (|_| ()) as fn(&[PathBuf])),
        ("one flipped bit", flip_a_bit),
        ("cut off", cut_off),
        ("an older copy", put_an_older_one_back),
    ];
    go_on(|setup| setup, &cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn counters_go_on_without_any_checkpoint_while_the_log_retains_what_they_counted() {
    let cases = [("all are gone", remove_all as fn(&[PathBuf])), ("all are gone, again", remove_all)];
    go_on(|setup| setup.set("extensions.wal.retain=1h"), &cases).await;
}

type Case = (&'static str, fn(&[PathBuf]));

async fn go_on(with: impl Fn(Setup) -> Setup, cases: &[Case]) {
    let folder = tempfile::tempdir().unwrap();
    let setup = with(Setup::new(folder.path()));
    let collector = setup.start();
    send(&collector, 3).await;
    collector.stop();
    let mut collector = setup.start();
    for (case, damage) in cases.iter().copied() {
        // What is damaged by the case before is no reserve: each begins with one that is whole.
        send(&collector, 1).await;
        assert!(collector.stop().0.success());
        collector = setup.start();
        send(&collector, 2).await;
        let before = scraped(&collector).await;
        assert!(before.contains("_created"), "{before}");
        assert!(collector.stop().0.success());
        damage(&checkpoints(folder.path()));
        collector = setup.start();
        assert!(scraped(&collector).await == before, "{case}: {}", collector.log());
        let log = collector.log();
        assert_eq!(log.contains("checkpoint can"), case != "nothing", "{case}: {log}");
    }
    let before = scraped(&collector).await;
    collector.kill();
    let collector = setup.start();
    assert!(scraped(&collector).await == before, "after a crash: {}", collector.log());
    let sent = 3 + 3 * cases.len();
    assert_eq!(collector.metric("gen_ai_client_calls_total").await, sent as f64);
}

#[tokio::test(flavor = "multi_thread")]
async fn counters_that_cannot_be_made_good_begin_anew_with_a_created_timestamp_of_then() {
    let folder = tempfile::tempdir().unwrap();
    let setup = Setup::new(folder.path()).set("service.memory=32MiB").set("extensions.wal.max_size=32MiB");
    let mut collector = setup.start();
    for _ in 0..6 {
        for _ in 0..7 {
            let (request, _) = load::request(1, 1 << 20);
            load::client(collector.setup.grpc).await.unwrap().export(request).await.unwrap();
        }
        collector.flush().await;
        // A stop writes a checkpoint, and what is before it may go.
        assert!(collector.stop().0.success());
        collector = setup.start();
    }
    let before = scraped(&collector).await;
    assert!(collector.stop().0.success());
    remove_all(&checkpoints(folder.path()));
    let collector = setup.start();
    let lost = "the state of the connector is lost: its counters begin again at 0 with what follows";
    assert!(collector.log().contains(lost), "{}", collector.log());
    assert!(!scraped(&collector).await.contains("gen_ai_client_calls_total"));
    send(&collector, 2).await;
    assert_eq!(collector.metric("gen_ai_client_calls_total").await, 2.0);
    let created = |page: &str| {
        let line = page.lines().find(|line| line.starts_with("gen_ai_client_calls_created"));
        line.unwrap_or_else(|| panic!("{page}")).rsplit(' ').next().unwrap().parse::<f64>().unwrap()
    };
    assert!(created(&scraped(&collector).await) > created(&before));
}
