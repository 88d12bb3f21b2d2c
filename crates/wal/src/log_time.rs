//! The time of the log: the wall clock, made to go on.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use crate::Options;

/// Never goes back, and never stands still: while the wall clock is behind, time goes on by the monotonic one.
pub(crate) struct LogTime(Mutex<Last>);

struct Last {
    unix_ns: u64,
    monotonic: Duration,
}

impl LogTime {
    /// Goes on from the last arrival in the log.
    pub(crate) fn new(options: &Options, last_arrival_unix_ns: u64) -> Self {
        Self(Mutex::new(Last { unix_ns: last_arrival_unix_ns, monotonic: (options.monotonic)() }))
    }

    /// Nanoseconds since 1970.
    pub(crate) fn now_unix_ns(&self, options: &Options) -> u64 {
        let wall = options.now_unix_ns();
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let monotonic = (options.monotonic)();
        let passed = monotonic.saturating_sub(last.monotonic).as_nanos();
        if wall >= last.unix_ns {
            last.unix_ns = wall;
        } else {
            last.unix_ns = last.unix_ns.saturating_add(u64::try_from(passed).unwrap_or(u64::MAX));
        }
        last.monotonic = last.monotonic.max(monotonic);
        last.unix_ns
    }
}
