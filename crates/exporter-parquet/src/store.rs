//! Where files are put: a directory or a bucket, each of which creates a file only if there is none of that name.

use std::ops::Range;

use bytes::Bytes;
use parquet::file::metadata::ParquetMetaData;
use spanledger_component::{Error, Retry};

use crate::bucket::Bucket;
use crate::config::Config;
use crate::directory::Directory;
use crate::footer::{self, Footer};
use crate::target::Target;

/// Enough for the footer of most files.
pub(crate) const FOOTER_BYTES: usize = 64 << 10;

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
    /// What stands at the target, to be read as it is: nothing is made there.
    pub(crate) fn to_read(config: &Config, target: &Target) -> Result<Self, Error> {
        match target {
            Target::Bucket { bucket, prefix } => Ok(Self::Bucket(Bucket::open(config, bucket, prefix)?)),
            Target::Directory(root) => Ok(Self::Directory(Directory::at(root))),
        }
    }

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

    /// What the footer of a file says; `None` when it is no Parquet file.
    pub(crate) async fn footer(&self, path: &str) -> Result<Option<Box<ParquetMetaData>>, Retry> {
        let mut footer = footer::read(&self.end(path, FOOTER_BYTES).await?);
        if let Footer::Longer(bytes) = footer {
            footer = footer::read(&self.end(path, bytes).await?);
        }
        match footer {
            Footer::Whole(metadata) => Ok(Some(metadata)),
            Footer::Foreign | Footer::Longer(_) => Ok(None),
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

    /// Parts of a file, in the order in which they are asked for.
    pub(crate) async fn ranges(&self, path: &str, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, Retry> {
        match self {
            Self::Directory(directory) => directory.ranges(path, ranges).await,
            Self::Bucket(bucket) => bucket.ranges(path, ranges).await,
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
