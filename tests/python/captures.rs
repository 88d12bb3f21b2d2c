//! Every captured request of a real SDK is accepted over its own protocol, and each of its spans stands in `spans`
//! intact. The expected values come from Python's opentelemetry-proto.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::harness::{Collector, Setup, duck, grpc, http, tools};

/// Traces and logs to Parquet as they are; metrics are taken in and go nowhere.
const CONFIG: &str = "
receivers:
  otlp:
    protocols: {grpc: , http: }
extensions: {wal: , admin: , health_check: }
exporters:
  parquet: {path: ./data/lake}
  nop:
service:
  extensions: [wal, admin, health_check]
  pipelines:
    traces: {receivers: [otlp], exporters: [parquet]}
    logs: {receivers: [otlp], exporters: [parquet]}
    metrics: {receivers: [otlp], exporters: [nop]}
";

/// Under this key both sides of the comparison keep the deployment environment.
const ENVIRONMENT: &str = "deployment environment, by whichever name";

pub(super) struct Capture {
    pub(super) path: PathBuf,
    pub(super) signal: String,
    protocol: String,
    content_type: String,
}

pub(super) fn captures() -> Vec<Capture> {
    let mut captures = Vec::new();
    for folder in std::fs::read_dir(tools::captures()).unwrap().map(|entry| entry.unwrap().path()) {
        let Ok(meta) = std::fs::read(folder.join("meta.json")) else { continue };
        let meta: Value = serde_json::from_slice(&meta).unwrap();
        let text = |file: &Value, key: &str| file[key].as_str().unwrap().to_owned();
        captures.extend(meta["files"].as_array().unwrap().iter().map(|file| Capture {
            path: folder.join(text(file, "file")),
            signal: text(file, "signal"),
            protocol: text(file, "protocol"),
            content_type: text(file, "content_type"),
        }));
    }
    captures.sort_by(|a, b| a.path.cmp(&b.path));
    captures
}

pub(super) async fn send(collector: &Collector, capture: &Capture) {
    let body = std::fs::read(&capture.path).unwrap();
    let place = capture.path.display();
    if capture.protocol == "grpc" {
        let ended = grpc::export(collector.setup.grpc, &capture.signal, &body).await;
        assert_eq!(ended.status, 0, "{place}: {ended:?}");
        return;
    }
    let headers = [("content-type", capture.content_type.as_str())];
    let path = format!("/v1/{}", capture.signal);
    let answer = http::send("POST", collector.setup.http, &path, &headers, body).await.unwrap();
    assert_eq!(answer.status(), 200, "{place}: {answer:?}");
    assert_eq!(answer.headers()["content-type"], capture.content_type, "{place}");
    assert!(!String::from_utf8_lossy(answer.body()).contains("rejected"), "{place}: {answer:?}");
}

/// The spans of these files by an independent decoder, by (trace id, span id, start).
pub(super) fn decoded(files: &[&Path]) -> BTreeMap<String, Vec<Value>> {
    let output = Command::new(tools::python()).arg(tools::script("decode.py")).args(files).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).unwrap();
    by_id(lines.lines().map(|line| serde_json::from_str(line).unwrap()))
}

fn by_id(spans: impl Iterator<Item = Value>) -> BTreeMap<String, Vec<Value>> {
    let mut by_id: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for span in spans {
        let key = format!("{}/{}/{}", span["trace_id"], span["span_id"], span["start_time_unix_nano"]);
        by_id.entry(key).or_default().push(span);
    }
    by_id.values_mut().for_each(|spans| spans.sort_by_key(ToString::to_string));
    by_id
}

/// The rows in the shape of the independent decoder: what became a column is put back among the resource's attributes.
fn stored(lake: &Path) -> BTreeMap<String, Vec<Value>> {
    let rows = duck::query(
        lake,
        "select trace_id, span_id, parent_span_id, name, start_time_unix_nano,
           start_time_unix_nano + duration_ns as end_time_unix_nano, kind, status_code, status_message, service_name,
           span_attributes as attributes, resource_attributes, service_namespace, service_version, service_instance_id,
           deployment_environment
         from {spans}",
    );
    by_id(rows.into_iter().map(|mut row| {
        let columns = [
            ("service.name", "service_name"),
            ("service.namespace", "service_namespace"),
            ("service.version", "service_version"),
            ("service.instance.id", "service_instance_id"),
        ];
        for (attribute, column) in columns {
            if let Some(text) = row[column].as_str().map(str::to_owned) {
                row["resource_attributes"][attribute] = json!(text);
            }
        }
        let environment = row["deployment_environment"].clone();
        row["resource_attributes"][ENVIRONMENT] = environment;
        let row = row.as_object_mut().unwrap();
        for column in
            ["service_namespace", "service_version", "service_instance_id", "deployment_environment"]
        {
            row.remove(column);
        }
        Value::Object(row.clone())
    }))
}

/// The deployment environment has two names on the wire and one column.
fn with_one_environment(mut span: Value) -> Value {
    let resource = span["resource_attributes"].as_object_mut().unwrap();
    let new = resource.remove("deployment.environment.name");
    let environment = new.or_else(|| resource.remove("deployment.environment"));
    resource.insert(ENVIRONMENT.into(), environment.unwrap_or(Value::Null));
    span
}

#[tokio::test(flavor = "multi_thread")]
async fn every_captured_request_is_accepted_and_its_spans_stand_in_parquet_intact() {
    let folder = tempfile::tempdir().unwrap();
    let collector = Setup::new(folder.path()).config(CONFIG).start();
    let captures = captures();
    assert!(captures.len() > 200, "{} captures found", captures.len());
    for capture in &captures {
        send(&collector, capture).await;
    }
    collector.flush().await;

    let traces: Vec<&Path> = captures
        .iter()
        .filter(|capture| capture.signal == "traces")
        .map(|capture| capture.path.as_path())
        .collect();
    let mut expected = decoded(&traces);
    for spans in expected.values_mut() {
        *spans = spans.drain(..).map(with_one_environment).collect();
        spans.sort_by_key(ToString::to_string);
    }
    let stored = stored(&collector.setup.lake());
    for (id, spans) in &expected {
        assert_eq!(stored.get(id), Some(spans), "span {id}");
    }
    assert_eq!(stored.len(), expected.len());
}
