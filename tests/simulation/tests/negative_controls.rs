//! Faults planted in the collector: worlds that do not notice would prove nothing.
#![cfg(feature = "planted")]

use spanledger_faults::{Fault, plant};
use spanledger_simulation::{number, run};

/// In so many worlds each fault has to show.
const SEEDS_MAX: u64 = 100;

#[test]
fn every_planted_fault_is_caught_by_some_world() {
    let seeds_max = number("SPANLEDGER_SEEDS", SEEDS_MAX);
    let mut missed = Vec::new();
    for fault in Fault::ALL {
        plant(Some(*fault));
        let caught = (1..=seeds_max).map(run).find(|outcome| !outcome.violations.is_empty());
        plant(None);
        match caught {
            Some(outcome) => {
                let violation = &outcome.violations[0];
                println!(
                    "{fault}: caught by {} in seed {}: {}",
                    violation.invariant, outcome.seed, violation.what
                );
            }
            None => missed.push(fault.name()),
        }
    }
    assert!(missed.is_empty(), "{seeds_max} worlds did not notice {}", missed.join(", "));
}
