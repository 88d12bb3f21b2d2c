//! What the log thread and its callers have in common.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::sync::watch;

use crate::{
    AppendError, Appending, Control, LogId, Options, Position,
    disk::Disk,
    draft::Draft,
    durable::Durable,
    log_time::LogTime,
    marks::Marks,
    quarantine::Quarantine,
    queue::{Pending, Queue},
    recent::Recent,
    repairs::Repairs,
    repeats::Repeats,
    scrub::Place,
    segment::Segment,
    state::State,
    totals::Totals,
    wal::Condition,
    windows::Windows,
};

/// What a log without records uses, roughly: a segment with its snapshot.
const EMPTY_BYTES: u64 = 16 << 10;

pub(crate) struct Shared {
    pub(crate) options: Options,
    pub(crate) id: LogId,
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) queue: Queue,
    pub(crate) durable: Durable,
    pub(crate) finished: watch::Sender<bool>,
    pub(crate) budget: Budget,
    pub(crate) quarantine: Quarantine,
    pub(crate) repeats: Repeats,
    pub(crate) fsyncs: AtomicU64,
    log_time: LogTime,
    pub(crate) healthy: AtomicBool,
    /// Since when the log thread is at its present work, by the monotonic clock; 0 when it waits for some.
    busy_since_ns: AtomicU64,
    view: RwLock<View>,
    recent: Mutex<Recent>,
    marks: Mutex<Marks>,
    repairs: Mutex<Repairs>,
    scrub_place: Mutex<Place>,
}

/// The durable log, as readers see it.
pub(crate) struct View {
    pub(crate) segments: VecDeque<Segment>,
    /// Everything durable.
    pub(crate) totals: Totals,
    pub(crate) totals_at_open: Totals,
    pub(crate) state: Arc<State>,
    pub(crate) durable_end: Position,
}

impl View {
    /// The segment that holds a position (the first one if that is gone), and the position behind its last.
    pub(crate) fn segment_at(&self, position: Position) -> Option<(Segment, Position)> {
        let index = self.segments.partition_point(|segment| segment.head.base <= position).saturating_sub(1);
        let until = self.segments.get(index + 1).map_or(self.durable_end, |next| next.head.base);
        self.segments.get(index).map(|segment| (segment.clone(), until))
    }

    pub(crate) fn holds(&self, generation: u64) -> bool {
        self.segments.iter().any(|segment| segment.head.generation == generation)
    }
}

impl Shared {
    pub(crate) fn new(
        options: Options,
        id: LogId,
        disk: Arc<dyn Disk>,
        view: View,
        repairs: Repairs,
        quarantine: Quarantine,
        (repeats, windows): (Repeats, &Windows),
    ) -> Self {
        let segments: u64 = view.segments.iter().map(|segment| segment.bytes).sum();
        let used_bytes = segments + quarantine.bytes() + windows.bytes();
        Self {
            log_time: LogTime::new(
                &options,
                view.totals.last_arrival_unix_ns.max(view.state.time_mark_unix_ns),
            ),
            recent: Mutex::new(Recent::new(options.recent_bytes, view.durable_end)),
            durable: Durable::new(view.durable_end),
            finished: watch::Sender::new(false),
            budget: Budget::new(used_bytes, options.data_bytes_max()),
            quarantine,
            repeats,
            options,
            id,
            disk,
            queue: Queue::default(),
            fsyncs: AtomicU64::new(0),
            healthy: AtomicBool::new(true),
            busy_since_ns: AtomicU64::new(0),
            view: RwLock::new(view),
            marks: Mutex::default(),
            repairs: Mutex::new(repairs),
            scrub_place: Mutex::default(),
        }
    }

    /// The time of what arrives now.
    pub(crate) fn now_unix_ns(&self) -> u64 {
        self.log_time.now_unix_ns(&self.options)
    }

    /// Notes that the log thread begins to work, or waits for work.
    pub(crate) fn set_busy(&self, is_busy: bool) {
        let since = if is_busy { self.monotonic_ns().max(1) } else { 0 };
        self.busy_since_ns.store(since, Ordering::Relaxed);
    }

    /// What an append would meet now; takes no lock.
    pub(crate) fn condition(&self) -> Condition {
        let busy = match self.busy_since_ns.load(Ordering::Relaxed) {
            0 => 0,
            since => self.monotonic_ns().saturating_sub(since),
        };
        Condition {
            healthy: self.healthy.load(Ordering::Relaxed),
            busy: Duration::from_nanos(busy),
            used_bytes: self.budget.used_bytes(),
            data_max_bytes: self.budget.data_bytes_max,
            segment_bytes: self.options.segment_bytes(),
        }
    }

    fn monotonic_ns(&self) -> u64 {
        u64::try_from((self.options.monotonic)().as_nanos()).unwrap_or(u64::MAX)
    }

    /// A control record that arrives now.
    pub(crate) fn draft_of(&self, control: Control) -> Draft {
        Draft::of_control(control, self.now_unix_ns()).with_parity(self.options.parity)
    }

    /// Hands a data record to the log thread, if there is room for it.
    pub(crate) fn admit(&self, draft: Draft) -> Result<Appending, AppendError> {
        let bytes = draft.record_bytes();
        if !self.budget.admit(bytes) {
            self.queue.nudge();
            let (used_bytes, max_bytes) = (self.budget.used_bytes(), self.budget.data_bytes_max);
            return Err(AppendError::Full { used_bytes, max_bytes });
        }
        let (pending, appending) = Pending::new(draft);
        self.queue.push(pending).map_err(|closed| {
            self.budget.give_back(bytes);
            AppendError::from(closed)
        })?;
        Ok(appending)
    }

    pub(crate) fn view(&self) -> RwLockReadGuard<'_, View> {
        self.view.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn view_mut(&self) -> RwLockWriteGuard<'_, View> {
        self.view.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn recent(&self) -> MutexGuard<'_, Recent> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn repairs(&self) -> MutexGuard<'_, Repairs> {
        self.repairs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn scrub_place(&self) -> MutexGuard<'_, Place> {
        self.scrub_place.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn marks(&self) -> MutexGuard<'_, Marks> {
        self.marks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The byte budget: what stands on disk and what was admitted to it.
pub(crate) struct Budget {
    used_bytes: AtomicU64,
    /// Files of others in the same directory.
    beside_bytes: AtomicU64,
    pub(crate) data_bytes_max: u64,
    /// The largest record that was refused since the log thread last looked.
    refused_bytes: AtomicU64,
}

impl Budget {
    fn new(used_bytes: u64, data_bytes_max: u64) -> Self {
        let [used_bytes, beside_bytes, refused_bytes] = [used_bytes, 0, 0].map(AtomicU64::new);
        Self { used_bytes, beside_bytes, data_bytes_max, refused_bytes }
    }

    /// The largest record that fits into an empty log.
    pub(crate) fn record_bytes_max(&self) -> u64 {
        self.data_bytes_max.saturating_sub(EMPTY_BYTES).min(u64::from(u32::MAX))
    }

    /// Takes room for a data record, if there is some.
    pub(crate) fn admit(&self, bytes: u64) -> bool {
        let bytes_max = self.data_bytes_max.saturating_sub(self.beside_bytes.load(Ordering::Acquire));
        let room = |used: u64| used.checked_add(bytes).filter(|used| *used <= bytes_max);
        let is_admitted = self.used_bytes.fetch_update(Ordering::AcqRel, Ordering::Acquire, room).is_ok();
        if !is_admitted {
            self.refused_bytes.fetch_max(bytes, Ordering::AcqRel);
        }
        is_admitted
    }

    /// What a sender was refused since this was last asked; 0 if nobody was.
    pub(crate) fn take_refused_bytes(&self) -> u64 {
        self.refused_bytes.swap(0, Ordering::AcqRel)
    }

    /// Takes room in any case, for what must be written.
    pub(crate) fn charge(&self, bytes: u64) {
        self.used_bytes.fetch_add(bytes, Ordering::AcqRel);
    }

    pub(crate) fn give_back(&self, bytes: u64) {
        let less = |used: u64| Some(used.saturating_sub(bytes));
        let _ = self.used_bytes.fetch_update(Ordering::AcqRel, Ordering::Acquire, less);
    }

    pub(crate) fn set_beside(&self, bytes: u64) {
        self.beside_bytes.store(bytes, Ordering::Release);
    }

    pub(crate) fn used_bytes(&self) -> u64 {
        self.used_bytes.load(Ordering::Acquire) + self.beside_bytes.load(Ordering::Acquire)
    }
}
