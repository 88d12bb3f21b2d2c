//! The end of a segment that no later segment tells: from its seal, or by reading it through.

use std::{io, path::Path};

use crate::{
    Position,
    control::{Control, Quarantined},
    disk::Disk,
    draft::{Content, Draft, Placed},
    found::read_snapshot,
    head::{HEAD_BYTES, Head},
    lost::{is_nameless, quarantined},
    record::Kind,
    repairs::Repairs,
    repeats::Known,
    scan::{Damage, Raw, Scan, Step},
    seal,
    state::State,
    totals::Totals,
};

const SCAN_CHUNK_BYTES: usize = 1 << 20;

/// What a segment adds to the log.
pub(crate) struct Tail {
    /// The first position that is not proven durable.
    pub(crate) until: Position,
    /// Offset behind the last record that is.
    pub(crate) end: u64,
    pub(crate) totals: Totals,
    /// The control state that `controls` are to be applied to; `None` if it is damaged.
    pub(crate) snapshot: Option<State>,
    pub(crate) controls: Vec<Control>,
    /// The requests before `until`, if the segment was read through.
    pub(crate) known: Vec<Known>,
    /// Intact records behind `until`.
    pub(crate) unproven: Vec<Placed>,
    pub(crate) quarantined: Vec<Quarantined>,
    /// Where records were destroyed together with their number: what was counted before and behind.
    destroyed: Option<Destroyed>,
    /// Records and damage of which it is not yet known whether their fsync returned.
    open: Vec<Open>,
    pub(crate) segment: u64,
}

struct Destroyed {
    last: Position,
    before: Totals,
    behind: Vec<(Position, Totals)>,
}

/// The tail of a log that has no segment yet.
impl Default for Tail {
    fn default() -> Self {
        Self {
            until: Position::FIRST,
            end: HEAD_BYTES,
            totals: Totals::default(),
            snapshot: Some(State::default()),
            controls: Vec::new(),
            known: Vec::new(),
            unproven: Vec::new(),
            quarantined: Vec::new(),
            destroyed: None,
            open: Vec::new(),
            segment: 0,
        }
    }
}

enum Open {
    Record(Raw),
    Damage(Damage),
}

impl Open {
    /// Damage that nothing in the segment follows ends where the next segment begins.
    fn end_before(&mut self, next: Position) {
        if let Self::Damage(damage) = self {
            damage.last.get_or_insert(next.previous());
        }
    }

    fn last(&self) -> Position {
        match self {
            Self::Record(raw) => raw.header.position,
            Self::Damage(damage) => damage.last.unwrap_or(Position(u64::MAX)),
        }
    }
}

impl Tail {
    /// Reads a segment. With `trusted`, a later segment begins there, so everything before it was durable.
    pub(crate) fn read(
        disk: &dyn Disk,
        path: &Path,
        head: &Head,
        trusted: Option<Position>,
        repairs: &mut Repairs,
    ) -> io::Result<Self> {
        let file = disk.open(path)?;
        let tail = Self { until: head.base, totals: head.totals, segment: head.number, ..Self::default() };
        if let Some(seal) = seal::read(&*file, head)? {
            return Ok(Self {
                until: Position(seal.until),
                end: seal.end,
                totals: seal.totals.unwrap_or_default().into(),
                snapshot: Some(seal.state.unwrap_or_default().into()),
                ..tail
            });
        }
        let snapshot = read_snapshot(&*file, Some(head.generation))?
            .map(|(_, snapshot)| snapshot.state.unwrap_or_default().into());
        let mut tail = Self { snapshot, ..tail };
        let range = (HEAD_BYTES, u64::MAX);
        let mut scan = Scan::new(&*file, head.generation, range, head.base, SCAN_CHUNK_BYTES)?;
        while let Some(step) = scan.next()? {
            if let Step::Record(raw) = &step {
                repairs.note(path, raw);
            }
            match step {
                Step::Record(raw) if raw.header.kind == Kind::Seal => {
                    tail.prove(raw.header.durable);
                    break;
                }
                Step::Record(raw) if raw.header.kind == Kind::Mark => {
                    // The end stays behind the records: nobody fsynced the mark.
                    tail.prove(raw.header.durable);
                }
                Step::Record(raw) if trusted.is_some_and(|trusted| raw.header.position >= trusted) => break,
                Step::Record(raw) => tail.add(raw),
                Step::Damage(damage) => match damage.seal_header() {
                    // Its header alone is proof enough.
                    Some(header) => tail.prove(header.durable),
                    None => tail.open.push(Open::Damage(damage)),
                },
            }
        }
        tail.finish(trusted);
        Ok(tail)
    }

    fn add(&mut self, raw: Raw) {
        // Written after the fsync of everything up to `durable` returned: that is the proof.
        self.prove(raw.header.durable);
        self.open.push(Open::Record(raw));
    }

    fn prove(&mut self, durable: Position) {
        let proven = self.open.iter().take_while(|open| open.last() <= durable).count();
        for open in self.open.drain(..proven).collect::<Vec<_>>() {
            match open {
                Open::Record(raw) => self.count(&raw),
                Open::Damage(damage) => self.quarantine(&damage),
            }
        }
    }

    fn count(&mut self, raw: &Raw) {
        self.end = raw.end();
        let Some(draft) = Draft::of_record(&raw.header, &raw.meta, raw.payload.clone()) else { return };
        self.until = raw.header.position.next();
        self.known.extend(draft.known(raw.header.position));
        match draft.content {
            Content::Data(_) => {
                self.totals.add(&raw.header);
                if let Some(destroyed) = &mut self.destroyed {
                    destroyed.behind.push((raw.header.position, self.totals));
                }
            }
            Content::Control(control) => self.controls.push(*control),
            Content::Unknown => {}
        }
    }

    fn quarantine(&mut self, damage: &Damage) {
        self.end = damage.offset + damage.length;
        let Some(last) = damage.last.filter(|last| *last >= damage.first) else { return };
        self.until = last.next();
        damage.data_header().inspect(|header| self.totals.add(header));
        if is_nameless(damage) {
            let before = self.totals;
            let destroyed = self.destroyed.get_or_insert(Destroyed { last, before, behind: Vec::new() });
            destroyed.last = last;
        }
        self.quarantined.push(quarantined(self.segment, damage, last));
    }

    /// Adds what was destroyed together with its number, as far as a branch that is behind it has counted it.
    pub(crate) fn count_destroyed(&mut self, state: &State) {
        let Some(mut destroyed) = self.destroyed.take() else { return };
        for branch in state.branches.values().filter(|branch| branch.cursor > destroyed.last) {
            let behind = destroyed.behind.partition_point(|(position, _)| *position < branch.cursor);
            let last = behind.checked_sub(1).and_then(|last| destroyed.behind.get(last));
            let read = last.map_or(&destroyed.before, |(_, totals)| totals);
            let counted = Totals { items: branch.counts.sum(), ..Totals::default() }.since(read);
            self.totals.add_items(&counted.items);
            destroyed.behind.iter_mut().for_each(|(_, totals)| totals.add_items(&counted.items));
        }
    }

    /// What is left is either trusted, or the last group: its fsync may not have returned.
    fn finish(&mut self, trusted: Option<Position>) {
        if let Some(trusted) = trusted {
            if trusted < Position(u64::MAX) {
                self.open.iter_mut().for_each(|open| open.end_before(trusted));
            }
            self.prove(trusted.previous());
        }
        for open in std::mem::take(&mut self.open) {
            match open {
                Open::Record(raw) => {
                    let draft = Draft::of_record(&raw.header, &raw.meta, raw.payload);
                    self.unproven.extend(draft.map(|draft| Placed { position: raw.header.position, draft }));
                }
                Open::Damage(damage) => {
                    let (offset, bytes) = (damage.offset, damage.length);
                    tracing::warn!(
                        segment = self.segment,
                        offset,
                        bytes,
                        "torn end of the log is passed over"
                    );
                }
            }
        }
    }
}
