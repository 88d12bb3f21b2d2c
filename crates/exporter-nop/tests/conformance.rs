//! What the engine relies on.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use spanledger_component::{Exporter, Signal};
use spanledger_exporter_nop::Nop;
use spanledger_testkit::{captures, conformance, rows};

#[tokio::test]
async fn it_holds_nothing_so_that_what_it_took_counts_as_delivered() {
    let mut nop: Box<dyn Exporter> = Box::new(Nop);
    let batch = rows::batch(Signal::Traces, 1, &captures::bodies(Signal::Traces));
    conformance::exporter_at_once(nop.as_mut(), &batch).await;
}
