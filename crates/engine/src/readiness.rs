//! Whether requests are taken in, and why not: decided from figures that are read without a lock, and told in the log
//! whenever it changes.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use spanledger_component::Error;
use spanledger_wal::{Condition, Wal};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::host::Host;

/// How often it is looked whether something has changed, to tell it.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// How often a disk that refused is tried again while nobody sends.
const TRY_EVERY: Duration = Duration::from_secs(1);

/// How long one write may take before senders had better go elsewhere. They wait for 10 s, most of them.
const STALLED_AFTER: Duration = Duration::from_secs(5);

/// Why no requests are taken in, or soon will not be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hindrance {
    Starting,
    Shut,
    DiskRefuses,
    DiskStalls,
    Full { used_bytes: u64, max_bytes: u64 },
}

impl fmt::Display for Hindrance {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Starting => out.write_str("starting"),
            Self::Shut => out.write_str("no more requests are taken in: it drains or stops"),
            Self::DiskRefuses => out.write_str("the disk of the log does not take writes"),
            Self::DiskStalls => {
                write!(out, "the disk of the log has not answered for {} s", STALLED_AFTER.as_secs())
            }
            Self::Full { used_bytes, max_bytes } => {
                write!(out, "the log is nearly full: {used_bytes} of {max_bytes} bytes")
            }
        }
    }
}

/// What keeps appends from working, or soon will.
///
/// Room is given back a segment at a time. So less than half a segment means that nothing can be given back, and once
/// something is, there is more than that: a log that is filled and emptied in turn does not flicker.
fn of_log(log: Condition) -> Option<Hindrance> {
    let Condition { healthy, busy, used_bytes, data_max_bytes, segment_bytes } = log;
    if busy >= STALLED_AFTER {
        Some(Hindrance::DiskStalls)
    } else if !healthy {
        Some(Hindrance::DiskRefuses)
    } else if used_bytes + segment_bytes / 2 > data_max_bytes {
        Some(Hindrance::Full { used_bytes, max_bytes: data_max_bytes })
    } else {
        None
    }
}

impl Host {
    /// Why no requests are taken in; `None` when they are. Waits for nobody: probes ask this from their own thread.
    pub(crate) fn hindrance(&self) -> Option<Hindrance> {
        if !self.started.load(Ordering::Acquire) {
            Some(Hindrance::Starting)
        } else if !self.gate.is_open() {
            Some(Hindrance::Shut)
        } else {
            of_log(self.wal.condition())
        }
    }
}

/// Tells each change once, until stop, and tries a disk that refused again: a collector that is not ready is sent
/// nothing that would find out.
pub(crate) async fn watch(host: Arc<Host>, stop: CancellationToken) -> Result<(), Error> {
    let mut told = Some(Hindrance::Starting);
    let mut look = tokio::time::interval(LOOK_EVERY);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut tried = Instant::now();
    while stop.run_until_cancelled(look.tick()).await.is_some() {
        let now = host.hindrance();
        if now.map(kind) != told.map(kind) {
            tell(now);
            told = now;
        }
        if now == Some(Hindrance::DiskRefuses) && tried.elapsed() >= TRY_EVERY {
            tried = Instant::now();
            try_disk(&host.wal);
        }
    }
    Ok(())
}

/// The reason without its figures.
fn kind(hindrance: Hindrance) -> std::mem::Discriminant<Hindrance> {
    std::mem::discriminant(&hindrance)
}

fn tell(hindrance: Option<Hindrance>) {
    match hindrance {
        None => info!(ready = true, reason = "requests are taken in", "readiness changed"),
        // Somebody asked for it.
        Some(shut @ Hindrance::Shut) => info!(ready = false, reason = %shut, "readiness changed"),
        Some(other) => warn!(ready = false, reason = %other, "readiness changed"),
    }
}

fn try_disk(wal: &Wal) {
    // Not waited for: the next look sees how it went.
    drop(wal.mark_time());
}

#[cfg(test)]
mod tests {
    use super::*;

    const WELL: Condition = Condition {
        healthy: true,
        busy: Duration::ZERO,
        used_bytes: 0,
        data_max_bytes: 1000,
        segment_bytes: 100,
    };

    #[test]
    fn a_log_is_nearly_full_when_half_a_segment_is_left() {
        let full = |used_bytes| of_log(Condition { used_bytes, ..WELL });
        assert_eq!(full(950), None);
        assert_eq!(full(951), Some(Hindrance::Full { used_bytes: 951, max_bytes: 1000 }));
    }

    #[test]
    fn a_disk_that_refuses_or_does_not_answer_is_told_apart() {
        assert_eq!(of_log(Condition { healthy: false, ..WELL }), Some(Hindrance::DiskRefuses));
        assert_eq!(of_log(Condition { busy: STALLED_AFTER, ..WELL }), Some(Hindrance::DiskStalls));
        assert_eq!(of_log(Condition { busy: STALLED_AFTER / 2, ..WELL }), None);
    }
}
