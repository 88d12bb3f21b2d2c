//! A collector of fakes in a folder of its own, which can be stopped, started again, and crash.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use spanledger_component::{
    BranchStatus, DeadLetter, Error, Letters, Notices, Replay, Replayed, SystemClock, Waiting, WalSettings,
};
use spanledger_config::{SystemEnv, load};
use spanledger_engine::{Engine, Options, Running, Summary, SystemRandom, Threads};
use spanledger_extension_health_check::HealthCheck;
use spanledger_telemetry::Meter;
use spanledger_testkit::{Scene, disks::TroubledDisk, exporters::Target};
use tempfile::TempDir;

/// Longer than anything here takes; a test that waits for it has failed.
pub(crate) const LONG: Duration = Duration::from_secs(30);
/// Long enough to see that something does not come.
pub(crate) const SHORT: Duration = Duration::from_millis(300);

/// One exporter that holds rows until it is asked for them.
pub(crate) const HOLDING: &str = "
receivers: {handed: {scene: SCENE}}
exporters: {scripted: {scene: SCENE, holds: 100}}
service: {pipelines: {traces: {receivers: [handed], exporters: [scripted]}}}
";

/// One exporter that delivers what it is given at once.
pub(crate) const PASSING: &str = "
receivers: {handed: {scene: SCENE}}
exporters: {scripted: {scene: SCENE}}
service: {pipelines: {traces: {receivers: [handed], exporters: [scripted]}}}
";

/// A collector, its folder and its scene.
pub(crate) struct Collector {
    pub(crate) scene: Scene,
    folder: TempDir,
    log_bytes_max: Option<u64>,
    pub(crate) disk: TroubledDisk,
    running: Option<Running>,
}

impl Collector {
    /// Starts one with a new folder. `SCENE` in the config is replaced.
    pub(crate) async fn start(config: &str) -> Self {
        Self::start_with_log_of(config, None).await
    }

    pub(crate) async fn start_with_log_of(config: &str, log_bytes_max: Option<u64>) -> Self {
        let (scene, folder) = (Scene::new(), tempfile::tempdir().unwrap());
        let mut collector =
            Self { scene, folder, log_bytes_max, disk: TroubledDisk::default(), running: None };
        collector.try_start(config).await.unwrap();
        collector
    }

    /// Starts it again, perhaps with another config.
    pub(crate) async fn try_start(&mut self, config: &str) -> Result<(), Error> {
        self.scene.forget_intakes();
        let registry = Arc::new(Scene::registry().with_extension::<HealthCheck>());
        let config = format!("yaml:{}", config.replace("SCENE", self.scene.name()));
        let graph = load(&[config], &[], &registry, &SystemEnv).map_err(|problems| problems.to_string());
        let directory = self.folder.path().to_owned();
        let options = Options {
            registry,
            env: Arc::new(SystemEnv),
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
            meter: Meter::default(),
            wal: WalSettings {
                directory,
                max_bytes: self.log_bytes_max,
                retain: LONG * 120,
                parity: true,
                repeat_window: LONG * 15,
            },
            threads: Threads::OwnOn(Arc::new(self.disk.clone())),
            notices: Notices::default(),
        };
        self.running = Some(Engine::start(graph.unwrap().graph, options).await?);
        Ok(())
    }

    /// The collector as it would be after a crash at this moment: its folder as it is now. This one is gone, except for
    /// what its deliveries have begun.
    pub(crate) fn crash(&mut self) {
        let image = tempfile::tempdir().unwrap();
        copy(self.folder.path(), image.path());
        self.folder = image;
        self.running = None;
    }

    /// The same, when the delivery in flight arrives after all, and only its commit is lost.
    pub(crate) async fn crash_before_commit(&mut self) {
        let image = tempfile::tempdir().unwrap();
        copy(self.folder.path(), image.path());
        self.target().open();
        self.flush().await;
        self.folder = image;
        self.running = None;
    }

    /// Waits until it fails.
    pub(crate) async fn failed(&mut self) -> Error {
        self.running.as_mut().unwrap().failed().await
    }

    /// Stops it in order.
    pub(crate) async fn stop(&mut self) -> Summary {
        self.running.take().unwrap().stop().await
    }

    /// Starts it again after a crash or a stop.
    pub(crate) async fn start_again(&mut self, config: &str) {
        self.try_start(config).await.unwrap();
        self.check_ledgers();
    }

    /// Sends a span of each name as one record.
    pub(crate) async fn send(&self, names: &[&str]) {
        let accepted = self.scene.send(names).await.unwrap();
        assert_eq!((accepted.items, accepted.rejected), (names.len() as u64, 0));
    }

    pub(crate) async fn flush(&self) {
        assert_eq!(self.try_flush(None, LONG).await, Ok(()));
        self.check_ledgers();
    }

    /// Whatever happened: what was accepted for a branch is somewhere.
    fn check_ledgers(&self) {
        for BranchStatus { id, ledger, .. } in self.running.as_ref().unwrap().host().status().branches {
            assert_eq!(ledger.imbalance, 0, "{id}: {ledger:?}");
        }
    }

    pub(crate) async fn try_flush(
        &self,
        branch: Option<&str>,
        timeout: Duration,
    ) -> Result<(), Vec<Waiting>> {
        self.running.as_ref().unwrap().host().flush(branch, timeout).await
    }

    pub(crate) fn branch(&self, id: &str) -> BranchStatus {
        self.check_ledgers();
        let status = self.running.as_ref().unwrap().host().status();
        status.branches.into_iter().find(|branch| branch.id == id).unwrap()
    }

    pub(crate) async fn replay_records(&self, what: &Replay, timeout: Duration) -> Result<Replayed, Error> {
        let replayed = self.running.as_ref().unwrap().host().replay(what, timeout).await;
        self.check_ledgers();
        replayed
    }

    pub(crate) fn ready(&self) -> Result<(), String> {
        self.running.as_ref().unwrap().host().ready()
    }

    pub(crate) fn drain(&self) -> impl Future<Output = Result<(), Vec<Waiting>>> {
        let host = self.running.as_ref().unwrap().host();
        async move { host.drain(LONG).await }
    }

    /// What the log takes on disk.
    pub(crate) fn log_bytes(&self) -> u64 {
        self.running.as_ref().unwrap().host().status().log.bytes
    }

    pub(crate) fn dead_letters(&self) -> Vec<DeadLetter> {
        self.running.as_ref().unwrap().host().dead_letters()
    }

    /// Tries all dead letters again; gives why those are still there that are.
    pub(crate) async fn replay(&self) -> Vec<Option<String>> {
        let host = self.running.as_ref().unwrap().host();
        let outcomes = host.replay_dead_letters(&Letters::default(), LONG).await;
        self.check_ledgers();
        outcomes.into_iter().map(|outcome| outcome.error).collect()
    }

    /// Asks for all dead letters to be tried again, and does not wait.
    pub(crate) fn ask_for_replay(&self) {
        let host = self.running.as_ref().unwrap().host();
        tokio::spawn(async move { host.replay_dead_letters(&Letters::default(), LONG).await });
    }

    /// Gives the dead letters of a branch up.
    pub(crate) async fn give_up(&self, branch: &str) -> Vec<Option<String>> {
        let host = self.running.as_ref().unwrap().host();
        let which = Letters { branch: Some(branch.to_owned()), position: None };
        let outcomes = host.drop_dead_letters(&which, LONG).await;
        self.check_ledgers();
        outcomes.into_iter().map(|outcome| outcome.error).collect()
    }

    pub(crate) fn target(&self) -> Target {
        self.scene.target("scripted")
    }

    /// Overwrites the record of a span in the log with zeros: header, trailer and all. No collector runs.
    pub(crate) fn destroy(&self, name: &str) {
        let files = fs::read_dir(self.path()).unwrap().map(|file| file.unwrap().path());
        for path in files.filter(|path| path.extension().is_some_and(|extension| extension == "seg")) {
            let mut bytes = fs::read(&path).unwrap();
            for at in places(&bytes, name.as_bytes()) {
                let start = *places(&bytes[..at], b"SLER").last().unwrap();
                let end = at + places(&bytes[at..], b"SLER").first().map_or(0, |next| *next);
                bytes[start..end].fill(0);
            }
            fs::write(&path, bytes).unwrap();
        }
    }

    /// Where the log is now.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().to_owned()
    }
}

/// Waits until a condition holds that nothing tells of.
pub(crate) async fn until(holds: impl Fn() -> bool) {
    let holds = async {
        while !holds() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LONG, holds).await.unwrap();
}

fn places(bytes: &[u8], of: &[u8]) -> Vec<usize> {
    let windows = bytes.windows(of.len()).enumerate();
    windows.filter(|(_, window)| *window == of).map(|(place, _)| place).collect()
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => {
                fs::create_dir(&to).unwrap();
                copy(&entry.path(), &to);
            }
            false => drop(fs::copy(entry.path(), &to).unwrap()),
        }
    }
}
