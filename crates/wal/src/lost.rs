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
    /// Writes down that a part of a segment cannot be read, as far as that is not known; answers what was new.
    pub(crate) fn quarantine(
        &self,
        segment: &Segment,
        until: Position,
        from: Position,
        damage: &Damage,
    ) -> Option<Quarantined> {
        let last = damage.last.unwrap_or(until.previous()).min(until.previous());
        let view = self.view();
        let first = view.state.first_unknown(damage.first);
        if last < first || last < from || !view.holds(segment.head.generation) {
            return None;
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
        self.append_control(Control::Quarantined(range.clone()));
        Some(range)
    }

    /// Items of the records in a segment that left no header: what was counted when they were written, without what
    /// is still there. All of them are laid to the first damage of that kind.
    fn lost_items(&self, segment: &Segment, damage: &Damage) -> io::Result<[u64; SIGNALS]> {
        let Some((segment, after)) = self.with_totals(segment.head.generation) else {
            return Ok([0; SIGNALS]);
        };
        let mut totals = segment.head.totals;
        if damage.length > 0 {
            let file = self.disk.open(&segment.path)?;
            let range = (HEAD_BYTES, segment.end);
            let mut scan = Scan::new(&*file, segment.head.generation, range, segment.head.base, CHUNK_BYTES)?;
            while let Some(step) = scan.next()? {
                match step {
                    Step::Record(raw) if raw.header.kind == Kind::Data => totals.add(&raw.header),
                    Step::Record(_) => {}
                    Step::Damage(other) if is_nameless(&other) && other.offset < damage.offset => {
                        return Ok([0; SIGNALS]);
                    }
                    Step::Damage(other) => _ = other.data_header().inspect(|header| totals.add(header)),
                }
            }
        }
        Ok(after.since(&totals).items)
    }

    /// A segment, and everything up to its end, as of one moment.
    fn with_totals(&self, generation: u64) -> Option<(Segment, Totals)> {
        let view = self.view();
        let index = view.segments.iter().position(|segment| segment.head.generation == generation)?;
        let after = view.segments.get(index + 1).map_or(view.totals, |next| next.head.totals);
        view.segments.get(index).map(|segment| (segment.clone(), after))
    }
}

/// Damage that says nothing of the records that stood there, if any did.
fn is_nameless(damage: &Damage) -> bool {
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
