//! The log thread: takes what waits, writes it with one write and one fsync, answers all of it.

use std::{
    collections::VecDeque,
    io,
    ops::Range,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use spanledger_faults::Point;

use crate::{
    AppendError, Control, Position,
    draft::{Content, Placed},
    head::{Head, Link, file_name},
    marks::{MARK_EVERY_BYTES, Mark},
    queue::{Appended, Pending, Waiter},
    repeats::Known,
    segment::{Active, Segment, overhead_bytes},
    shared::Shared,
    state::State,
    totals::Totals,
    windows::Windows,
};

/// Bytes written at once, unless one record alone has more.
const GROUP_BYTES_MAX: u64 = 8 << 20;
/// How often a log that retains looks for what it may delete while nothing arrives.
const IDLE: Duration = Duration::from_secs(10);

pub(crate) struct Writer {
    shared: Arc<Shared>,
    active: Option<Active>,
    /// Names the newest segment with data, for the head of the next one.
    link: Link,
    /// The highest segment number in use.
    number: u64,
    /// Segments that hold nothing that counts, to go once the next segment is durable.
    superseded: Vec<u64>,
    /// The first position that is free; all before are durable.
    next: Position,
    totals: Totals,
    state: Arc<State>,
    marked_end: u64,
    /// Room is short: nothing is retained beyond need.
    is_tight: bool,
    /// Whether the log says of all its records that they are durable.
    is_marked: bool,
    windows: Windows,
    /// Segments without a seal, whose requests are to be kept in a file.
    unsealed: Vec<(u64, Range<Position>)>,
}

/// Where a writer goes on.
pub(crate) struct Resume {
    pub(crate) link: Link,
    pub(crate) number: u64,
    pub(crate) superseded: Vec<u64>,
    pub(crate) next: Position,
    pub(crate) totals: Totals,
    pub(crate) state: Arc<State>,
}

impl Writer {
    /// Opens a fresh segment with `unproven` in it, and makes both durable.
    pub(crate) fn start(
        shared: Arc<Shared>,
        resume: Resume,
        unproven: Vec<Placed>,
        windows: Windows,
    ) -> io::Result<Self> {
        let Resume { link, number, superseded, next, totals, state } = resume;
        let mut writer = Self {
            shared,
            active: None,
            link,
            number,
            superseded,
            next,
            totals,
            state,
            marked_end: 0,
            is_tight: false,
            is_marked: true,
            windows,
            unsealed: Vec::new(),
        };
        writer.open_segment(&unproven)?;
        let data = unproven.iter().filter(|placed| placed.draft.is_data());
        writer.shared.budget.charge(data.map(|placed| placed.draft.record_bytes()).sum());
        writer.publish(unproven, Vec::new());
        writer.release();
        Ok(writer)
    }

    pub(crate) fn run(mut self) {
        while self.turn(self.patience()) {}
        self.retire();
    }

    /// Commits what waits; when nothing comes for as long as `patience`, does what there is to do then. False once the
    /// log is closed and nothing waits.
    pub(crate) fn turn(&mut self, patience: Duration) -> bool {
        let Some(batch) = self.shared.queue.take(GROUP_BYTES_MAX, patience) else { return false };
        self.shared.set_busy(true);
        if batch.is_empty() {
            self.mark_durable();
        }
        self.commit(batch);
        self.release();
        self.shared.set_busy(false);
        true
    }

    /// How long it waits for something to commit.
    pub(crate) fn patience(&self) -> Duration {
        if self.is_marked { IDLE } else { self.shared.options.mark_after.min(IDLE) }
    }

    /// Leaves proof that the last records are durable, now that none follow that would say so.
    fn mark_durable(&mut self) {
        let is_wanted = !self.is_marked && self.shared.options.mark_after < IDLE;
        let Some(active) = self.active.as_mut().filter(|_| is_wanted) else { return };
        self.is_marked = true;
        match active.mark(self.next) {
            Ok(bytes) => {
                let (generation, end) = (active.head.generation, active.end);
                self.shared.budget.charge(bytes);
                self.charge_segment(generation, bytes);
                if let Some(segment) = self.shared.view_mut().segments.back_mut() {
                    segment.end = end;
                }
            }
            Err(error) => {
                tracing::warn!(%error, path = %active.path.display(), "write to the log failed, will go on in a new segment");
                self.abandon(&[]);
            }
        }
    }

    fn commit(&mut self, batch: Vec<Pending>) {
        let mut waiting = VecDeque::from(batch);
        while !waiting.is_empty() {
            let group = self.cut(&mut waiting);
            let (placed, waiters) = self.place(group);
            match self.write(&placed) {
                Ok(()) => {
                    Point::BeforeAnswer.pass();
                    self.is_marked = false;
                    self.publish(placed, waiters);
                }
                Err(error) => self.refuse(&placed, waiters, &error),
            }
        }
    }

    /// As many as fit into the segment, at least one; retires the segment if even that does not fit.
    fn cut(&mut self, waiting: &mut VecDeque<Pending>) -> Vec<Pending> {
        let first = waiting.front().map_or(0, |pending| pending.draft.record_bytes());
        if self.active.as_ref().is_some_and(|active| active.room_bytes(1) < first) {
            self.retire();
        }
        let mut group = Vec::new();
        let mut bytes = 0;
        while let Some(pending) = waiting.front() {
            bytes += pending.draft.record_bytes();
            if !group.is_empty() && bytes > self.room_bytes(group.len() as u64 + 1) {
                break;
            }
            group.extend(waiting.pop_front());
        }
        group
    }

    fn room_bytes(&self, records: u64) -> u64 {
        let fresh = || {
            let overhead = overhead_bytes(&self.state) + 40 * records;
            self.shared.options.segment_bytes().saturating_sub(overhead)
        };
        self.active.as_ref().map_or_else(fresh, |active| active.room_bytes(records))
    }

    fn place(&self, group: Vec<Pending>) -> (Vec<Placed>, Vec<Waiter>) {
        let mut position = self.next;
        let mut arrival = self.totals.last_arrival_unix_ns.max(self.state.time_mark_unix_ns);
        let place = |pending: Pending| {
            let (mut draft, waiter) = pending.split();
            arrival = draft.arrive_not_before(arrival);
            let placed = Placed { position, draft };
            position = position.next();
            (placed, waiter)
        };
        group.into_iter().map(place).unzip()
    }

    /// Makes the records durable, in a fresh segment if the present one fails.
    fn write(&mut self, placed: &[Placed]) -> io::Result<()> {
        if let Some(active) = &mut self.active {
            let Err(error) = active.append(placed) else { return Ok(()) };
            tracing::warn!(%error, path = %active.path.display(), "write to the log failed, will go on in a new segment");
            self.abandon(placed);
        }
        self.open_segment(placed)
    }

    /// Leaves a segment whose pages nobody can trust any more: it ends with the last record that was answered.
    fn abandon(&mut self, placed: &[Placed]) {
        let bytes: u64 = placed.iter().map(|placed| placed.draft.record_bytes()).sum();
        if let Some(active) = self.active.take() {
            self.shared.budget.charge(bytes);
            self.charge_segment(active.head.generation, bytes);
            self.unsealed.push((active.head.number, active.head.base..self.next));
            self.leave(&active);
        }
    }

    /// Seals the segment: nothing more comes into it.
    pub(crate) fn retire(&mut self) {
        let Some(active) = self.active.take() else { return };
        self.leave(&active);
        let (generation, path) = (active.head.generation, active.path.clone());
        match active.seal(self.next, &self.totals, &self.state) {
            Ok(bytes) => {
                self.shared.budget.charge(bytes);
                self.charge_segment(generation, bytes);
                Point::AfterSeal.pass();
            }
            Err(error) => tracing::warn!(%error, path = %path.display(), "seal of a log segment failed"),
        }
    }

    fn leave(&mut self, active: &Active) {
        if self.has_data(active) {
            self.link = Link { generation: active.head.generation, end: active.durable_end };
        } else {
            self.superseded.push(active.head.number);
        }
    }

    fn has_data(&self, active: &Active) -> bool {
        self.totals.records > active.head.totals.records
    }

    fn charge_segment(&self, generation: u64, bytes: u64) {
        let mut view = self.shared.view_mut();
        if let Some(segment) = view.segments.iter_mut().rfind(|segment| segment.head.generation == generation)
        {
            segment.bytes += bytes;
        }
    }

    /// Opens the next segment with `placed` in it.
    fn open_segment(&mut self, placed: &[Placed]) -> io::Result<()> {
        self.number += 1;
        let options = &self.shared.options;
        let record_bytes: u64 = placed.iter().map(|placed| placed.draft.record_bytes()).sum();
        let overhead = overhead_bytes(&self.state) + 40 * placed.len() as u64;
        let head = Head {
            flags: 0,
            log_id: self.shared.id,
            number: self.number,
            generation: (options.random)().max(1),
            base: self.next,
            size: options.segment_bytes().max(record_bytes + overhead),
            created_unix_ns: options.now_unix_ns(),
            previous: self.link,
            totals: self.totals,
        };
        let disk = &*self.shared.disk;
        let active = Active::create(disk, options, head, &self.state, placed)?;
        self.shared.fsyncs.fetch_add(1, Ordering::Relaxed);
        self.shared.budget.charge(active.end - record_bytes);
        let segment = Segment { head, path: active.path.clone(), end: active.end, bytes: active.end };
        self.marked_end = active.end;
        self.active = Some(active);
        let mut view = self.shared.view_mut();
        view.segments.push_back(segment);
        drop(view);
        self.remove_superseded();
        Ok(())
    }

    fn refuse(&self, placed: &[Placed], waiters: Vec<Waiter>, error: &io::Error) {
        if self.shared.healthy.swap(false, Ordering::Relaxed) {
            tracing::error!(%error, directory = %self.shared.options.directory.display(), "log cannot be written, appends are refused until it works again");
        }
        let reason = Arc::<str>::from(error.to_string());
        for (placed, waiter) in placed.iter().zip(waiters) {
            if placed.draft.is_data() {
                self.shared.budget.give_back(placed.draft.record_bytes());
            }
            let error = AppendError::Unavailable { reason: reason.clone() };
            if let Some(key) = placed.draft.key() {
                self.shared.repeats.refuse(key, &error);
            }
            waiter.answer(Err(error));
        }
    }

    /// Lets readers see what is durable now, and answers who waited for it.
    fn publish(&mut self, placed: Vec<Placed>, waiters: Vec<Waiter>) {
        self.shared.fsyncs.fetch_add(1, Ordering::Relaxed);
        if !self.shared.healthy.swap(true, Ordering::Relaxed) {
            tracing::info!("log can be written again");
        }
        let positions: Vec<Position> = placed.iter().map(|placed| placed.position).collect();
        let known: Vec<Known> =
            placed.iter().filter_map(|placed| placed.draft.known(placed.position)).collect();
        for placed in placed {
            self.account(placed);
        }
        self.publish_view();
        known.into_iter().for_each(|known| self.shared.repeats.durable(known));
        for (position, waiter) in positions.into_iter().zip(waiters) {
            waiter.answer(Ok(Appended { position, repeats: None }));
        }
    }

    fn account(&mut self, placed: Placed) {
        let Placed { position, draft } = placed;
        self.next = position.next();
        if let Some(record) = draft.record(position) {
            let before = self.totals;
            self.totals.add(&draft.header(position, 0, position));
            self.shared.recent().push(before, record);
            return;
        }
        self.shared.budget.charge(draft.record_bytes());
        if let Content::Control(control) = draft.content {
            if let Control::Quarantined(range) = &*control {
                self.shared.repeats.forget(range.first..range.last.next());
            }
            Arc::make_mut(&mut self.state).apply(control.at(position));
        }
    }

    fn publish_view(&mut self) {
        let mut view = self.shared.view_mut();
        if let (Some(active), Some(segment)) = (&self.active, view.segments.back_mut()) {
            segment.bytes += active.end - segment.end;
            segment.end = active.end;
        }
        view.totals = self.totals;
        view.state = self.state.clone();
        view.durable_end = self.next;
        drop(view);
        self.mark();
        self.shared.durable.set(self.next);
    }

    fn mark(&mut self) {
        let Some(active) = &self.active else { return };
        if active.end >= self.marked_end + MARK_EVERY_BYTES {
            self.marked_end = active.end;
            let generation = active.head.generation;
            let mark = Mark { generation, offset: active.end, totals: self.totals };
            self.shared.marks().insert(self.next, mark);
        }
    }

    fn remove_superseded(&mut self) {
        for number in std::mem::take(&mut self.superseded) {
            self.remove_segment(number);
        }
    }

    /// Deletes the segments that every branch has passed.
    fn release(&mut self) {
        self.is_tight = self.is_tight_now();
        self.keep_windows();
        let Some(cursor) = self.state.cursor_min() else { return };
        self.release_before(cursor);
        let is_done = cursor > self.totals.last_data;
        if self.is_tight && is_done && self.active.as_ref().is_some_and(|active| self.has_data(active)) {
            // All that is left stands in the segment being written: give it up for an empty one.
            self.retire();
            match self.open_segment(&[]) {
                Ok(()) => self.release_before(cursor),
                Err(error) => tracing::warn!(%error, "log segment could not be replaced"),
            }
        }
    }

    /// Whether the next segment, or what was refused last, would not fit.
    fn is_tight_now(&self) -> bool {
        let budget = &self.shared.budget;
        let wanted = budget.take_refused_bytes().max(self.shared.options.segment_bytes());
        budget.used_bytes() + wanted > budget.data_bytes_max
    }

    fn release_before(&mut self, cursor: Position) {
        let mut released = None;
        while let Some((number, positions)) = self.releasable(cursor) {
            released = Some(positions.end);
            self.keep_window(number, positions);
            Point::BeforeRemove.pass();
            self.remove_segment(number);
        }
        if let Some(first_retained) = released {
            Arc::make_mut(&mut self.state).prune_epochs(first_retained);
            self.shared.view_mut().state = self.state.clone();
            self.shared.marks().forget_before(first_retained);
            let _ = self.shared.disk.sync_directory(&self.shared.options.directory);
        }
    }

    /// The oldest segment, if nobody needs it, and what it holds.
    fn releasable(&self, cursor: Position) -> Option<(u64, Range<Position>)> {
        let view = self.shared.view();
        let (oldest, next) = (view.segments.front()?, view.segments.get(1)?);
        let before = next.head.totals;
        let age_ns = self.shared.now_unix_ns().saturating_sub(before.last_arrival_unix_ns);
        let is_useful = self.state.useful_min().is_some_and(|useful| before.last_data >= useful);
        let is_young = u128::from(age_ns) < self.shared.options.retain.as_nanos();
        let kept = (is_young || is_useful) && !self.is_tight;
        (before.last_data < cursor && !kept).then_some((oldest.head.number, oldest.head.base..next.head.base))
    }

    /// Writes down the requests of a segment, for when no seal of it tells of them. What fails is tried again.
    fn keep_window(&mut self, number: u64, positions: Range<Position>) {
        let known = self.shared.repeats.within(positions.clone());
        match self.windows.keep(&*self.shared.disk, number, &known) {
            Some(added) => self.shared.budget.charge(added),
            None => self.unsealed.push((number, positions)),
        }
    }

    fn keep_windows(&mut self) {
        for (number, positions) in std::mem::take(&mut self.unsealed) {
            self.keep_window(number, positions);
        }
        let now = self.shared.now_unix_ns();
        let repeats = &self.shared.repeats;
        let freed = self.windows.expire(&*self.shared.disk, |arrival| repeats.is_within(arrival, now));
        self.shared.budget.give_back(freed);
    }

    fn remove_segment(&self, number: u64) {
        let path = self.shared.options.directory.join(file_name(number));
        let mut view = self.shared.view_mut();
        let index = view.segments.iter().position(|segment| segment.head.number == number);
        let bytes = index.and_then(|index| view.segments.remove(index)).map_or(0, |segment| segment.bytes);
        drop(view);
        match self.shared.disk.remove(&path) {
            Ok(()) => self.shared.budget.give_back(bytes),
            Err(error) => tracing::warn!(%error, path = %path.display(), "log segment could not be deleted"),
        }
    }
}
