//! What was delivered, read back while the collector is stopped.

use std::fs;
use std::path::{Path, PathBuf};

use super::ended::Ended;
use super::lake;
use crate::harness::{Setup, load};

/// A collector that delivered two ranges of one span each, and was stopped.
async fn delivered(folder: &Path) -> Setup {
    let setup = Setup::new(folder);
    deliver(&setup, 2).await;
    assert_eq!(verified(&setup), (Some(0), "parquet: 2 items in 4 files, 0 problems".into(), String::new()));
    setup
}

async fn deliver(setup: &Setup, ranges: usize) {
    let collector = setup.start();
    for _ in 0..ranges {
        let (request, _) = load::request(1, 500);
        load::client(setup.grpc).await.unwrap().export(request).await.unwrap();
        collector.flush().await;
    }
    assert!(collector.stop().0.success());
}

/// The exit code, what it says of the files (without the bytes, which are not the same each time), and the problems.
fn verified(setup: &Setup) -> (Option<i32>, String, String) {
    let ended = Ended::of(setup.command(&["verify"]));
    let files = ended.stdout.lines().find(|line| line.starts_with("parquet: ")).unwrap_or_default();
    let parts: Vec<_> = files.split(", ").filter(|part| !part.ends_with(" bytes read")).collect();
    (ended.code, parts.join(", "), ended.stderr)
}

/// The first file of the table `spans`.
fn first_file(setup: &Setup) -> PathBuf {
    let mut files = lake::files(&setup.lake().join("v1/spans"));
    files.sort();
    files.remove(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn one_flipped_bit_in_a_file_is_found_and_the_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let setup = delivered(folder.path()).await;
    let file = first_file(&setup);
    let whole = fs::read(&file).unwrap();
    for place in (4..whole.len()).step_by(whole.len() / 40) {
        let mut damaged = whole.clone();
        damaged[place] ^= 1;
        fs::write(&file, damaged).unwrap();
        let (code, _, problems) = verified(&setup);
        assert_eq!(code, Some(1), "byte {place}");
        assert!(problems.contains(file.file_name().unwrap().to_str().unwrap()), "byte {place}: {problems}");
    }
    let log_only = Ended::of(setup.command(&["verify", "--log-only"])).success();
    assert!(!log_only.contains("parquet"), "{log_only}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_gone_is_missed() {
    let folder = tempfile::tempdir().unwrap();
    let setup = delivered(folder.path()).await;
    fs::remove_file(first_file(&setup)).unwrap();
    let (code, files, problems) = verified(&setup);
    assert_eq!((code, files.as_str()), (Some(1), "parquet: 1 items in 3 files, 1 problems"));
    assert!(
        problems.starts_with("parquet: 2 spans were delivered, 1 are there: files were removed"),
        "{problems}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_stand_there_twice_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let setup = delivered(folder.path()).await;
    let file = first_file(&setup);
    let other_day = setup.lake().join("v1/spans/date=2020-02-02");
    fs::create_dir(&other_day).unwrap();
    fs::copy(&file, other_day.join(file.file_name().unwrap())).unwrap();
    let (code, _, problems) = verified(&setup);
    assert_eq!(code, Some(1));
    assert!(problems.contains(" has 1 rows that stand in this table twice\n"), "{problems}");
    assert!(problems.contains("parquet: 2 spans were delivered, 3 are there"), "{problems}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_under_the_name_of_another_range_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let setup = delivered(folder.path()).await;
    let file = first_file(&setup);
    let name = file.file_name().unwrap().to_str().unwrap();
    let (range, _) = name.rsplit_once('-').unwrap();
    fs::rename(&file, file.with_file_name(format!("{range}-00000000000000ff.parquet"))).unwrap();
    let (code, _, problems) = verified(&setup);
    assert_eq!(code, Some(1));
    assert!(problems.contains(" by its footer, and has another name\n"), "{problems}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_delivered_under_an_older_identity_of_the_log_is_not_missed() {
    let folder = tempfile::tempdir().unwrap();
    let setup = delivered(folder.path()).await;
    Ended::of(setup.command(&["wal", "new-identity"])).success();
    deliver(&setup, 3).await;
    assert_eq!(verified(&setup), (Some(0), "parquet: 3 items in 6 files, 0 problems".into(), String::new()));
}

#[tokio::test(flavor = "multi_thread")]
async fn files_beside_the_log_are_held_against_their_names() {
    let folder = tempfile::tempdir().unwrap();
    let setup = delivered(folder.path()).await;
    let epochs = folder.path().join("data/wal/epochs");
    let epoch = fs::read_dir(epochs).unwrap().next().unwrap().unwrap().path();
    fs::write(&epoch, "another").unwrap();
    let (code, _, problems) = verified(&setup);
    assert_eq!(code, Some(1));
    assert!(problems.contains(epoch.file_name().unwrap().to_str().unwrap()), "{problems}");
}
