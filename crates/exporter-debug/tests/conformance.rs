//! What the engine relies on, over what real SDKs sent, every column of it said.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io;

use spanledger_component::{Context, ExporterFactory as _, Signal};
use spanledger_exporter_debug::{Config, Debug, Verbosity};
use spanledger_testkit::{captures, conformance, rows};

#[tokio::test]
async fn it_says_every_captured_row_and_holds_none() {
    // Without somebody who listens, nothing is put into words.
    let _listening =
        tracing::subscriber::set_default(tracing_subscriber::fmt().with_writer(io::sink).finish());
    let context = Context { memory_bytes: 1 << 20, ..Context::new("debug".parse().unwrap()) };
    for verbosity in [Verbosity::Basic, Verbosity::Normal, Verbosity::Detailed] {
        let mut debug = Debug::build(&Config { verbosity, ..Config::default() }, &context).unwrap();
        for signal in [Signal::Traces, Signal::Logs] {
            let batch = rows::batch(signal, 1, &captures::bodies(signal));
            conformance::exporter_at_once(debug.as_mut(), &batch).await;
        }
    }
}
