//! What a span costs on its way into Parquet, sorted and with zstd(1), in both tables: against decoding it, and against
//! zstd(1) of the same requests and nothing else.

use std::hint::black_box;
use std::time::Instant;

use bytes::Bytes;
use spanledger_benches::{Report, quantile};
use spanledger_instructions::{Encode, Failure, Input, Work as _, decode, read_calls};
use zstd::bulk::Compressor;

// The program's own.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const ROUNDS: usize = 20;
const LEVEL: i32 = 1;

fn main() -> Result<(), Failure> {
    let mut report = Report::new("encode", "rows to sorted zstd(1) Parquet, us a span on one core");
    for (case, input) in [("small", Input::SMALL), ("8 KB of messages", Input::LARGE)] {
        report.add(case, measure(input)?);
    }
    report.print();
    Ok(())
}

fn measure(input: Input) -> Result<Vec<(&'static str, f64)>, Failure> {
    let bodies = input.bodies(0);
    let mut compressor = Compressor::new(LEVEL)?;
    let mut encode = Encode::of(read_calls(decode(&bodies, 0)?)?)?;
    let (mut decodes, mut compressions, mut encodes) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let started = Instant::now();
        black_box(decode(&bodies, 0)?);
        let decoded = Instant::now();
        for body in &bodies {
            black_box(compressor.compress(body)?);
        }
        let compressed = Instant::now();
        encode.run()?;
        let done = Instant::now();
        for (times, time) in [
            (&mut decodes, decoded - started),
            (&mut compressions, compressed - decoded),
            (&mut encodes, done - compressed),
        ] {
            times.push(time.as_secs_f64() * 1e6 / input.spans() as f64);
        }
    }
    let [decode, compress, encode] =
        [&mut decodes, &mut compressions, &mut encodes].map(|times| quantile(times, 0.5));
    let body_bytes: usize = bodies.iter().map(Bytes::len).sum();
    Ok(vec![
        ("bytes a span", body_bytes as f64 / input.spans() as f64),
        ("encode us", encode),
        ("decode us", decode),
        ("zstd(1) us", compress),
        ("encode / decode", encode / decode),
        ("encode / zstd(1)", encode / compress),
    ])
}
