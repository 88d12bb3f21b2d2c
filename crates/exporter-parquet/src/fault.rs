//! An object store in memory whose uploads fail as told. For tests.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

/// What happens to one upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It works.
    None,
    /// The store is overloaded.
    Unavailable,
    /// It works, but nobody hears of it.
    AnswerLost,
    /// 403.
    Refused,
    /// 404.
    NoBucket,
    /// 409: somebody uploads the same key.
    Conflict,
    /// 501.
    Unconditional,
    /// Nobody has keys.
    NoKeys,
}

/// A store whose first uploads fail as told.
#[derive(Debug)]
pub(crate) struct Faulty {
    /// What is really stored.
    pub(crate) inner: InMemory,
    faults: Mutex<VecDeque<Fault>>,
    ignores_conditions: bool,
    puts: AtomicUsize,
}

impl Faulty {
    /// A store with these faults, one an upload; after them all work.
    pub(crate) fn with<const N: usize>(faults: [Fault; N]) -> Arc<Self> {
        Arc::new(Self {
            inner: InMemory::new(),
            faults: Mutex::new(faults.into()),
            ignores_conditions: false,
            puts: AtomicUsize::new(0),
        })
    }

    /// A store that takes an object whatever the condition.
    pub(crate) fn without_conditions() -> Arc<Self> {
        let (faults, puts) = (Mutex::default(), AtomicUsize::new(0));
        Arc::new(Self { inner: InMemory::new(), faults, ignores_conditions: true, puts })
    }

    /// How many uploads were tried.
    pub(crate) fn puts(&self) -> usize {
        self.puts.load(Ordering::Relaxed)
    }
}

impl fmt::Display for Faulty {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Faulty")
    }
}

#[async_trait]
impl ObjectStore for Faulty {
    async fn put_opts(&self, path: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.puts.fetch_add(1, Ordering::Relaxed);
        let fault = self.faults.lock().unwrap().pop_front().unwrap_or(Fault::None);
        let generic = |text: &str| Error::Generic { store: "S3", source: text.into() };
        let (path_text, source) = (path.to_string(), "as told".into());
        match fault {
            Fault::None if self.ignores_conditions => {
                self.inner.put_opts(path, payload, PutOptions::default()).await
            }
            Fault::None => self.inner.put_opts(path, payload, options).await,
            Fault::AnswerLost => {
                self.inner.put_opts(path, payload, options).await?;
                Err(generic("connection reset"))
            }
            Fault::Unavailable => Err(generic("503 Slow Down")),
            Fault::NoKeys => Err(generic("PUT http://169.254.169.254/latest/api/token: connection refused")),
            Fault::Refused => Err(Error::PermissionDenied { path: path_text, source }),
            Fault::NoBucket => Err(Error::NotFound { path: path_text, source }),
            Fault::Conflict => Err(Error::AlreadyExists { path: path_text, source }),
            Fault::Unconditional => Err(Error::NotSupported { source }),
        }
    }

    async fn put_multipart_opts(&self, _: &Path, _: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        panic!("files are uploaded in one request")
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(path, options).await
    }

    fn delete_stream(&self, _: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        panic!("nothing is ever deleted")
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, _: &Path, _: &Path, _: CopyOptions) -> Result<()> {
        panic!("nothing is ever copied")
    }
}
