//! How the program starts, is stopped, and refuses to start.

use std::net::TcpListener;

use rustix::process::Signal;

use super::ended::Ended;
use super::{away, lake};
use crate::harness::{Collector, Setup, load};

/// Sends so many spans and gives their ids, sorted.
async fn send(collector: &Collector, spans: usize) -> Vec<String> {
    let (request, mut ids) = load::request(spans, 100);
    load::client(collector.setup.grpc).await.unwrap().export(request).await.unwrap();
    ids.sort();
    ids
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_delivers_what_it_can_and_ends_with_0() {
    for signal in [Signal::TERM, Signal::INT] {
        let folder = tempfile::tempdir().unwrap();
        let collector = Setup::new(folder.path()).start();
        let ids = send(&collector, 3).await;
        let lake = collector.setup.lake();
        let (status, log) = collector.end(signal);
        assert_eq!(status.code(), Some(0), "{log}");
        assert!(log.contains("Starting spanledger.") && log.contains("Shutdown complete."), "{log}");
        assert!(!log.contains("not delivered"), "{log}");
        assert_eq!(lake::span_ids(&lake), ids);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_bucket_that_is_away_did_not_take_is_told_and_goes_on_after_a_restart() {
    for signal in [Signal::TERM, Signal::INT] {
        let folder = tempfile::tempdir().unwrap();
        let collector = away(folder.path()).start();
        let ids = send(&collector, 3).await;
        let (status, log) = collector.end(signal);
        assert_eq!(status.code(), Some(0), "{log}");
        let expected =
            "parquet: 3 items are not delivered yet; they are in ./data/wal and go on at the next start\n";
        assert!(log.contains(expected), "{log}");

        // Where it is delivered to is always as the config says now.
        let again = Setup::new(folder.path()).start();
        again.flush().await;
        assert_eq!(lake::span_ids(&again.setup.lake()), ids);
        assert!(again.stop().0.success());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_the_wait_for_a_bucket_that_is_away() {
    let folder = tempfile::tempdir().unwrap();
    let collector = away(folder.path()).set("service.shutdown.timeout=1h").start();
    send(&collector, 3).await;
    collector.signal(Signal::TERM);
    collector.wait_for("Stopping: no more requests are taken in.");
    let (status, log) = collector.end(Signal::INT);
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(log.contains("another signal: what is not delivered yet stays in the log"), "{log}");
    assert!(log.contains("parquet: 3 items are not delivered yet;"), "{log}");
    assert!(log.contains("Shutdown complete."), "{log}");
}

#[test]
fn a_signal_ends_a_start_that_takes_long() {
    let folder = tempfile::tempdir().unwrap();
    let setup = Setup::new(folder.path());
    assert!(setup.start().stop().0.success());
    // A file that nobody has opened to its end, ever.
    let epochs = std::fs::read_dir(folder.path().join("data/wal/epochs")).unwrap();
    let epoch = epochs.map(|file| file.unwrap().path()).next().unwrap();
    std::fs::remove_file(&epoch).unwrap();
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mknodat(rustix::fs::CWD, epoch, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    let collector = setup.start_until("log opened");
    let (status, log) = collector.end(Signal::TERM);
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(log.contains("Stopped before the start was done."), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_json_every_line_of_the_log_is_json() {
    let folder = tempfile::tempdir().unwrap();
    let collector = away(folder.path()).set("service.telemetry.logs.encoding=json").start();
    send(&collector, 3).await;
    let (status, log) = collector.stop();
    assert!(status.success() && log.contains("not delivered before the end"), "{log}");
    for line in log.lines() {
        serde_json::from_str::<serde_json::Value>(line).unwrap_or_else(|_| panic!("{line}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_smallest_sizes_that_are_taken_are_enough_to_run() {
    let folder = tempfile::tempdir().unwrap();
    let smallest = |memory: &str, log: &str| {
        let setup = Setup::new(folder.path()).set(format!("service.memory={memory}"));
        setup.set(format!("extensions.wal.max_size={log}"))
    };
    let collector = smallest("8MiB", "1MiB").start();
    let ids = send(&collector, 100).await;
    collector.flush().await;
    assert_eq!(lake::span_ids(&collector.setup.lake()), ids);
    assert!(collector.stop().0.success());

    let said = Ended::of(smallest("1", "1MiB").command(&["validate"])).failure();
    assert!(said.contains("service::memory: 1 bytes are too few") && said.contains("8MiB or more"), "{said}");
    let said = Ended::of(smallest("8MiB", "1KiB").command(&["validate"])).failure();
    assert!(said.contains("extensions::wal::max_size: too small") && said.contains("1MiB or more"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_on_the_same_log_is_refused_and_harms_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let collector = Setup::new(folder.path()).start();
    let second = Setup::new(folder.path());
    for verb in [&["run"][..], &["forget", "parquet"], &["wal", "new-identity"]] {
        let said = Ended::of(second.command(verb)).failure();
        assert!(said.contains("open the log in ./data/wal: another process has it open"), "{verb:?}: {said}");
        assert!(said.contains("Error: extensions::wal: "), "{verb:?}: {said}");
    }
    let ids = send(&collector, 2).await;
    collector.flush().await;
    assert_eq!(lake::span_ids(&collector.setup.lake()), ids);
}

#[test]
fn a_port_in_use_fails_the_start_and_is_named_with_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let setup = || Setup::new(folder.path());
    for (key, setup) in [
        ("receivers::otlp::protocols::grpc::endpoint", Setup { grpc: port, ..setup() }),
        ("receivers::otlp::protocols::http::endpoint", Setup { http: port, ..setup() }),
        ("exporters::prometheus::endpoint", Setup { prometheus: port, ..setup() }),
        ("extensions::health_check::endpoint", Setup { health: port, ..setup() }),
        ("extensions::admin::endpoint", Setup { admin: port, ..setup() }),
        ("service::telemetry::metrics", Setup { own_metrics: port, ..setup() }),
    ] {
        let said = Ended::of(setup.command(&[])).failure();
        let last = said.lines().last().unwrap();
        let expected =
            format!("Error: {key}: listen on 127.0.0.1:{port}: Address already in use (os error 98)");
        assert_eq!(last, expected);
    }
}

#[test]
fn a_folder_that_cannot_be_written_fails_the_start_and_is_named_with_its_key() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "no folder").unwrap();
    let said = Ended::of(Setup::new(folder.path()).set("extensions.wal.directory=./file/wal").command(&[]))
        .failure();
    let last = said.lines().last().unwrap();
    assert!(last.starts_with("Error: extensions::wal: open the log: "), "{last}");
    assert!(last.contains("./file/wal"), "{last}");
}
