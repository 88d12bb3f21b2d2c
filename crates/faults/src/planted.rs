//! Which fault is planted, and where the process dies.

use std::{
    cell::Cell,
    env::{self, VarError},
    str::FromStr,
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{Fault, Point};

thread_local! {
    static IN_THREAD: Cell<Option<Fault>> = const { Cell::new(None) };
}

static IN_PROCESS: LazyLock<Option<Fault>> = LazyLock::new(|| variable("SPANLEDGER_FAULT"));
static DIES_AT: LazyLock<Option<Visit>> = LazyLock::new(|| variable("SPANLEDGER_DIES_AT"));
static VISITS: AtomicU64 = AtomicU64::new(0);

/// Plants a fault in this thread, in place of the one before.
pub fn plant(fault: Option<Fault>) {
    IN_THREAD.set(fault);
}

pub(crate) fn is(fault: Fault) -> bool {
    IN_THREAD.get().or(*IN_PROCESS) == Some(fault)
}

/// Aborts the process if this is the visit that it should die at.
#[expect(clippy::disallowed_methods, reason = "a test asked for this very end")]
pub(crate) fn pass(point: Point) {
    let Some(visit) = DIES_AT.as_ref().filter(|visit| visit.point == point) else { return };
    if VISITS.fetch_add(1, Ordering::Relaxed) + 1 == visit.number {
        std::process::abort();
    }
}

/// `POINT:N`: the n-th time that a point is passed.
struct Visit {
    point: Point,
    number: u64,
}

impl FromStr for Visit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (point, number) = text.split_once(':').unwrap_or((text, "1"));
        let number = number.parse().map_err(|error| format!("{number:?} is not a number: {error}"))?;
        Ok(Self { point: point.parse()?, number })
    }
}

#[expect(clippy::panic, reason = "a test that plants what there is not would prove nothing")]
fn variable<T: FromStr<Err = String>>(name: &str) -> Option<T> {
    match env::var(name) {
        Ok(value) => Some(value.parse().unwrap_or_else(|error| panic!("{name}: {error}"))),
        Err(VarError::NotPresent) => None,
        Err(error) => panic!("{name}: {error}"),
    }
}
