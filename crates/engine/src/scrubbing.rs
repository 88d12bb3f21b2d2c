//! Reading through the log in the background, so that damage is found, and told, before it is in the way of a delivery.

use std::time::Duration;

use spanledger_component::Error;
use spanledger_wal::Wal;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::threads::Threads;

/// 4 MiB a second: ten GiB in three quarters of an hour, and nothing that a disk notices.
const SLICE_BYTES: usize = 4 << 20;
const SLICE_EVERY: Duration = Duration::from_secs(1);
/// From the end of the log to the next beginning.
const REST: Duration = Duration::from_secs(3600);

/// Reads through the log again and again until stop.
pub(crate) async fn scrub(wal: Wal, threads: Threads, stop: CancellationToken) -> Result<(), Error> {
    let mut pause = SLICE_EVERY;
    while stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_some() {
        let log = wal.clone();
        pause = match threads.block(move || log.scrub_next(SLICE_BYTES)).await {
            Ok(Ok(slice)) if slice.is_complete => REST,
            Ok(Ok(_)) => SLICE_EVERY,
            Ok(Err(error)) => {
                warn!(%error, "reading through the log failed, will try again");
                REST
            }
            Err(error) => return Err(Error::caused("read through the log", error)),
        };
    }
    Ok(())
}
