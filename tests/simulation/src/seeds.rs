//! Running many seeds, and telling of those that fail.

use std::env;
use std::fmt::Write as _;
use std::panic;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, Once};

use crate::lock;
use crate::world::{Outcome, run};

/// Threads that share the seeds; each world has one of them for itself.
const THREADS: usize = 2;

/// Keeps the panics that worlds have on purpose from being printed: their traces take longer than the worlds.
fn hide_poison() {
    static HIDDEN: Once = Once::new();
    HIDDEN.call_once(|| {
        let print = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if info.payload_as_str() != Some("a span is named poison") {
                print(info);
            }
        }));
    });
}

/// Runs seeds, on two threads, and hands each outcome over.
pub fn run_all(first: u64, count: u64, take: impl Fn(Outcome) + Sync) {
    hide_poison();
    let next = AtomicU64::new(first);
    let turn = Mutex::new(());
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + count {
                        return;
                    }
                    let outcome = run(seed);
                    let _turn = lock(&turn);
                    take(outcome);
                }
            });
        }
    });
}

/// A number from the environment.
pub fn number(variable: &str, default: u64) -> u64 {
    match env::var(variable) {
        Ok(text) => text.parse().unwrap_or_else(|error| panic!("{variable}={text}: {error}")),
        Err(_) => default,
    }
}

impl Outcome {
    /// What does not hold, and what happened last.
    pub fn failure(&self) -> Option<String> {
        if self.violations.is_empty() {
            return None;
        }
        let mut text = format!("seed {} fails:\n", self.seed);
        for violation in &self.violations {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "  {}: {}", violation.invariant, violation.what);
        }
        Some(format!("{text}the last events:\n{}", self.tail))
    }
}
