//! Opens what is on disk: finds the chain of segments and reads the one that was being written.
//!
//! Nothing is changed here. What was fsynced for certain counts where it stands; what may not have been is handed to
//! the writer, which puts it into a fresh segment.

use std::{
    collections::{BTreeMap, VecDeque},
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    LogId, OpenError, Options, Position,
    control::{Control, Quarantined},
    disk::Disk,
    draft::{Content, Draft, Placed},
    found::{self, Found, Source},
    head::{HEAD_BYTES, Head, Link, number_of},
    record::record_bytes,
    repairs::Repairs,
    repeats::Known,
    segment::Segment,
    shared::View,
    state::State,
    tail::Tail,
    totals::{SIGNALS, Totals},
    writer::Resume,
};

/// A log that was found.
pub(crate) struct Recovered {
    pub(crate) id: LogId,
    pub(crate) view: View,
    pub(crate) resume: Resume,
    /// Records of which nobody knows whether they are durable, and what is to be written down about damage.
    pub(crate) unproven: Vec<Placed>,
    pub(crate) repairs: Repairs,
    /// The number of the newest segment, and its requests if it was read through.
    pub(crate) read: (u64, Vec<Known>),
    /// What cannot be read, and the segments that it stands in, if they are there.
    pub(crate) damaged: Vec<(Option<PathBuf>, Quarantined)>,
    /// Segments of which nothing can be read.
    pub(crate) unreadable: Vec<PathBuf>,
}

/// Reads the log in `options.directory`; `new_id` is the name it gets if there is none.
pub(crate) fn recover(options: &Options, disk: &dyn Disk, new_id: LogId) -> Result<Recovered, OpenError> {
    let heads = read_heads(options, disk)?;
    let number = heads.keys().next_back().copied().unwrap_or_default();
    let (mut chain, superseded) = follow(options, heads)?;
    let names = chain.iter().rev().map(|found| found.head.log_id);
    let id = names.into_iter().find(|id| *id != LogId::default()).unwrap_or(new_id);
    let mut repairs = Repairs::default();
    complete(&mut chain, disk, &mut repairs)?;
    let (mut tail, mut damage) = measure(&mut chain, disk, &mut repairs)?;
    let lost_bytes: u64 =
        chain.iter().rev().take_while(|found| found.is_lost()).map(|found| found.bytes).sum();
    if lost_bytes > 0 {
        damage.push(skip_lost(&mut tail, number, lost_bytes));
    }
    let lost = chain.iter().filter(|found| found.is_lost());
    let unreadable = lost.map(|found| found.path.clone()).collect();
    chain.retain(|found| !found.is_lost());
    let state = control_state(&chain, disk, &tail, &mut repairs)?;
    damage.append(&mut tail.quarantined);
    let latest = with_unproven(&state, &tail);
    tail.count_destroyed(&latest);
    damage.extend(missing_start(&chain, &latest));
    damage.retain(|range| state.first_unknown(range.first) <= range.last);
    let damaged = with_paths(&chain, &damage);
    let protected = |placed: Placed| Placed { draft: placed.draft.with_parity(options.parity), ..placed };
    let unproven = tail.unproven.drain(..).map(protected).collect();
    let unproven = with_damage(unproven, damage, tail.until, options);
    let state = Arc::new(state);
    let view = view(chain, &tail, state.clone());
    let resume = resume(&view, number, superseded, state);
    Ok(Recovered {
        id,
        view,
        resume,
        unproven,
        repairs,
        read: (tail.segment, tail.known),
        damaged,
        unreadable,
    })
}

pub(crate) fn io_error(attempt: &'static str, path: &Path, source: io::Error) -> OpenError {
    OpenError::Io { attempt, path: path.to_owned(), source }
}

fn read_heads(options: &Options, disk: &dyn Disk) -> Result<BTreeMap<u64, Found>, OpenError> {
    let directory = &options.directory;
    let files = disk.list(directory).map_err(|source| io_error("list", directory, source))?;
    let mut heads = BTreeMap::new();
    for (name, bytes) in files {
        if let Some(number) = number_of(&name) {
            heads.insert(number, found::read(options, disk, (name, bytes), number)?);
        }
    }
    Ok(heads)
}

/// The segments that count, oldest first, found by following the links from the newest back; and the numbers of those
/// that the writer gave up before anything in them counted.
fn follow(
    options: &Options,
    mut heads: BTreeMap<u64, Found>,
) -> Result<(VecDeque<Found>, Vec<u64>), OpenError> {
    let (mut chain, mut superseded) = (VecDeque::new(), Vec::new());
    let mut current = heads.pop_last().map(|(_, found)| found);
    while let Some(found) = current {
        let (head, is_linked) = (found.head, found.source == Source::Head);
        chain.push_front(found);
        let before = |older: &Found| !older.is_lost() && older.head.generation == head.previous.generation;
        let linked = heads.iter().rev().find(|(_, older)| before(older)).map(|(number, _)| *number);
        let stray;
        (current, stray) = match linked.filter(|_| is_linked) {
            Some(number) => {
                let stray = heads.split_off(&(number + 1));
                let older = heads.remove(&number);
                (older.map(|older| Found { end: Some(head.previous.end), ..older }), stray)
            }
            None if is_linked && head.previous == Link::default() => (None, std::mem::take(&mut heads)),
            None => (heads.pop_last().map(|(_, older)| older), BTreeMap::new()),
        };
        let unlinked = current.iter().filter(|older| older.end.is_none());
        refuse_foreign(options, &head, stray.values().chain(unlinked))?;
        // What cannot be read is not deleted either.
        superseded.extend(stray.into_iter().filter(|(_, stray)| !stray.is_lost()).map(|(number, _)| number));
    }
    Ok((chain, superseded))
}

/// A link proves that two segments belong together; without one they must at least name the same log.
fn refuse_foreign<'a>(
    options: &Options,
    newer: &Head,
    others: impl Iterator<Item = &'a Found>,
) -> Result<(), OpenError> {
    let is_named = |head: &Head| head.log_id != LogId::default();
    let is_foreign = |other: &&Found| is_named(&other.head) && other.head.log_id != newer.log_id;
    let Some(stranger) = others.into_iter().find(is_foreign).filter(|_| is_named(newer)) else {
        return Ok(());
    };
    let file = stranger.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Err(OpenError::Foreign { directory: options.directory.clone(), file })
}

/// Finds out what came before the segments that do not say so themselves, from the ones beside them.
fn complete(chain: &mut VecDeque<Found>, disk: &dyn Disk, repairs: &mut Repairs) -> Result<(), OpenError> {
    for index in 0..chain.len() {
        let Some(head) =
            chain.get(index).filter(|found| found.source == Source::Records).map(|found| found.head)
        else {
            continue;
        };
        let before =
            index.checked_sub(1).and_then(|before| chain.get(before)).filter(|before| !before.is_lost());
        let (base, totals) = match (before, chain.get(index), chain.get(index + 1)) {
            (Some(before), _, _) => {
                let tail = read_tail(before, disk, Some(head.base), repairs)?;
                (tail.until.min(head.base), tail.totals)
            }
            (None, Some(found), Some(next)) => {
                let own = read_tail(found, disk, Some(next.head.base), repairs)?.totals;
                let last_data = head.base.previous();
                (head.base, Totals { last_data, ..next.head.totals.since(&own) })
            }
            _ => continue,
        };
        if let Some(found) = chain.get_mut(index) {
            found.head = Head { base, totals, ..head };
        }
    }
    Ok(())
}

fn read_tail(
    found: &Found,
    disk: &dyn Disk,
    trusted: Option<Position>,
    repairs: &mut Repairs,
) -> Result<Tail, OpenError> {
    let tail = Tail::read(disk, &found.path, &found.head, trusted, repairs);
    tail.map_err(|source| io_error("read", &found.path, source))
}

/// Finds the ends that no later segment tells; answers the tail of the newest, and what is missing in between.
fn measure(
    chain: &mut VecDeque<Found>,
    disk: &dyn Disk,
    repairs: &mut Repairs,
) -> Result<(Tail, Vec<Quarantined>), OpenError> {
    let mut newest = None;
    let mut missing = Vec::new();
    let mut next: Option<Head> = None;
    let mut is_followed = false;
    for found in chain.iter_mut().rev() {
        if found.is_lost() {
            is_followed = true;
            continue;
        }
        if found.end.is_none() {
            let trusted = next.map(|next| next.base).or(is_followed.then_some(Position(u64::MAX)));
            let tail = read_tail(found, disk, trusted, repairs)?;
            found.end = Some(tail.end);
            match next {
                Some(next) if next.totals.records > tail.totals.records => {
                    missing.push(gap(&found.head, &tail, &next));
                }
                Some(_) => {}
                None => newest = Some(tail),
            }
        }
        next = Some(found.head);
        is_followed = true;
    }
    Ok((newest.unwrap_or_default(), missing))
}

fn gap(before: &Head, tail: &Tail, next: &Head) -> Quarantined {
    Quarantined {
        first: tail.until,
        last: next.base.previous(),
        segment: before.number + 1,
        offset: 0,
        length: 0,
        reason: "segment is missing or its head is damaged".into(),
        items: next.totals.since(&tail.totals).items,
    }
}

fn with_paths(chain: &VecDeque<Found>, damage: &[Quarantined]) -> Vec<(Option<PathBuf>, Quarantined)> {
    let place = |range: &Quarantined| {
        let found = chain.iter().find(|found| found.head.number == range.segment);
        (found.map(|found| found.path.clone()), range.clone())
    };
    damage.iter().map(place).collect()
}

/// Passes over every position that the lost newest segments can have held, so that none is given out twice.
fn skip_lost(tail: &mut Tail, segment: u64, lost_bytes: u64) -> Quarantined {
    let first = tail.until;
    tail.until = Position(first.0.saturating_add(lost_bytes / record_bytes(0) + 1));
    let reason = "head and snapshot of the segment are damaged".into();
    let last = tail.until.previous();
    Quarantined { first, last, segment, offset: 0, length: lost_bytes, reason, items: [0; SIGNALS] }
}

/// The control state once the records are copied of which nobody knows whether they are durable. Segments may have been
/// deleted by what they say.
fn with_unproven(state: &State, tail: &Tail) -> State {
    let mut state = state.clone();
    for placed in &tail.unproven {
        if let Content::Control(control) = &placed.draft.content {
            state.apply((**control).clone());
        }
    }
    state
}

/// What branches still need from before the first segment.
fn missing_start(chain: &VecDeque<Found>, state: &State) -> Option<Quarantined> {
    let oldest = chain.front()?;
    let slowest = state.branches.values().min_by_key(|branch| branch.cursor)?;
    let (first, before) = (slowest.cursor, Totals { items: slowest.counts.sum(), ..Totals::default() });
    (oldest.head.totals.last_data >= first).then(|| Quarantined {
        first,
        last: oldest.head.base.previous(),
        segment: oldest.head.number.saturating_sub(1),
        offset: 0,
        length: 0,
        reason: "segment is missing".into(),
        items: oldest.head.totals.since(&before).items,
    })
}

/// The control state at the end of the newest segment; goes back to an older one where its snapshot is damaged.
fn control_state(
    chain: &VecDeque<Found>,
    disk: &dyn Disk,
    newest: &Tail,
    repairs: &mut Repairs,
) -> Result<State, OpenError> {
    let mut controls: Vec<Vec<Control>> = vec![newest.controls.clone()];
    let mut snapshot = newest.snapshot.clone();
    let mut before = chain.back().map(|newest| newest.head.base);
    for found in chain.iter().rev().skip(1) {
        if snapshot.is_some() {
            break;
        }
        tracing::error!(path = %found.path.display(), "control state of a log segment is damaged, taken from the one before");
        let tail = read_tail(found, disk, before, repairs)?;
        controls.push(tail.controls);
        snapshot = tail.snapshot;
        before = Some(found.head.base);
    }
    let mut state = snapshot.unwrap_or_else(|| {
        tracing::error!("control state of the log is lost, every branch begins anew with what is retained");
        State::default()
    });
    controls.into_iter().rev().flatten().for_each(|control| state.apply(control));
    Ok(state)
}

/// Adds a control record for each damaged range behind the records to be copied.
fn with_damage(
    mut unproven: Vec<Placed>,
    damage: Vec<Quarantined>,
    until: Position,
    options: &Options,
) -> Vec<Placed> {
    let mut position = unproven.last().map_or(until, |last| last.position.next());
    for range in damage {
        tracing::error!(first = %range.first, last = %range.last, reason = range.reason, "part of the log cannot be read");
        let draft =
            Draft::of_control(Control::Quarantined(range), options.now_unix_ns()).with_parity(options.parity);
        unproven.push(Placed { position, draft });
        position = position.next();
    }
    unproven
}

fn view(chain: VecDeque<Found>, tail: &Tail, state: Arc<State>) -> View {
    let segment = |found: Found| {
        let end = found.end.unwrap_or(HEAD_BYTES);
        Segment { head: found.head, path: found.path, end, bytes: found.bytes }
    };
    View {
        segments: chain.into_iter().map(segment).collect(),
        totals: tail.totals,
        totals_at_open: tail.totals,
        state,
        durable_end: tail.until,
    }
}

fn resume(view: &View, number: u64, mut superseded: Vec<u64>, state: Arc<State>) -> Resume {
    let mut link = Link::default();
    let mut records_after = view.totals.records;
    for segment in view.segments.iter().rev() {
        if records_after > segment.head.totals.records {
            link = Link { generation: segment.head.generation, end: segment.end };
            break;
        }
        superseded.push(segment.head.number);
        records_after = segment.head.totals.records;
    }
    Resume { link, number, superseded, next: view.durable_end, totals: view.totals, state }
}
