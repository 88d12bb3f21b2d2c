//! A disk in memory: it loses in a power failure what was not fsynced, names included, and has troubles of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, IoSlice};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use fastrand::Rng;
use spanledger_wal::{Disk, DiskFile};
use tokio::sync::Notify;

use crate::inode::{Inode, Survives};
use crate::lock;
use crate::trace::{Trace, digest};

const PAGE_BYTES: usize = 4096;

/// What is wrong with the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// So many fsyncs fail.
    FailingSyncs(u32),
    /// No space left: writes are cut short, and fsyncs of what was written before fail.
    Full,
    /// Nothing can be written.
    ReadOnly,
    /// No file can be opened.
    NoHandles,
}

/// The disk, which outlives the process. Clones are the same one, as of one life of the process.
#[derive(Clone)]
pub(crate) struct SimulatedDisk {
    state: Arc<Mutex<State>>,
    died: Arc<Notify>,
    /// The life that this handle belongs to: one of an earlier life does nothing.
    life: u64,
}

struct State {
    random: Rng,
    trace: Trace,
    names: BTreeMap<PathBuf, u64>,
    durable_names: BTreeMap<PathBuf, u64>,
    folders: BTreeSet<PathBuf>,
    durable_folders: BTreeSet<PathBuf>,
    /// What happened to names since their folder was fsynced.
    pending: Vec<Change>,
    inodes: BTreeMap<u64, Inode>,
    made: u64,
    life: u64,
    is_dead: bool,
    /// The process dies at this operation from now on.
    dies_in: Option<u64>,
    trouble: Option<Trouble>,
    stalled_until: Duration,
}

#[derive(Debug, Clone)]
enum Change {
    Folder(PathBuf),
    Link(PathBuf, u64),
    Unlink(PathBuf, u64),
    Rename(PathBuf, PathBuf, u64),
}

impl Change {
    fn folder(&self) -> &Path {
        let (Self::Folder(path) | Self::Link(path, _) | Self::Unlink(path, _) | Self::Rename(_, path, _)) =
            self;
        path.parent().unwrap_or(Path::new("/"))
    }
}

/// A page that was overwritten, and what the file was before.
pub(crate) struct DamagedPage {
    pub(crate) path: PathBuf,
    pub(crate) range: Range<usize>,
    pub(crate) before: Vec<u8>,
}

impl SimulatedDisk {
    pub(crate) fn new(random: Rng, trace: Trace) -> Self {
        let root = BTreeSet::from([PathBuf::from("/")]);
        let state = State {
            random,
            trace,
            names: BTreeMap::new(),
            durable_names: BTreeMap::new(),
            folders: root.clone(),
            durable_folders: root,
            pending: Vec::new(),
            inodes: BTreeMap::new(),
            made: 0,
            life: 0,
            is_dead: false,
            dies_in: None,
            trouble: None,
            stalled_until: Duration::ZERO,
        };
        Self { state: Arc::new(Mutex::new(state)), died: Arc::default(), life: 0 }
    }

    /// The handle of the next life.
    pub(crate) fn next_life(&self) -> Self {
        let mut state = self.state();
        state.life += 1;
        (state.is_dead, state.dies_in) = (false, None);
        Self { state: self.state.clone(), died: Arc::default(), life: state.life }
    }

    /// The process ends now: what it wrote is still seen, and nothing more becomes durable by itself.
    pub(crate) fn kill(&self) {
        self.state().is_dead = true;
    }

    /// The power fails.
    pub(crate) fn crash(&self) {
        let mut state = self.state();
        state.is_dead = true;
        state.crash();
    }

    /// The process dies at the so-many-th operation from now on.
    pub(crate) fn die_in(&self, operations: u64) {
        self.state().dies_in = Some(operations);
    }

    /// Whether the process is dead: whatever it says from now on, nobody hears.
    pub(crate) fn is_dead(&self) -> bool {
        let state = self.state();
        state.is_dead || state.life != self.life
    }

    /// Waits until the process dies at an operation.
    pub(crate) async fn died(&self) {
        self.died.notified().await;
    }

    pub(crate) fn set_trouble(&self, trouble: Option<Trouble>) {
        self.state().trouble = trouble;
    }

    pub(crate) fn trouble(&self) -> Option<Trouble> {
        self.state().trouble
    }

    /// Nothing that is written ends before that time of the world.
    pub(crate) fn stall_until(&self, until: Duration) {
        self.state().stalled_until = until;
    }

    pub(crate) fn stalled_until(&self) -> Duration {
        self.state().stalled_until
    }

    /// How long the next write takes.
    pub(crate) fn latency(&self) -> Duration {
        Duration::from_micros(self.state().random.u64(100..5_000))
    }

    /// Flips one durable bit of a segment that was not damaged yet; answers where.
    pub(crate) fn flip_bit(&self) -> Option<usize> {
        let mut state = self.state();
        let (path, inode) = state.sound_segment(0)?;
        let State { inodes, random, trace, .. } = &mut *state;
        let file = inodes.get_mut(&inode)?;
        let durable = file.durable_bytes();
        if durable == 0 {
            return None;
        }
        let (at, bit) = (random.usize(..durable), random.u32(..8));
        trace.tell(format_args!("disk: bit {bit} of byte {at} of {} flips", path.display()));
        file.damage(at..at + 1, |byte| *byte ^= 1 << bit);
        Some(at)
    }

    /// Overwrites one durable page of a segment that others follow: with zeros, or with another page of it.
    pub(crate) fn damage_page(&self) -> Option<DamagedPage> {
        let mut state = self.state();
        let (path, inode) = state.sound_segment(1)?;
        let State { inodes, random, trace, .. } = &mut *state;
        let file = inodes.get_mut(&inode)?;
        let pages = file.durable_bytes() / PAGE_BYTES;
        if pages < 2 {
            return None;
        }
        let start = random.usize(1..pages) * PAGE_BYTES;
        let range = start..start + PAGE_BYTES;
        trace.tell(format_args!("disk: page at {start} of {} is lost", path.display()));
        let before = file.cache.clone();
        file.damage(range.clone(), |byte| *byte = 0);
        Some(DamagedPage { path, range, before })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Does one operation that changes the disk, unless the process is dead or the disk in trouble.
    fn change<T>(
        &self,
        what: impl Fn() -> String,
        act: impl FnOnce(&mut State) -> io::Result<T>,
    ) -> io::Result<T> {
        let mut state = self.state();
        if state.is_dead || state.life != self.life {
            return Err(gone());
        }
        let is_last = state.counts_down();
        if is_last && state.random.bool() {
            state.die(&self.died, &what());
            return Err(gone());
        }
        let done = act(&mut state);
        let outcome = done.as_ref().map_or_else(|error| format!("{error}"), |_| "ok".to_owned());
        state.trace.tell(format_args!("disk: {}: {outcome}", what()));
        if is_last {
            state.die(&self.died, &what());
            return Err(gone());
        }
        done
    }
}

fn gone() -> io::Error {
    io::Error::other("the process is dead")
}

fn system(code: i32) -> io::Error {
    io::Error::from_raw_os_error(code)
}

const EIO: i32 = 5;
const EMFILE: i32 = 24;
const ENOSPC: i32 = 28;
const EROFS: i32 = 30;

impl State {
    /// Whether this is the operation to die at.
    fn counts_down(&mut self) -> bool {
        let left = self.dies_in.map(|left| left.saturating_sub(1));
        self.dies_in = left;
        left == Some(0)
    }

    fn die(&mut self, died: &Notify, what: &str) {
        self.trace.tell(format_args!("disk: the process dies at: {what}"));
        (self.is_dead, self.dies_in) = (true, None);
        died.notify_one();
    }

    fn crash(&mut self) {
        let survives = Survives::chosen(&mut self.random);
        for change in std::mem::take(&mut self.pending) {
            if survives.keeps(&mut self.random) {
                self.make_durable(change);
            }
        }
        self.folders = self.durable_folders.clone();
        let is_there =
            |path: &Path| path.parent().is_some_and(|folder| self.durable_folders.contains(folder));
        self.durable_names.retain(|path, _| is_there(path));
        self.names = self.durable_names.clone();
        let survives = Survives::chosen(&mut self.random);
        let named: BTreeSet<u64> = self.names.values().copied().collect();
        self.inodes.retain(|inode, _| named.contains(inode));
        for file in self.inodes.values_mut() {
            file.crash(survives, &mut self.random);
        }
    }

    fn make_durable(&mut self, change: Change) {
        match change {
            Change::Folder(path) => _ = self.durable_folders.insert(path),
            Change::Link(path, inode) => _ = self.durable_names.insert(path, inode),
            Change::Unlink(path, inode) => self.unlink_durable(&path, inode),
            Change::Rename(from, to, inode) => {
                self.unlink_durable(&from, inode);
                self.durable_names.insert(to, inode);
            }
        }
    }

    fn unlink_durable(&mut self, path: &Path, inode: u64) {
        if self.durable_names.get(path) == Some(&inode) {
            self.durable_names.remove(path);
        }
    }

    /// Fails what makes something new while the disk is in trouble.
    fn check_writable(&mut self) -> io::Result<()> {
        match self.trouble {
            Some(Trouble::ReadOnly) => Err(system(EROFS)),
            Some(Trouble::Full) => Err(system(ENOSPC)),
            _ => Ok(()),
        }
    }

    fn check_handles(&self) -> io::Result<()> {
        if self.trouble == Some(Trouble::NoHandles) { Err(system(EMFILE)) } else { Ok(()) }
    }

    /// The error of an fsync that has something to write, if it fails.
    fn check_sync(&mut self) -> io::Result<()> {
        match &mut self.trouble {
            Some(Trouble::FailingSyncs(left)) if *left > 0 => {
                *left -= 1;
                Err(system(EIO))
            }
            Some(Trouble::ReadOnly) => Err(system(EIO)),
            Some(Trouble::Full) => Err(system(ENOSPC)),
            _ => Ok(()),
        }
    }

    /// A segment that was never damaged, and that so many newer ones follow.
    fn sound_segment(&mut self, followers: usize) -> Option<(PathBuf, u64)> {
        let is_segment = |path: &Path| path.extension().is_some_and(|extension| extension == "seg");
        let mut segments: Vec<_> = self.names.iter().filter(|(path, _)| is_segment(path)).collect();
        segments.truncate(segments.len().saturating_sub(followers));
        segments.retain(|(_, inode)| self.inodes.get(inode).is_some_and(|file| !file.is_damaged));
        let (path, inode) = self.random.choice(segments)?;
        Some((path.clone(), *inode))
    }

    fn sync_directory(&mut self, folder: &Path) {
        let pending = std::mem::take(&mut self.pending);
        for change in pending {
            if change.folder() == folder { self.make_durable(change) } else { self.pending.push(change) }
        }
    }
}

impl Disk for SimulatedDisk {
    fn create_directory(&self, path: &Path) -> io::Result<()> {
        let missing: Vec<PathBuf> = {
            let state = self.state();
            let all = path.ancestors().filter(|folder| !state.folders.contains(*folder));
            all.map(Path::to_owned).collect()
        };
        for folder in missing.into_iter().rev() {
            self.change(
                || format!("make folder {}", folder.display()),
                |state| {
                    state.check_writable()?;
                    state.folders.insert(folder.clone());
                    state.pending.push(Change::Folder(folder.clone()));
                    Ok(())
                },
            )?;
        }
        let parent = path.parent().unwrap_or(Path::new("/"));
        let is_durable = self.state().durable_folders.contains(path);
        if is_durable { Ok(()) } else { self.sync_directory(parent) }
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let inode = self.change(
            || format!("create {}", path.display()),
            |state| {
                state.check_handles()?;
                state.check_writable()?;
                if !path.parent().is_some_and(|folder| state.folders.contains(folder)) {
                    return Err(io::ErrorKind::NotFound.into());
                }
                state.made += 1;
                let inode = state.made;
                state.inodes.insert(inode, Inode::default());
                state.names.insert(path.to_owned(), inode);
                state.pending.push(Change::Link(path.to_owned(), inode));
                Ok(inode)
            },
        )?;
        Ok(Box::new(OpenFile { disk: self.clone(), inode, path: path.to_owned() }))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        if self.is_dead() {
            return Err(gone());
        }
        let state = self.state();
        state.check_handles()?;
        let inode = *state.names.get(path).ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(OpenFile { disk: self.clone(), inode, path: path.to_owned() }))
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<(String, u64)>> {
        if self.is_dead() {
            return Err(gone());
        }
        let state = self.state();
        state.check_handles()?;
        if !state.folders.contains(directory) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let inside = state.names.iter().filter(|(path, _)| path.parent() == Some(directory));
        let file = |(path, inode): (&PathBuf, &u64)| {
            let bytes = state.inodes.get(inode).map_or(0, |file| file.cache.len() as u64);
            Some((path.file_name()?.to_str()?.to_owned(), bytes))
        };
        Ok(inside.filter_map(file).collect())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.change(
            || format!("rename {} to {}", from.display(), to.display()),
            |state| {
                if state.trouble == Some(Trouble::ReadOnly) {
                    return Err(system(EROFS));
                }
                let inode = state.names.remove(from).ok_or(io::ErrorKind::NotFound)?;
                state.names.insert(to.to_owned(), inode);
                state.pending.push(Change::Rename(from.to_owned(), to.to_owned(), inode));
                Ok(())
            },
        )
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.change(
            || format!("remove {}", path.display()),
            |state| {
                if state.trouble == Some(Trouble::ReadOnly) {
                    return Err(system(EROFS));
                }
                let inode = state.names.remove(path).ok_or(io::ErrorKind::NotFound)?;
                state.pending.push(Change::Unlink(path.to_owned(), inode));
                Ok(())
            },
        )
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        self.change(
            || format!("fsync folder {}", path.display()),
            |state| {
                if state.pending.iter().any(|change| change.folder() == path) {
                    state.check_sync()?;
                }
                state.sync_directory(path);
                Ok(())
            },
        )
    }

    fn lock(&self, _: &Path) -> io::Result<Option<Box<dyn Send + Sync>>> {
        Ok(Some(Box::new(())))
    }
}

struct OpenFile {
    disk: SimulatedDisk,
    inode: u64,
    path: PathBuf,
}

impl OpenFile {
    fn file<T>(&self, act: impl FnOnce(&Inode) -> T) -> io::Result<T> {
        if self.disk.is_dead() {
            return Err(gone());
        }
        self.disk.state().inodes.get(&self.inode).map(act).ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl DiskFile for OpenFile {
    fn append(&self, slices: &mut [IoSlice<'_>]) -> io::Result<()> {
        let bytes: Vec<u8> = slices.iter().flat_map(|slice| slice.to_vec()).collect();
        let what =
            || format!("write {} bytes ({:016x}) to {}", bytes.len(), digest(&bytes), self.path.display());
        self.disk.change(what, |state| {
            let State { inodes, random, trouble, dies_in, .. } = state;
            let Some(file) = inodes.get_mut(&self.inode) else { return Err(io::ErrorKind::NotFound.into()) };
            let is_cut_short = *trouble == Some(Trouble::Full) || *dies_in == Some(0);
            match *trouble {
                Some(Trouble::ReadOnly) => return Err(system(EROFS)),
                _ if is_cut_short => {
                    let written = random.usize(..=bytes.len());
                    file.append(bytes.get(..written).unwrap_or_default());
                }
                _ => file.append(&bytes),
            }
            if *trouble == Some(Trouble::Full) { Err(system(ENOSPC)) } else { Ok(()) }
        })
    }

    fn read_at(&self, offset: u64, bytes: usize) -> io::Result<Vec<u8>> {
        self.file(|file| {
            let from = usize::try_from(offset).unwrap_or(usize::MAX);
            let there = file.cache.get(from..).unwrap_or_default();
            there.get(..bytes).unwrap_or(there).to_vec()
        })
    }

    fn sync(&self) -> io::Result<()> {
        let what = || format!("fsync {}", self.path.display());
        self.disk.change(what, |state| {
            let is_dirty = state.inodes.get(&self.inode).is_some_and(Inode::is_dirty);
            let checked = if is_dirty { state.check_sync() } else { Ok(()) };
            let State { inodes, random, .. } = state;
            let Some(file) = inodes.get_mut(&self.inode) else { return Err(io::ErrorKind::NotFound.into()) };
            match checked {
                Ok(()) => file.sync(),
                Err(_) => file.fail_sync(random),
            }
            checked
        })
    }

    fn length(&self) -> io::Result<u64> {
        self.file(|file| file.cache.len() as u64)
    }
}
