//! How a log is opened.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// When an append counts as durable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SyncPolicy {
    /// After `fdatasync`.
    #[default]
    Always,
}

/// Where a log lives and how much it may use.
#[derive(Clone)]
pub struct Options {
    /// The directory; made if it is missing.
    pub directory: PathBuf,
    /// What all files together may use. One segment of it is kept for control records.
    pub max_bytes: u64,
    /// Size of a segment; at most a quarter of `max_bytes` is used.
    pub segment_bytes: u64,
    /// Bodies kept in memory for readers that are current.
    pub recent_bytes: usize,
    /// How long records are kept after every branch passed them, as long as there is room.
    pub retain: Duration,
    /// When an append counts as durable.
    pub sync: SyncPolicy,
    /// Whether a fifteenth more is written, from which a damaged record is repaired. What is read does not depend on it.
    pub parity: bool,
    /// How long a request is remembered, so that it is not stored again when its sender repeats it; zero: not at all.
    pub repeat_window: Duration,
    /// How many requests are remembered, about 100 bytes each; the oldest go first.
    pub repeats_max: usize,
    /// How long after the last append it is noted in the log that it is durable. Until then, damage to that append
    /// looks like one that a crash interrupted.
    pub mark_after: Duration,
    /// The wall clock.
    pub clock: Arc<dyn Fn() -> SystemTime + Send + Sync>,
    /// A clock that is never set: the time since some moment. Arrivals go on by it while the wall clock is behind.
    pub monotonic: Arc<dyn Fn() -> Duration + Send + Sync>,
    /// Random numbers, for the names of the log and its segments.
    pub random: Arc<dyn Fn() -> u64 + Send + Sync>,
}

impl Options {
    /// 10 GiB in segments of 64 MiB, 64 MiB of recent bodies, nothing retained or remembered, with parity.
    pub fn new(directory: impl Into<PathBuf>, clock: Arc<dyn Fn() -> SystemTime + Send + Sync>) -> Self {
        let began = Instant::now();
        Self {
            directory: directory.into(),
            max_bytes: 10 << 30,
            segment_bytes: 64 << 20,
            recent_bytes: 64 << 20,
            retain: Duration::ZERO,
            sync: SyncPolicy::Always,
            parity: true,
            repeat_window: Duration::ZERO,
            repeats_max: 1 << 18,
            mark_after: Duration::from_millis(50),
            clock,
            monotonic: Arc::new(move || began.elapsed()),
            random: Arc::new(random),
        }
    }

    pub(crate) fn now_unix_ns(&self) -> u64 {
        let since = (self.clock)().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
    }

    /// Segment size in use.
    pub(crate) fn segment_bytes(&self) -> u64 {
        self.segment_bytes.min(self.max_bytes / 4).max(1)
    }

    /// What the bytes kept of damaged places may use.
    pub(crate) fn quarantine_bytes_max(&self) -> u64 {
        self.max_bytes / 16
    }

    /// What data may use; the rest is for control records.
    pub(crate) fn data_bytes_max(&self) -> u64 {
        self.max_bytes.saturating_sub(self.segment_bytes())
    }
}

/// Random bits of the operating system; those of the clock's address space if it has none, which no supported one does.
fn random() -> u64 {
    getrandom::u64().unwrap_or_else(|_| {
        use std::hash::{BuildHasher, RandomState};
        RandomState::new().hash_one(0)
    })
}
