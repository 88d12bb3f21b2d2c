//! Where files are put: a directory or a bucket, each of which creates a file only if there is none of that name.

use bytes::Bytes;
use spanledger_component::Retry;

use crate::bucket::Bucket;
use crate::directory::Directory;

/// Where files are put.
#[derive(Debug)]
pub(crate) enum Store {
    /// A folder on this machine.
    Directory(Directory),
    /// A bucket of an object store.
    Bucket(Bucket),
}

/// What became of a file that was to be created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Created {
    /// It is there now, durably.
    New,
    /// There was one of that name, which is left as it was.
    Exists,
}

impl Store {
    /// Creates a file, whole or not at all, and never over another.
    pub(crate) async fn create(&self, path: &str, content: &[Bytes]) -> Result<Created, Retry> {
        match self {
            Self::Directory(directory) => directory.create(path, content).await,
            Self::Bucket(bucket) => bucket.create(path, content).await,
        }
    }

    /// The last so many bytes of a file; all of a shorter one.
    pub(crate) async fn end(&self, path: &str, bytes: usize) -> Result<Bytes, Retry> {
        match self {
            Self::Directory(directory) => directory.end(path, bytes).await,
            Self::Bucket(bucket) => bucket.end(path, bytes).await,
        }
    }

    /// The paths of all files below `v1/`.
    pub(crate) async fn list(&self) -> Result<Vec<String>, Retry> {
        match self {
            Self::Directory(directory) => directory.list().await,
            Self::Bucket(bucket) => bucket.list().await,
        }
    }

    /// A file, whole.
    pub(crate) async fn read(&self, path: &str) -> Result<Bytes, Retry> {
        match self {
            Self::Directory(directory) => directory.end(path, usize::MAX).await,
            Self::Bucket(bucket) => bucket.read(path).await,
        }
    }

    /// The name an operator knows a file by.
    pub(crate) fn address(&self, path: &str) -> String {
        match self {
            Self::Directory(directory) => directory.address(path),
            Self::Bucket(bucket) => bucket.address(path),
        }
    }
}
