//! What happened, in order: a hash over all of it, by which two runs are held against each other, and the last lines.

use std::collections::VecDeque;
use std::fmt::{self, Display, Write as _};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex};

use crate::clock::WorldClock;
use crate::lock;
use crate::seeds::number;

/// How many lines a failing seed prints; `SPANLEDGER_TRACE_LINES` says otherwise.
const TAIL_LINES: u64 = 120;

#[derive(Clone)]
pub(crate) struct Trace {
    clock: Arc<WorldClock>,
    inner: Arc<Mutex<Inner>>,
    tail_lines: u64,
}

#[derive(Default)]
struct Inner {
    hasher: DefaultHasher,
    events: u64,
    tail: VecDeque<String>,
}

impl fmt::Debug for Trace {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "a trace of {} events", self.events())
    }
}

impl Trace {
    pub(crate) fn new(clock: Arc<WorldClock>) -> Self {
        Self { clock, inner: Arc::default(), tail_lines: number("SPANLEDGER_TRACE_LINES", TAIL_LINES) }
    }

    /// Notes an event.
    pub(crate) fn tell(&self, event: impl Display) {
        let mut line = format!("{:>12.3} s  ", self.clock.elapsed().as_secs_f64());
        // Writing to a string cannot fail.
        let _ = write!(line, "{event}");
        let mut inner = lock(&self.inner);
        line.hash(&mut inner.hasher);
        inner.events += 1;
        inner.tail.push_back(line);
        if inner.tail.len() as u64 > self.tail_lines {
            inner.tail.pop_front();
        }
    }

    /// A number that stands for all events.
    pub(crate) fn hash(&self) -> u64 {
        lock(&self.inner).hasher.finish()
    }

    pub(crate) fn events(&self) -> u64 {
        lock(&self.inner).events
    }

    /// The last lines.
    pub(crate) fn tail(&self) -> String {
        lock(&self.inner).tail.iter().fold(String::new(), |all, line| all + line + "\n")
    }
}

/// A short name for some bytes.
pub(crate) fn digest(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}
