//! Secrets are nowhere in what the program prints, logs or leaves on the disk of the log.

use std::path::Path;

use super::ended::Ended;
use crate::harness::{Collector, Setup, free_ports, load};

const IN_CONFIG: &str = "hunter2-written-in-the-config";
const IN_ENVIRONMENT: &str = "hunter3-from-the-environment";
const TOKEN: &str = "hunter4-token-of-the-admin";

/// Two buckets that are away: one with its key in the config, one with it in the environment.
const CONFIG: &str = "
receivers:
  otlp: {protocols: {grpc: , http: }}
extensions: {wal: , admin: {token: TOKEN}, health_check: }
exporters:
  parquet:
    path: s3://ledger/lake
    endpoint: http://127.0.0.1:PORT
    access_key_id: key-of-the-test
    secret_access_key: IN_CONFIG
  parquet/2:
    path: s3://ledger/lake
    endpoint: http://127.0.0.1:PORT
    access_key_id: key-of-the-test
    secret_access_key: ${env:LEDGER_SECRET}
service:
  memory: 256MiB
  shutdown: {timeout: 200ms}
  extensions: [wal, admin, health_check]
  telemetry: {logs: {level: debug}}
  pipelines:
    traces: {receivers: [otlp], exporters: [parquet, parquet/2]}
";

fn setup(folder: &Path) -> Setup {
    let [port] = free_ports();
    let config =
        CONFIG.replace("TOKEN", TOKEN).replace("IN_CONFIG", IN_CONFIG).replace("PORT", &port.to_string());
    Setup::new(folder)
        .config(&config)
        .env("LEDGER_SECRET", IN_ENVIRONMENT)
        .env("SPANLEDGER_ADMIN_TOKEN", TOKEN)
}

fn assert_hidden(text: &str, what: &str) {
    for secret in [IN_CONFIG, IN_ENVIRONMENT, TOKEN] {
        assert!(!text.contains(secret), "{what} shows {secret}:\n{text}");
    }
}

/// Asks the collector something; the admin's token comes from the environment.
fn ask(collector: &Collector, verb: &[&str]) -> Ended {
    let admin = format!("127.0.0.1:{}", collector.setup.admin);
    let mut command = super::ended::program(&collector.setup.folder, verb);
    command.args(["--admin", &admin]).env("SPANLEDGER_ADMIN_TOKEN", TOKEN);
    Ended::of(command)
}

/// Everything below a folder, as one text.
fn contents(folder: &Path) -> String {
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let text = |path: std::path::PathBuf| match path.is_dir() {
        true => contents(&path),
        false => String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned(),
    };
    paths.map(text).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_collector_shows_no_secret_while_its_buckets_are_away() {
    let folder = tempfile::tempdir().unwrap();
    let collector = setup(folder.path()).start();
    let mut client = load::client(collector.setup.grpc).await.unwrap();
    client.export(load::request(3, 100).0).await.unwrap();
    // Each flush makes the exporters try, and waits; in the end both have told why they fail.
    let status = loop {
        let flush = ask(&collector, &["flush", "--timeout", "300ms"]);
        assert_eq!(flush.code, Some(1), "{flush:?}");
        assert_hidden(&format!("{flush:?}"), "flush");
        let status = ask(&collector, &["status", "--json"]).success();
        if !status.contains("\"error\":null") {
            break status;
        }
    };
    assert_hidden(&status, "status");
    let answer = crate::harness::http::get(collector.setup.own_metrics, "/metrics").await;
    assert_hidden(&answer, "the collector's own metrics");
    let (ended, log) = collector.stop();
    assert!(ended.success());
    assert_hidden(&log, "the log");
    assert_hidden(&contents(&folder.path().join("data/wal")), "the folder of the log");
}

#[test]
fn verbs_that_read_the_config_show_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let setup = setup(folder.path());
    for verb in [&["print-config"][..], &["print-config", "--format", "json"]] {
        let printed = Ended::of(setup.command(verb)).success();
        assert_hidden(&printed, "print-config");
        assert!(printed.contains("[REDACTED]") && printed.contains("${env:LEDGER_SECRET}"), "{printed}");
    }
    for set in [
        format!("exporters.parquet.secret_access_key=${{env:NONE:-{IN_CONFIG}}}"),
        format!("exporters.parquet.secret_access_key=${{yaml:{IN_CONFIG}}}"),
        format!("exporters.parquet.secret_access_key=${{env:NONE:-a}}{IN_CONFIG}"),
        format!(
            "exporters.parquet=${{yaml:{{path: s3://a/b, access_key_id: a, secret_access_key: {IN_CONFIG}}}}}"
        ),
        format!("service.telemetry.resource.from=https://user:{IN_CONFIG}@minio:9000/a"),
        format!("service.telemetry.resource.from=${{env:NONE:-https://user:{IN_CONFIG}@minio}}"),
    ] {
        for format in ["yaml", "json"] {
            let command = setup.clone().set(set.clone()).command(&["print-config", "--format", format]);
            assert_hidden(&format!("{:?}", Ended::of(command)), &set);
        }
    }
    let wrong = [
        format!("exporters.parquet.endpoint=http://user:{IN_CONFIG}@minio:9000"),
        format!("extensions.admin.endpoint=http://user:{IN_CONFIG}@minio:9000"),
        format!("exporters.parquet.secret_access_key=[{IN_CONFIG}]"),
        "exporters.parquet.access_key_id=null".into(),
        "exporters.parquet.timeout=${env:LEDGER_SECRET}".into(),
        "exporters.parquet.rotation.max_rows=${env:LEDGER_SECRET}".into(),
        "exporters.parquet.rotation=${env:LEDGER_SECRET}".into(),
        "service.pipelines.traces.exporters=[\"${env:LEDGER_SECRET}\"]".into(),
        "extensions.admin.endpoint=${env:LEDGER_SECRET}".into(),
    ];
    for set in wrong {
        let said = Ended::of(setup.clone().set(set.clone()).command(&["validate"])).failure();
        assert_hidden(&said, &set);
        assert!(said.starts_with("Error: the config cannot run:\n--set "), "{set}: {said}");
    }
}
