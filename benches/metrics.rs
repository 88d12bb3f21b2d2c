//! What it costs to count calls to 50 models, with tokens, duration and cost, against decoding their spans.

use std::hint::black_box;
use std::time::Instant;

use spanledger_benches::{Report, quantile};
use spanledger_instructions::{Failure, Fold, Input, Work as _, decode};

// The program's own.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const ROUNDS: usize = 40;

fn main() -> Result<(), Failure> {
    let mut report = Report::new("metrics", "folding rows into metrics, us a span on one core");
    for (case, memory_bytes) in [("room for all that waits", 256 << 20), ("room for less", 16 << 20)] {
        report.add(case, measure(memory_bytes)?);
    }
    report.print();
    Ok(())
}

fn measure(memory_bytes: usize) -> Result<Vec<(&'static str, f64)>, Failure> {
    let input = Input::MANY_MODELS;
    let bodies = input.bodies(0);
    let mut fold = Fold::new(input, memory_bytes)?;
    let (mut decodes, mut folds) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        // Other calls each time: one that was counted before would only be recognised.
        fold.prepare()?;
        let started = Instant::now();
        black_box(decode(&bodies, 0)?);
        let decoded = Instant::now();
        fold.run()?;
        let folded = Instant::now();
        for (times, time) in [(&mut decodes, decoded - started), (&mut folds, folded - decoded)] {
            times.push(time.as_secs_f64() * 1e6 / input.spans() as f64);
        }
    }
    let (decode, fold) = (quantile(&mut decodes, 0.5), quantile(&mut folds, 0.5));
    Ok(vec![("fold us", fold), ("decode us", decode), ("fold / decode", fold / decode)])
}
