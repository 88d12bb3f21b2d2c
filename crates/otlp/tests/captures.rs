//! What real SDKs send.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::path::{Path, PathBuf};

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message as _;
use spanledger_otlp::{Message, Source, decode_spans, json_to_protobuf, walk};
use spanledger_schema::Table as _;
use support::{columns, reference};

const LOG: &str = "0123456789abcdef0123456789abcdef";

#[test]
fn captured_spans_decode_as_prost_reads_them() {
    let mut spans = 0;
    for path in captures("pb") {
        let body = Bytes::from(std::fs::read(&path).unwrap());
        if signal(&path) != "traces" {
            continue;
        }
        let request = ExportTraceServiceRequest::decode(body.clone()).unwrap();
        let (expected, rejected) = reference::spans(&request);
        assert_eq!(rejected, Vec::<u32>::new(), "{}", path.display());
        let walked = walk(Message::Traces, &body).unwrap();
        assert_eq!(walked.items as usize, expected.len());
        let source = Source { body: &body, position: 1, arrival_unix_nano: 2_000, rejected: &[] };
        let rows = decode_spans(LOG, &[source]).unwrap();
        assert_eq!(columns::rows(&rows), expected, "{}", path.display());
        spans += rows.len();
    }
    assert!(spans > 500, "only {spans} spans in the captures");
}

#[test]
fn all_captures_decode_as_one_batch() {
    let paths = captures("pb").into_iter().filter(|path| signal(path) == "traces");
    let bodies: Vec<Bytes> = paths.map(|path| std::fs::read(path).unwrap().into()).collect();
    let sources: Vec<_> = bodies
        .iter()
        .map(|body| Source { body, position: 1, arrival_unix_nano: 2_000, rejected: &[] })
        .collect();
    let rows = decode_spans(LOG, &sources).unwrap();
    let requests = bodies.iter().map(|body| ExportTraceServiceRequest::decode(body.clone()).unwrap());
    let expected: Vec<_> = requests.flat_map(|request| reference::spans(&request).0).collect();
    assert_eq!(columns::rows(&rows), expected);
}

#[test]
fn captured_logs_and_metrics_are_accepted() {
    for path in captures("pb") {
        let body = std::fs::read(&path).unwrap();
        match signal(&path).as_str() {
            "logs" => {
                let walked = walk(Message::Logs, &body).unwrap();
                let (expected, _) = reference::logs(&ExportLogsServiceRequest::decode(&body[..]).unwrap());
                assert_eq!(walked.items as usize, expected.len());
            }
            "metrics" => assert!(walk(Message::Metrics, &body).unwrap().items > 0),
            _ => {}
        }
    }
}

#[test]
fn captured_json_says_the_same_as_protobuf() {
    for path in captures("json") {
        let text = std::fs::read(&path).unwrap();
        let body: Bytes = json_to_protobuf(Message::Traces, &text, 1 << 20).unwrap().into();
        let source = Source { body: &body, position: 1, arrival_unix_nano: 2_000, rejected: &[] };
        let rows = columns::rows(&decode_spans(LOG, &[source]).unwrap());
        let json: serde_json::Value = serde_json::from_slice(&text).unwrap();
        let each =
            |value: &serde_json::Value, name: &str| value[name].as_array().cloned().unwrap_or_default();
        let scopes =
            each(&json, "resourceSpans").into_iter().flat_map(|resource| each(&resource, "scopeSpans"));
        let spans: Vec<_> = scopes.flat_map(|scope| each(&scope, "spans")).collect();
        assert_eq!(rows.len(), spans.len());
        for (row, span) in rows.iter().zip(spans) {
            for (column, name) in [("trace_id", "traceId"), ("span_id", "spanId"), ("name", "name")] {
                assert_eq!(row[column], span[name].as_str().unwrap());
            }
            assert_eq!(row["start_time_unix_nano"], span["startTimeUnixNano"].as_str().unwrap());
            for attribute in each(&span, "attributes") {
                let value = attribute["value"]["stringValue"].as_str().unwrap_or_default();
                let (key, value) = (&attribute["key"], format!("{value:?}"));
                let pair = format!("{key}: {value}");
                assert!(row["span_attributes"].contains(pair.trim_end_matches("\"\"")), "{pair} in {row:?}");
            }
        }
    }
}

fn captures(extension: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/captures");
    let folders =
        std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
    let files =
        folders.flat_map(|folder| std::fs::read_dir(folder).unwrap()).map(|entry| entry.unwrap().path());
    let is_wanted = |path: &PathBuf| path.extension().is_some_and(|found| found == extension);
    let mut paths: Vec<_> = files.filter(is_wanted).filter(|path| !path.ends_with("meta.json")).collect();
    paths.sort();
    assert!(!paths.is_empty(), "no captures");
    paths
}

/// The signal of a capture, from the `meta.json` beside it.
fn signal(path: &Path) -> String {
    let meta = std::fs::read(path.with_file_name("meta.json")).unwrap();
    let meta: serde_json::Value = serde_json::from_slice(&meta).unwrap();
    let name = path.file_name().unwrap().to_str().unwrap();
    let file = meta["files"].as_array().unwrap().iter().find(|file| file["file"] == name);
    file.unwrap_or_else(|| panic!("{} is not in meta.json", path.display()))["signal"]
        .as_str()
        .unwrap()
        .to_owned()
}
