//! The demo: the real collector on the embedded default, fed with recorded calls by a real OTLP client; what comes out
//! is read back from the Parquet files and scraped from the metrics.

mod calls;
mod ports;
mod report;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use spanledger_component::{Error, Registry};

use crate::args::ConfigArgs;
use crate::{http_client, load, run, show};

/// Delivering the demo's few spans takes a second or two.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs the demo; with `keep`, serves on until interrupted.
pub(crate) async fn demo(registry: Arc<Registry>, keep: bool) -> Result<(), Error> {
    let folder = tempfile::Builder::new().prefix("spanledger-demo-").tempdir();
    let folder = folder.map_err(|error| Error::caused("make a folder for the demo", error))?.keep();
    let ports = ports::Ports::free()?;
    let config = ConfigArgs { sets: ports.settings(&folder), ..ConfigArgs::default() };
    let collector = run::start(load::load(&config, &registry)?.graph, registry).await?;
    show::text(&format!("Spanledger runs on the embedded default, in {}\n", folder.display()));

    let sent = calls::send(&format!("http://{}", ports.grpc)).await?;
    show::text(&format!(
        "{sent} spans of recorded calls sent by OTLP to {} and acknowledged: they are durable\n",
        ports.grpc
    ));
    flush(&collector).await?;
    show::text(&report::calls(&folder.join("lake"))?);
    show::text(&report::files(&folder.join("lake"))?);
    show::text(&scrape(&ports.prometheus).await?);
    if keep {
        show::text(&serving(&ports, &folder));
        run::Signals::listen()?.stop().await;
    }
    collector.stop().await;
    Ok(())
}

async fn flush(collector: &run::Collector) -> Result<(), Error> {
    collector.running.host().flush(None, PATIENCE).await.map_err(|waiting| {
        let waiting: Vec<_> = waiting.into_iter().map(|waiting| waiting.branch).collect();
        Error::new(format!(
            "the demo's spans were not delivered within a minute; they wait for {}",
            waiting.join(", ")
        ))
    })
}

async fn scrape(endpoint: &str) -> Result<String, Error> {
    let answer = http_client::send("GET", endpoint, "/metrics", None, PATIENCE).await?;
    let worth_showing = |line: &&str| line.contains("calls_total") || line.contains("cost_usd_total");
    let lines: Vec<_> = answer.body.lines().filter(worth_showing).collect();
    Ok(format!("\nFrom http://{endpoint}/metrics:\n{}\n", lines.join("\n")))
}

fn serving(ports: &ports::Ports, folder: &Path) -> String {
    format!(
        "Serving on: OTLP gRPC {}, OTLP HTTP {}, metrics http://{}/metrics, health http://{}/, data in {}\nStop with Ctrl-C.",
        ports.grpc,
        ports.http,
        ports.prometheus,
        ports.health,
        folder.display(),
    )
}
