//! The exporter: what the engine hands in gathers in a range, and a sealed range becomes a delivery.

use std::mem;
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use object_store::ObjectStore;
use spanledger_component::{
    Audit, Batch, Context, Delivered, Delivery, Error, ExportError, Exporter, ExporterFactory, Plan, Rows,
    Service, Signal, Stability,
};
use tokio_util::sync::CancellationToken;

use crate::audit;
use crate::bucket::Bucket;
use crate::config::Config;
use crate::delivery::Upload;
use crate::directory::Directory;
use crate::meters::Meters;
use crate::partition;
use crate::range::Range;
use crate::store::Store;
use crate::target::Target;

/// Gathers, encodes, and hands out deliveries.
pub struct Parquet {
    config: Config,
    context: Context,
    target: Target,
    meters: Meters,
    store: Option<Arc<Store>>,
    range: Range,
}

impl Parquet {
    /// An exporter to any object store: `store` is the bucket that the `path` of the settings names, and the settings of
    /// its client are passed over.
    pub fn in_store(
        config: &Config,
        context: &Context,
        store: Arc<dyn ObjectStore>,
    ) -> Result<Box<dyn Exporter>, Error> {
        let mut parquet = Self::new(config, context)?;
        let Target::Bucket { bucket, prefix } = &parquet.target else {
            return Err(key_error(context, "path", format!("{} is no bucket", config.path)));
        };
        parquet.store = Some(Arc::new(Store::Bucket(Bucket::new(store, bucket, prefix))));
        Ok(Box::new(parquet))
    }

    fn new(config: &Config, context: &Context) -> Result<Self, Error> {
        let target = config.path.parse().map_err(|message| key_error(context, "path", message))?;
        if !partition::fits_file_name(&context.id) {
            return Err(Error::new(format!("exporters::{}: the id is too long for a file name", context.id)));
        }
        let (config, context, meters) = (config.clone(), context.clone(), Meters::new(context));
        Ok(Self { config, context, target, meters, store: None, range: Range::default() })
    }

    /// A third of the memory is for what gathers, a third for what is encoded, a third for what is delivered.
    fn share_bytes(&self) -> usize {
        self.context.memory_bytes / 3
    }

    /// What the files of a range may take together.
    fn range_bytes_max(&self) -> usize {
        let configured = usize::try_from(self.config.rotation.max_bytes.0).unwrap_or(usize::MAX);
        configured.min(self.share_bytes())
    }

    /// What a range has left, if all that is encoded later does not become smaller by it.
    fn range_bytes_left(&self) -> usize {
        self.range_bytes_max().saturating_sub(self.range.encoded_bytes())
    }

    /// An eighth is left over, for the footers, and so that the last runs are not ever smaller.
    fn is_full(&self) -> bool {
        self.range.rows() >= self.config.rotation.max_rows
            || self.range_bytes_left() <= self.range_bytes_max() / 8
    }

    async fn open(&self) -> Result<Store, Error> {
        match &self.target {
            Target::Bucket { bucket, prefix } => {
                Ok(Store::Bucket(Bucket::open(&self.config, bucket, prefix)?))
            }
            Target::Directory(root) => {
                let own = format!("{}-{}-", self.context.log, partition::file_word(&self.context.id));
                let folder = root.clone();
                let opened = tokio::task::spawn_blocking(move || Directory::open(&folder, &own)).await;
                let opened = opened.map_err(std::io::Error::other).flatten();
                let attempt = || {
                    format!("exporters::{}::path: make or read folder {}", self.context.id, root.display())
                };
                Ok(Store::Directory(opened.map_err(|error| Error::caused(attempt(), error))?))
            }
        }
    }
}

impl ExporterFactory for Parquet {
    const TYPE: &'static str = "parquet";
    const SIGNALS: &'static [Signal] = &[Signal::Traces, Signal::Logs];
    const STABILITY: Stability = Stability::Beta;
    const ONCE: bool = true;
    const WITHOUT_EFFECT: &'static [(&'static str, &'static str)] = &[
        ("retry_on_failure", "what is not delivered waits in the log and is tried again until it succeeds"),
        ("sending_queue", "the log is the queue, extensions::wal::max_size bounds it"),
    ];
    type Config = Config;

    fn check(config: &Config) -> Vec<(String, String)> {
        config.problems()
    }

    fn build(config: &Config, context: &Context) -> Result<Box<dyn Exporter>, Error> {
        Ok(Box::new(Self::new(config, context)?))
    }
}

fn key_error(context: &Context, key: &str, message: String) -> Error {
    Error::new(format!("exporters::{}::{key}: {message}", context.id))
}

fn reject(source: Error) -> ExportError {
    ExportError::Reject { source }
}

#[async_trait]
impl Exporter for Parquet {
    async fn start(&mut self, _stop: CancellationToken) -> Result<Option<Service>, Error> {
        if self.store.is_none() {
            self.store = Some(Arc::new(self.open().await?));
        }
        Ok(None)
    }

    async fn export(&mut self, batch: &Batch) -> Result<(), ExportError> {
        if batch.rows.iter().any(|rows| rows.signal() == Signal::Metrics) {
            return Err(reject(Error::new("metrics are not written to Parquet")));
        }
        for rows in batch.rows.iter().filter(|rows| !Rows::is_empty(rows)) {
            self.range.add(rows, self.range_bytes_left()).map_err(reject)?;
        }
        Ok(())
    }

    fn seal_by(&self) -> Option<Instant> {
        let opened = self.range.opened()?;
        let wait = if self.is_full() { Default::default() } else { *self.config.rotation.max_age };
        Some(opened.checked_add(wait).unwrap_or(opened).into_std())
    }

    fn seal(&mut self, plan: &Plan) -> Result<Box<dyn Delivery>, ExportError> {
        let store = self.store.clone().ok_or_else(|| reject(Error::new("seal before the start")))?;
        let sealed = mem::take(&mut self.range).seal(plan).map_err(reject)?;
        Ok(Box::new(Upload::new(store, plan.id, sealed, self.meters.clone())))
    }

    fn abandon(&mut self) {
        self.range = Range::default();
    }

    async fn audit(&mut self, delivered: &Delivered) -> Result<Option<Audit>, Error> {
        let store = Store::to_read(&self.config, &self.target)?;
        let audited = audit::audit(&store, (self.context.log, &self.context.id), delivered).await;
        audited.map(Some).map_err(|retry| retry.error)
    }
}
