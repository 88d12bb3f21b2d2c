//! A log that was damaged on disk while the collector was stopped.

use std::fs;
use std::path::Path;

use super::ended::Ended;
use super::{away, lake};
use crate::harness::{Setup, http, load};

/// Changes the bytes around the only place where `text` stands in the log.
fn damage(log: &Path, text: &str, change: impl Fn(&mut [u8], usize)) {
    let segments = fs::read_dir(log).unwrap().map(|file| file.unwrap().path());
    for path in segments.filter(|path| path.extension().is_some_and(|extension| extension == "seg")) {
        let mut bytes = fs::read(&path).unwrap();
        if let Some(place) = bytes.windows(text.len()).position(|window| window == text.as_bytes()) {
            change(&mut bytes, place);
            return fs::write(&path, bytes).unwrap();
        }
    }
    panic!("{text:?} stands nowhere in {}", log.display());
}

/// Three spans of a log whose bucket is away, and their ids.
async fn leave_three(folder: &Path) -> Vec<String> {
    let collector = away(folder).start();
    let mut ids = Vec::new();
    for name in ["the first of three", "the second of three", "the third of three"] {
        let (mut request, more) = load::request(1, 4000);
        request.resource_spans[0].scope_spans[0].spans[0].name = name.into();
        load::client(collector.setup.grpc).await.unwrap().export(request).await.unwrap();
        ids.extend(more);
    }
    assert!(collector.stop().0.success());
    ids
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flipped_bit_is_found_and_repaired_and_every_span_is_delivered() {
    let folder = tempfile::tempdir().unwrap();
    let mut ids = leave_three(folder.path()).await;
    ids.sort();
    let setup = Setup::new(folder.path());
    let sound = Ended::of(setup.command(&["verify"])).success();
    assert!(sound.contains(": 3 records of 3 items and ") && sound.ends_with(" 0 problems\n"), "{sound}");
    damage(&folder.path().join("data/wal"), "the second of three", |bytes, place| bytes[place + 9] ^= 1);
    let damaged = Ended::of(setup.command(&["verify"]));
    assert_eq!(damaged.code, Some(1), "{damaged:?}");
    assert!(damaged.stdout.contains(": 3 records of 3 items and "), "{damaged:?}");
    assert!(damaged.stderr.ends_with("; repaired whenever it is read\n"), "{damaged:?}");

    let collector = setup.start();
    collector.flush().await;
    assert_eq!(lake::span_ids(&collector.setup.lake()), ids);
    let metrics = http::get(collector.setup.own_metrics, "/metrics").await;
    assert!(metrics.contains("\nspanledger_log_repaired_records 1\n"), "{metrics}");
    assert!(metrics.contains("\nspanledger_log_quarantined_items 0\n"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_damaged_beyond_repair_is_accounted_for_and_all_else_is_delivered() {
    let folder = tempfile::tempdir().unwrap();
    let ids = leave_three(folder.path()).await;
    let log = folder.path().join("data/wal");
    damage(&log, "the second of three", |bytes, place| bytes[place..place + 1000].fill(0));
    let setup = Setup::new(folder.path());
    let damaged = Ended::of(setup.command(&["verify"]));
    assert_eq!(damaged.code, Some(1), "{damaged:?}");

    let collector = setup.start();
    collector.flush().await;
    let mut whole = vec![ids[0].clone(), ids[2].clone()];
    whole.sort();
    assert_eq!(lake::span_ids(&collector.setup.lake()), whole);
    for branch in ["parquet", "genai_metrics"] {
        let ledger = collector.branch(branch).await["ledger"].clone();
        let figures =
            ["accepted", "delivered", "waiting", "dead_lettered", "quarantined", "dropped", "imbalance"]
                .map(|name| ledger[name].as_u64().unwrap());
        assert_eq!(figures, [3, 2, 0, 0, 1, 0, 0], "{branch}");
    }
    let metrics = http::get(collector.setup.own_metrics, "/metrics").await;
    assert!(metrics.contains("\nspanledger_branch_quarantined_items{branch=\"parquet\"} 1\n"), "{metrics}");
    assert!(metrics.contains("\nspanledger_ledger_imbalance{branch=\"parquet\"} 0\n"), "{metrics}");
    assert_eq!(fs::read_dir(log.join("quarantine")).unwrap().count(), 1, "its bytes are kept");
}
