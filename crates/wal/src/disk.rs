//! The few things a log asks of a file system, so that tests can make each of them fail.

use std::{
    fs::{DirBuilder, File, OpenOptions},
    io::{self, IoSlice, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
};

use rustix::{buffer::spare_capacity, io::Errno};

/// Bytes written by one call. For 2 MiB or more ext4 takes huge pages, and those come from memory that a virtual machine
/// with free page reporting has given back to its host: 8 MiB at once took 1.25 ms a MiB there, and 0.27 in pieces.
const WRITE_BYTES_MAX: usize = 1 << 20;

/// A file system. Names are durable only after `sync_directory`.
pub trait Disk: Send + Sync {
    /// Makes a directory that only its owner may enter, with the ones above it; fine if it exists.
    fn create_directory(&self, path: &Path) -> io::Result<()>;
    /// Makes a file that only its owner may read; an older one of that name is emptied.
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;
    /// Opens a file for reading.
    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;
    /// Reads a whole file.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let file = self.open(path)?;
        file.read_at(0, usize::try_from(file.length()?).map_err(io::Error::other)?)
    }
    /// Names and lengths of the files in a directory.
    fn list(&self, directory: &Path) -> io::Result<Vec<(String, u64)>>;
    /// Gives a file another name, in the same directory.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Makes the names in a directory durable.
    fn sync_directory(&self, path: &Path) -> io::Result<()>;
    /// Locks a file against other processes until the answer is dropped; `None` if one of them has it.
    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn Send + Sync>>>;
}

/// An open file.
pub trait DiskFile: Send + Sync {
    /// Writes all slices one after the other behind what this handle wrote last (at the start: from 0).
    fn append(&self, slices: &mut [IoSlice<'_>]) -> io::Result<()>;
    /// So many bytes from `offset` on; fewer mean that the file ends there.
    fn read_at(&self, offset: u64, bytes: usize) -> io::Result<Vec<u8>>;
    /// Makes what was written durable (`fdatasync`).
    fn sync(&self) -> io::Result<()>;
    /// Lets the next read of these bytes come from the disk itself, where the system can do that.
    fn forget_cached(&self, _offset: u64, _bytes: u64) -> io::Result<()> {
        Ok(())
    }
    /// Bytes in the file.
    fn length(&self) -> io::Result<u64>;
}

/// The operating system's file system.
pub struct RealDisk;

impl Disk for RealDisk {
    fn create_directory(&self, path: &Path) -> io::Result<()> {
        if path.is_dir() {
            return Ok(());
        }
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        // Each name is made durable: a crash must not take the directory with all that is in it.
        self.create_directory(parent)?;
        match DirBuilder::new().mode(0o700).create(path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => self.sync_directory(parent),
        }
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(true).mode(0o600).open(path)?;
        Ok(Box::new(file))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(File::open(path)?))
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<(String, u64)>> {
        let mut files = Vec::new();
        for entry in std::fs::read_dir(directory)? {
            let entry = entry?;
            if let (Ok(name), true) = (entry.file_name().into_string(), entry.file_type()?.is_file()) {
                files.push((name, entry.metadata()?.len()));
            }
        }
        Ok(files)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        crate::freeing::remove(path)
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn Send + Sync>>> {
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Box::new(file))),
            Err(std::fs::TryLockError::WouldBlock) => Ok(None),
            Err(std::fs::TryLockError::Error(error)) => Err(error),
        }
    }
}

impl DiskFile for File {
    fn append(&self, mut slices: &mut [IoSlice<'_>]) -> io::Result<()> {
        IoSlice::advance_slices(&mut slices, 0);
        while !slices.is_empty() {
            match write_piece(self, slices) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => IoSlice::advance_slices(&mut slices, written),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn read_at(&self, offset: u64, bytes: usize) -> io::Result<Vec<u8>> {
        let mut read = Vec::with_capacity(bytes);
        while read.len() < bytes {
            let next = offset + read.len() as u64;
            match rustix::io::pread(self, spare_capacity(&mut read), next) {
                Ok(0) => break,
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        // Room may be more than was asked for.
        read.truncate(bytes);
        Ok(read)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }

    #[cfg(target_os = "linux")]
    fn forget_cached(&self, offset: u64, bytes: u64) -> io::Result<()> {
        let length = std::num::NonZeroU64::new(bytes);
        Ok(rustix::fs::fadvise(self, offset, length, rustix::fs::Advice::DontNeed)?)
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }
}

/// Writes as many of the slices as one call takes, or the start of the first; answers how many bytes.
fn write_piece(mut file: &File, slices: &[IoSlice<'_>]) -> io::Result<usize> {
    let mut bytes = 0_usize;
    let fits = |slice: &&IoSlice<'_>| {
        bytes = bytes.saturating_add(slice.len());
        bytes <= WRITE_BYTES_MAX
    };
    match (slices.iter().take_while(fits).count(), slices.first()) {
        (0, Some(large)) => file.write(large.get(..WRITE_BYTES_MAX).unwrap_or(large)),
        (whole, _) => file.write_vectored(slices.get(..whole).unwrap_or(slices)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_in_several_pieces_comes_back_whole() {
        let folder = tempfile::tempdir().unwrap();
        let sizes = [0, WRITE_BYTES_MAX - 1, 0, 2, 3 * WRITE_BYTES_MAX + 5, 7, WRITE_BYTES_MAX, 0];
        let bytes: Vec<u8> = (0..sizes.iter().sum::<usize>()).map(|index| (index % 251) as u8).collect();
        let mut rest = &bytes[..];
        let mut slices = sizes.map(|size| IoSlice::new(rest.split_off(..size).unwrap()));
        let file = RealDisk.create(&folder.path().join("file")).unwrap();
        file.append(&mut slices).unwrap();
        file.append(&mut [IoSlice::new(b"end")]).unwrap();
        assert!(file.read_at(0, bytes.len()).unwrap() == bytes);
        assert_eq!(file.read_at(bytes.len() as u64, 100).unwrap(), b"end");
    }
}
