//! Tables of prices that are exchanged while rows wait, judged by DuckDB and by what Prometheus would scrape.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::harness::{Collector, Setup, duck, load};

/// USD for a million tokens in and out, in a table that knows one model.
fn write_table(folder: &Path, input: u32, output: u32) {
    let table = format!(
        r#"[{{"id": "openai", "name": "OpenAI", "api_pattern": "https://api\\.openai\\.com", "pricing_urls": [],
            "models": [{{"id": "gpt-4o-mini", "match": {{"starts_with": "gpt-4o-mini"}},
                "prices": {{"input_mtok": {input}, "output_mtok": {output}}}}}]}}]"#
    );
    let path = folder.join("prices.json");
    fs::write(folder.join("prices.new"), table).unwrap();
    fs::rename(folder.join("prices.new"), path).unwrap();
}

async fn send(collector: &Collector, spans: usize) {
    let (request, _) = load::request(spans, 0);
    load::client(collector.setup.grpc).await.unwrap().export(request).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_have_the_prices_of_when_they_were_accepted_whatever_happens_to_the_table_while_they_wait() {
    let folder = tempfile::tempdir().unwrap();
    write_table(folder.path(), 1, 2);
    // Nothing is delivered before the flush, so all of it is read again after the crash.
    let setup = Setup::new(folder.path())
        .set("processors.genai.prices.file=prices.json")
        .set("exporters.parquet.rotation.max_age=1h");
    let collector = setup.start();
    send(&collector, 20).await;
    write_table(folder.path(), 10, 20);
    collector.wait_for("what its rows depend on has changed, from this position on");
    send(&collector, 30).await;
    collector.kill();
    write_table(folder.path(), 100, 200);
    let collector = setup.start();
    send(&collector, 40).await;
    collector.flush().await;

    let rows = duck::query(
        &setup.lake(),
        "select price_version, count(*) as calls, sum(input_tokens)::bigint as input, sum(output_tokens)::bigint as output,
            (sum(cost_total) * 1000000)::bigint as micro_usd from {spans} group by 1 order by min(position)",
    );
    let int = |row: &Value, key: &str| row[key].as_i64().unwrap();
    assert_eq!(rows.iter().map(|row| int(row, "calls")).collect::<Vec<_>>(), [20, 30, 40], "{rows:?}");
    for (row, dollars) in rows.iter().zip([1, 10, 100]) {
        let expected = dollars * (int(row, "input") + 2 * int(row, "output"));
        assert_eq!(int(row, "micro_usd"), expected, "{row}");
        assert!(row["price_version"].as_str().unwrap().starts_with("file+sha256:"), "{row}");
    }
    let lake: i64 = rows.iter().map(|row| int(row, "micro_usd")).sum();
    let metric = collector.metric("gen_ai_client_cost_usd_total").await;
    assert!(
        (metric * 1e6 - lake as f64).abs() < 1e-3,
        "{metric} USD in the metric, {lake} micro USD in the lake"
    );
}
