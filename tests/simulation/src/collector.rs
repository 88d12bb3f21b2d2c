//! One life of the collector: the real engine, with the real components, on the simulated disk and store.

use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use spanledger_component::{Clock as _, Error, Notices, Registry, WalSettings};
use spanledger_config::{SystemEnv, load};
use spanledger_engine::{Engine, Options, Random, Running, Threads};
use spanledger_telemetry::Meter;
use spanledger_wal::{Disk, OpenError, Report, Stepper, Wal};
use std::sync::Mutex;

use crate::clock::WorldClock;
use crate::disk::SimulatedDisk;
use crate::{components, lock};

/// Where the log is on the simulated disk.
const DIRECTORY: &str = "/data/wal";

/// What is particular about the collector of a world.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) log_bytes_max: u64,
    pub(crate) segment_bytes: u64,
    pub(crate) recent_bytes: usize,
    /// Changes with each new config.
    pub(crate) config: u32,
    pub(crate) rows_max: u64,
    pub(crate) age_max_seconds: u64,
    /// How long calls wait for other spans of the same call; 0 in a third of the worlds.
    pub(crate) settle_seconds: u64,
}

impl Settings {
    pub(crate) fn chosen(random: &mut Rng) -> Self {
        // In some worlds the log is soon full.
        let log_bytes_max = if random.u8(..8) == 0 { 400 << 10 } else { 16 << 20 };
        let segment_bytes = 1 << random.u32(14..18);
        let recent_bytes = if random.bool() { 0 } else { 1 << random.u32(12..20) };
        let (rows_max, age_max_seconds) = (random.u64(3..60), random.u64(2..120));
        let settle_seconds = [0, 2, 20].into_iter().cycle().nth(rows_max as usize).unwrap_or_default();
        Self {
            log_bytes_max,
            segment_bytes,
            recent_bytes,
            config: 1,
            rows_max,
            age_max_seconds,
            settle_seconds,
        }
    }

    /// Another config: the processors change, and when files end.
    pub(crate) fn change(&mut self, random: &mut Rng) {
        self.config += 1;
        (self.rows_max, self.age_max_seconds) = (random.u64(3..60), random.u64(2..120));
    }

    fn yaml(&self) -> String {
        let Self { config, rows_max, age_max_seconds, settle_seconds, .. } = self;
        format!(
            "
receivers: {{handed: {{}}}}
processors: {{genai: {{}}, suffixing: {{suffix: \"-{config}\"}}}}
connectors: {{genai_metrics: {{settle: {{window: {settle_seconds}s}}}}}}
exporters:
  parquet: {{path: \"s3://simulated/lake\", rotation: {{max_rows: {rows_max}, max_age: {age_max_seconds}s}}}}
  scraped: {{}}
service:
  memory: 64MiB
  shutdown: {{timeout: 5s}}
  pipelines:
    traces: {{receivers: [handed], processors: [genai, suffixing], exporters: [parquet, genai_metrics]}}
    metrics: {{receivers: [genai_metrics], exporters: [scraped]}}
"
        )
    }
}

/// Starts a collector in the present runtime.
pub(crate) async fn start(
    settings: &Settings,
    disk: &SimulatedDisk,
    clock: &Arc<WorldClock>,
    random: &mut Rng,
) -> Result<Running, Error> {
    let registry = Arc::new(components::registry());
    let graph = load(&[format!("yaml:{}", settings.yaml())], &[], &registry, &SystemEnv);
    let graph = graph.map_err(|problems| Error::new(problems.to_string()))?.graph;
    Engine::start(graph, options(settings, disk, clock, random, registry)).await
}

fn options(
    settings: &Settings,
    disk: &SimulatedDisk,
    clock: &Arc<WorldClock>,
    random: &mut Rng,
    registry: Arc<Registry>,
) -> Options {
    let (disk, log_clock, of_log) = (disk.clone(), clock.clone(), settings.clone());
    let log_random = Arc::new(Mutex::new(random.fork()));
    let open = move |options: spanledger_wal::Options| {
        let options = of_log.log_options(options, &log_clock, log_random.clone());
        let (wal, stepper) = Wal::open_stepped(options, Arc::new(disk.clone()))?;
        tokio::spawn(write_log(stepper, disk.clone(), log_clock.clone()));
        Ok(wal)
    };
    Options {
        registry,
        env: Arc::new(SystemEnv),
        clock: clock.clone(),
        random: Arc::new(SeededRandom(Mutex::new(random.fork()))),
        meter: Meter::default(),
        wal: WalSettings {
            directory: DIRECTORY.into(),
            max_bytes: Some(settings.log_bytes_max),
            retain: Duration::ZERO,
            parity: true,
            repeat_window: Duration::from_secs(15 * 60),
        },
        threads: Threads::One(Arc::new(open)),
        notices: Notices::default(),
    }
}

impl Settings {
    fn log_options(
        &self,
        options: spanledger_wal::Options,
        clock: &Arc<WorldClock>,
        random: Arc<Mutex<Rng>>,
    ) -> spanledger_wal::Options {
        let clock = clock.clone();
        spanledger_wal::Options {
            segment_bytes: self.segment_bytes,
            recent_bytes: self.recent_bytes,
            monotonic: Arc::new(move || clock.elapsed()),
            random: Arc::new(move || lock(&random).u64(..)),
            ..options
        }
    }
}

/// The log's thread, as a task: the disk takes its time, and sometimes stalls.
async fn write_log(mut stepper: Stepper, disk: SimulatedDisk, clock: Arc<WorldClock>) {
    loop {
        stepper.ready().await;
        let stalls = disk.stalled_until().saturating_sub(clock.elapsed());
        tokio::time::sleep(disk.latency() + stalls).await;
        if !stepper.step() {
            return;
        }
    }
}

/// Reads through the log while no collector runs.
pub(crate) fn verify(
    settings: &Settings,
    disk: &SimulatedDisk,
    clock: &Arc<WorldClock>,
) -> Result<Report, OpenError> {
    let wall = clock.clone();
    let options = spanledger_wal::Options::new(DIRECTORY, Arc::new(move || wall.now()));
    let options = spanledger_wal::Options { max_bytes: settings.log_bytes_max, ..options };
    let disk: &dyn Disk = disk;
    Wal::verify_on(&settings.log_options(options, clock, Arc::default()), disk)
}

struct SeededRandom(Mutex<Rng>);

impl Random for SeededRandom {
    fn id(&self) -> [u8; 16] {
        let mut id = [0; 16];
        lock(&self.0).fill(&mut id);
        id
    }
}
