//! Reads durable records in order: from memory when they are recent, from the segments when not.

use std::io;

use crate::{
    Position, ReadError,
    control::{Control, Quarantined},
    draft::{Draft, Record},
    marks::Mark,
    queue::Pending,
    record::Kind,
    scan::{Damage, Raw, Scan, Step},
    segment::Segment,
    shared::Shared,
    totals::{SIGNALS, Totals},
};

const READ_CHUNK_BYTES: usize = 1 << 20;
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
    /// Items, by signal, of what was passed over because it cannot be read.
    pub lost: [u64; SIGNALS],
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
    /// What cannot be read and was not known.
    lost: Vec<Quarantined>,
}

impl Gather {
    pub(crate) fn new(limits: ReadLimits) -> Self {
        Self { records: Vec::new(), limits, items: 0, bytes: 0, lost: Vec::new() }
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

    pub(crate) fn finish_at(self, next: Position) -> ReadOut {
        ReadOut { records: self.records, next, lost: [0; SIGNALS] }
    }

    /// With what was passed over from `from` on, `known` before or found by this read.
    fn finish_with_lost(mut self, from: Position, next: Position, known: &[Quarantined]) -> ReadOut {
        let mut lost = [0; SIGNALS];
        self.lost.retain(|found| known.iter().all(|known| known.first != found.first));
        for range in known.iter().chain(&self.lost).filter(|range| range.first >= from && range.first < next)
        {
            lost.iter_mut().zip(range.items).for_each(|(lost, items)| *lost += items);
        }
        ReadOut { lost, ..self.finish_at(next) }
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
                    let damage = Damage::of_missing_file(position);
                    gather.lost.extend(self.quarantine(&segment, until, position, &damage));
                    position = until.max(position.next());
                }
                Err(source) => {
                    return Err(ReadError::Io { from: position, path: segment.path.clone(), source });
                }
            }
        }
        let state = self.view().state.clone();
        Ok(gather.finish_with_lost(from, next, &state.quarantined))
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
        let mut scan = Scan::new(&*file, segment.head.generation, range, start.position, READ_CHUNK_BYTES)?;
        let mut totals = start.mark.totals;
        while let Some(step) = scan.next()? {
            let raw = match step {
                Step::Record(raw) => raw,
                Step::Damage(damage) => {
                    gather.lost.extend(self.quarantine(segment, until, from, &damage));
                    damage.data_header().inspect(|header| totals.add(header));
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
        while let Some(step) = scan.next()? {
            let (header, offset) = match &step {
                Step::Record(raw) => (Some(&raw.header), raw.offset),
                Step::Damage(damage) => (damage.data_header(), damage.offset),
            };
            let Some(header) = header.filter(|header| header.kind == Kind::Data) else { continue };
            if header.position >= from {
                self.marks().insert(header.position, Mark { offset, totals, ..start.mark });
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
