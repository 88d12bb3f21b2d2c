//! A price table of one's own: what becomes of the collector when it cannot be read.

use std::fs;
use std::path::{Path, PathBuf};

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
