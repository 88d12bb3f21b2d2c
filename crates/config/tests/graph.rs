//! Sources become one graph: merged, expanded, with the used components only.

mod common;

use std::collections::BTreeMap;
use std::time::Duration;

use common::{FakeEnv, MINIMAL, load_with, load_yaml, registry};
use serde_json::json;
use spanledger_config::{Epoch, LogEncoding, LogLevel, MetricLevel, Problems, load};

fn load_all(configs: &[&str], sets: &[&str], env: &FakeEnv) -> Result<spanledger_config::Loaded, Problems> {
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    load(&owned(configs), &owned(sets), &registry(), env)
}

fn ids<V>(map: &std::collections::BTreeMap<spanledger_component::ComponentId, V>) -> Vec<String> {
    map.keys().map(ToString::to_string).collect()
}

#[test]
fn only_used_components_are_in_the_graph() {
    let yaml = "
receivers: {otlp: , otlp/unused: }
processors: {genai: , genai/unused: }
exporters: {parquet: {path: a}, parquet/unused: {path: b}, prom/x: }
connectors: {genai_metrics: , forward: }
extensions: {wal: , admin: , wal/unused: }
service:
  extensions: [admin, wal]
  pipelines:
    traces/b: {receivers: [otlp], processors: [genai], exporters: [parquet, genai_metrics]}
    metrics: {receivers: [genai_metrics], exporters: [prom/x]}
";
    let loaded = load_yaml(yaml).unwrap();
    let graph = &loaded.graph;
    assert_eq!(ids(&graph.receivers), ["otlp"]);
    assert_eq!(ids(&graph.exporters), ["parquet", "prom/x"]);
    assert_eq!(ids(&graph.connectors), ["genai_metrics"]);
    let extensions: Vec<String> = graph.extensions.iter().map(|(id, _)| id.to_string()).collect();
    assert_eq!(extensions, ["admin", "wal"]);
    let pipelines: Vec<String> =
        graph.epoch.pipelines.iter().map(|pipeline| pipeline.id.to_string()).collect();
    assert_eq!(pipelines, ["traces/b", "metrics"]);
    let exporters: Vec<String> = graph.epoch.pipelines[0].exporters.iter().map(ToString::to_string).collect();
    assert_eq!(exporters, ["genai_metrics", "parquet"]);
    assert_eq!(graph.epoch.pipelines[0].processors.len(), 1);
    let renamed =
        "config.yaml:4:60: exporters::prom/x: \"prom\" is now called \"prometheus\"; both are accepted";
    assert!(loaded.warnings.iter().any(|warning| warning == renamed), "{:?}", loaded.warnings);
}

#[test]
fn service_has_the_collectors_defaults() {
    let service = load_yaml(MINIMAL).unwrap().graph.service;
    assert_eq!(service.memory, None);
    assert_eq!(service.shutdown_timeout, Duration::from_secs(20));
    assert_eq!(service.telemetry.log_level, LogLevel::Info);
    assert_eq!(service.telemetry.metric_level, MetricLevel::Normal);
    let reader = &service.telemetry.readers[0];
    assert_eq!((reader.host.as_str(), reader.port), ("localhost", 8888));
    assert!(reader.without_type_suffix && reader.without_units && reader.without_scope_info);
}

#[test]
fn every_setting_of_service_is_read() {
    let yaml = "\
receivers: {otlp: }
exporters: {parquet: {path: ./lake}}
service:
  memory: 1GiB
  shutdown: {timeout: 5s}
  telemetry:
    logs: {level: debug, encoding: json, sampling: {enabled: false}}
    metrics:
      level: detailed
      readers:
        - pull: {exporter: {prometheus: {host: 0.0.0.0, port: 9999, without_units: true}}}
        - periodic: {interval: 1000}
    resource: {service.name: llm, host.name: null}
";
    let pipelines = "service.pipelines.traces={receivers: [otlp], exporters: [parquet]}";
    let loaded = load_all(&[&format!("yaml:{yaml}")], &[pipelines], &FakeEnv::default()).unwrap();
    let service = &loaded.graph.service;
    assert_eq!(service.memory, Some(1 << 30));
    assert_eq!(service.shutdown_timeout, Duration::from_secs(5));
    assert_eq!(service.telemetry.log_level, LogLevel::Debug);
    assert_eq!(service.telemetry.log_encoding, LogEncoding::Json);
    assert_eq!(service.telemetry.metric_level, MetricLevel::Detailed);
    let [reader] = service.telemetry.readers.as_slice() else { panic!("one reader is pulled") };
    assert_eq!((reader.host.as_str(), reader.port), ("0.0.0.0", 9999));
    assert!(reader.without_units && !reader.without_type_suffix && !reader.without_scope_info);
    assert_eq!(service.telemetry.resource["service.name"].as_deref(), Some("llm"));
    assert_eq!(service.telemetry.resource["host.name"], None);
    assert_eq!(
        loaded.warnings,
        [
            "--config 1:12:21: service::telemetry::metrics::readers[1]::periodic: accepted, and without effect: metrics are only served, let them be scraped",
            "--config 1:7:52: service::telemetry::logs::sampling: accepted, and without effect: what repeats is said once",
        ]
    );
}

#[test]
fn the_older_address_of_metrics_and_level_none_are_understood() {
    let with = |set: &str| {
        let config = format!("yaml:{MINIMAL}");
        load_all(&[&config], &[set], &FakeEnv::default()).map(|loaded| loaded.graph.service.telemetry.readers)
    };
    let readers = with("service.telemetry.metrics.address=:9000").unwrap();
    assert_eq!((readers[0].host.as_str(), readers[0].port), ("0.0.0.0", 9000));
    assert_eq!(with("service.telemetry.metrics.level=none").unwrap(), []);
    assert_eq!(
        with("service.telemetry.metrics.address=nowhere").unwrap_err().to_string(),
        "--set service.telemetry.metrics.address:1:1: service::telemetry::metrics::address: expected host:port"
    );
}

#[test]
fn later_sources_override_key_by_key_and_lists_as_a_whole() {
    let env = FakeEnv::with(
        &[("MORE", "exporters: {parquet: {labels: {b: 2}}}\nservice: {extensions: [admin]}")],
        &[(
            "base.yaml",
            "extensions: {wal: , admin: }\nexporters: {parquet: {path: a, labels: {a: 1}, compression: none}}\nservice: {extensions: [wal, admin]}",
        )],
    );
    let minimal = format!("yaml:{MINIMAL}");
    let loaded = load_all(
        &[&minimal, "file:base.yaml", "env:MORE", "yaml:exporters::parquet::compression: null"],
        &["exporters.parquet.rotation.max_rows=5", "exporters.parquet.path=${file:x"],
        &env,
    )
    .unwrap();
    assert_eq!(
        loaded.redacted_json()["exporters"]["parquet"],
        json!({"path": "${file:x", "labels": {"a": 1, "b": 2}, "compression": null, "rotation": {"max_rows": 5}})
    );
    assert_eq!(loaded.redacted_json()["service"]["extensions"], json!(["admin"]));
}

#[test]
fn a_variable_that_is_not_set_is_named_with_what_is_wrong_for_want_of_it() {
    let yaml = MINIMAL
        .replace("path: ./lake", "path: ./lake, rotation: {max_rows: 7, max_bytes: \"${env:SIZE}\"}")
        .replace("otlp: }", "otlp: {protocols: {grpc: {endpoint: \"${env:HOST}:4317\"}}}}");
    assert_eq!(
        load_yaml(&yaml).err().unwrap(),
        [
            "config.yaml:3:58: exporters::parquet::rotation::max_rows: seven brings bad luck",
            "warning: config.yaml:2:49: receivers::otlp::protocols::grpc::endpoint: environment variable \"HOST\" is not set and has no default, so nothing stands in its place",
            "warning: config.yaml:3:72: exporters::parquet::rotation::max_bytes: environment variable \"SIZE\" is not set and has no default, so the value is null",
        ]
    );
}

#[test]
fn a_component_that_is_declared_and_does_not_run_is_told() {
    let yaml = "\
receivers: {otlp: , otlp/2: }
processors: {genai: }
exporters: {parquet: {path: ./lake}, prometheus: }
connectors: {forward: }
extensions: {wal: {directory: /srv/wal}, admin: }
service: {extensions: [admin], pipelines: {traces: {receivers: [otlp], exporters: [parquet]}}}
";
    assert_eq!(
        load_yaml(yaml).unwrap().warnings,
        [
            "config.yaml:1:21: receivers::otlp/2: declared, but does not run: no pipeline lists it",
            "config.yaml:2:14: processors::genai: declared, but does not run: no pipeline lists it",
            "config.yaml:3:38: exporters::prometheus: declared, but does not run: no pipeline lists it",
            "config.yaml:4:14: connectors::forward: declared, but does not run: no pipeline lists it",
            "config.yaml:5:14: extensions::wal: declared, but does not run: service::extensions does not list it",
        ]
    );
}

#[test]
fn a_printed_config_hides_secrets_and_keeps_references() {
    let env = FakeEnv::with(&[("DIR", "/data"), ("KEY", "hunter2")], &[]);
    let yaml = MINIMAL.replace(
        "path: ./lake",
        "path: \"${env:DIR}/lake\", secret_access_key: hunter2, labels: {a: \"yes: no\", b: \"007\", c: \"${KEY}\"}",
    );
    let loaded = load_with(&yaml, &env).unwrap();
    assert_eq!(
        loaded.redacted_yaml(),
        "\
exporters:
    parquet:
        labels:
            a: \"yes: no\"
            b: \"007\"
            c: ${KEY}
        path: ${env:DIR}/lake
        secret_access_key: \"[REDACTED]\"
receivers:
    otlp: null
service:
    pipelines:
        traces:
            exporters:
                - parquet
            receivers:
                - otlp
"
    );
}

#[test]
fn a_printed_reference_of_a_secret_says_only_where_it_stands() {
    let env = FakeEnv::with(&[("KEY", "hunter2")], &[("key", "hunter2")]);
    let printed = |settings: &str| {
        let yaml = MINIMAL.replace("path: ./lake", &format!("path: ./lake, {settings}"));
        load_with(&yaml, &env).unwrap().redacted_json()["exporters"]["parquet"].clone()
    };
    for (written, shown) in [
        ("${env:KEY}", "${env:KEY}"),
        ("${KEY}", "${KEY}"),
        ("${env:KEY:-}", "${env:KEY:-}"),
        ("${file:key}", "${file:key}"),
        ("${env:NONE:-hunter2}", "[REDACTED]"),
        ("${NONE:-hunter2}", "[REDACTED]"),
        ("${yaml:hunter2}", "[REDACTED]"),
        ("hunter2${env:KEY}", "[REDACTED]"),
    ] {
        let json = printed(&format!("secret_access_key: '{written}'"));
        assert_eq!(json["secret_access_key"], shown, "{written}");
    }
    let json = printed("labels: {a: 'http://u:hunter2@b', c: '${env:D:-http://u:hunter2@b}'}");
    assert_eq!(json["labels"], json!({"a": "http://[REDACTED]@b", "c": "${env:D:-http://[REDACTED]@b}"}));
}

#[test]
fn a_printed_config_without_secrets_loads_again() {
    let printed = load_yaml(MINIMAL).unwrap().redacted_yaml();
    assert_eq!(load_yaml(&printed).unwrap().redacted_yaml(), printed);
}

#[test]
fn a_variable_that_is_not_set_warns_and_leaves_the_default() {
    let yaml = MINIMAL.replace("path: ./lake", "path: ./lake, rotation: {max_rows: \"${env:ROWS}\"}");
    assert_eq!(
        load_yaml(&yaml).unwrap().warnings,
        [
            "config.yaml:3:58: exporters::parquet::rotation::max_rows: environment variable \"ROWS\" is not set and has no default, so the value is null"
        ]
    );
}

const EPOCH: &str = "
receivers: {otlp: }
processors:
  genai: {prices: [1, 2.5], version: 1.10, key: \"${env:KEY}\"}
exporters: {parquet: {path: a}, prometheus: }
connectors: {genai_metrics: }
service:
  pipelines:
    traces: {receivers: [otlp], processors: [genai], exporters: [parquet, genai_metrics]}
    metrics: {receivers: [genai_metrics], exporters: [prometheus]}
";

#[test]
fn an_epoch_holds_what_determines_rows_and_secrets_as_references() {
    let env = FakeEnv::with(&[("KEY", "hunter2")], &[]);
    let payload = load_with(EPOCH, &env).unwrap().graph.epoch.payload(&BTreeMap::new());
    let expected = r#"{"version":1,"pipelines":{"metrics":{"receivers":["genai_metrics"],"processors":[],"exporters":["prometheus"]},"traces":{"receivers":["otlp"],"processors":["genai"],"exporters":["genai_metrics","parquet"]}},"processors":{"genai":{"key":"${env:KEY}","prices":[1,2.5],"version":"${yaml:1.10}"}},"connectors":{"genai_metrics":{}}}"#;
    assert_eq!(String::from_utf8(payload).unwrap(), expected);
}

#[test]
fn an_epoch_keeps_how_scalars_are_spelt_and_reads_back_to_the_same_bytes() {
    let genai = "prices: [1.0, 0x1F, 1e3, -2, 89.0, 089], version: \"a $${b} 'c'\\u0085\"";
    let yaml = EPOCH.replace("prices: [1, 2.5], version: 1.10, key: \"${env:KEY}\"", genai);
    let loaded = load_yaml(&yaml).unwrap();
    let text = String::from_utf8(loaded.graph.epoch.payload(&BTreeMap::new())).unwrap();
    let spelt = r#""prices":[1.0,"${yaml:0x1F}","${yaml:1e3}",-2,89.0,"${yaml:089}"],"version":"a $${b} 'c'"#;
    assert!(text.contains(spelt), "{text}");
    Epoch::read(text.as_bytes(), &registry(), &FakeEnv::default()).unwrap();
}

#[test]
fn an_epoch_changes_with_its_meaning_only() {
    let env = FakeEnv::with(&[("KEY", "hunter2")], &[]);
    let payload = |yaml: &str| load_with(yaml, &env).unwrap().graph.epoch.payload(&BTreeMap::new());
    let same = EPOCH
        .replace("{path: a}", "{path: elsewhere, rotation: {max_rows: 5}}")
        .replace("[parquet, genai_metrics]", "[genai_metrics, parquet]")
        .replace("{prices: [1, 2.5], version: 1.10, key", "{version: 1.10, prices: [ 1, 2.5 ], key")
        .replace("receivers: {otlp: }", "receivers: {otlp: {protocols: {grpc: }}}  # a comment");
    assert_eq!(payload(&same), payload(EPOCH));
    assert_ne!(payload(&EPOCH.replace("2.5", "2.6")), payload(EPOCH));
    assert_ne!(payload(&EPOCH.replace("processors: [genai], ", "")), payload(EPOCH));
}

#[test]
fn a_stored_epoch_is_read_back() {
    let env = FakeEnv::with(&[("KEY", "hunter2")], &[]);
    let epoch = load_with(EPOCH, &env).unwrap().graph.epoch;
    let read = Epoch::read(&epoch.payload(&BTreeMap::new()), &registry(), &env).unwrap();
    assert_eq!(read.payload(&read.pinned), epoch.payload(&BTreeMap::new()));
    for (ours, theirs) in read.pipelines.iter().zip(&epoch.pipelines) {
        assert_eq!(ours.id, theirs.id);
        assert_eq!(ours.receivers, theirs.receivers);
        assert_eq!(ours.exporters, theirs.exporters);
        assert_eq!(ours.processors[..].len(), theirs.processors[..].len());
    }
}

#[test]
fn what_is_pinned_is_part_of_an_epoch_by_its_name() {
    let env = FakeEnv::with(&[("KEY", "hunter2")], &[]);
    let epoch = load_with(EPOCH, &env).unwrap().graph.epoch;
    let pinned = BTreeMap::from([("genai".parse().unwrap(), "0a1b".to_owned())]);
    let payload = epoch.payload(&pinned);
    assert_ne!(payload, epoch.payload(&BTreeMap::new()));
    let read = Epoch::read(&payload, &registry(), &env).unwrap();
    assert_eq!((&read.pinned, &Epoch::pinned_in(&payload)), (&pinned, &pinned));
    assert_eq!(read.payload(&read.pinned), payload);
}

#[test]
fn a_stored_epoch_that_cannot_be_read_is_refused_with_the_reason() {
    let read = |payload: &str| {
        Epoch::read(payload.as_bytes(), &registry(), &FakeEnv::default()).map(drop).unwrap_err().to_string()
    };
    assert!(read("{").starts_with("read stored epoch: "));
    assert_eq!(
        read(r#"{"version":3,"pipelines":{},"processors":{},"connectors":{}}"#),
        "stored epoch has version 3, newer than 2"
    );
    assert_eq!(
        read(
            r#"{"version":1,"pipelines":{"traces":{"receivers":["otlp"],"processors":["gone","genai"],"exporters":[]}},"processors":{"gone":{},"genai":{"prizes":[]}},"connectors":{}}"#
        ),
        "stored epoch: unknown type \"gone\" of processor\n\
         stored epoch:1:1: processors::genai: unknown field \"prizes\", did you mean \"prices\"?"
    );
}

#[test]
fn the_schema_names_every_component_and_its_settings() {
    let schema = spanledger_config::schema(&registry());
    let exporters = &schema["properties"]["exporters"]["patternProperties"];
    assert_eq!(exporters["^prom(/.+)?$"], exporters["^prometheus(/.+)?$"]);
    let parquet = &schema["$defs"]["exporters.parquet"];
    assert_eq!(parquet["properties"]["rotation"]["anyOf"][0]["$ref"], "#/$defs/exporters.parquet.Rotation");
    assert_eq!(schema["$defs"]["exporters.parquet.Secret"]["format"], "secret");
    assert_eq!(parquet["properties"]["rotation"]["anyOf"][1]["$ref"], "#/$defs/reference");
    let levels = &schema["$defs"]["service.LogLevel"]["oneOf"][0];
    assert_eq!(levels["enum"], json!(["debug", "Debug", "DEBUG"]));
    let references = schema.to_string();
    for part in references.split("\"$ref\":\"#/$defs/").skip(1) {
        let name = part.split('"').next().unwrap();
        assert!(schema["$defs"].get(name).is_some(), "{name} is not defined");
    }
}
