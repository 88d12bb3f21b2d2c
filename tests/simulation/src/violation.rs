//! What must hold, and what was found that does not.

use std::fmt;
use std::sync::{Arc, Mutex};

use crate::lock;

/// A promise that is checked in every world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Invariant {
    /// What was acknowledged has its row, as it was sent.
    NothingLost,
    /// No row is there twice.
    NothingTwice,
    /// Every refusal can be tried again, unless the request was invalid.
    Refusals,
    /// No row comes from nowhere.
    NothingInvented,
    /// Counters only rise, and at the end are what the rows add up to.
    Counters,
    /// Once the faults are over, everything is delivered without a hand's turn.
    Heals,
    /// Every ledger balances, and the log reads well.
    Ledgers,
}

impl fmt::Display for Invariant {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (number, words) = match self {
            Self::NothingLost => ("I1", "nothing acknowledged is lost"),
            Self::NothingTwice => ("I2", "nothing is stored twice"),
            Self::Refusals => ("I3", "every refusal can be tried again"),
            Self::NothingInvented => ("I4", "no row comes from nowhere"),
            Self::Counters => ("I5", "counters rise and add up"),
            Self::Heals => ("I6", "all is delivered once the faults are over"),
            Self::Ledgers => ("I8", "ledgers balance and the log verifies"),
        };
        write!(out, "{number} ({words})")
    }
}

/// Something that does not hold.
#[derive(Debug, Clone)]
pub struct Violation {
    /// Of what.
    pub invariant: Invariant,
    /// What was seen.
    pub what: String,
}

/// What was found so far. Clones are the same.
#[derive(Clone, Default)]
pub(crate) struct Violations(Arc<Mutex<Vec<Violation>>>);

impl Violations {
    pub(crate) fn add(&self, invariant: Invariant, what: String) {
        lock(&self.0).push(Violation { invariant, what });
    }

    pub(crate) fn all(&self) -> Vec<Violation> {
        lock(&self.0).clone()
    }
}
