//! The object store: away, slow, cut off in the middle of a request, without a bucket, or with other keys.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};

use crate::harness::minio::{self, Minio};
use crate::harness::{free_ports, http, tools};
use crate::load::Shape;
use crate::proxy::Proxy;
use crate::scenario::Tally;
use crate::trial::Trial;

/// Why there is no MinIO to test with; `None` if there is.
fn no_minio() -> Option<String> {
    (!tools::minio().exists()).then(|| "MinIO is not installed".to_owned())
}

fn no_proxy() -> Option<String> {
    no_minio().or_else(|| (!tools::toxiproxy().exists()).then(|| "toxiproxy is not installed".to_owned()))
}

fn with_bucket(port: u16) -> Trial {
    Trial::with(|mut setup| {
        setup.sets.extend(minio::settings(port));
        setup.set("exporters.parquet.timeout=2s")
    })
}

/// MinIO is killed and started again under load; the collector is killed while it is away.
pub async fn away_and_back(tally: &mut Tally) {
    if tally.skips(no_minio()) {
        return;
    }
    let [port] = free_ports();
    let mut trial = with_bucket(port);
    let data = trial.folder().join("minio");
    trial.load(Shape::USUAL);
    trial.start();
    for _ in 0..2 {
        let server = Minio::start(&data, port);
        trial.acknowledge(1000).await;
        drop(server);
        trial.acknowledge(1000).await;
        tally.run();
        trial.kill();
        trial.start();
        trial.acknowledge(500).await;
        tally.crash();
    }
    let server = Minio::start(&data, port);
    tally.judged(trial.judge_bucket(&server).await);
}

/// What a bad network does to requests and answers.
fn toxics() -> [(&'static str, &'static str, &'static str, Value); 7] {
    [
        ("latency", "latency", "downstream", json!({"latency": 300, "jitter": 200})),
        ("slow upload", "bandwidth", "upstream", json!({"rate": 50})),
        ("cut in mid-upload", "limit_data", "upstream", json!({"bytes": 20_000})),
        ("cut in mid-answer", "limit_data", "downstream", json!({"bytes": 100})),
        ("reset", "reset_peer", "upstream", json!({"timeout": 20})),
        ("no answer", "timeout", "downstream", json!({"timeout": 0})),
        (
            "in slices",
            "slicer",
            "upstream",
            json!({"average_size": 500, "size_variation": 100, "delay": 200}),
        ),
    ]
}

/// The network to the store is bad in every way that toxiproxy knows, and gone for a while.
pub async fn over_a_bad_network(tally: &mut Tally) {
    if tally.skips(no_proxy()) {
        return;
    }
    let [port] = free_ports();
    let proxy = Proxy::start(port).await;
    let mut trial = with_bucket(proxy.port);
    let server = Minio::start(&trial.folder().join("minio"), port);
    trial.load(Shape::USUAL);
    trial.start();
    for (name, kind, stream, attributes) in toxics() {
        proxy.add(kind, stream, &attributes).await;
        trial.acknowledge(500).await;
        // Long enough for a range to be due, and its upload to be tried.
        tokio::time::sleep(Duration::from_millis(2500)).await;
        if tally.between(0, 1) == 1 {
            trial.kill();
            trial.start();
            tally.crash();
        } else {
            tally.run();
        }
        proxy.remove().await;
        trial.acknowledge(200).await;
        tally.note(format!("{name}: {kind} {stream} {attributes}"));
    }
    proxy.enable(false).await;
    trial.acknowledge(1000).await;
    proxy.enable(true).await;
    tally.run();
    tally.judged(trial.judge_bucket(&server).await);
}

/// The bucket is missing, and then made; the keys are refused, and then right. Nothing becomes a dead letter.
pub async fn refused(tally: &mut Tally) {
    if tally.skips(no_minio()) {
        return;
    }
    let [port] = free_ports();
    let mut trial = with_bucket(port);
    let data = trial.folder().join("minio");
    let server = Minio::start(&data, port);
    let (bucket, elsewhere) = (data.join("ledger"), data.join("elsewhere"));
    std::fs::rename(&bucket, &elsewhere).unwrap();
    trial.load(Shape::USUAL);
    trial.start();
    trial.acknowledge(500).await;
    raises_the_alarm(&trial, "there is no such bucket").await;
    std::fs::rename(&elsewhere, &bucket).unwrap();
    trial.acknowledge(500).await;
    trial.collector().flush().await;
    tally.run();

    drop(server);
    let server = Minio::start_with(&data, port, "another-password");
    trial.acknowledge(500).await;
    raises_the_alarm(&trial, "the store refuses these keys").await;
    drop(server);
    let server = Minio::start(&data, port);
    tally.run();
    tally.judged(trial.judge_bucket(&server).await);
}

async fn raises_the_alarm(trial: &Trial, reason: &str) {
    let raised = async {
        loop {
            let branch = trial.collector().branch("parquet").await;
            assert_eq!(branch["ledger"]["dead_lettered"], 0, "{branch}");
            if branch["error"].as_str().is_some_and(|error| error.contains(reason)) {
                return;
            }
            trial.pause().await;
        }
    };
    let done = tokio::time::timeout(Duration::from_secs(60), raised).await;
    assert!(done.is_ok(), "no alarm that {reason}\n{}", trial.log());
    assert!(trial.log().contains("needs an operator"), "{}", trial.log());
}

/// One exporter's store is away; the other exporter goes on, and the first one catches up.
pub async fn one_of_two_is_stuck(tally: &mut Tally) {
    if tally.skips(no_minio()) {
        return;
    }
    const TWO: &str = "
receivers:
  otlp: {protocols: {grpc: , http: }}
extensions: {wal: {max_size: 1GiB}, admin: , health_check: }
processors: {genai: }
connectors: {genai_metrics: {settle: {window: 0s}}}
exporters:
  parquet: {path: ./data/lake, rotation: {max_age: 1s, max_rows: 2000}}
  parquet/bucket:
    path: s3://ledger/lake
    endpoint: http://127.0.0.1:PORT
    path_style: true
    access_key_id: USER
    secret_access_key: PASSWORD
    rotation: {max_age: 1s, max_rows: 2000}
  prometheus:
service:
  memory: 256MiB
  extensions: [wal, admin, health_check]
  pipelines:
    traces: {receivers: [otlp], processors: [genai], exporters: [parquet, parquet/bucket, genai_metrics]}
    metrics: {receivers: [genai_metrics], exporters: [prometheus]}
";
    let [port] = free_ports();
    let config = TWO.replace("PORT", &port.to_string()).replace("USER", minio::USER);
    let config = config.replace("PASSWORD", minio::PASSWORD);
    let mut trial = Trial::with(|setup| setup.config(&config));
    trial.load(Shape::USUAL);
    trial.start();
    trial.acknowledge(1500).await;
    trial.kill();
    trial.start();
    trial.acknowledge(1500).await;
    let path = "/flush?exporter=parquet&timeout=60s";
    let flushed = http::send("PUT", trial.setup.admin, path, &[], Bytes::new()).await.unwrap();
    assert_eq!(flushed.status(), 200, "the exporter whose store is there: {:?}", flushed.body());
    let stuck = trial.collector().branch("parquet/bucket").await;
    assert!(stuck["waiting_items"].as_u64().unwrap() >= 3000, "{stuck}");
    tally.crash();
    let server = Minio::start(&trial.folder().join("minio"), port);
    trial.end_load().await;
    trial.collector().flush().await;
    let lake = trial.folder().join("bucket");
    server.download("lake", &lake).await;
    crate::harness::judge(&trial.sent, &lake).unwrap();
    tally.judged(trial.judge().await);
}

/// The config changes while everything waits: the plan is carried out as it was made, and nothing is lost or doubled.
pub async fn another_config(tally: &mut Tally) {
    if tally.skips(no_minio()) {
        return;
    }
    let [port] = free_ports();
    let mut trial = with_bucket(port);
    trial.load(Shape::USUAL);
    let usual = trial.setup.clone();
    for change in ["exporters.parquet.rotation.max_rows=100", "exporters.parquet.rotation.max_age=3s"] {
        trial.start();
        trial.acknowledge(1500).await;
        // A plan is in the log by then.
        trial.collector().wait_for("delivery failed");
        trial.kill();
        trial.setup = usual.clone().set(change);
        tally.crash();
    }
    trial.setup.config = usual
        .config
        .replace("receivers: [otlp], processors: [genai]", "receivers: [otlp], processors: [genai/again]");
    trial.setup.config = trial.setup.config.replace("  genai:\n", "  genai/again:\n");
    trial.start();
    trial.acknowledge(500).await;
    let server = Minio::start(&trial.folder().join("minio"), port);
    tally.judged(trial.judge_bucket(&server).await);
}
