//! A real Prometheus scrapes the collector, and its query language gives the figures.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::harness::{Collector, Setup, http, load, tools};

/// A running Prometheus; killed when dropped.
struct Prometheus {
    child: Child,
    port: u16,
}

impl Prometheus {
    /// Scrapes these ports of this machine every second.
    fn start(folder: &Path, scraped: &[u16]) -> Self {
        let targets: Vec<String> = scraped.iter().map(|port| format!("'127.0.0.1:{port}'")).collect();
        let config = format!(
            "global: {{scrape_interval: 1s}}\nscrape_configs:\n- {{job_name: spanledger, static_configs: [{{targets: [{}]}}]}}\n",
            targets.join(", "),
        );
        let path = folder.join("prometheus.yml");
        std::fs::write(&path, config).unwrap();
        let mut child = Command::new(tools::prometheus())
            .arg(format!("--config.file={}", path.display()))
            .arg(format!("--storage.tsdb.path={}", folder.join("prometheus").display()))
            .args(["--web.listen-address=127.0.0.1:0", "--log.level=info"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        // It says both in either order.
        let (mut port, mut is_ready) = (None, false);
        while port.is_none() || !is_ready {
            let line = stderr.next().expect("prometheus says where it listens, and that it is ready");
            is_ready |= line.contains("Server is ready");
            if line.contains("Listening on") {
                let address = line.split("address=").nth(1).unwrap().split_whitespace().next().unwrap();
                port = Some(address.rsplit(':').next().unwrap().parse().unwrap());
            }
        }
        let port = port.unwrap();
        std::thread::spawn(move || stderr.for_each(drop));
        Self { child, port }
    }

    /// The value of an instant query; `None` while there is none.
    async fn value(&self, query: &str) -> Option<f64> {
        let encoded: String = form_urlencoded::byte_serialize(query.as_bytes()).collect();
        let answer: Value =
            serde_json::from_str(&http::get(self.port, &format!("/api/v1/query?query={encoded}")).await)
                .unwrap();
        answer["data"]["result"][0]["value"][1].as_str()?.parse().ok()
    }

    /// Asks until the query has this value; scrapes come every second.
    async fn becomes(&self, query: &str, expected: f64) {
        let mut ticks = tokio::time::interval(std::time::Duration::from_millis(200));
        let mut last = None;
        for _ in 0..300 {
            ticks.tick().await;
            last = self.value(query).await;
            if last == Some(expected) {
                return;
            }
        }
        panic!("{query} is {last:?}, expected {expected}");
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn send(collector: &Collector, spans: usize) {
    let mut client = load::client(collector.setup.grpc).await.unwrap();
    client.export(load::request(spans, 200).0).await.unwrap();
    collector.flush().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn prometheus_sees_calls_and_no_reset_over_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let setup = Setup::new(folder.path());
    let collector = setup.start();
    let prometheus = Prometheus::start(folder.path(), &[setup.prometheus, setup.own_metrics]);
    send(&collector, 30).await;
    prometheus.becomes("sum(gen_ai_client_calls_total)", 30.0).await;
    prometheus.becomes("sum(gen_ai_client_operation_duration_seconds_count)", 30.0).await;
    prometheus.becomes("sum(otelcol_receiver_accepted_spans)", 30.0).await;
    // Every call took a second and a half.
    let median = "histogram_quantile(0.5, sum by (le) (gen_ai_client_operation_duration_seconds_bucket))";
    let median = prometheus.value(median).await.unwrap();
    assert!((1.28..=2.56).contains(&median), "median of {median} s is not in the bucket of 1.5 s");

    collector.kill();
    let collector = setup.start();
    send(&collector, 12).await;
    prometheus.becomes("sum(gen_ai_client_calls_total)", 42.0).await;
    let resets = prometheus.value("sum(resets(gen_ai_client_calls_total[10m]))").await;
    assert_eq!(resets, Some(0.0), "a crash is no reset of the counters");
}

#[tokio::test(flavor = "multi_thread")]
async fn promtool_finds_nothing_wrong_with_what_is_scraped() {
    let folder = tempfile::tempdir().unwrap();
    let collector = Setup::new(folder.path()).start();
    send(&collector, 5).await;
    for port in [collector.setup.prometheus, collector.setup.own_metrics] {
        let page = http::get(port, "/metrics").await;
        let mut promtool = Command::new(tools::promtool())
            .args(["check", "metrics"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        std::io::Write::write_all(&mut promtool.stdin.take().unwrap(), page.as_bytes()).unwrap();
        let output = promtool.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        // The Collector's own counters have no `_total` by default, and that is what its dashboards expect.
        let wrong: Vec<_> = said
            .lines()
            .filter(|line| !line.starts_with("otelcol_") && !line.starts_with("spanledger_"))
            .collect();
        assert!(wrong.is_empty(), "{wrong:?}");
    }
}
