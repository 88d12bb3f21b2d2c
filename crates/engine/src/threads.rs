//! On what the log and the branches of a collector run: threads of their own, or all on the caller's one.

use std::sync::Arc;

use spanledger_component::Error;
use spanledger_wal::{Disk, OpenError, Wal};
use tokio::task::JoinSet;

/// Opens a log.
pub type OpenLog = Arc<dyn Fn(spanledger_wal::Options) -> Result<Wal, OpenError> + Send + Sync>;

/// On what the log and the branches run.
#[derive(Clone, Default)]
pub enum Threads {
    /// On threads of their own, which give way to intake: decoding, encoding and the disk hold up neither that nor another
    /// branch.
    #[default]
    Own,
    /// The same, with the log on this disk.
    OwnOn(Arc<dyn Disk>),
    /// On the one thread of the caller's runtime, so that a simulation has one order of events. The caller opens the log,
    /// on whatever disk, and sees to it that it writes.
    One(OpenLog),
}

/// How much a branch's thread gives way: what is asked for at this priority gets a third of what intake gets, where
/// there is not enough for both.
#[cfg(target_os = "linux")]
const NICE: i32 = 5;

/// Has this thread give way to those that take requests in: a sender waits for its answer, and nobody for a branch.
#[cfg(target_os = "linux")]
fn give_way() {
    // Of the calling thread alone. A process that is nicer already stays as it is.
    let _ = rustix::process::setpriority_process(None, NICE);
}

#[cfg(not(target_os = "linux"))]
fn give_way() {}

impl Threads {
    pub(crate) fn open(&self, options: spanledger_wal::Options) -> Result<Wal, OpenError> {
        match self {
            Self::Own => Wal::open(options),
            Self::OwnOn(disk) => Wal::open_on(options, disk.clone()),
            Self::One(open) => open(options),
        }
    }

    /// Runs a branch.
    pub(crate) fn spawn(
        &self,
        branches: &mut JoinSet<Result<(), Error>>,
        run: impl Future<Output = Result<(), Error>> + Send + 'static,
    ) {
        let runtime = tokio::runtime::Handle::current();
        match self {
            Self::Own | Self::OwnOn(_) => branches.spawn_blocking(move || {
                give_way();
                runtime.block_on(run)
            }),
            Self::One(_) => branches.spawn(run),
        };
    }

    /// Does what waits for the disk.
    pub(crate) async fn block<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, tokio::task::JoinError> {
        match self {
            Self::Own | Self::OwnOn(_) => tokio::task::spawn_blocking(work).await,
            Self::One(_) => Ok(work()),
        }
    }
}
