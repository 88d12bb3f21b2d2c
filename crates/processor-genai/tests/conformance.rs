//! What the engine relies on, over what real SDKs sent and over made-up spans.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use spanledger_component::{Processor as _, Signal};
use spanledger_processor_genai::Genai;
use spanledger_telemetry::Meter;
use spanledger_testkit::{captures, conformance, rows, spans};

fn conforms(signal: Signal, bodies: &[bytes::Bytes]) {
    conformance::processor(&Genai::new(&Meter::default(), "genai"), &rows::decoded(signal, 1, bodies));
}

#[test]
fn what_it_makes_of_a_captured_span_depends_on_that_span_alone() {
    conforms(Signal::Traces, &captures::bodies(Signal::Traces));
}

#[test]
fn captured_log_records_pass_one_by_one() {
    conforms(Signal::Logs, &captures::bodies(Signal::Logs));
}

#[test]
fn what_it_makes_of_a_built_span_depends_on_that_span_alone() {
    conforms(Signal::Traces, &[spans::body(20, 20, 1), spans::body(3, 0, 2), spans::body(20, 40, 3)]);
}

#[test]
fn so_it_is_for_spans_that_were_read_already() {
    let genai = Genai::new(&Meter::default(), "genai");
    let captured = rows::decoded(Signal::Traces, 1, &captures::bodies(Signal::Traces));
    conformance::processor(&genai, &genai.process(captured).unwrap());
}
