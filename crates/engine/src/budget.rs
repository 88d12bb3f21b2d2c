//! How the one memory budget is split.

use std::fs;

use spanledger_component::Error;

/// The most that one request may take, whatever the budget.
const REQUEST_BYTES_MAX: usize = 64 << 20;
/// What is taken in at a time: more would only wait longer for the disk, and one request fits.
const INTAKE_BYTES_MAX: usize = REQUEST_BYTES_MAX;
const WINDOW_ITEMS_MAX: usize = 8192;
const WINDOW_BYTES_MAX: usize = 8 << 20;
/// What the columns of a small span take beside its body, generously.
const COLUMN_BYTES_OF_A_ROW: usize = 3072;
const DEFAULT_BYTES: u64 = 512 << 20;
/// The most that is left to the allocator and to connections. What was freed is not given back at once, and what is asked
/// for next seldom has the same size; under overload that is more than this, so a part of it is still beside the budget.
const SLACK_BYTES_MAX: usize = 32 << 20;
/// Below this the segments of the log are small, too.
const SMALL_BUDGET_BYTES: usize = 64 << 20;
const SMALL_SEGMENT_BYTES: u64 = 8 << 20;
/// What the program needs beside the budget.
const PROGRAM_BYTES: u64 = 64 << 20;

/// The shares of the memory budget, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shares {
    /// Bodies being received and waiting for fsync.
    pub intake: usize,
    /// Recent bodies, which current readers need not fetch from disk.
    pub recent: usize,
    /// Requests that are remembered, so that repeats are recognised.
    pub repeats: usize,
    /// Working memory of readers.
    pub readers: usize,
    /// Runs and encoded files of exporters.
    pub exporters: usize,
    /// State of connectors.
    pub connectors: usize,
    /// The largest request that is taken.
    pub request_max: usize,
    /// The largest segment of the log, on disk: its seal is collected in memory.
    pub segment_bytes_max: u64,
}

impl Shares {
    /// The smallest budget with which requests of a few hundred spans are taken and delivered.
    pub const BYTES_MIN: u64 = 8 << 20;

    /// An error when a budget that the config names is too small to run with.
    pub fn check(memory_bytes: Option<u64>) -> Result<(), Error> {
        match memory_bytes {
            Some(bytes) if bytes < Self::BYTES_MIN => Err(Error::new(format!(
                "service::memory: {bytes} bytes are too few to take requests in: expected {}MiB or more",
                Self::BYTES_MIN >> 20
            ))),
            _ => Ok(()),
        }
    }

    /// Splits a budget.
    pub fn of(memory_bytes: u64) -> Self {
        let memory = usize::try_from(memory_bytes).unwrap_or(usize::MAX);
        let slack = (memory / 4).min(SLACK_BYTES_MAX);
        let eighth = (memory - slack) / 8;
        let intake = (eighth * 2).min(INTAKE_BYTES_MAX);
        Self {
            intake,
            recent: eighth * 3 - intake - eighth / 4,
            repeats: eighth / 4,
            readers: eighth,
            exporters: eighth * 3,
            connectors: eighth,
            request_max: (memory / 8).min(REQUEST_BYTES_MAX),
            segment_bytes_max: if memory < SMALL_BUDGET_BYTES { SMALL_SEGMENT_BYTES } else { u64::MAX },
        }
    }

    /// The budget when the config names none: 512 MiB, or what the cgroup leaves.
    pub fn default_bytes() -> u64 {
        match cgroup_limit() {
            Some(limit) => limit.saturating_sub(PROGRAM_BYTES).clamp(Self::BYTES_MIN, DEFAULT_BYTES),
            None => DEFAULT_BYTES,
        }
    }

    /// How many items and bytes of bodies one window may hold, when so many branches each hold one and two are kept.
    pub fn window(&self, branches: usize) -> (usize, usize) {
        let share = self.readers / (branches + 2);
        let items = (share / COLUMN_BYTES_OF_A_ROW).clamp(64, WINDOW_ITEMS_MAX);
        (items, (share / 2).clamp(64 << 10, WINDOW_BYTES_MAX))
    }
}

/// The memory limit of this process's cgroup, version 2 or 1; `None` without one.
fn cgroup_limit() -> Option<u64> {
    ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"]
        .iter()
        .filter_map(|path| fs::read_to_string(path).ok()?.trim().parse().ok())
        .filter(|limit| *limit < 1 << 60)
        .min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shares_leave_a_quarter_to_the_allocator_but_no_more_than_it_needs() {
        let of = |memory: u64| {
            let shares = Shares::of(memory);
            assert!(shares.request_max <= shares.intake, "one request fits");
            let Shares { intake, recent, repeats, readers, exporters, connectors, .. } = shares;
            intake + recent + repeats + readers + exporters + connectors
        };
        assert_eq!(of(32 << 20), 24 << 20);
        assert_eq!(of(512 << 20), 480 << 20);
        assert_eq!(Shares::of(512 << 20).request_max, 64 << 20);
        assert_eq!(Shares::of(32 << 20).request_max, 4 << 20);
    }

    #[test]
    fn segments_are_small_below_64_mib() {
        assert_eq!(Shares::of(64 << 20).segment_bytes_max, u64::MAX);
        assert_eq!(Shares::of(63 << 20).segment_bytes_max, 8 << 20);
    }

    #[test]
    fn a_budget_that_is_too_small_to_run_is_refused_with_the_smallest() {
        assert!(Shares::check(None).is_ok() && Shares::check(Some(8 << 20)).is_ok());
        let refused = Shares::check(Some(1)).unwrap_err().to_string();
        assert_eq!(
            refused,
            "service::memory: 1 bytes are too few to take requests in: expected 8MiB or more"
        );
    }

    #[test]
    fn a_small_budget_gets_small_windows() {
        let (items, bytes) = Shares::of(32 << 20).window(2);
        assert!(items < 1000 && bytes < 1 << 20, "{items} items, {bytes} bytes");
        assert_eq!(Shares::of(1 << 30).window(2), (8192, 8 << 20));
    }
}
