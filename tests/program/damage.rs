//! A log that was damaged on disk while the collector was stopped.

use std::fs;
use std::path::Path;

use super::ended::Ended;
use super::{away, lake};
use crate::harness::{Setup, http, load};

/// Flips one bit in the middle of the only place where `text` stands in the log.
fn flip_in(log: &Path, text: &str) {
    let segments = fs::read_dir(log).unwrap().map(|file| file.unwrap().path());
    for path in segments.filter(|path| path.extension().is_some_and(|extension| extension == "seg")) {
        let mut bytes = fs::read(&path).unwrap();
        if let Some(place) = bytes.windows(text.len()).position(|window| window == text.as_bytes()) {
            bytes[place + text.len() / 2] ^= 1;
            return fs::write(&path, bytes).unwrap();
        }
    }
    panic!("{text:?} stands nowhere in {}", log.display());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flipped_bit_is_found_and_repaired_and_every_span_is_delivered() {
    let folder = tempfile::tempdir().unwrap();
    let collector = away(folder.path()).start();
    let mut ids = Vec::new();
    for name in ["the first of three", "the second of three", "the third of three"] {
        let (mut request, more) = load::request(1, 4000);
        request.resource_spans[0].scope_spans[0].spans[0].name = name.into();
        load::client(collector.setup.grpc).await.unwrap().export(request).await.unwrap();
        ids.extend(more);
    }
    ids.sort();
    assert!(collector.stop().0.success());

    let setup = Setup::new(folder.path());
    let sound = Ended::of(setup.command(&["verify"])).success();
    assert!(sound.contains(": 3 records of 3 items in ") && sound.ends_with(" 0 problems\n"), "{sound}");
    flip_in(&folder.path().join("data/wal"), "the second of three");
    let damaged = Ended::of(setup.command(&["verify"]));
    assert_eq!(damaged.code, Some(1), "{damaged:?}");
    assert!(damaged.stdout.contains(": 3 records of 3 items in "), "{damaged:?}");
    assert!(damaged.stderr.ends_with("; repaired whenever it is read\n"), "{damaged:?}");

    let collector = setup.start();
    collector.flush().await;
    assert_eq!(lake::span_ids(&collector.setup.lake()), ids);
    let metrics = http::get(collector.setup.own_metrics, "/metrics").await;
    assert!(metrics.contains("\nspanledger_log_repaired_records 1\n"), "{metrics}");
    assert!(metrics.contains("\nspanledger_log_quarantined_items 0\n"), "{metrics}");
}
