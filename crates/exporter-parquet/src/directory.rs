//! A folder on this machine: files that survive a power loss once they are said to be there.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use spanledger_component::{Error, Retry};

use crate::store::Created;

/// How much of a file is written before it is fsynced.
const STEP_BYTES: usize = 2 << 20;

/// A folder that files are put below. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Directory {
    root: PathBuf,
    /// Folders below the root whose names are known to be on disk.
    durable: Arc<Mutex<HashSet<PathBuf>>>,
}

impl Directory {
    /// Makes the folder, and removes what an earlier run left half written: temporary files whose names begin so.
    pub(crate) fn open(root: &Path, own: &str) -> io::Result<Self> {
        create_folder(root)?;
        remove_leftovers(root, &format!(".{own}"))?;
        Ok(Self::at(root))
    }

    /// The folder as it is, or is not, to read what is in it.
    pub(crate) fn at(root: &Path) -> Self {
        Self { root: root.to_owned(), durable: Arc::default() }
    }

    /// The name an operator knows a file by.
    pub(crate) fn address(&self, path: &str) -> String {
        self.root.join(path).display().to_string()
    }

    /// See [`crate::store::Store::create`].
    pub(crate) async fn create(&self, path: &str, content: &[Bytes]) -> Result<Created, Retry> {
        let (directory, file, content) = (self.clone(), path.to_owned(), content.to_vec());
        let attempt = format!("write file {}", self.address(path));
        blocking(attempt, move || directory.create_now(&file, &content)).await
    }

    /// See [`crate::store::Store::end`].
    pub(crate) async fn end(&self, path: &str, bytes: usize) -> Result<Bytes, Retry> {
        let file = self.root.join(path);
        let attempt = format!("read the end of file {}", self.address(path));
        blocking(attempt, move || read_end(&file, bytes)).await
    }

    /// See [`crate::store::Store::ranges`].
    pub(crate) async fn ranges(&self, path: &str, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, Retry> {
        let (file, ranges) = (self.root.join(path), ranges.to_vec());
        let attempt = format!("read parts of file {}", self.address(path));
        blocking(attempt, move || read_ranges(&file, &ranges)).await
    }

    /// See [`crate::store::Store::list`].
    pub(crate) async fn list(&self) -> Result<Vec<String>, Retry> {
        let root = self.root.clone();
        blocking(format!("list the files of {}", root.display()), move || list_files(&root)).await
    }

    fn create_now(&self, path: &str, content: &[Bytes]) -> io::Result<Created> {
        let path = Path::new(path);
        let folder = path.parent().unwrap_or(Path::new(""));
        let name = path.file_name().unwrap_or_default();
        self.make_durable(folder)?;
        let folder = self.root.join(folder);
        let target = folder.join(name);
        let created = if target.exists() {
            Created::Exists
        } else {
            let temporary = folder.join(format!(".{}.tmp", name.display()));
            let linked = write(&temporary, content).and_then(|()| link(&temporary, &target));
            let removed = fs::remove_file(&temporary);
            let created = linked?;
            removed?;
            created
        };
        // Also when it was there: whoever linked it may have crashed before this.
        sync_folder(&folder)?;
        Ok(created)
    }

    /// Makes the folders of a path below the root, and their names durable. The root itself is never made here: where
    /// it is gone, a volume is not mounted.
    fn make_durable(&self, folder: &Path) -> io::Result<()> {
        let mut parent = self.root.clone();
        for part in folder.components() {
            let child = parent.join(part);
            if !self.durable.lock().unwrap_or_else(PoisonError::into_inner).contains(&child) {
                match fs::create_dir(&child) {
                    Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
                    _ => sync_folder(&parent)?,
                }
                self.durable.lock().unwrap_or_else(PoisonError::into_inner).insert(child.clone());
            }
            parent = child;
        }
        Ok(())
    }
}

/// Makes a folder and those above it; what is new is durable.
fn create_folder(folder: &Path) -> io::Result<()> {
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match fs::create_dir(folder) {
        Ok(()) => sync_folder(parent),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            create_folder(parent)?;
            fs::create_dir(folder)?;
            sync_folder(parent)
        }
        Err(_) if folder.is_dir() => Ok(()),
        Err(error) => Err(error),
    }
}

/// Writes a file, a little at a time: what is fsynced meanwhile, such as the log on the same disk, waits for one step.
fn write(file: &Path, content: &[Bytes]) -> io::Result<()> {
    let mut file = File::create(file)?;
    let mut unsynced = 0;
    for step in content.iter().flat_map(|piece| piece.chunks(STEP_BYTES)) {
        file.write_all(step)?;
        unsynced += step.len();
        if unsynced >= STEP_BYTES {
            file.sync_data()?;
            unsynced = 0;
        }
    }
    file.sync_all()
}

/// Gives a file its name unless that is taken, in one step.
fn link(file: &Path, name: &Path) -> io::Result<Created> {
    match fs::hard_link(file, name) {
        Ok(()) => Ok(Created::New),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(Created::Exists),
        Err(error) => Err(error),
    }
}

// A file can survive a crash without its name: that stands in the folder.
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn read_end(file: &Path, bytes: usize) -> io::Result<Bytes> {
    let mut file = File::open(file)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(bytes as u64)))?;
    let mut end = Vec::new();
    file.take(bytes as u64).read_to_end(&mut end)?;
    Ok(end.into())
}

fn read_ranges(file: &Path, ranges: &[Range<u64>]) -> io::Result<Vec<Bytes>> {
    let mut file = File::open(file)?;
    let read = |range: &Range<u64>| {
        let bytes = range.end.saturating_sub(range.start);
        let mut part = Vec::new();
        file.seek(SeekFrom::Start(range.start))?;
        match (&mut file).take(bytes).read_to_end(&mut part)? as u64 == bytes {
            true => Ok(part.into()),
            false => Err(ErrorKind::UnexpectedEof.into()),
        }
    };
    ranges.iter().map(read).collect()
}

/// The paths below the root of what stands in `v1/<table>/<day>`.
fn list_files(root: &Path) -> io::Result<Vec<String>> {
    let mut paths = Vec::new();
    for table in folders(&root.join("v1"))? {
        for day in folders(&table)? {
            for entry in fs::read_dir(&day)? {
                let path = entry?.path();
                let below = path.strip_prefix(root).ok().and_then(Path::to_str);
                paths.extend(below.map(str::to_owned));
            }
        }
    }
    Ok(paths)
}

/// Removes temporary files of earlier runs. Those of other logs are left alone: somebody may be writing them.
fn remove_leftovers(root: &Path, own: &str) -> io::Result<()> {
    for table in folders(&root.join("v1"))? {
        for day in folders(&table)? {
            for entry in fs::read_dir(&day)? {
                let entry = entry?;
                let name = entry.file_name();
                if name.to_str().is_some_and(|name| name.starts_with(own) && name.ends_with(".tmp")) {
                    fs::remove_file(entry.path())?;
                }
            }
        }
    }
    Ok(())
}

/// The folders in a folder; none when there is no such folder.
fn folders(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let paths = entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    Ok(paths.into_iter().filter(|path| path.is_dir()).collect())
}

async fn blocking<T: Send + 'static>(
    attempt: String,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, Retry> {
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) if needs_operator(&error) => Err(Retry::alarm(Error::caused(attempt, error))),
        Ok(Err(error)) => Err(Retry::transient(Error::caused(attempt, error))),
        Err(error) => Err(Retry::transient(Error::caused(attempt, error))),
    }
}

fn needs_operator(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::NotFound
            | ErrorKind::NotADirectory
            | ErrorKind::PermissionDenied
            | ErrorKind::QuotaExceeded
            | ErrorKind::ReadOnlyFilesystem
            | ErrorKind::StorageFull
            | ErrorKind::Unsupported
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATH: &str = "v1/spans/date=2026-11-20/a-1-2.parquet";

    fn entries(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[tokio::test]
    async fn a_file_is_created_once_and_no_temporary_one_stays() {
        let folder = tempfile::tempdir().unwrap();
        let directory = Directory::open(&folder.path().join("data/lake"), "a-").unwrap();
        let first = directory.create(PATH, &["one".into(), "two".into()]).await.unwrap();
        let second = directory.create(PATH, &["three".into()]).await.unwrap();
        assert_eq!((first, second), (Created::New, Created::Exists));
        assert_eq!(directory.end(PATH, 4).await.unwrap(), "etwo");
        assert_eq!(directory.end(PATH, 400).await.unwrap(), "onetwo");
        let day = folder.path().join("data/lake/v1/spans/date=2026-11-20");
        assert_eq!(entries(&day), ["a-1-2.parquet"]);
    }

    #[test]
    fn own_leftovers_are_removed_and_those_of_others_stay() {
        let root = tempfile::tempdir().unwrap();
        let day = root.path().join("v1/spans/date=2026-11-20");
        fs::create_dir_all(&day).unwrap();
        for name in [".a-1-2.parquet.tmp", ".b-1-2.parquet.tmp", "a-1-2.parquet"] {
            fs::write(day.join(name), "").unwrap();
        }
        Directory::open(root.path(), "a-").unwrap();
        assert_eq!(entries(&day), [".b-1-2.parquet.tmp", "a-1-2.parquet"]);
    }

    #[tokio::test]
    async fn a_leftover_of_a_crash_does_not_stand_in_the_way() {
        let root = tempfile::tempdir().unwrap();
        let directory = Directory::open(root.path(), "a-").unwrap();
        let day = root.path().join("v1/spans/date=2026-11-20");
        fs::create_dir_all(&day).unwrap();
        fs::write(day.join(".a-1-2.parquet.tmp"), "longer than what follows").unwrap();
        assert_eq!(directory.create(PATH, &["short".into()]).await.unwrap(), Created::New);
        assert_eq!(fs::read(day.join("a-1-2.parquet")).unwrap(), b"short");
        assert_eq!(entries(&day), ["a-1-2.parquet"]);
    }

    #[tokio::test]
    async fn a_root_that_is_gone_raises_the_alarm_and_is_not_made_again() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("mounted");
        let directory = Directory::open(&root, "a-").unwrap();
        fs::remove_dir(&root).unwrap();
        assert!(directory.create(PATH, &["one".into()]).await.unwrap_err().alarm);
        assert!(!root.exists());
    }
}
