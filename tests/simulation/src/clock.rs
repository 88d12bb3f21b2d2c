//! The time of the world: one clock that goes on over all lives of the collector, and a wall clock that can be wrong.

use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use spanledger_component::Clock;
use tokio::time::Instant;

use crate::lock;

/// 2026-06-01T00:00:00Z, when every world begins.
const BEGIN_UNIX_SECONDS: u64 = 1_780_272_000;

#[derive(Debug, Default)]
pub(crate) struct WorldClock(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Time of all lives that ended.
    before: Duration,
    /// When the present life began, by its runtime.
    began: Option<Instant>,
    /// What the wall clock is ahead, or behind.
    ahead_seconds: i64,
    frozen: Option<SystemTime>,
}

impl WorldClock {
    /// A life begins; to be called in its runtime.
    pub(crate) fn begin(&self) {
        lock(&self.0).began = Some(Instant::now());
    }

    /// A life ends; to be called in its runtime.
    pub(crate) fn end(&self) {
        let now = self.elapsed();
        let mut state = lock(&self.0);
        (state.before, state.began) = (now, None);
    }

    /// Time since the world began.
    pub(crate) fn elapsed(&self) -> Duration {
        let state = lock(&self.0);
        state.before + state.began.map(|began| began.elapsed()).unwrap_or_default()
    }

    /// Sets the wall clock wrong by so much.
    pub(crate) fn set_ahead(&self, seconds: i64) {
        lock(&self.0).ahead_seconds = seconds;
    }

    /// The wall clock stands still.
    pub(crate) fn freeze(&self) {
        let now = self.now();
        lock(&self.0).frozen = Some(now);
    }

    /// The wall clock is right again.
    pub(crate) fn mend(&self) {
        let mut state = lock(&self.0);
        (state.ahead_seconds, state.frozen) = (0, None);
    }
}

impl Clock for WorldClock {
    fn now(&self) -> SystemTime {
        let right = SystemTime::UNIX_EPOCH + Duration::from_secs(BEGIN_UNIX_SECONDS) + self.elapsed();
        let state = lock(&self.0);
        let ahead = Duration::from_secs(state.ahead_seconds.unsigned_abs());
        let wrong = if state.ahead_seconds < 0 { right - ahead } else { right + ahead };
        state.frozen.unwrap_or(wrong)
    }
}
