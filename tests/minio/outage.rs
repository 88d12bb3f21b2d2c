//! A bucket that is away: spans wait on disk, memory does not grow, and all arrive when it is back.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::harness::minio::Minio;
use crate::harness::{duck, free_ports, load};
use crate::minio::setup;

const BUDGET_BYTES: u64 = 256 << 20;
const ALLOWED_BESIDE_BYTES: u64 = 128 << 20;
/// 5 GiB of spans with 8 KB of messages.
const BYTES: u64 = 5 << 30;
const SPANS_A_REQUEST: usize = 100;
const PROMPT_BYTES: usize = 8 << 10;
const SENDERS: usize = 4;

#[tokio::test(flavor = "multi_thread")]
async fn five_gib_wait_on_disk_while_the_bucket_is_away_and_arrive_when_it_is_back() {
    // Beside what is built: a system's temporary directory may be in memory.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let [port] = free_ports();
    let collector = setup(folder.path(), port)
        .set("extensions.wal.max_size=8GiB")
        .set("exporters.parquet.rotation.max_rows=500000")
        .start();
    let sent = Arc::new(AtomicU64::new(0));
    let grpc = collector.setup.grpc;
    let senders: Vec<_> = (0..SENDERS).map(|_| tokio::spawn(send(grpc, sent.clone()))).collect();
    let mut spans = 0;
    for sender in senders {
        spans += sender.await.unwrap();
    }
    let peak = collector.peak_resident_bytes();
    assert!(peak < BUDGET_BYTES + ALLOWED_BESIDE_BYTES, "{} MiB while the bucket is away", peak >> 20);
    let branch = collector.branch("parquet").await;
    assert!(branch["error"].is_string(), "the outage is named: {branch}");
    assert!(branch["waiting_bytes"].as_u64().unwrap() >= BYTES, "{branch}");

    let minio = Minio::start(&folder.path().join("minio"), port);
    // Encoding five GiB takes minutes on a small machine.
    collector.flush_within("20m").await;
    let peak = collector.peak_resident_bytes();
    assert!(peak < BUDGET_BYTES + ALLOWED_BESIDE_BYTES, "{} MiB after the bucket came back", peak >> 20);
    println!("{spans} spans, peak resident memory {} MiB", peak >> 20);
    let lake = folder.path().join("downloaded");
    minio.download("lake/v1/spans", &lake.join("v1/spans")).await;
    let distinct = duck::number(&lake, "select count(distinct span_id) from {spans}");
    let rows = duck::number(&lake, "select count(*) from {spans}");
    assert_eq!((distinct, rows), (spans, spans));
}

/// Sends until all senders together have sent enough; gives the spans that were acknowledged.
async fn send(port: u16, sent: Arc<AtomicU64>) -> i64 {
    let mut client = load::client(port).await.unwrap();
    let mut spans = 0;
    while sent.fetch_add((SPANS_A_REQUEST * PROMPT_BYTES) as u64, Ordering::Relaxed) < BYTES {
        let (request, _) = load::request(SPANS_A_REQUEST, PROMPT_BYTES);
        client.export(request).await.unwrap();
        spans += SPANS_A_REQUEST as i64;
    }
    spans
}
