//! Replays: what the log has retained goes to an exporter once more.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::ended::{Ended, program};
use super::lake::{self, Row};
use crate::harness::{Collector, Setup, load};

/// A log that retains, a lake that is written live, and a second one that is only declared.
const CONFIG: &str = "
receivers:
  otlp: {protocols: {grpc: , http: }}
extensions: {wal: {retain: 1h}, admin: , health_check: }
processors: {genai: }
exporters:
  parquet: {path: ./data/lake, rotation: {max_age: 100ms}}
  parquet/second: {path: ./data/second}
service:
  memory: 256MiB
  extensions: [wal, admin, health_check]
  pipelines:
    traces: {receivers: [otlp], processors: [genai], exporters: [parquet]}
";

fn setup(folder: &Path) -> Setup {
    Setup::new(folder).config(CONFIG)
}

/// Sends a request of one service; gives its span ids.
async fn send(collector: &Collector, service: &str, spans: usize) -> Vec<String> {
    let (mut request, ids) = load::request(spans, 100);
    let resource = request.resource_spans[0].resource.as_mut().unwrap();
    resource.attributes = vec![load::text("service.name", service), load::text("team", "blue")];
    load::client(collector.setup.grpc).await.unwrap().export(request).await.unwrap();
    ids
}

fn command(collector: &Collector, more: &[&str]) -> Command {
    let mut command = program(&collector.setup.folder, &["replay", "--exporter", "parquet/second"]);
    command.args(["--admin", &format!("127.0.0.1:{}", collector.setup.admin)]).args(more);
    command
}

fn replay(collector: &Collector, more: &[&str]) -> Ended {
    Ended::of(command(collector, more))
}

fn second(setup: &Setup) -> Vec<Row> {
    lake::rows(&setup.folder.join("data/second"))
}

fn ids(rows: &[Row]) -> Vec<String> {
    let mut ids: Vec<_> = rows.iter().map(|row| row.span_id.clone()).collect();
    ids.sort();
    ids
}

fn sorted(mut ids: Vec<String>) -> Vec<String> {
    ids.sort();
    ids
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_delivered_is_replayed_while_live_traffic_goes_on_and_is_not_doubled() {
    let folder = tempfile::tempdir().unwrap();
    let collector = setup(folder.path()).start();
    let mut sent = send(&collector, "shop", 3).await;
    collector.flush().await;
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let live = async {
        let mut sent = Vec::new();
        while !*stopped.borrow() {
            sent.extend(send(&collector, "shop", 2).await);
        }
        sent
    };
    let replaying = async {
        let replay = command(&collector, &[]);
        let ended = tokio::task::spawn_blocking(|| Ended::of(replay)).await.unwrap();
        stop.send_replace(true);
        ended.success()
    };
    let (more, said) = tokio::join!(live, replaying);
    assert!(
        said.starts_with("replayed ") && said.contains(" items to parquet/second: positions from "),
        "{said}"
    );
    let early = sent.clone();
    sent.extend(more);
    collector.flush().await;

    let live = lake::rows(&collector.setup.lake());
    assert_eq!(ids(&live), sorted(sent), "each span once");
    let replayed = second(&collector.setup);
    assert!(early.iter().all(|id| replayed.iter().any(|row| row.span_id == *id)), "{replayed:?}");
    // The identity of a row is the same in both: the log, its position there, and its place in the record.
    for row in &replayed {
        assert_eq!(live.iter().filter(|other| *other == row).count(), 1, "{row:?}");
        assert_eq!(replayed.iter().filter(|other| *other == row).count(), 1, "{row:?}");
    }
    assert!(collector.stop().0.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_is_limited_by_positions_and_times_and_attributes() {
    let folder = tempfile::tempdir().unwrap();
    let collector = setup(folder.path()).start();
    let [one, two, three] = [
        send(&collector, "shop", 3).await,
        send(&collector, "bank", 2).await,
        send(&collector, "shop", 1).await,
    ];
    collector.flush().await;
    let live = lake::rows(&collector.setup.lake());
    let position =
        |ids: &[String]| live.iter().find(|row| row.span_id == ids[0]).unwrap().position.to_string();
    let all = sorted([one.clone(), two.clone(), three.clone()].concat());
    let shop = sorted([one, three.clone()].concat());
    for (more, expected) in [
        (&["--where", "service.name=bank"][..], &two),
        (&["--where", "service_name=shop", "--where", "gen_ai.request.model=gpt-4o-mini"], &shop),
        (&["--where", "team=blue", "--where", "service.name=shop"], &shop),
        (&["--where", "team=red"], &Vec::new()),
        (&["--from", &position(&two), "--to", &position(&three)], &two),
        (&["--from", &position(&three)], &three),
        (&["--from", "2020-01-01"], &all),
        (&["--to", "2020-01-01T00:00:00Z"], &Vec::new()),
    ] {
        let _ = std::fs::remove_dir_all(folder.path().join("data/second"));
        let answer: Value =
            serde_json::from_str(&replay(&collector, &[more, &["--json"]].concat()).success()).unwrap();
        assert_eq!(answer["items"], expected.len(), "{more:?}: {answer}");
        assert_eq!(ids(&second(&collector.setup)), sorted(expected.clone()), "{more:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exporter_that_runs_gets_rows_again_only_when_that_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let collector = setup(folder.path()).start();
    let sent = sorted(send(&collector, "shop", 2).await);
    collector.flush().await;
    let said = replay(&collector, &["--exporter", "parquet"]);
    assert_eq!(said.code, Some(2), "said twice: {said:?}");
    let again = |more: &[&str]| {
        let mut command = collector.setup.command(&["replay", "--exporter", "parquet"]);
        command.args(more);
        Ended::of(command)
    };
    let refused = again(&[]).failure();
    assert!(refused.contains("the rows would stand twice") && refused.contains("--again"), "{refused}");
    assert_eq!(ids(&lake::rows(&collector.setup.lake())), sent);
    std::fs::remove_dir_all(collector.setup.lake()).unwrap();
    again(&["--again"]).success();
    assert_eq!(ids(&lake::rows(&collector.setup.lake())), sent, "what was lost is back");
    again(&["--again"]).success();
    assert_eq!(ids(&lake::rows(&collector.setup.lake())).len(), 2 * sent.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_nobody_uses_is_replayed_where_it_lies() {
    let folder = tempfile::tempdir().unwrap();
    let setup = setup(folder.path());
    let collector = setup.start();
    let mut sent = send(&collector, "shop", 3).await;
    collector.flush().await;
    let offline =
        || Ended::of(setup.command(&["replay", "--exporter", "parquet/second", "--wal", "data/wal"]));
    let said = offline();
    assert_eq!(said.code, Some(1));
    assert!(said.stderr.contains("another process has it open"), "{said:?}");
    assert!(collector.stop().0.success());

    let said = offline().success();
    assert!(said.starts_with("replayed 1 records with 3 items to parquet/second: "), "{said}");
    assert_eq!(ids(&second(&setup)), sorted(sent.clone()));
    let collector = setup.start();
    sent.extend(send(&collector, "shop", 1).await);
    collector.flush().await;
    assert_eq!(ids(&lake::rows(&setup.lake())), sorted(sent));
    let nothing = Ended::of(setup.command(&["replay", "--exporter", "parquet/second", "--wal", "data"]));
    assert_eq!(nothing.failure(), "Error: there is no log in data\n");
}
