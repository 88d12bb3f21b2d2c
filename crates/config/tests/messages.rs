//! The exact words of what is wrong.

mod common;

use common::{FakeEnv, MINIMAL, load_with, load_yaml};

/// What is said of a component's settings, given below a minimal config.
fn problems_of(yaml: &str) -> Vec<String> {
    load_yaml(yaml).err().unwrap_or_default()
}

#[test]
fn everything_wrong_is_said_at_once_with_place_path_and_nearest_name() {
    let yaml = "\
receivers:
  otlp:
    protocols:
      grpc: {endpoint: 127.0.0.1:4317, port: 70000}
  otpl/2:
exporters:
  parquet:
    path: ./lake
    rotation:
      max_agee: 5m
      max_bytes: 5 furlongs
      max_rows: many
    compression: snapy
    labels: [a]
service:
  pipelines:
    traces: {receivers: [otlp], exporters: [parquet, parket]}
sevice: {}
";
    assert_eq!(
        problems_of(yaml),
        [
            "config.yaml:4:46: receivers::otlp::protocols::grpc::port: found the number 70000, expected a whole number from 0 to 65535",
            "config.yaml:5:3: receivers::otpl/2: unknown type \"otpl\", did you mean \"otlp\"?",
            "config.yaml:10:7: exporters::parquet::rotation: unknown field \"max_agee\", did you mean \"max_age\"?",
            "config.yaml:11:18: exporters::parquet::rotation::max_bytes: \"5 furlongs\" is not a size: expected a number and a unit, as 64MiB or 10GB",
            "config.yaml:12:17: exporters::parquet::rotation::max_rows: found \"many\", expected a whole number that is not negative",
            "config.yaml:13:18: exporters::parquet::compression: found \"snapy\", expected one of zstd, snappy, none, did you mean \"snappy\"?",
            "config.yaml:14:13: exporters::parquet::labels: found a list, expected a map",
            "config.yaml:17:54: service::pipelines::traces: references exporter \"parket\" which is not configured, did you mean \"parquet\"?",
            "config.yaml:18:1: unknown field \"sevice\", did you mean \"service\"?",
        ]
    );
}

#[test]
fn a_choice_that_is_like_none_is_answered_with_all_of_them_once() {
    let yaml = MINIMAL.replace("path: ./lake", "path: ./lake, compression: everything");
    let expected = "config.yaml:3:50: exporters::parquet::compression: found \"everything\", expected one of zstd, snappy, none";
    assert_eq!(problems_of(&yaml), [expected]);
}

#[test]
fn a_list_where_a_map_belongs_is_refused() {
    let yaml = "\
receivers: {otlp: [{grpc: }]}
exporters: {parquet: {path: a, rotation: [1m, 1MiB, 5]}, prometheus: []}
service: [512MiB, [20s], {}, [], {traces: [[otlp], [], [parquet]]}]
";
    assert_eq!(
        problems_of(yaml),
        [
            "config.yaml:1:19: receivers::otlp: found a list, expected a map",
            "config.yaml:2:42: exporters::parquet::rotation: found a list, expected a map",
            "config.yaml:2:70: exporters::prometheus: found a list, expected a map",
            "config.yaml:3:10: service: found a list, expected a map",
        ]
    );
}

#[test]
fn a_duration_without_a_unit_is_refused() {
    let yaml = MINIMAL
        .replace("path: ./lake", "path: ./lake, rotation: {max_age: 300}")
        .replace("service: {", "service: {shutdown: {timeout: 5}, ");
    let message = "a number without a unit: add one, as in 300s or 5m";
    assert_eq!(
        problems_of(&yaml),
        [
            format!("config.yaml:3:57: exporters::parquet::rotation::max_age: {message}"),
            format!("config.yaml:4:31: service::shutdown::timeout: {message}"),
        ]
    );
}

#[test]
fn a_word_in_several_spellings_is_listed_once() {
    let yaml = MINIMAL.replace("service: {", "service: {telemetry: {logs: {level: everything}}, ");
    assert_eq!(
        problems_of(&yaml),
        [
            "config.yaml:4:37: service::telemetry::logs::level: found \"everything\", expected one of debug, info, warn, error"
        ]
    );
}

#[test]
fn what_a_component_checks_itself_has_its_place() {
    let yaml = MINIMAL.replace("path: ./lake", "path: ./lake, rotation: {max_rows: 7}");
    assert_eq!(
        problems_of(&yaml),
        ["config.yaml:3:58: exporters::parquet::rotation::max_rows: seven brings bad luck"]
    );
}

#[test]
fn what_a_component_checks_itself_is_said_besides_what_cannot_be_read() {
    let yaml = MINIMAL.replace("path: ./lake", "path: ./lake, pth: a, rotation: {max_rows: 7, max_age: 1s}");
    let wrong = yaml.replace("max_age: 1s", "max_age: x");
    let unlucky = "config.yaml:3:66: exporters::parquet::rotation::max_rows: seven brings bad luck";
    let unknown = "config.yaml:3:37: exporters::parquet: unknown field \"pth\", did you mean \"path\"?";
    assert_eq!(problems_of(&yaml), [unknown, unlucky]);
    let no_duration = "config.yaml:3:78: exporters::parquet::rotation::max_age: \"x\" is not a duration: expected numbers with units, as 300ms, 1.5s or 1h30m";
    assert_eq!(problems_of(&wrong), [unknown, unlucky, no_duration]);
    let unread = yaml.replace("max_rows: 7", "max_rows: [7]");
    assert_eq!(problems_of(&unread).len(), 2, "of a value that cannot be read only that is said");
}

#[test]
fn a_key_that_stands_twice_does_not_hide_what_else_is_wrong() {
    let yaml = "\
receivers: {otlp: , otlp: }
exporters:
  parquet: {path: a}
exporters:
  prometheus: {pth: a}
service: {pipelines: {traces: {receivers: [otlp], exporters: [parquet]}}}
";
    assert_eq!(
        problems_of(yaml),
        [
            "config.yaml:1:21: receivers: \"otlp\" stands twice, first in line 1",
            "config.yaml:4:1: \"exporters\" stands twice, first in line 2",
            "config.yaml:5:16: exporters::prometheus: unknown field \"pth\"",
        ]
    );
    let registry = common::registry();
    let set = ["exporters.parquet={path: a, path: b}".to_owned()];
    let problems =
        spanledger_config::load(&[format!("yaml:{MINIMAL}")], &set, &registry, &FakeEnv::default());
    assert_eq!(
        problems.err().unwrap().to_string(),
        "--set exporters.parquet:1:11: exporters::parquet: \"path\" stands twice, first in line 1"
    );
}

#[test]
fn a_required_key_that_is_missing_is_named_but_not_when_its_value_was_wrong() {
    let missing = MINIMAL.replace("{path: ./lake}", "{}");
    assert_eq!(problems_of(&missing), ["config.yaml:3:22: exporters::parquet: missing field \"path\""]);
    let wrong = MINIMAL.replace("./lake", "[a]");
    assert_eq!(
        problems_of(&wrong),
        ["config.yaml:3:29: exporters::parquet::path: found a list, expected a text"]
    );
}

#[test]
fn references_of_pipelines_are_checked_in_the_collectors_words() {
    let cases = [
        (
            "pipelines: {traces: {receivers: [otlp], exporters: [x]}}",
            "config.yaml:4:63: service::pipelines::traces: references exporter \"x\" which is not configured, expected one of parquet, prometheus",
        ),
        (
            "pipelines: {traces: {receivers: [otlp], processors: [genai, genai], exporters: [parquet]}}",
            "config.yaml:4:71: service::pipelines::traces: references processor \"genai\" multiple times",
        ),
        (
            "pipelines: {traces: {receivers: [], exporters: [parquet]}}",
            "config.yaml:4:23: service::pipelines::traces: must have at least one receiver",
        ),
        (
            "pipelines: {traces: {receivers: [otlp]}}",
            "config.yaml:4:23: service::pipelines::traces: must have at least one exporter",
        ),
        ("pipelines: {}", "config.yaml:4:22: service::pipelines: service must have at least one pipeline"),
        (
            "pipelines: {profiles: {receivers: [otlp], exporters: [parquet]}}",
            "config.yaml:4:23: service::pipelines: unknown signal \"profiles\", expected one of traces, metrics, logs",
        ),
        (
            "pipelines: {metrics: {receivers: [otlp], exporters: [parquet]}}",
            "config.yaml:4:64: service::pipelines::metrics: exporter \"parquet\" cannot be used for metrics: telemetry type is not supported, only traces, logs",
        ),
        (
            "extensions: [wal, wall], pipelines: {traces: {receivers: [otlp], exporters: [parquet]}}",
            "config.yaml:4:29: service::extensions: references extension \"wall\" which is not configured, did you mean \"wal\"?",
        ),
        (
            "pipelines: {traces: {receivers: [otlp], exporters: [parquet/]}}",
            "config.yaml:4:63: service::pipelines::traces: \"parquet/\" is not a component id: the name after the slash is empty",
        ),
    ];
    for (service, message) in cases {
        let yaml = format!(
            "receivers: {{otlp: }}\nprocessors: {{genai: }}\nexporters: {{parquet: {{path: a}}, prometheus: }}\nservice: {{{service}}}\nextensions: {{wal: }}\n"
        );
        assert_eq!(problems_of(&yaml), [message], "{service}");
    }
}

#[test]
fn only_one_extension_of_a_type_that_can_stand_once_is_let_through() {
    let yaml = MINIMAL.replace("service: {", "service: {extensions: [admin, wal, admin/2, wal/2], ")
        + "extensions: {wal: , wal/2: , admin: , admin/2: }\n";
    assert_eq!(
        problems_of(&yaml),
        [
            "config.yaml:4:45: service::extensions: references extension \"wal/2\", but only one of its type can run, and \"wal\" does"
        ]
    );
}

#[test]
fn connectors_are_checked_on_both_sides() {
    let load = |pipelines: &str| {
        problems_of(&format!(
            "receivers: {{otlp: }}\nexporters: {{parquet: {{path: a}}, prometheus: }}\nconnectors: {{genai_metrics: , forward: , forward/2: }}\nservice: {{pipelines: {{{pipelines}}}}}\n"
        ))
    };
    assert_eq!(
        load("traces: {receivers: [otlp], exporters: [genai_metrics]}"),
        [
            "config.yaml:4:23: service::pipelines::traces: connector \"genai_metrics\" used as exporter in [traces] pipeline but not used in any supported receiver pipeline, it turns traces into metrics"
        ]
    );
    assert_eq!(
        load("metrics: {receivers: [genai_metrics], exporters: [prometheus]}"),
        [
            "config.yaml:4:23: service::pipelines::metrics: connector \"genai_metrics\" used as receiver in [metrics] pipeline but not used in any supported exporter pipeline, it turns traces into metrics"
        ]
    );
    assert_eq!(
        load(
            "traces/a: {receivers: [otlp, forward/2], exporters: [forward]}, traces/b: {receivers: [forward], exporters: [forward/2]}"
        ),
        [
            "config.yaml:4:23: service::pipelines::traces/a: cycle detected: pipeline \"traces/a\" -> connector \"forward\" -> pipeline \"traces/b\" -> connector \"forward/2\" -> pipeline \"traces/a\""
        ]
    );
    assert_eq!(
        load(
            "traces/a: {receivers: [otlp], exporters: [forward, parquet]}, traces/b: {receivers: [forward], exporters: [parquet]}"
        ),
        [
            "config.yaml:4:23: service::pipelines::traces/a: exporter \"parquet\" gets what receiver \"otlp\" takes in by two paths (from traces/a and traces/a), so that it would stand there twice; use one path, or a second exporter as \"parquet/2\""
        ]
    );
    assert_eq!(
        load(
            "traces/a: {receivers: [otlp], exporters: [genai_metrics]}, traces/b: {receivers: [otlp], exporters: [parquet, genai_metrics]}, metrics: {receivers: [genai_metrics], exporters: [prometheus]}"
        ),
        [
            "config.yaml:4:82: service::pipelines::traces/b: connector \"genai_metrics\" gets what receiver \"otlp\" takes in by two paths (from traces/a and traces/b), so that it would be counted twice; use one path, or a second connector as \"genai_metrics/2\""
        ]
    );
    assert_eq!(
        load(
            "traces/a: {receivers: [otlp], exporters: [forward]}, traces/b: {receivers: [forward], exporters: [parquet]}"
        ),
        Vec::<String>::new()
    );
}

#[test]
fn an_id_of_a_connector_and_of_an_exporter_is_ambiguous() {
    let yaml = format!("{MINIMAL}\nconnectors: {{forward: }}\n")
        .replace("receivers: {otlp: }", "receivers: {otlp: , forward: }");
    assert_eq!(
        problems_of(&yaml),
        [
            "config.yaml:2:21: receivers::forward: unknown type \"forward\", expected one of otlp",
            "config.yaml:6:14: connectors::forward: ambiguous ID: found both \"forward\" receiver and \"forward\" connector, rename one, as \"forward/connector\"",
        ]
    );
}

#[test]
fn no_message_shows_a_secret_or_what_a_reference_stands_for() {
    let env = FakeEnv::with(
        &[("AGE", "hunter2-years"), ("ROWS", "hunter2"), ("ODD", "{hunter2: 1}"), ("LIST", "[hunter2]")],
        &[("rows.txt", "hunter2\n")],
    );
    let yaml = "\
receivers: {otlp: }
exporters:
  parquet:
    path: ${env:LIST}
    rotation: {max_age: \"${env:AGE}\", max_rows: \"${file:rows.txt}\", max_bytes: \"x${env:ROWS}\"}
    compression: ${env:ROWS}
    secret_access_key: [hunter2]
  parquet/2:
    path: a
    rotation: ${env:ODD}
service:
  pipelines:
    traces: {receivers: [\"${env:ROWS}\"], exporters: [parquet]}
";
    assert_eq!(
        load_with(yaml, &env).err().unwrap(),
        [
            "config.yaml:5:25: exporters::parquet::rotation::max_age: [REDACTED] is not a duration: expected numbers with units, as 300ms, 1.5s or 1h30m",
            "config.yaml:5:49: exporters::parquet::rotation::max_rows: found a text from a reference, expected a whole number that is not negative",
            "config.yaml:5:80: exporters::parquet::rotation::max_bytes: [REDACTED] is not a size: expected a number and a unit, as 64MiB or 10GB",
            "config.yaml:6:18: exporters::parquet::compression: found a text from a reference, expected one of zstd, snappy, none",
            "config.yaml:7:24: exporters::parquet::secret_access_key: found a list, expected a text",
            "config.yaml:13:26: service::pipelines::traces: references receiver [REDACTED] which is not configured, expected one of otlp",
            "env:ODD:1:2: exporters::parquet/2::rotation: unknown field in what a reference stands for",
        ]
    );
}

#[test]
fn references_that_cannot_be_read_are_named() {
    let env = FakeEnv::with(&[("LOOP", "${env:LOOP}")], &[]);
    let cases = [
        (
            "${1}",
            "environment variable \"1\" has invalid name: must match regex ^[a-zA-Z_][a-zA-Z0-9_]*$ (to keep the text as it is, write $${1})",
        ),
        ("${http://x}", "scheme \"http\" is not supported in ${…}, expected env, file or yaml"),
        ("${file:none}", "read ${file:none}: no such file"),
        ("${env:LOOP}", "more than 1000 references in one value: does one stand for itself?"),
    ];
    for (text, message) in cases {
        let yaml = MINIMAL.replace("./lake", &format!("'{text}'"));
        let expected = format!("config.yaml:3:29: exporters::parquet::path: {message}");
        assert_eq!(load_with(&yaml, &env).err().unwrap(), [expected], "{text}");
    }
}

#[test]
fn sources_that_cannot_be_read_are_named() {
    let registry = common::registry();
    let load = |configs: &[&str], sets: &[&str]| {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        spanledger_config::load(&owned(configs), &owned(sets), &registry, &FakeEnv::default())
            .map(drop)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(load(&[], &[]), "at least one config flag must be provided");
    assert_eq!(load(&[""], &[]), "--config: the location is empty, expected a path");
    assert_eq!(load(&["file:"], &[]), "--config: the location is empty, expected a path");
    assert_eq!(load(&["none.yaml"], &[]), "read config none.yaml: no such file");
    assert_eq!(load(&["env:NONE"], &[]), "--config env:NONE: the variable is not set");
    assert_eq!(
        load(&["https://x/y"], &[]),
        "--config: scheme \"https\" is not supported, expected file, env or yaml"
    );
    assert_eq!(load(&["yaml:a: [1"], &[]), "--config 1:1:4: not YAML: unclosed bracket '['");
    assert_eq!(
        load(&["yaml:[1]"], &[]),
        "--config 1:1:1: expected a map with receivers, exporters and service"
    );
    assert_eq!(load(&["yaml:"], &["x"]), "--set: expected key=value, as in service.memory=1GiB");
}
