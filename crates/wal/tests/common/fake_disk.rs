//! A disk in memory that can fail, and that forgets in a crash what was not fsynced.

use std::{
    collections::BTreeMap,
    io::{self, IoSlice},
    path::Path,
    sync::{Arc, Mutex, MutexGuard},
};

use spanledger_wal::{Disk, DiskFile};

#[derive(Clone, Default)]
pub(crate) struct FakeDisk(Arc<Mutex<State>>, Arc<Mutex<()>>);

#[derive(Default)]
struct State {
    names: BTreeMap<String, Arc<Mutex<Inode>>>,
    durable_names: BTreeMap<String, Arc<Mutex<Inode>>>,
    /// How many of the next calls of each kind fail.
    failing: Faults,
    synced_after_failure: bool,
}

/// How many of the next calls fail.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Faults {
    pub(crate) syncs: u32,
    pub(crate) creates: u32,
    pub(crate) writes: u32,
}

#[derive(Default, Clone)]
struct Inode {
    /// What readers see.
    cache: Vec<u8>,
    /// What a crash leaves.
    durable: Vec<u8>,
    /// Where the bytes begin that the next fsync will write.
    dirty_from: usize,
    has_failed: bool,
}

fn take(count: &mut u32) -> io::Result<()> {
    if *count == 0 {
        return Ok(());
    }
    *count -= 1;
    Err(io::Error::other("no"))
}

impl FakeDisk {
    pub(crate) fn fail(&self, faults: Faults) {
        self.state().failing = faults;
    }

    /// Until what is returned is dropped, no fsync of a file ends.
    pub(crate) fn stall(&self) -> MutexGuard<'_, ()> {
        self.1.lock().unwrap()
    }

    /// Whether a file was fsynced again after an fsync of it had failed.
    pub(crate) fn synced_after_failure(&self) -> bool {
        self.state().synced_after_failure
    }

    /// A disk that holds these files.
    pub(crate) fn with_files(files: &BTreeMap<String, Vec<u8>>) -> Self {
        let inode = |bytes: &Vec<u8>| {
            let (cache, durable, dirty_from) = (bytes.clone(), bytes.clone(), bytes.len());
            Arc::new(Mutex::new(Inode { cache, durable, dirty_from, has_failed: false }))
        };
        let names: BTreeMap<_, _> = files.iter().map(|(name, bytes)| (name.clone(), inode(bytes))).collect();
        Self(
            Arc::new(Mutex::new(State { durable_names: names.clone(), names, ..State::default() })),
            Arc::default(),
        )
    }

    /// The files as readers see them.
    pub(crate) fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let bytes = |inode: &Arc<Mutex<Inode>>| inode.lock().unwrap().cache.clone();
        self.state().names.iter().map(|(name, inode)| (name.clone(), bytes(inode))).collect()
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.state().names.keys().cloned().collect()
    }

    /// What is there after the power went: durable names and bytes, and `kept` of the bytes that were not yet.
    pub(crate) fn crash(&self, kept: usize) -> Self {
        let state = self.state();
        let survive = |(name, inode): (&String, &Arc<Mutex<Inode>>)| {
            let inode = inode.lock().unwrap();
            let mut bytes = inode.durable.clone();
            let written = inode.cache.get(bytes.len()..).unwrap_or_default();
            bytes.extend(&written[..kept.min(written.len())]);
            let inode =
                Inode { dirty_from: bytes.len(), cache: bytes.clone(), durable: bytes, has_failed: false };
            (name.clone(), Arc::new(Mutex::new(inode)))
        };
        let names: BTreeMap<_, _> = state.durable_names.iter().map(survive).collect();
        Self(
            Arc::new(Mutex::new(State { durable_names: names.clone(), names, ..State::default() })),
            Arc::default(),
        )
    }

    /// What is there after the process was killed: all that it wrote, durable or not.
    pub(crate) fn kill(&self) -> Self {
        let state = self.state();
        let copy = |(name, inode): (&String, &Arc<Mutex<Inode>>)| {
            (name.clone(), Arc::new(Mutex::new(inode.lock().unwrap().clone())))
        };
        let names: BTreeMap<_, _> = state.names.iter().map(copy).collect();
        let durable_names = state.durable_names.iter().map(|(name, inode)| {
            let now = state.names.iter().find(|(_, other)| Arc::ptr_eq(other, inode));
            let kept = now.and_then(|(now, _)| names.get(now)).cloned();
            (name.clone(), kept.unwrap_or_else(|| copy((name, inode)).1))
        });
        let durable_names = durable_names.collect();
        Self(Arc::new(Mutex::new(State { names, durable_names, ..State::default() })), Arc::default())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

impl Disk for FakeDisk {
    fn create_directory(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.state();
        take(&mut state.failing.creates)?;
        let inode = Arc::new(Mutex::new(Inode::default()));
        state.names.insert(name(path), inode.clone());
        Ok(Box::new(FakeFile { disk: self.clone(), inode }))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let inode = self.state().names.get(&name(path)).cloned().ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(FakeFile { disk: self.clone(), inode }))
    }

    fn list(&self, _: &Path) -> io::Result<Vec<(String, u64)>> {
        let state = self.state();
        let length = |inode: &Arc<Mutex<Inode>>| inode.lock().unwrap().cache.len() as u64;
        Ok(state.names.iter().map(|(name, inode)| (name.clone(), length(inode))).collect())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state();
        let inode = state.names.remove(&name(from)).ok_or(io::ErrorKind::NotFound)?;
        state.names.insert(name(to), inode);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let removed = self.state().names.remove(&name(path));
        removed.map(drop).ok_or(io::ErrorKind::NotFound.into())
    }

    fn sync_directory(&self, _: &Path) -> io::Result<()> {
        let mut state = self.state();
        take(&mut state.failing.syncs)?;
        state.durable_names = state.names.clone();
        Ok(())
    }

    fn lock(&self, _: &Path) -> io::Result<Option<Box<dyn Send + Sync>>> {
        Ok(Some(Box::new(())))
    }
}

struct FakeFile {
    disk: FakeDisk,
    inode: Arc<Mutex<Inode>>,
}

impl DiskFile for FakeFile {
    fn append(&self, slices: &mut [IoSlice<'_>]) -> io::Result<()> {
        let bytes = slices.iter().flat_map(|slice| slice.to_vec()).collect::<Vec<u8>>();
        let failed = take(&mut self.disk.state().failing.writes);
        // A full disk takes a part.
        let written = if failed.is_ok() { bytes.len() } else { bytes.len() / 2 };
        self.inode.lock().unwrap().cache.extend(&bytes[..written]);
        failed
    }

    fn read_at(&self, offset: u64, bytes: usize) -> io::Result<Vec<u8>> {
        let inode = self.inode.lock().unwrap();
        Ok(inode.cache.iter().skip(offset as usize).take(bytes).copied().collect())
    }

    fn sync(&self) -> io::Result<()> {
        drop(self.disk.1.lock().unwrap());
        let failed = take(&mut self.disk.state().failing.syncs);
        let mut inode = self.inode.lock().unwrap();
        let dirty = inode.cache.get(inode.dirty_from..).unwrap_or_default().to_vec();
        let start = inode.dirty_from;
        // As Linux does: the pages count as clean after a failed fsync, though they never reached the disk.
        inode.dirty_from = inode.cache.len();
        if failed.is_err() {
            inode.has_failed = true;
            return failed;
        }
        if inode.has_failed {
            self.disk.state().synced_after_failure = true;
        }
        inode.durable.resize(start, 0);
        inode.durable.extend(dirty);
        Ok(())
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.inode.lock().unwrap().cache.len() as u64)
    }
}
