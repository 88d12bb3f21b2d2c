//! A Prometheus that looks often: notices a counter that falls, and a ledger that does not come out even.

use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::harness::{Setup, http};

const EVERY: Duration = Duration::from_millis(50);
const CALLS: &str = "gen_ai_client_calls_total";
const IMBALANCE: &str = "spanledger_ledger_imbalance";

/// Scrapes until it is told to end.
pub struct Scraper {
    task: JoinHandle<()>,
    seen: Arc<Mutex<Seen>>,
}

/// What was seen.
#[derive(Clone, Default)]
pub struct Seen {
    pub scrapes: u64,
    pub calls: f64,
    pub wrong: Vec<String>,
}

impl Scraper {
    pub fn start(setup: &Setup) -> Self {
        let seen = Arc::new(Mutex::new(Seen::default()));
        let task = tokio::spawn(scrape(setup.prometheus, setup.own_metrics, seen.clone()));
        Self { task, seen }
    }

    /// What was seen until now. Nothing is scraped any more.
    pub fn end(self) -> Seen {
        self.task.abort();
        self.seen.lock().unwrap().clone()
    }
}

async fn scrape(prometheus: u16, own_metrics: u16, seen: Arc<Mutex<Seen>>) {
    loop {
        if let Some(calls) = sum(prometheus, CALLS).await {
            let mut seen = seen.lock().unwrap();
            if calls < seen.calls {
                let fall = format!("{CALLS} fell from {} to {calls}", seen.calls);
                seen.wrong.push(fall);
            }
            seen.scrapes += 1;
            seen.calls = calls;
        }
        // One that is ending has nobody left to ask, and says that this is no number.
        let is_wrong = |imbalance: &f64| *imbalance != 0.0 && !imbalance.is_nan();
        if let Some(imbalance) = sum(own_metrics, IMBALANCE).await.filter(is_wrong) {
            seen.lock().unwrap().wrong.push(format!("{IMBALANCE} is {imbalance}"));
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// The sum of the series of a family, if it is served.
pub async fn sum(port: u16, name: &str) -> Option<f64> {
    let answer = http::send("GET", port, "/metrics", &[], "").await.ok()?;
    let text = String::from_utf8(answer.body().to_vec()).ok().filter(|_| answer.status() == 200)?;
    let is_of = |line: &&str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' ']));
    let values: Vec<f64> =
        text.lines().filter(is_of).filter_map(|line| line.rsplit(' ').next()?.parse().ok()).collect();
    (!values.is_empty()).then(|| values.into_iter().sum())
}
