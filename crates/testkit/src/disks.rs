//! A disk that a test makes refuse writes, or never answer.

use std::io::{self, IoSlice};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use spanledger_wal::{Disk, DiskFile, RealDisk};

use crate::scene::lock;

/// The system's disk, with trouble on demand. Clones are the same disk.
#[derive(Clone, Default)]
pub struct TroubledDisk(Arc<Shared>);

#[derive(Default)]
struct Shared {
    trouble: Mutex<Trouble>,
    changed: Condvar,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Trouble {
    #[default]
    None,
    Refuses,
    Stalls,
    Panics,
}

impl TroubledDisk {
    /// Writes, fsyncs and new files fail from now on.
    pub fn refuse(&self) {
        self.set(Trouble::Refuses);
    }

    /// Writes, fsyncs and new files wait from now on.
    pub fn stall(&self) {
        self.set(Trouble::Stalls);
    }

    /// Whoever writes, fsyncs or makes a file panics from now on.
    pub fn panic(&self) {
        self.set(Trouble::Panics);
    }

    /// All is well again.
    pub fn heal(&self) {
        self.set(Trouble::None);
    }

    fn set(&self, trouble: Trouble) {
        *lock(&self.0.trouble) = trouble;
        self.0.changed.notify_all();
    }

    #[expect(clippy::panic, reason = "that is what the test says")]
    fn pass(&self) -> io::Result<()> {
        let stalls = |trouble: &mut Trouble| *trouble == Trouble::Stalls;
        let trouble = self.0.changed.wait_while(lock(&self.0.trouble), stalls);
        let trouble = *trouble.unwrap_or_else(PoisonError::into_inner);
        match trouble {
            Trouble::Panics => panic!("the test says so"),
            Trouble::Refuses => Err(io::Error::other("the test says so")),
            Trouble::None | Trouble::Stalls => Ok(()),
        }
    }
}

impl Disk for TroubledDisk {
    fn create_directory(&self, path: &Path) -> io::Result<()> {
        RealDisk.create_directory(path)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.pass()?;
        Ok(Box::new(TroubledFile { disk: self.clone(), file: RealDisk.create(path)? }))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(TroubledFile { disk: self.clone(), file: RealDisk.open(path)? }))
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<(String, u64)>> {
        RealDisk.list(directory)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        RealDisk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        RealDisk.remove(path)
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        self.pass()?;
        RealDisk.sync_directory(path)
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn Send + Sync>>> {
        RealDisk.lock(path)
    }
}

struct TroubledFile {
    disk: TroubledDisk,
    file: Box<dyn DiskFile>,
}

impl DiskFile for TroubledFile {
    fn append(&self, slices: &mut [IoSlice<'_>]) -> io::Result<()> {
        self.disk.pass()?;
        self.file.append(slices)
    }

    fn read_at(&self, offset: u64, bytes: usize) -> io::Result<Vec<u8>> {
        self.file.read_at(offset, bytes)
    }

    fn sync(&self) -> io::Result<()> {
        self.disk.pass()?;
        self.file.sync()
    }

    fn length(&self) -> io::Result<u64> {
        self.file.length()
    }
}
