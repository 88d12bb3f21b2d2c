//! The delivery of a sealed range: every file of it is put where it belongs, once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use spanledger_component::{Delivery, Error, PlanId, Retry};

use crate::footer::{self, Footer};
use crate::meters::Meters;
use crate::range::Sealed;
use crate::store::{Created, Store};

/// Enough for the footer of most files.
const FOOTER_BYTES: usize = 64 << 10;

/// A file that is ready.
pub(crate) struct Object {
    /// The table it is of.
    pub(crate) table: &'static str,
    /// Its path below the target.
    pub(crate) path: String,
    /// Its content, in pieces.
    pub(crate) content: Vec<Bytes>,
}

/// Delivers a sealed range.
pub(crate) struct Upload {
    /// Where to.
    pub(crate) store: Arc<Store>,
    /// The plan that the files are of.
    pub(crate) plan: PlanId,
    /// What is delivered.
    pub(crate) range: Sealed,
    /// Where that is counted.
    pub(crate) meters: Meters,
    /// Which files are there, and last whether the range is counted.
    pub(crate) done: Vec<AtomicBool>,
}

impl Upload {
    /// The delivery of a range that nothing was done for yet.
    pub(crate) fn new(store: Arc<Store>, plan: PlanId, range: Sealed, meters: Meters) -> Self {
        let done = range.objects.iter().map(|_| AtomicBool::default()).collect();
        Self { store, plan, range, meters, done }
    }

    async fn put(&self, object: &Object) -> Result<(), Retry> {
        match self.store.create(&object.path, &object.content).await? {
            Created::New => {
                let bytes = object.content.iter().map(Bytes::len).sum();
                self.meters.file(object.table, bytes);
                Ok(())
            }
            Created::Exists => self.check(object).await,
        }
    }

    /// A file that is there already is ours when its footer names this plan.
    async fn check(&self, object: &Object) -> Result<(), Retry> {
        let mut end = self.store.end(&object.path, FOOTER_BYTES).await?;
        let mut footer = footer::read(&end);
        if let Footer::Longer(bytes) = footer {
            end = self.store.end(&object.path, bytes).await?;
            footer = footer::read(&end);
        }
        match footer {
            Footer::Plan(Some(plan)) if plan == self.plan.to_string() => Ok(()),
            _ => Err(Retry::alarm(self.foreign(object))),
        }
    }

    fn foreign(&self, object: &Object) -> Error {
        Error::new(format!(
            "{} exists and is not of this plan ({}): the log was cloned or restored from a backup; the file is left \
             as it is; stop the collector and run `spanledger wal new-identity`",
            self.store.address(&object.path),
            self.plan,
        ))
    }
}

#[async_trait]
impl Delivery for Upload {
    async fn deliver(&self) -> Result<(), Retry> {
        for (object, done) in self.range.objects.iter().zip(&self.done) {
            if !done.load(Ordering::Relaxed) {
                self.put(object).await?;
                done.store(true, Ordering::Relaxed);
            }
        }
        self.meters.sent(self.range.counts);
        Ok(())
    }
}
