//! What is written down of a part of the log that cannot be read.

use std::io;

use crate::{
    Position,
    control::{Control, Quarantined},
    head::HEAD_BYTES,
    record::Kind,
    scan::{Damage, Scan, Step},
    segment::Segment,
    shared::Shared,
    totals::{SIGNALS, Totals},
};

const CHUNK_BYTES: usize = 1 << 20;

impl Shared {
    /// Writes down that a part of a segment cannot be read, as far as that is not known.
    pub(crate) fn quarantine(&self, segment: &Segment, until: Position, from: Position, damage: &Damage) {
        let last = damage.last.unwrap_or(until.previous()).min(until.previous());
        let view = self.view();
        let first = view.state.first_unknown(damage.first);
        if last < first || last < from || !view.holds(segment.head.generation) {
            return;
        }
        drop(view);
        let mut range = Quarantined { first, ..quarantined(segment.head.number, damage, last) };
        if damage.header.is_none() {
            range.items = self.lost_items(segment, damage).unwrap_or_default();
        }
        tracing::error!(
            path = %segment.path.display(),
            offset = damage.offset,
            first = %range.first,
            last = %range.last,
            reason = damage.reason,
            "part of the log cannot be read"
        );
        self.budget.charge(self.quarantine.keep(&*self.disk, &segment.path, &range));
        self.append_control(Control::Quarantined(range));
    }

    /// Items of the records in a segment that left no header, as far as no damage before it accounts for them.
    fn lost_items(&self, segment: &Segment, damage: &Damage) -> io::Result<[u64; SIGNALS]> {
        let mut totals = segment.head.totals;
        if damage.length > 0 {
            let known = self.view().state.clone();
            let of_segment = || known.quarantined.iter().filter(|range| range.segment == segment.head.number);
            let file = self.disk.open(&segment.path)?;
            let range = (HEAD_BYTES, damage.offset);
            let mut scan = Scan::new(&*file, segment.head.generation, range, segment.head.base, CHUNK_BYTES)?;
            while let Some(step) = scan.next()? {
                match step {
                    Step::Record(raw) if raw.header.kind == Kind::Data => totals.add(&raw.header),
                    Step::Record(_) => {}
                    Step::Damage(other) if is_nameless(&other) => {
                        match of_segment().find(|known| known.first == other.first) {
                            Some(known) => totals.add_items(&known.items),
                            // It accounts for everything once it is met.
                            None => return Ok([0; SIGNALS]),
                        }
                    }
                    Step::Damage(other) => _ = other.data_header().inspect(|header| totals.add(header)),
                }
            }
        }
        Ok(self.lost_from(segment, damage, &totals)?.items)
    }

    /// Adds to `totals`, which is what came before it, what is known of damage; they are to count what is before `until`.
    pub(crate) fn add_lost(
        &self,
        segment: &Segment,
        damage: &Damage,
        until: Position,
        totals: &mut Totals,
    ) -> io::Result<()> {
        damage.data_header().inspect(|header| totals.add(header));
        if is_nameless(damage) {
            let lost = self.lost_from(segment, damage, totals)?;
            totals.add_items(&lost.items);
            if lost.last < until {
                totals.unplaced = [0; SIGNALS];
            } else {
                totals.unplaced.iter_mut().zip(lost.items).for_each(|(unplaced, items)| *unplaced += items);
            }
        }
        Ok(())
    }

    /// What stood in a segment from this damage on and left no header: what was counted when it was written, without
    /// what is before and what can be read behind. Nobody knows how it spreads over several such places.
    fn lost_from(&self, segment: &Segment, damage: &Damage, before: &Totals) -> io::Result<Lost> {
        let mut lost = Lost { items: [0; SIGNALS], last: damage.last.unwrap_or(Position(u64::MAX)) };
        let Some((segment, (until, after))) = self.with_totals(segment.head.generation, damage.first) else {
            return Ok(lost);
        };
        let mut totals = *before;
        if damage.length > 0 {
            let file = self.disk.open(&segment.path)?;
            let range = (damage.offset, segment.end);
            let mut scan = Scan::new(&*file, segment.head.generation, range, damage.first, CHUNK_BYTES)?;
            while let Some(step) = scan.next()? {
                let header = match &step {
                    Step::Record(raw) => Some(&raw.header).filter(|header| header.kind == Kind::Data),
                    Step::Damage(damage) if is_nameless(damage) && damage.first < until => {
                        lost.last = lost.last.max(damage.last.unwrap_or(Position(u64::MAX)));
                        None
                    }
                    Step::Damage(damage) => damage.data_header(),
                };
                header.filter(|header| header.position < until).inspect(|header| totals.add(header));
            }
        }
        lost.items = after.since(&totals).items;
        Ok(lost)
    }

    /// A segment, and everything up to a position behind `from`, as of one moment: up to what is in memory if that is
    /// part of the segment, else up to its end.
    fn with_totals(&self, generation: u64, from: Position) -> Option<(Segment, (Position, Totals))> {
        let recent = self.recent().begin();
        let view = self.view();
        let index = view.segments.iter().position(|segment| segment.head.generation == generation)?;
        let next = view.segments.get(index + 1).map(|next| (next.head.base, next.head.totals));
        let end = next.unwrap_or((view.durable_end, view.totals));
        let after = recent.filter(|(begin, _)| *begin > from && *begin < end.0).unwrap_or(end);
        view.segments.get(index).map(|segment| (segment.clone(), after))
    }
}

/// What stood in damaged places and left no header.
struct Lost {
    items: [u64; SIGNALS],
    /// The last position of the last such place.
    last: Position,
}

/// Damage that says nothing of the records that stood there, if any did.
pub(crate) fn is_nameless(damage: &Damage) -> bool {
    damage.header.is_none() && damage.last.is_none_or(|last| last >= damage.first)
}

pub(crate) fn quarantined(segment: u64, damage: &Damage, last: Position) -> Quarantined {
    let mut lost = Totals::default();
    damage.data_header().inspect(|header| lost.add(header));
    Quarantined {
        first: damage.first,
        last,
        segment,
        offset: damage.offset,
        length: damage.length,
        reason: damage.reason.to_owned(),
        items: lost.items,
    }
}
