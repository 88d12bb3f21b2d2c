//! What compressing takes by itself, request by request.

use std::time::{Duration, Instant};

use spanledger_load::{Failure, Requests, own_cpu_seconds};
use zstd::bulk::Compressor;

const LEVEL: i32 = 1;
const MEASURED_FOR: Duration = Duration::from_secs(1);

/// Processor seconds of zstd(1) over the bytes of a million spans, one request after the other.
pub(crate) fn zstd_seconds_a_million(requests: &Requests) -> Result<f64, Failure> {
    let mut compressor = Compressor::new(LEVEL)?;
    let (mut bodies, began, cpu_before) = (0_u32, Instant::now(), own_cpu_seconds()?);
    for body in requests.bodies().collect::<Vec<_>>().into_iter().cycle() {
        std::hint::black_box(compressor.compress(body)?);
        bodies += 1;
        if began.elapsed() >= MEASURED_FOR {
            break;
        }
    }
    let spans = f64::from(bodies) * requests.shape().spans as f64;
    Ok((own_cpu_seconds()? - cpu_before) * 1e6 / spans)
}
