//! What is wrong with a config is said at once, and what is right is printed, described and put together from parts.

use std::path::Path;

use serde_json::{Value, json};

use super::ended::{Ended, program};

const BAD: &str = "\
receivers:
  otlp:
    protocols:
      grpc: {endpoint: 4317}
      http: {endpont: 127.0.0.1:4318}
  otpl/2:
exporters:
  parquet:
    path: ./lake
    rotation: {max_age: 5 minutes, max_rows: many}
    pth: ./lake
extensions:
  wal: {sync: sometimes, max_size: [1]}
service:
  memory: lots
  extensions: [wall]
  pipelines:
    traces: {receivers: [otlp], exporters: [parket]}
    metrics: {receivers: [otlp], exporters: [parquet]}
sevice: {}
";

/// Written by hand from the config above: place, path, what was found, what was expected or the nearest name.
const PROBLEMS: &str = "\
Error: the config cannot run:
bad.yaml:4:24: receivers::otlp::protocols::grpc::endpoint: \"4317\" is not an endpoint: expected host:port, as 127.0.0.1:4317 or [::1]:4317
bad.yaml:5:14: receivers::otlp::protocols::http: unknown field \"endpont\", did you mean \"endpoint\"?
bad.yaml:6:3: receivers::otpl/2: unknown type \"otpl\", did you mean \"otlp\"?
bad.yaml:10:25: exporters::parquet::rotation::max_age: \"5 minutes\" is not a duration: expected numbers with units, as 300ms, 1.5s or 1h30m
bad.yaml:10:46: exporters::parquet::rotation::max_rows: found \"many\", expected a whole number that is not negative
bad.yaml:11:5: exporters::parquet: unknown field \"pth\", did you mean \"path\"?
bad.yaml:13:15: extensions::wal::sync: found \"sometimes\", expected one of always
bad.yaml:13:36: extensions::wal::max_size: found a list, expected a size as 64MiB, or a number of bytes
bad.yaml:15:11: service::memory: \"lots\" is not a size: expected a number and a unit, as 64MiB or 10GB
bad.yaml:16:16: service::extensions: references extension \"wall\" which is not configured, did you mean \"wal\"?
bad.yaml:18:45: service::pipelines::traces: references exporter \"parket\" which is not configured, did you mean \"parquet\"?
bad.yaml:19:46: service::pipelines::metrics: exporter \"parquet\" cannot be used for metrics: telemetry type is not supported, only traces, logs
bad.yaml:20:1: unknown field \"sevice\", did you mean \"service\"?
";

fn folder_with(name: &str, text: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(name), text).unwrap();
    folder
}

fn run(folder: &Path, arguments: &[&str]) -> Ended {
    Ended::of(program(folder, arguments))
}

#[test]
fn everything_wrong_is_said_at_once_by_whatever_reads_the_config() {
    let folder = folder_with("bad.yaml", BAD);
    for verb in ["run", "validate", "print-config", "forget"] {
        let mut arguments = vec![verb, "--config", "bad.yaml"];
        arguments.extend((verb == "forget").then_some("parquet"));
        assert_eq!(run(folder.path(), &arguments).failure(), PROBLEMS, "{verb}");
    }
    assert!(!folder.path().join("data").exists(), "nothing was begun");
}

#[test]
fn a_problem_names_the_source_it_came_from() {
    let folder = folder_with("good.yaml", include_str!("../../config/local.yaml"));
    for (arguments, problem) in [
        (["--config", "none.yaml"], "read config none.yaml: No such file or directory (os error 2)"),
        (["--config", "env:NO_SUCH_CONFIG"], "--config env:NO_SUCH_CONFIG: the variable is not set"),
        (["--config", "yaml:a: [1"], "--config 2:1:4: not YAML: unclosed bracket '['"),
        (
            ["--set", "service.memory=1Gb"],
            "--set service.memory:1:1: service::memory: \"1Gb\" is not a size: expected a number and a unit, as 64MiB or 10GB",
        ),
        (
            ["--set", "exporters.parquet.pth=a"],
            "--set exporters.parquet.pth:1:1: exporters::parquet: unknown field \"pth\", did you mean \"path\"?",
        ),
    ] {
        let arguments = [&["validate", "--config", "good.yaml"][..], &arguments].concat();
        let expected = format!("Error: the config cannot run:\n{problem}\n");
        assert_eq!(run(folder.path(), &arguments).failure(), expected);
    }
    let unknown = run(folder.path(), &["validate", "--cofnig", "good.yaml"]);
    assert_eq!(unknown.code, Some(2));
    assert!(unknown.stderr.contains("unexpected argument '--cofnig' found"), "{unknown:?}");
}

/// The Collector's keys that mean nothing here, each set once: a line names it.
const WITHOUT_EFFECT: &str = "\
receivers:
  otlp:
    protocols:
      grpc:
        max_concurrent_streams: 7
        read_buffer_size: 1024
        write_buffer_size: 1024
        keepalive: {server_parameters: {max_connection_age: 60s}}
        include_metadata: true
      http:
        write_timeout: 10s
        idle_timeout: 10s
exporters:
  parquet:
    path: ./lake
    sending_queue: {num_consumers: 3}
    retry_on_failure: {max_elapsed_time: 0s}
  prometheus: {metric_expiration: 10m}
  debug: {sampling_initial: 5}
extensions:
  health_check: {check_collector_pipeline: {enabled: true}}
service:
  telemetry:
    logs: {sampling: {enabled: true}}
    metrics: {readers: [{periodic: {exporter: {otlp: {protocol: grpc}}}}]}
  pipelines:
    traces: {receivers: [otlp], exporters: [parquet, debug]}
";

#[test]
fn a_key_without_effect_is_told_and_the_config_is_right() {
    let folder = folder_with("a.yaml", WITHOUT_EFFECT);
    let ended = run(folder.path(), &["validate", "--config", "a.yaml"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), ""), "{ended:?}");
    for (place, path) in [
        ("5:33", "receivers::otlp::protocols::grpc::max_concurrent_streams"),
        ("6:27", "receivers::otlp::protocols::grpc::read_buffer_size"),
        ("7:28", "receivers::otlp::protocols::grpc::write_buffer_size"),
        ("8:20", "receivers::otlp::protocols::grpc::keepalive"),
        ("9:27", "receivers::otlp::protocols::grpc::include_metadata"),
        ("11:24", "receivers::otlp::protocols::http::write_timeout"),
        ("12:23", "receivers::otlp::protocols::http::idle_timeout"),
        ("16:20", "exporters::parquet::sending_queue"),
        ("17:23", "exporters::parquet::retry_on_failure"),
        ("18:35", "exporters::prometheus::metric_expiration"),
        ("19:29", "exporters::debug::sampling_initial"),
        ("21:44", "extensions::health_check::check_collector_pipeline"),
        ("24:22", "service::telemetry::logs::sampling"),
        ("25:36", "service::telemetry::metrics::readers[0]::periodic"),
    ] {
        let line = format!("a.yaml:{place}: {path}: accepted, and without effect: ");
        assert!(ended.stderr.contains(&line), "{line} is not in\n{}", ended.stderr);
    }
}

#[test]
fn parts_of_a_config_are_merged_in_their_order_and_sets_come_last() {
    let base = "
receivers: {otlp: {protocols: {grpc: , http: }}}
exporters: {parquet: {path: \"${env:LAKE:-/lake}/a\", rotation: {max_age: 1m, max_rows: 10}}}
service: {pipelines: {traces: {receivers: [otlp], exporters: [parquet]}}}
";
    let folder = folder_with("base.yaml", base);
    let mut command =
        program(folder.path(), &["print-config", "--format", "json", "--config", "file:base.yaml"]);
    command.args(["--config", "env:MORE", "--config", "yaml:exporters::parquet::rotation::max_age: 3m"]);
    command.args(["--set", "exporters.parquet.rotation.max_bytes=1MiB", "--set", "service.memory=1GiB"]);
    command.env(
        "MORE",
        "exporters: {parquet: {rotation: {max_age: 2m, max_rows: 20}}}\nservice: {memory: 2GiB}",
    );
    let printed: Value = serde_json::from_str(&Ended::of(command).success()).unwrap();
    let expected = json!({
        "path": "${env:LAKE:-/lake}/a",
        "rotation": {"max_age": "3m", "max_rows": 20, "max_bytes": "1MiB"},
    });
    assert_eq!(printed["exporters"]["parquet"], expected);
    assert_eq!(printed["service"]["memory"], "1GiB");
    assert_eq!(printed["receivers"]["otlp"], json!({"protocols": {"grpc": null, "http": null}}));
}

#[test]
fn without_a_config_it_is_the_one_that_comes_with_the_program() {
    let folder = folder_with("local.yaml", include_str!("../../config/local.yaml"));
    let embedded = run(folder.path(), &["print-config"]).success();
    assert_eq!(embedded, run(folder.path(), &["print-config", "--config", "local.yaml"]).success());
    assert!(embedded.contains("127.0.0.1:4317") && embedded.contains("./data/lake"), "{embedded}");
    let set = run(folder.path(), &["print-config", "--set", "exporters.parquet.path=/elsewhere"]).success();
    assert_eq!(set, embedded.replace("./data/lake", "/elsewhere"));
}

#[test]
fn a_printed_config_is_valid_and_prints_the_same_again() {
    let gateway = include_str!("../../config/gateway.yaml");
    let folder = folder_with("gateway.yaml", gateway);
    for (format, file) in [("yaml", "printed.yaml"), ("json", "printed.json")] {
        let print = |file: &str| {
            let mut command = program(folder.path(), &["print-config", "--format", format, "--config", file]);
            command.envs([("AWS_ACCESS_KEY_ID", "k"), ("AWS_SECRET_ACCESS_KEY", "s")]);
            Ended::of(command).success()
        };
        let printed = print("gateway.yaml");
        std::fs::write(folder.path().join(file), &printed).unwrap();
        assert_eq!(print(file), printed);
    }
}
