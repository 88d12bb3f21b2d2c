//! What the engine relies on of a connector.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::time::SystemTime;

use spanledger_component::{Connector, Rows};

use crate::rows::{cut_into, is_same, slice};

/// However the log is cut into batches, and wherever the state goes through a snapshot, the state of a connector is the
/// same, and so is what it hands out. What is no snapshot is refused and changes nothing. `log_time` is a time mark that
/// follows the rows.
pub fn connector(new: impl Fn() -> Box<dyn Connector>, rows: &Rows, log_time: SystemTime) {
    let untouched = new().snapshot();
    let mut whole = new();
    whole.fold(rows);
    let before_the_mark = whole.snapshot();
    whole.tick(log_time);
    let expected = whole.snapshot();
    let handed_out = whole.emit();
    for size in [1, 2, 3, 7, rows.len() / 2 + 1] {
        let what = format!("batches of {size} rows, with a restart after each,");
        let mut cut = new();
        for part in cut_into(rows, size) {
            cut.fold(&part);
            cut.fold(&slice(&part, 0, 0));
            let _ = cut.emit();
            cut = restarted(&new, cut.as_ref());
        }
        assert!(cut.snapshot() == before_the_mark, "{what} give the same state");
        cut.tick(log_time);
        assert!(cut.snapshot() == expected, "{what} give the same state after a time mark");
        assert!(is_same(&cut.emit(), &handed_out), "{what} hand out the same");
    }
    assert!(is_same(&whole.emit(), &handed_out), "the same state is handed out the same again");
    assert!(whole.snapshot() == expected, "handing out changes no state");
    assert!(whole.restore(b"\xffno snapshot of anything").is_err(), "what is no snapshot is refused");
    assert!(whole.snapshot() == expected, "a refused snapshot changes nothing");
    whole.restore(&untouched).expect("a connector takes the snapshot of an empty one");
    assert!(whole.snapshot() == untouched, "nothing of the former state is left after a restore");
}

/// A new connector with the state of this one.
fn restarted(new: impl Fn() -> Box<dyn Connector>, connector: &dyn Connector) -> Box<dyn Connector> {
    let snapshot = connector.snapshot();
    let mut next = new();
    next.restore(&snapshot).expect("a connector takes its own snapshot back");
    assert!(next.snapshot() == snapshot, "a snapshot is the whole state");
    next
}
