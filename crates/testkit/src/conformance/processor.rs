//! What the engine relies on of a processor.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use spanledger_component::{Processor, Rows};

use crate::rows::{cut_into, is_same, joined, reversed, slice};

/// A processor is pure, row by row: what it makes of each of these rows alone is what it makes of it among others,
/// however they are cut and whatever their order.
pub fn processor(processor: &dyn Processor, rows: &Rows) {
    let process = |rows: Rows| processor.process(rows).expect("the processor takes these rows");
    assert!(process(slice(rows, 0, 0)).is_empty(), "no rows give no rows");
    let alone: Vec<Rows> = cut_into(rows, 1).map(process).collect();
    for size in [2, 3, 7, rows.len() / 2 + 1, rows.len().max(1)] {
        for (part, alone) in cut_into(rows, size).zip(alone.chunks(size)) {
            let expected = joined(alone).expect("a part has rows");
            assert!(is_same(&process(part), &expected), "{size} rows at a time give what each gives alone");
        }
    }
    let backwards: Vec<Rows> = alone.into_iter().rev().collect();
    if let Some(expected) = joined(&backwards) {
        assert!(is_same(&process(reversed(rows)), &expected), "the order of rows does not matter");
    }
}
