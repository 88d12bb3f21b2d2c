//! The handle on an open log.

use std::{
    io,
    path::Path,
    sync::{Arc, Mutex, PoisonError, atomic::Ordering},
    thread::JoinHandle,
    time::Duration,
};

use spanledger_faults::Point;

use crate::{
    AppendError, Appending, Control, Entry, LogId, Moves, OpenError, Options, Position, ReadError,
    ReadLimits, ReadOut, Report, SIGNALS, Scrubbed, State, Waiting,
    disk::{Disk, RealDisk},
    draft::Draft,
    quarantine::Quarantine,
    queue::Pending,
    recovery::{io_error, recover},
    repairs::Repairs,
    repeats::Met,
    shared::Shared,
    stepper::Stepper,
    verify::verify,
    windows,
    writer::Writer,
};

pub(crate) const LOCK_FILE: &str = "lock";

/// An open log; clones are the same one. It is closed by [`Wal::close`], or when the last clone is dropped.
#[derive(Clone)]
pub struct Wal {
    handle: Arc<Handle>,
}

struct Handle {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// Figures of a log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Bytes of the budget in use.
    pub used_bytes: u64,
    /// The budget.
    pub max_bytes: u64,
    /// What of it data may use.
    pub data_max_bytes: u64,
    /// Segments on disk.
    pub segments: u64,
    /// Calls of fsync since it was opened.
    pub fsyncs: u64,
    /// Data records appended since it was opened.
    pub appended_records: u64,
    /// Bytes of their bodies.
    pub appended_bytes: u64,
    /// Their items, by signal.
    pub appended_items: [u64; SIGNALS],
    /// Items since the log began, by signal.
    pub accepted_items: [u64; SIGNALS],
    /// Damaged records that were made whole since it was opened, each counted once.
    pub repaired_records: u64,
    /// Their items.
    pub repaired_items: u64,
    /// Their bytes on disk.
    pub repaired_bytes: u64,
    /// Ranges that could not be read, since the log began.
    pub quarantined_ranges: u64,
    /// Positions in them: as many records, or fewer.
    pub quarantined_positions: u64,
    /// Their items by signal, as far as that is known.
    pub quarantined_items: [u64; SIGNALS],
    /// Their bytes on disk.
    pub quarantined_bytes: u64,
    /// How far back repeats are recognised: less than [`Options::repeat_window`] when there were too many requests.
    pub repeat_reach: Duration,
    /// Bytes that wait for the log thread.
    pub queued_bytes: u64,
    /// Whether the last write worked.
    pub healthy: bool,
}

/// What an append would meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Condition {
    /// Whether the last write worked.
    pub healthy: bool,
    /// For how long the log thread has been at its present write; zero when it waits for work.
    pub busy: Duration,
    /// Bytes of the budget in use.
    pub used_bytes: u64,
    /// What of the budget data may use.
    pub data_max_bytes: u64,
    /// The size of a segment: what is given back at once when branches move on.
    pub segment_bytes: u64,
}

impl Wal {
    /// Opens the log in a directory, or begins one. Reads the segment that was being written, if it was not closed.
    pub fn open(options: Options) -> Result<Self, OpenError> {
        Self::open_on(options, Arc::new(RealDisk))
    }

    /// Opens the log on a disk of one's own.
    pub fn open_on(options: Options, disk: Arc<dyn Disk>) -> Result<Self, OpenError> {
        Self::open_as(options, disk, None)
    }

    /// Opens the log without a thread: nothing is written but by the [`Stepper`].
    pub fn open_stepped(options: Options, disk: Arc<dyn Disk>) -> Result<(Self, Stepper), OpenError> {
        let (writer, end) = prepare(options, disk, None)?;
        let shared = end.shared.clone();
        let stepper = Stepper::new(shared.clone(), writer, end);
        Ok((Self { handle: Arc::new(Handle { shared, thread: Mutex::new(None) }) }, stepper))
    }

    /// Reads all of a log that no process has open, changes nothing, and says what it holds and what is wrong with it.
    pub fn verify(options: &Options) -> Result<Report, OpenError> {
        Self::verify_on(options, &RealDisk)
    }

    /// The same for a log on a disk of one's own.
    pub fn verify_on(options: &Options, disk: &dyn Disk) -> Result<Report, OpenError> {
        verify(options, disk)
    }

    /// Gives the log in a directory a new random id, for a copy of a log whose original is still in use.
    pub fn new_identity(options: Options) -> Result<LogId, OpenError> {
        let (id, directory) = (random_id(&options), options.directory.clone());
        let wal = Self::open_as(options, Arc::new(RealDisk), Some(id))?;
        let noted = wal.record(Control::Renamed).wait();
        noted.map_err(|error| io_error("write to", &directory, io::Error::other(error)))?;
        Ok(id)
    }

    fn open_as(options: Options, disk: Arc<dyn Disk>, id: Option<LogId>) -> Result<Self, OpenError> {
        let directory = options.directory.clone();
        let (writer, end) = prepare(options, disk, id)?;
        let shared = end.shared.clone();
        let thread = std::thread::Builder::new().name("wal".into()).spawn(move || {
            let _end = end;
            writer.run();
        });
        let thread = thread.map_err(|source| io_error("start a thread for", &directory, source))?;
        Ok(Self { handle: Arc::new(Handle { shared, thread: Mutex::new(Some(thread)) }) })
    }

    fn shared(&self) -> &Shared {
        &self.handle.shared
    }

    /// The name of the log.
    pub fn id(&self) -> LogId {
        self.shared().id
    }

    /// Hands a record to the log thread, without waiting; what it answers resolves once the record is durable.
    pub fn append(&self, entry: Entry) -> Result<Appending, AppendError> {
        let shared = self.shared();
        let draft = Draft::of_entry(entry, shared.now_unix_ns()).with_parity(shared.options.parity);
        let bytes = draft.record_bytes();
        let max_bytes = shared.budget.record_bytes_max();
        if bytes > max_bytes {
            return Err(AppendError::TooLarge { bytes, max_bytes });
        }
        let Some(key) = draft.key() else { return shared.admit(draft) };
        match shared.repeats.meet(key, draft.arrival_unix_ns()) {
            Met::Repeat(appending) => Ok(appending),
            Met::New => shared.admit(draft).inspect_err(|error| shared.repeats.refuse(key, error)),
        }
    }

    /// Hands a control record to the log thread; it may use the room that is kept for such records.
    pub fn record(&self, control: Control) -> Appending {
        let (pending, appending) = Pending::new(self.shared().draft_of(control));
        match self.shared().queue.push(pending) {
            Ok(()) => appending,
            Err(closed) => Appending::answered(Err(closed.into())),
        }
    }

    /// The time of what arrives now: the wall clock, made to go on.
    pub fn time_unix_ns(&self) -> u64 {
        self.shared().now_unix_ns()
    }

    /// Lets the time of the log go on while nothing arrives. The time, and when the mark is durable: data behind it arrived
    /// then or later, also after a restart.
    pub fn mark_time(&self) -> (u64, Appending) {
        let unix_ns = self.time_unix_ns();
        (unix_ns, self.record(Control::TimeMark { unix_ns }))
    }

    /// Reads durable data records from `from` on, in order, up to `until` (exclusive) or the durable end.
    ///
    /// At least one record if there is one; a record is never split. Reads the disk when `from` is older than what
    /// is kept in memory, so async callers give it a thread that may block. Positions that were released are passed
    /// over, and so are those that cannot be read: they are written down as [`Control::Quarantined`].
    pub fn read(
        &self,
        from: Position,
        until: Option<Position>,
        limits: ReadLimits,
    ) -> Result<ReadOut, ReadError> {
        self.shared().read(from, until, limits)
    }

    /// Reads on through everything the log holds, about `bytes` from where the last call ended: checks it, and repairs
    /// or quarantines what is damaged, before anybody needs it. At the end it begins again.
    ///
    /// Reads the disk, so async callers give it a thread that may block; how often is for the caller to say. What was
    /// damaged behind every cursor is quarantined like the rest, though it was delivered.
    pub fn scrub_next(&self, bytes: usize) -> Result<Scrubbed, ReadError> {
        self.shared().scrub(bytes as u64)
    }

    /// The first position that is not durable yet.
    pub fn durable_end(&self) -> Position {
        self.shared().durable.end()
    }

    /// A way to learn that it has moved.
    pub fn durable_moves(&self) -> Moves {
        self.shared().durable.moves()
    }

    /// The first position behind the last durable data record: a cursor at or behind it has nothing waiting.
    pub fn data_end(&self) -> Position {
        self.shared().view().totals.last_data.next()
    }

    /// The first position that is still there.
    pub fn first_retained(&self) -> Position {
        self.shared().view().segments.front().map_or(Position::FIRST, |oldest| oldest.head.base)
    }

    /// The control state as of everything durable.
    pub fn state(&self) -> Arc<State> {
        self.shared().view().state.clone()
    }

    /// The first position that is not durable yet, and the control state of the same moment.
    pub fn durable(&self) -> (Position, Arc<State>) {
        let view = self.shared().view();
        (view.durable_end, view.state.clone())
    }

    /// What lies between `from` and the durable end. Seldom reads the disk, and then little of it.
    pub fn waiting(&self, from: Position) -> Waiting {
        self.shared().waiting(from)
    }

    /// Items of everything before a position since the log began, by signal. What was destroyed there together with its
    /// number counts from the first such place of a segment on.
    pub fn accepted_before(&self, position: Position) -> [u64; SIGNALS] {
        self.shared().accepted_before(position).items
    }

    /// How many items a branch accounts for too many or too few that is `done` with everything before a position: 0, or
    /// a bug.
    pub fn imbalance(&self, position: Position, done: &[u64; SIGNALS]) -> u64 {
        self.shared().accepted_before(position).imbalance(done)
    }

    /// Items of everything before a position that are not among `done`, by signal: what cannot be read, for a caller that
    /// has `done` with all that can.
    pub fn lost_before(&self, position: Position, done: &[u64; SIGNALS]) -> [u64; SIGNALS] {
        let mut lost = self.accepted_before(position);
        lost.iter_mut().zip(done).for_each(|(lost, done)| *lost = lost.saturating_sub(*done));
        lost
    }

    /// Says what the caller's own files in the directory of the log take. They count in the budget.
    pub fn set_bytes_beside(&self, bytes: u64) {
        self.shared().budget.set_beside(bytes);
    }

    /// What an append would meet now. Waits for nobody, however busy the log is.
    pub fn condition(&self) -> Condition {
        self.shared().condition()
    }

    /// Figures as of now.
    pub fn stats(&self) -> Stats {
        let shared = self.shared();
        let Repairs { records: repaired_records, items: repaired_items, bytes: repaired_bytes, .. } =
            *shared.repairs();
        let view = shared.view();
        let appended = view.totals.since(&view.totals_at_open);
        Stats {
            used_bytes: shared.budget.used_bytes(),
            max_bytes: shared.options.max_bytes,
            data_max_bytes: shared.budget.data_bytes_max,
            segments: view.segments.len() as u64,
            fsyncs: shared.fsyncs.load(Ordering::Relaxed),
            appended_records: appended.records,
            appended_bytes: appended.bytes,
            appended_items: appended.items,
            accepted_items: view.totals.items,
            repaired_records,
            repaired_items,
            repaired_bytes,
            quarantined_ranges: view.state.quarantined_total,
            quarantined_positions: view.state.quarantined_positions,
            quarantined_items: view.state.quarantined_items,
            quarantined_bytes: view.state.quarantined_bytes,
            repeat_reach: shared.repeats.reach(shared.now_unix_ns()),
            queued_bytes: shared.queue.bytes(),
            healthy: shared.healthy.load(Ordering::Relaxed),
        }
    }

    /// Writes what waits, seals the segment and releases the lock. Appends from now on are refused.
    pub async fn close(&self) {
        self.shared().queue.stop();
        self.ended().await;
        self.handle.join();
    }

    /// Waits until nothing is written any more: the log was closed, or its thread panicked, which is a bug.
    pub async fn ended(&self) {
        let mut finished = self.shared().finished.subscribe();
        // An error would mean that the sender is gone, but this handle keeps it.
        let _ = finished.wait_for(|finished| *finished).await;
    }

    /// The disk that it lives on, for files beside it.
    pub fn disk(&self) -> &dyn Disk {
        &*self.shared().disk
    }

    /// Where the log lives.
    pub fn directory(&self) -> &Path {
        &self.shared().options.directory
    }
}

/// Opens what is on disk, up to where the writer can go on.
fn prepare(options: Options, disk: Arc<dyn Disk>, id: Option<LogId>) -> Result<(Writer, End), OpenError> {
    let directory = options.directory.clone();
    disk.create_directory(&directory).map_err(|source| io_error("create", &directory, source))?;
    let lock_path = directory.join(LOCK_FILE);
    let lock = disk.lock(&lock_path).map_err(|source| io_error("lock", &lock_path, source))?;
    let lock = lock.ok_or_else(|| OpenError::Locked { directory: directory.clone() })?;
    let recovered = recover(&options, &*disk, random_id(&options))?;
    Point::InRecovery.pass();
    let id = id.unwrap_or(recovered.id);
    let quarantine = Quarantine::open(&options, &*disk);
    for (path, range) in &recovered.damaged {
        if let Some(path) = path {
            quarantine.keep(&*disk, path, range);
        }
    }
    let (view, repairs) = (recovered.view, recovered.repairs);
    let (repeats, windows) = windows::rebuild(&options, &*disk, &view, recovered.read);
    let window = (repeats, &windows);
    let shared = Arc::new(Shared::new(options, id, disk, view, repairs, quarantine, window));
    let writer = Writer::start(shared.clone(), recovered.resume, recovered.unproven, windows)
        .map_err(|source| io_error("write to", &directory, source))?;
    Ok((writer, End { shared, _lock: lock }))
}

fn random_id(options: &Options) -> LogId {
    let (high, low) = ((options.random)(), (options.random)());
    LogId((u128::from(high) << 64 | u128::from(low)).to_be_bytes())
}

impl Handle {
    fn join(&self) {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("log thread failed");
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.queue.stop();
        self.join();
    }
}

/// What happens when the log thread ends, in whatever way.
pub(crate) struct End {
    shared: Arc<Shared>,
    _lock: Box<dyn Send + Sync>,
}

impl Drop for End {
    fn drop(&mut self) {
        self.shared.queue.abandon();
        self.shared.repeats.abandon();
        self.shared.finished.send_replace(true);
    }
}
