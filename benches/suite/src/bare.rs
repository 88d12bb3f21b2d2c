//! What compressing takes by itself: the floor below every contender that keeps spans compressed.

use std::time::{Duration, Instant};

use spanledger_load::{Failure, Requests};
use zstd::bulk::Compressor;

const LEVEL: i32 = 1;
const MEASURED_FOR: Duration = Duration::from_secs(1);

/// Seconds of zstd(1) over the bytes of a million spans, one request after the other, on one core.
pub(crate) fn zstd_seconds_a_million(requests: &Requests) -> Result<f64, Failure> {
    let mut compressor = Compressor::new(LEVEL)?;
    let (mut bodies, began) = (0_u32, Instant::now());
    for body in requests.bodies().collect::<Vec<_>>().into_iter().cycle() {
        std::hint::black_box(compressor.compress(body)?);
        bodies += 1;
        if began.elapsed() >= MEASURED_FOR {
            break;
        }
    }
    let spans = f64::from(bodies) * requests.shape().spans as f64;
    Ok(began.elapsed().as_secs_f64() * 1e6 / spans)
}
