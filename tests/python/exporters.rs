//! Python's own OTLP exporters send to the collector.

use std::process::Command;

use crate::harness::{Setup, duck, tools};

/// Runs a sender script and gives the span ids that it says were taken.
pub fn send(program: &std::path::Path, script: &str, port: u16, count: usize) -> Vec<String> {
    let endpoint = format!("http://127.0.0.1:{port}");
    let mut command = Command::new(program);
    command.arg(tools::script(script)).args([endpoint, count.to_string(), "gzip".to_owned()]);
    let output = command.env("NODE_PATH", tools::node_modules()).output().unwrap();
    assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
    let ids = String::from_utf8(output.stdout).unwrap();
    let span_id = |line: &str| {
        let sent: serde_json::Value = serde_json::from_str(line).unwrap();
        sent["span_id"].as_str().unwrap().to_owned()
    };
    ids.lines().map(span_id).collect()
}

/// All of these spans, and no other, are in the lake.
pub fn assert_stored(lake: &std::path::Path, mut sent: Vec<String>) {
    let rows = duck::query(lake, "select span_id from {spans} order by span_id");
    let stored: Vec<_> = rows.iter().map(|row| row["span_id"].as_str().unwrap().to_owned()).collect();
    sent.sort();
    assert_eq!(stored, sent);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_grpc_exporter_of_python_delivers_every_span() {
    let folder = tempfile::tempdir().unwrap();
    let collector = Setup::new(folder.path()).start();
    let sent = send(&tools::python(), "send_grpc.py", collector.setup.grpc, 700);
    collector.flush().await;
    assert_eq!(sent.len(), 700);
    assert_stored(&collector.setup.lake(), sent);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_http_exporter_of_python_delivers_every_span() {
    let folder = tempfile::tempdir().unwrap();
    let collector = Setup::new(folder.path()).start();
    let sent = send(&tools::python(), "send_http.py", collector.setup.http, 700);
    collector.flush().await;
    assert_eq!(sent.len(), 700);
    assert_stored(&collector.setup.lake(), sent);
}
