//! A price table of one's own: what becomes of the collector when it cannot be read.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::mpsc;

use crate::harness::{Collector, Setup, load};

const TABLE: &str = r#"[{"id": "openai", "api_pattern": "https://api\\.openai\\.com", "models":
    [{"id": "m", "match": {"starts_with": "gpt"}, "prices": {"input_mtok": 1, "output_mtok": 2}}]}]"#;

fn setup(folder: &Path) -> Setup {
    Setup::new(folder)
        .set("processors.genai.prices.file=prices.json")
        .set("exporters.parquet.rotation.max_age=1h")
}

async fn send(collector: &Collector) {
    let (request, _) = load::request(5, 0);
    load::client(collector.setup.grpc).await.unwrap().export(request).await.unwrap();
}

fn epoch_files(folder: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(folder.join("data/wal/epochs")).unwrap();
    files.map(|file| file.unwrap().path()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_cannot_be_read_leaves_the_one_in_force_and_is_said() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("prices.json"), TABLE).unwrap();
    let collector = setup(folder.path()).start();
    fs::write(folder.path().join("prices.json"), "[{").unwrap();
    collector.wait_for("could not be taken over, what was in force stays so");
    send(&collector).await;
    collector.flush().await;
    assert!(collector.metric("gen_ai_client_cost_usd_total").await > 0.0);
    assert!(collector.stop().0.success());
    // Nor does a restart fail for it.
    let collector = setup(folder.path()).start();
    assert!(collector.log().contains("goes on with what it had before the start"), "{}", collector.log());
    collector.flush().await;
    assert!(collector.metric("gen_ai_client_cost_usd_total").await > 0.0);
}

/// An address where nobody can get anything; says so for every request.
fn failing_address() -> (String, mpsc::Receiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/prices.json", listener.local_addr().unwrap());
    let (asked, requests) = mpsc::sync_channel(16);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(
                b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
            );
            if asked.send(()).is_err() {
                break;
            }
        }
    });
    (address, requests)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_keeps_failing_is_said_once() {
    let folder = tempfile::tempdir().unwrap();
    let (address, requests) = failing_address();
    let collector = Setup::new(folder.path())
        .set(format!("processors.genai.prices.url={address}"))
        .set("processors.genai.prices.poll_interval=1s")
        .start();
    (0..4).for_each(|_| requests.recv().unwrap());
    send(&collector).await;
    collector.flush().await;
    assert!(
        collector.metric("gen_ai_client_cost_usd_total").await > 0.0,
        "with the prices that are built in"
    );
    let (status, log) = collector.stop();
    assert!(status.success());
    assert_eq!(log.matches("could not be taken over").count(), 1, "{log}");
    assert!(log.contains("it answered 500"), "{log}");
}

#[test]
fn a_first_start_without_the_table_fails_and_names_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let output = setup(folder.path()).command(&[]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(said.contains("processors::genai: read price table prices.json: No such file"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_table_that_waiting_rows_need_is_an_error_and_never_another_price() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("prices.json"), TABLE).unwrap();
    let collector = setup(folder.path()).start();
    send(&collector).await;
    collector.kill();
    let before = epoch_files(folder.path());
    // The table, not the config: that is text.
    let is_table = |path: &&PathBuf| !fs::read(path).unwrap().starts_with(b"{");
    let table = before.iter().find(is_table).unwrap();
    let whole = fs::read(table).unwrap();
    fs::write(table, b"damaged").unwrap();
    fs::write(folder.path().join("prices.json"), TABLE.replace("1,", "3,")).unwrap();
    let output = setup(folder.path()).command(&[]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success());
    assert!(
        said.contains("nothing else stands in for it")
            && said.contains(table.file_name().unwrap().to_str().unwrap()),
        "{said}"
    );
    fs::write(table, whole).unwrap();
    let collector = setup(folder.path()).start();
    collector.flush().await;
    let left = epoch_files(folder.path());
    assert!(left.len() >= 2, "{left:?}");
}
