//! Reads durable records in order: from memory when they are recent, from the segments when not.

use std::io;

use crate::{
    Position, ReadError,
    control::Control,
    draft::{Draft, Record},
    lost::is_nameless,
    marks::Mark,
    queue::Pending,
    record::Kind,
    scan::{Damage, Raw, Scan, Step},
    segment::Segment,
    shared::Shared,
    totals::{SIGNALS, Totals},
};

/// What is read of a segment at a time, at most and at least: what is given out keeps all of it in memory.
const READ_CHUNK_BYTES_MAX: u64 = 1 << 20;
const READ_CHUNK_BYTES_MIN: u64 = 64 << 10;
const COUNT_CHUNK_BYTES: usize = 64 << 10;

/// How much to read at most; one record is read in any case.
#[derive(Clone, Copy, Debug)]
pub struct ReadLimits {
    /// Items of all records.
    pub items: u64,
    /// Bytes of all bodies.
    pub bytes: u64,
}

/// Records in order, and where to go on.
#[derive(Clone, Debug)]
pub struct ReadOut {
    /// Data records; control records have positions, too, but are passed over.
    pub records: Vec<Record>,
    /// The first position that was not looked at.
    pub next: Position,
    /// Whether something that cannot be read was passed over. It stood before the records, never between them:
    /// [`crate::Wal::lost_before`] says how much it was.
    pub passes_damage: bool,
}

/// What lies between a position and the durable end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Records.
    pub records: u64,
    /// Items by signal.
    pub items: [u64; SIGNALS],
    /// Bytes of bodies.
    pub bytes: u64,
    /// When the first of them arrived, in nanoseconds since 1970.
    pub oldest_arrival_unix_ns: Option<u64>,
}

/// Records being gathered up to a limit.
pub(crate) struct Gather {
    records: Vec<Record>,
    limits: ReadLimits,
    items: u64,
    bytes: u64,
    passes_damage: bool,
}

impl Gather {
    pub(crate) fn new(limits: ReadLimits) -> Self {
        Self { records: Vec::new(), limits, items: 0, bytes: 0, passes_damage: false }
    }

    pub(crate) fn has_room(&self, record: &Record) -> bool {
        let items = self.items + u64::from(record.items);
        let bytes = self.bytes + record.body.len() as u64;
        self.records.is_empty() || (items <= self.limits.items && bytes <= self.limits.bytes)
    }

    pub(crate) fn push(&mut self, record: Record) {
        self.items += u64::from(record.items);
        self.bytes += record.body.len() as u64;
        self.records.push(record);
    }

    /// Passes over damage from a position on; answers whether that ends it, since records were gathered before.
    fn ends_before_damage(&mut self) -> bool {
        self.passes_damage |= self.records.is_empty();
        !self.records.is_empty()
    }

    pub(crate) fn finish_at(self, next: Position) -> ReadOut {
        ReadOut { records: self.records, next, passes_damage: self.passes_damage }
    }
}

impl Shared {
    pub(crate) fn read(
        &self,
        from: Position,
        until: Option<Position>,
        limits: ReadLimits,
    ) -> Result<ReadOut, ReadError> {
        let durable_end = self.view().durable_end;
        let stop = until.unwrap_or(durable_end).min(durable_end);
        if from >= stop {
            return Ok(Gather::new(limits).finish_at(from));
        }
        if let Some(recent) = self.recent().read(from, stop, limits) {
            return Ok(recent);
        }
        self.read_segments(from, stop, limits)
    }

    fn read_segments(
        &self,
        from: Position,
        stop: Position,
        limits: ReadLimits,
    ) -> Result<ReadOut, ReadError> {
        let mut gather = Gather::new(limits);
        let stop = self.end_before_known_damage(from, stop, &mut gather);
        let (mut position, mut next) = (from, stop);
        while position < stop {
            let Some((segment, until)) = self.view().segment_at(position) else { break };
            match self.read_segment(&segment, until, (position, stop), &mut gather) {
                Ok(Some(full_at)) => {
                    next = full_at;
                    break;
                }
                Ok(None) => position = until.max(position.next()),
                // It was released meanwhile: the view no longer names it.
                Err(_) if !self.view().holds(segment.head.generation) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    self.quarantine(&segment, until, position, &Damage::of_missing_file(position));
                    if gather.ends_before_damage() {
                        next = position;
                        break;
                    }
                    position = until.max(position.next());
                }
                Err(source) => {
                    return Err(ReadError::Io { from: position, path: segment.path.clone(), source });
                }
            }
        }
        Ok(gather.finish_at(next))
    }

    /// Where to stop so that what is known to be damaged is passed over only where a read begins.
    fn end_before_known_damage(&self, from: Position, stop: Position, gather: &mut Gather) -> Position {
        let state = self.view().state.clone();
        let known = state.quarantined.iter().filter(|range| range.last >= from && range.first < stop);
        let (here, ahead): (Vec<_>, Vec<_>) = known.partition(|range| range.first <= from);
        gather.passes_damage = !here.is_empty();
        ahead.iter().map(|range| range.first).min().unwrap_or(stop)
    }

    /// Gathers from one segment; answers where it stopped because the limit was reached.
    fn read_segment(
        &self,
        segment: &Segment,
        until: Position,
        (from, stop): (Position, Position),
        gather: &mut Gather,
    ) -> io::Result<Option<Position>> {
        let file = self.disk.open(&segment.path)?;
        let start = self.start_at(segment, from);
        let range = (start.mark.offset, segment.end);
        let chunk_bytes = gather.limits.bytes.clamp(READ_CHUNK_BYTES_MIN, READ_CHUNK_BYTES_MAX) as usize;
        let mut scan = Scan::new(&*file, segment.head.generation, range, start.position, chunk_bytes)?;
        let mut totals = start.mark.totals;
        while let Some(step) = scan.next()? {
            let raw = match step {
                Step::Record(raw) => raw,
                Step::Damage(damage) => {
                    self.must_hold(segment)?;
                    self.quarantine(segment, until, from, &damage);
                    let last = damage.last.unwrap_or(until.previous());
                    if damage.first < stop && last >= damage.first.max(from) && gather.ends_before_damage() {
                        return Ok(Some(damage.first));
                    }
                    self.add_lost(segment, &damage, last.next(), &mut totals)?;
                    continue;
                }
            };
            self.repairs().note(&segment.path, &raw);
            let position = raw.header.position;
            if let Some(record) = data_record(&raw) {
                if position >= stop {
                    break;
                }
                if position >= from {
                    if !gather.has_room(&record) {
                        let mark = Mark { offset: raw.offset, totals, ..start.mark };
                        self.marks().insert(position, mark);
                        return Ok(Some(position));
                    }
                    gather.push(record);
                }
                totals.add(&raw.header);
            }
        }
        Ok(None)
    }

    /// An error when a segment was released: what is missing of it then is no damage.
    pub(crate) fn must_hold(&self, segment: &Segment) -> io::Result<()> {
        if self.view().holds(segment.head.generation) { Ok(()) } else { Err(io::ErrorKind::NotFound.into()) }
    }

    fn start_at(&self, segment: &Segment, position: Position) -> Start {
        let generation = segment.head.generation;
        if let Some((position, mark)) = self.marks().floor(position, generation) {
            return Start { position, mark };
        }
        let offset = crate::head::HEAD_BYTES;
        let mark = Mark { generation, offset, totals: segment.head.totals };
        Start { position: segment.head.base, mark }
    }

    /// Queues a control record for whose fate nobody waits.
    pub(crate) fn append_control(&self, control: Control) {
        let (pending, _appending) = Pending::new(self.draft_of(control));
        // When the log is closing, the next reader will find it again.
        let _ = self.queue.push(pending);
    }

    pub(crate) fn accepted_before(&self, position: Position) -> Totals {
        let totals = self.view().totals;
        if position > totals.last_data { totals } else { self.before(position).0 }
    }

    /// Everything before a position, and when the first record behind it arrived.
    fn before(&self, position: Position) -> (Totals, u64) {
        let recent = self.recent().before(position);
        recent.unwrap_or_else(|| self.count_before(position))
    }

    pub(crate) fn waiting(&self, from: Position) -> Waiting {
        let totals = self.view().totals;
        if from > totals.last_data {
            return Waiting::default();
        }
        let (before, arrival) = self.before(from);
        let since = totals.since(&before);
        Waiting {
            records: since.records,
            items: since.items,
            bytes: since.bytes,
            oldest_arrival_unix_ns: Some(arrival),
        }
    }

    /// Everything before `from`, and the arrival of the first record behind; as near as the disk lets us know.
    fn count_before(&self, from: Position) -> (Totals, u64) {
        let view = self.view();
        let Some((segment, _)) = view.segment_at(from) else { return (view.totals, 0) };
        drop(view);
        let start = self.start_at(&segment, from);
        self.count_in(&segment, &start, from).unwrap_or_else(|error| {
            tracing::warn!(%error, path = %segment.path.display(), "log segment could not be counted");
            (start.mark.totals, start.mark.totals.last_arrival_unix_ns)
        })
    }

    fn count_in(&self, segment: &Segment, start: &Start, from: Position) -> io::Result<(Totals, u64)> {
        let file = self.disk.open(&segment.path)?;
        let mut totals = start.mark.totals;
        let range = (start.mark.offset, segment.end);
        let mut scan = Scan::new(&*file, segment.head.generation, range, start.position, COUNT_CHUNK_BYTES)?;
        let mut is_beside_damage = false;
        while let Some(step) = scan.next()? {
            let (header, offset) = match &step {
                Step::Record(raw) => (Some(&raw.header), raw.offset),
                Step::Damage(damage) => {
                    match is_nameless(damage) {
                        true if damage.first >= from => is_beside_damage = true,
                        true => self.add_lost(segment, damage, from, &mut totals)?,
                        false => {}
                    }
                    (damage.data_header(), damage.offset)
                }
            };
            let Some(header) = header.filter(|header| header.kind == Kind::Data) else { continue };
            if header.position >= from {
                if !is_beside_damage {
                    self.marks().insert(header.position, Mark { offset, totals, ..start.mark });
                }
                return Ok((totals, header.arrival_unix_ns));
            }
            totals.add(header);
        }
        Ok((totals, totals.last_arrival_unix_ns))
    }
}

/// Where a scan begins: the first record at or behind `position` stands at the mark.
struct Start {
    position: Position,
    mark: Mark,
}

fn data_record(raw: &Raw) -> Option<Record> {
    Draft::of_record(&raw.header, &raw.meta, raw.payload.clone())?.record(raw.header.position)
}
