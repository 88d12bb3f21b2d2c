//! Node's own OTLP exporter sends JSON to the collector.

use std::path::Path;

use crate::harness::{Setup, tools};
use crate::python::exporters::{assert_stored, send};

#[tokio::test(flavor = "multi_thread")]
async fn the_json_exporter_of_node_delivers_every_span() {
    let folder = tempfile::tempdir().unwrap();
    let collector = Setup::new(folder.path()).start();
    assert!(tools::node_modules().exists());
    let sent = send(Path::new("node"), "send_http.mjs", collector.setup.http, 700);
    collector.flush().await;
    assert_eq!(sent.len(), 700);
    assert_stored(&collector.setup.lake(), sent);
}
