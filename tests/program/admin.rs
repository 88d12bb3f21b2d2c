//! The verbs that ask a running collector, and those that act on the log of one that is stopped.

use std::path::Path;

use serde_json::Value;

use super::ended::{Ended, program};
use super::{away, lake};
use crate::harness::{Collector, Setup, free_ports, http, load};

/// A folder, and a bucket that is away.
const TWO: &str = "
receivers:
  otlp: {protocols: {grpc: , http: }}
extensions: {wal: , admin: , health_check: }
exporters:
  parquet: {path: ./data/lake}
  parquet/away:
    path: s3://ledger/lake
    endpoint: http://127.0.0.1:PORT
    access_key_id: key-of-the-test
    secret_access_key: secret-of-the-test
service:
  memory: 256MiB
  shutdown: {timeout: 200ms}
  extensions: [wal, admin, health_check]
  pipelines:
    traces: {receivers: [otlp], exporters: [parquet, parquet/away]}
";

fn two(folder: &Path) -> Setup {
    let [port] = free_ports();
    Setup::new(folder).config(&TWO.replace("PORT", &port.to_string()))
}

fn ask(collector: &Collector, verb: &[&str]) -> Ended {
    let mut command = program(&collector.setup.folder, verb);
    command.args(["--admin", &format!("127.0.0.1:{}", collector.setup.admin)]);
    Ended::of(command)
}

fn status(collector: &Collector) -> Value {
    serde_json::from_str(&ask(collector, &["status", "--json"]).success()).unwrap()
}

async fn send(collector: &Collector, spans: usize) -> Vec<String> {
    let (request, mut ids) = load::request(spans, 100);
    load::client(collector.setup.grpc).await.unwrap().export(request).await.unwrap();
    ids.sort();
    ids
}

#[tokio::test(flavor = "multi_thread")]
async fn flush_waits_for_one_exporter_or_for_all_and_says_what_still_waits() {
    let folder = tempfile::tempdir().unwrap();
    let collector = two(folder.path()).start();
    let ids = send(&collector, 3).await;
    assert_eq!(ask(&collector, &["flush", "--exporter", "parquet"]).success(), "");
    assert_eq!(lake::span_ids(&collector.setup.lake()), ids);
    for verb in
        [&["flush", "--timeout", "300ms"][..], &["flush", "--exporter", "parquet/away", "--timeout", "300ms"]]
    {
        let said = ask(&collector, verb).failure();
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(said.starts_with("parquet/away: 3 items wait from position "), "{said}");
    }
    let said = ask(&collector, &["flush", "--exporter", "nobody"]).failure();
    assert!(said.contains("no exporter \\\"nobody\\\": there are parquet, parquet/away"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn status_tells_the_safe_points_of_every_branch() {
    let folder = tempfile::tempdir().unwrap();
    let collector = two(folder.path()).start();
    send(&collector, 3).await;
    assert_eq!(ask(&collector, &["flush", "--exporter", "parquet"]).success(), "");
    let status = status(&collector);
    assert_eq!((&status["ready"], &status["log"]["accepted_items"]), (&Value::Bool(true), &Value::from(3)));
    let durable = &status["log"]["durable"];
    let [here, away] = status["branches"].as_array().unwrap().as_slice() else { panic!("{status}") };
    assert_eq!((&here["id"], &here["waiting_items"]), (&"parquet".into(), &0.into()));
    assert_eq!((&away["id"], &away["waiting_items"]), (&"parquet/away".into(), &3.into()));
    assert!(durable.as_u64().unwrap() >= here["delivered"].as_u64().unwrap(), "{status}");
    assert!(here["delivered"].as_u64().unwrap() > away["delivered"].as_u64().unwrap(), "{status}");

    assert_eq!(ask(&collector, &["dead-letters"]).success(), "there are no dead letters\n");
    assert_eq!(ask(&collector, &["dead-letters", "--json"]).success(), "[]\n");
    let text = ask(&collector, &["status"]).success();
    let id = status["log"]["id"].as_str().unwrap();
    assert!(
        text.contains(&format!("log {id} in ./data/wal: durable to position {durable}, 3 items accepted")),
        "{text}"
    );
    let row = text.lines().find(|line| line.starts_with("parquet/away ")).unwrap();
    let ledger: Vec<_> = row.split_whitespace().skip(2).take(3).collect();
    assert_eq!(ledger, ["3", "0", "3"], "accepted, delivered, waiting: {text}");
}

#[test]
fn a_collector_that_is_not_there_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let [port] = free_ports();
    for verb in ["status", "flush", "drain", "dead-letters"] {
        let admin = format!("127.0.0.1:{port}");
        let said = Ended::of(program(folder.path(), &[verb, "--admin", &admin])).failure();
        assert!(said.starts_with("Error: ") && said.contains(&admin), "{said}");
        let hint = "; is a collector with the admin extension running there? --admin names another address\n";
        assert!(said.ends_with(hint), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_is_found_by_its_config() {
    let folder = tempfile::tempdir().unwrap();
    let collector = Setup::new(folder.path()).start();
    for verb in ["flush", "dead-letters", "status"] {
        Ended::of(collector.setup.command(&[verb])).success();
    }
    let url = format!("http://127.0.0.1:{}/", collector.setup.admin);
    Ended::of(program(folder.path(), &["status", "--admin", &url])).success();
    let without = collector.setup.clone().set("service.extensions=[wal]");
    let said = Ended::of(without.command(&["status"])).failure();
    assert!(said.starts_with("Error: service::extensions: there is no admin extension to ask"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_branch_that_left_with_a_backlog_keeps_the_start_until_it_is_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let collector = two(folder.path()).start();
    let ids = send(&collector, 3).await;
    assert!(collector.stop().0.success());

    let without = Setup::new(folder.path());
    let said = Ended::of(without.command(&[])).failure();
    let expected = "Error: parquet/away is no longer in the config, but 3 items wait for it in ./data/wal: \
                    put it back, or run `spanledger forget parquet/away` to give them up";
    assert_eq!(said.lines().last(), Some(expected));
    let said = Ended::of(without.command(&["forget", "parquet/awya"])).failure();
    assert!(
        said.contains("the log knows no branch \"parquet/awya\"; it knows: parquet, parquet/away"),
        "{said}"
    );
    assert_eq!(
        Ended::of(without.command(&["forget", "parquet/away"])).success(),
        "parquet/away is forgotten, and with it 3 items that waited for it\n"
    );

    let collector = without.start();
    collector.flush().await;
    assert_eq!(lake::span_ids(&collector.setup.lake()), ids);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_an_exporter_of_the_config_is_not_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let collector = away(folder.path()).start();
    let ids = send(&collector, 1).await;
    assert!(collector.stop().0.success());

    let said = Ended::of(away(folder.path()).command(&["forget", "parquet"])).failure();
    assert_eq!(
        said,
        "Error: service::pipelines::traces: parquet is still in the config, so what waits for it is not given up: \
         take it out of the config first\n"
    );
    let collector = Setup::new(folder.path()).start();
    collector.flush().await;
    assert_eq!(lake::span_ids(&collector.setup.lake()), ids);
}

#[test]
fn acting_on_a_log_that_is_not_there_makes_none() {
    let folder = tempfile::tempdir().unwrap();
    let setup = Setup::new(folder.path()).set("extensions.wal.directory=./nowal");
    for verb in [&["forget", "parquet/away"][..], &["wal", "new-identity"]] {
        let said = Ended::of(setup.command(verb)).failure();
        assert_eq!(said, "Error: extensions::wal: there is no log in ./nowal\n");
    }
    assert!(!folder.path().join("nowal").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_with_a_new_identity_still_delivers_what_waits_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let collector = away(folder.path()).start();
    let mut ids = send(&collector, 3).await;
    let before = status(&collector)["log"]["id"].clone();
    assert!(collector.stop().0.success());

    let setup = Setup::new(folder.path());
    let said = Ended::of(setup.command(&["wal", "new-identity"])).success();
    let collector = setup.start();
    let id = status(&collector)["log"]["id"].as_str().unwrap().to_owned();
    assert_ne!(id, before);
    assert_eq!(said, format!("the log is {id} now\n"));
    ids.extend(send(&collector, 2).await);
    collector.flush().await;
    ids.sort();
    assert_eq!(lake::span_ids(&collector.setup.lake()), ids);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drained_collector_has_delivered_everything_and_takes_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let collector = Setup::new(folder.path()).start();
    let ids = send(&collector, 3).await;
    assert_eq!(ask(&collector, &["drain"]).success(), "");
    assert_eq!(lake::span_ids(&collector.setup.lake()), ids);
    assert_eq!(status(&collector)["ready"], false);
    let (request, _) = load::request(1, 100);
    let refused = load::client(collector.setup.grpc).await.unwrap().export(request).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::Unavailable, "{refused}");
    let ready = http::send("GET", collector.setup.health, "/ready", &[], "").await.unwrap();
    let alive = http::send("GET", collector.setup.health, "/", &[], "").await.unwrap();
    assert_eq!((ready.status().as_u16(), alive.status().as_u16()), (503, 200));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_that_cannot_end_says_what_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let collector = two(folder.path()).start();
    send(&collector, 3).await;
    let said = ask(&collector, &["drain", "--timeout", "2500ms"]).failure();
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(lines[..2], ["parquet/away: 3 items wait"; 2], "progress");
    assert!(lines.last().unwrap().starts_with("parquet/away: 3 items wait from position "), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_was_left_behind_is_drained_to_the_exporters_of_a_config() {
    let folder = tempfile::tempdir().unwrap();
    let collector = away(folder.path()).start();
    let ids = send(&collector, 3).await;
    assert!(collector.stop().0.success());

    let drain =
        |setup: &Setup, wal: &str| Ended::of(setup.command(&["drain", "--timeout", "5s", "--wal", wal]));
    let setup = Setup::new(folder.path());
    let said = drain(&away(folder.path()).set("service.telemetry.logs.level=error"), "data/wal");
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.stderr.contains("parquet: 3 items wait from position "), "{said:?}");
    assert_eq!(drain(&setup, "data").failure(), "Error: there is no log in data\n");
    for _ in 0..2 {
        assert_eq!(drain(&setup, "data/wal").success(), "everything in data/wal is delivered\n");
        assert_eq!(lake::span_ids(&setup.lake()), ids);
    }
}
