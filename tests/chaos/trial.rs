//! A trial: a collector under load that something happens to, a scraper, and the judgement in the end.

use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::disk::{Disk, Memory};
use crate::harness::minio::Minio;
use crate::harness::{Collector, Figures, Sent, Setup, http, judge};
use crate::load::{Load, Shape};
use crate::scraper::{self, Scraper};

/// How long anything may take that a trial waits for.
const PATIENCE: Duration = Duration::from_secs(120);

/// One folder, one log, one lake; as many starts as it takes.
pub struct Trial {
    pub setup: Setup,
    pub sent: Arc<Sent>,
    collector: Option<Collector>,
    load: Option<Load>,
    scraper: Option<Scraper>,
    lake: PathBuf,
    /// Unmounted in this order, before the folder goes.
    disk: Option<Disk>,
    pub memory: Option<Memory>,
    folder: TempDir,
}

impl Trial {
    /// The usual pipelines in a folder of their own. Nothing runs yet.
    pub fn new() -> Self {
        Self::with(|setup| setup)
    }

    /// The same with another setup.
    pub fn with(change: impl FnOnce(Setup) -> Setup) -> Self {
        Self::made(|folder| (Setup::new(folder), None, None), change)
    }

    /// With log and lake on a disk of so many MiB.
    pub fn on_disk(mib: u64, change: impl FnOnce(Setup) -> Setup) -> Self {
        Self::made(|folder| on(Disk::new(folder, mib)), change)
    }

    /// The same on a disk that is made and mounted in another way.
    pub fn on_disk_mounted(mib: u64, arguments: &[&str], options: &'static str) -> Self {
        Self::made(|folder| on(Disk::made(folder, mib, arguments, options)), |setup| setup)
    }

    /// With the log alone on a disk.
    pub fn with_log_on_disk(mib: u64, change: impl FnOnce(Setup) -> Setup) -> Self {
        Self::on_disk(mib, |setup| {
            let lake = setup.folder.parent().and_then(Path::parent).unwrap().join("lake");
            change(setup.set(format!("exporters.parquet.path={}", lake.display())))
        })
    }

    /// With the log alone on a disk, whose image is in a memory too small for it.
    pub fn on_disk_in_memory(mib: u64, memory_mib: u64) -> Self {
        let in_memory = |folder: &Path| {
            let memory = Memory::new(folder, memory_mib);
            let disk = Disk::thin(&memory, mib);
            let setup = Setup::new(&work(&disk));
            (
                setup.set(format!("exporters.parquet.path={}", folder.join("lake").display())),
                Some(disk),
                Some(memory),
            )
        };
        Self::made(in_memory, |setup| setup)
    }

    fn made(
        place: impl FnOnce(&Path) -> (Setup, Option<Disk>, Option<Memory>),
        change: impl FnOnce(Setup) -> Setup,
    ) -> Self {
        // Beside what is built: a system's temporary directory may be in memory.
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let (setup, disk, memory) = place(folder.path());
        let setup = change(setup);
        let elsewhere = setup.sets.iter().rev().find_map(|set| set.strip_prefix("exporters.parquet.path="));
        let lake = elsewhere.map_or_else(|| setup.lake(), PathBuf::from);
        Self {
            setup,
            sent: Arc::default(),
            collector: None,
            load: None,
            scraper: None,
            lake,
            disk,
            memory,
            folder,
        }
    }

    /// A folder for what belongs to the trial and not to the collector.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn disk(&self) -> &Disk {
        self.disk.as_ref().expect("the trial has a disk")
    }

    /// The power fails and comes back; nothing runs then.
    pub fn lose_power(&mut self) {
        // A process cannot be stopped at the very moment: an fsync under way is told OK although nothing is written
        // any more. No sender would hear of it.
        let last = self.disk().lose_power();
        self.kill();
        self.disk().unmount();
        self.disk().mount();
        self.sent.was_dark(last..Instant::now());
    }

    /// Starts the collector, and waits until it is ready.
    pub fn start(&mut self) {
        self.collector = Some(self.setup.start());
        if self.scraper.is_none() {
            self.scraper = Some(Scraper::start(&self.setup));
        }
    }

    /// Starts the collector, and does not wait.
    pub fn start_unready(&mut self) {
        self.collector = Some(self.setup.start_until(""));
    }

    /// Starts the clients, which go on through crashes and restarts.
    pub fn load(&mut self, shape: Shape) {
        self.load = Some(Load::start(&self.setup, &self.sent, shape));
    }

    pub fn collector(&self) -> &Collector {
        self.collector.as_ref().expect("the collector was started")
    }

    pub fn take_collector(&mut self) -> Collector {
        self.collector.take().expect("the collector was started")
    }

    /// Waits until so many more spans were acknowledged.
    pub async fn acknowledge(&self, spans: usize) {
        let enough = self.sent.spans() + spans;
        let done = tokio::time::timeout(PATIENCE, self.sent.wait_for(enough)).await;
        assert!(
            done.is_ok(),
            "{} of {enough} spans are acknowledged, {} refusals, wrong: {:?}\n{}",
            self.sent.spans(),
            self.sent.refusals(),
            self.sent.wrong(),
            self.log()
        );
    }

    /// Waits until so many more requests were refused for the time being.
    pub async fn refuse(&self, requests: u64) {
        let enough = self.sent.refusals() + requests;
        let done =
            tokio::time::timeout(PATIENCE, self.sent.wait_until(|sent| sent.refusals() >= enough)).await;
        assert!(done.is_ok(), "nobody is refused\n{}", self.log());
    }

    /// A moment, for what is waited for by looking.
    pub async fn pause(&self) {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }

    /// Liveness never depends on the disk, readiness does.
    pub async fn is_alive_and_not_ready(&self) {
        self.is_alive().await;
        let answer = http::send("GET", self.setup.health, "/ready", &[], "").await.unwrap();
        assert_eq!(answer.status(), 503, "readiness: {answer:?}");
    }

    pub async fn is_alive(&self) {
        let answer = http::send("GET", self.setup.health, "/", &[], "").await.unwrap();
        assert_eq!(answer.status(), 200, "liveness: {answer:?}");
    }

    /// Readiness comes back by itself.
    pub async fn is_ready(&self) {
        let ready = async {
            while http::send("GET", self.setup.health, "/ready", &[], "").await.unwrap().status() != 200 {
                self.pause().await;
            }
        };
        let done = tokio::time::timeout(PATIENCE, ready).await;
        assert!(done.is_ok(), "it is not ready again\n{}", self.log());
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        self.take_collector().kill();
    }

    /// What the collector has logged since its start.
    pub fn log(&self) -> String {
        self.collector.as_ref().map(Collector::log).unwrap_or_default()
    }

    /// The clients bring their last requests to an end.
    pub async fn end_load(&mut self) {
        if let Some(load) = self.load.take() {
            load.end().await;
        }
    }

    /// Ends the load, delivers everything, and judges; the collector has to run. Its lake is in the setup's folder.
    pub async fn judge(self) -> Figures {
        self.verdict(None).await.unwrap_or_else(|wrong| panic!("{wrong}"))
    }

    /// The same with the lake in a bucket.
    pub async fn judge_bucket(self, minio: &Minio) -> Figures {
        self.verdict(Some(minio)).await.unwrap_or_else(|wrong| panic!("{wrong}"))
    }

    /// What was wrong, or the figures.
    pub async fn verdict(mut self, bucket: Option<&Minio>) -> Result<Figures, String> {
        self.end_load().await;
        self.collector().flush_within("300s").await;
        let lake = self.lake_of(bucket).await;
        let (setup, sent) = (self.setup.clone(), self.sent.clone());
        let mut wrong = sent.wrong();
        let seen = self.scraper.take().map(Scraper::end).unwrap_or_default();
        wrong.extend(seen.wrong);
        let judged = judge(&sent, &lake);
        let calls = scraper::sum(setup.prometheus, "gen_ai_client_calls_total").await;
        match (&judged, calls) {
            (Ok(figures), Some(calls)) if calls == figures.rows as f64 => {}
            (Ok(figures), calls) => {
                wrong.push(format!("{calls:?} calls are counted, of {} rows", figures.rows))
            }
            (Err(more), _) => wrong.push(more.clone()),
        }
        let imbalance = scraper::sum(setup.own_metrics, "spanledger_ledger_imbalance").await;
        if imbalance != Some(0.0) {
            wrong.push(format!("the ledger is out of balance: {imbalance:?}"));
        }
        let (status, log) = self.take_collector().stop();
        if !status.success() {
            wrong.push(format!("the collector ended with {status}:\n{log}"));
        }
        let verified = setup.command(&["verify"]).output().unwrap();
        if !verified.status.success() {
            wrong.push(format!("verify: {}", String::from_utf8_lossy(&verified.stderr)));
        }
        if wrong.is_empty() { judged } else { Err(format!("{}\n{log}", wrong.join("\n"))) }
    }

    async fn lake_of(&self, bucket: Option<&Minio>) -> PathBuf {
        let Some(minio) = bucket else { return self.lake.clone() };
        let lake = self.folder().join("downloaded");
        minio.download("lake", &lake).await;
        lake
    }
}

/// A place on a disk.
fn on(disk: Disk) -> (Setup, Option<Disk>, Option<Memory>) {
    (Setup::new(&work(&disk)), Some(disk), None)
}

fn work(disk: &Disk) -> PathBuf {
    let work = disk.path().join("work");
    std::fs::create_dir(&work).unwrap();
    work
}

/// Waits until a collector has ended by itself. Dropped before that, it kills it.
pub async fn ended(mut collector: Collector) -> (ExitStatus, String) {
    while !collector.has_ended() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    collector.ended()
}
