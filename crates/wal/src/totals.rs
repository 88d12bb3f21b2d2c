//! What a log has taken in since it began, so that two points of it can be subtracted.

use crate::{Position, proto, record::Header};

/// How many signals a log can tell apart: 0 to 7.
pub const SIGNALS: usize = 8;

/// Data records before a point of the log, counted since the log began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) records: u64,
    pub(crate) bytes: u64,
    pub(crate) items: [u64; SIGNALS],
    /// Of these items, those that may as well stand behind the point: they left no trace but their number.
    pub(crate) unplaced: [u64; SIGNALS],
    pub(crate) last_data: Position,
    pub(crate) last_arrival_unix_ns: u64,
}

impl Totals {
    pub(crate) fn add(&mut self, header: &Header) {
        self.records += 1;
        self.bytes += u64::from(header.payload_bytes);
        if let Some(items) = self.items.get_mut(usize::from(header.signal)) {
            *items += u64::from(header.items);
        }
        self.last_data = header.position;
        self.last_arrival_unix_ns = header.arrival_unix_ns;
    }

    /// Items of records of which nothing else is known.
    pub(crate) fn add_items(&mut self, items: &[u64; SIGNALS]) {
        self.items.iter_mut().zip(items).for_each(|(total, items)| *total += items);
    }

    /// How many items somebody has too many or too few who is `done` with everything before the point.
    pub(crate) fn imbalance(&self, done: &[u64; SIGNALS]) -> u64 {
        let signals = self.items.iter().zip(&self.unplaced).zip(done);
        let difference = |((items, unplaced), done): ((&u64, &u64), &u64)| {
            done.saturating_sub(*items) + items.saturating_sub(*unplaced).saturating_sub(*done)
        };
        signals.map(difference).sum()
    }

    /// What was taken in between `earlier` and `self`.
    pub(crate) fn since(&self, earlier: &Self) -> Self {
        let mut items = self.items;
        for (items, before) in items.iter_mut().zip(earlier.items) {
            *items = items.saturating_sub(before);
        }
        Self {
            records: self.records.saturating_sub(earlier.records),
            bytes: self.bytes.saturating_sub(earlier.bytes),
            items,
            ..*self
        }
    }
}

/// An array by signal from what a message holds; missing ones are 0.
pub(crate) fn by_signal(values: &[u64]) -> [u64; SIGNALS] {
    let mut out = [0; SIGNALS];
    for (to, from) in out.iter_mut().zip(values) {
        *to = *from;
    }
    out
}

impl From<&Totals> for proto::Totals {
    fn from(totals: &Totals) -> Self {
        Self {
            records: totals.records,
            bytes: totals.bytes,
            items: totals.items.to_vec(),
            last_data: totals.last_data.0,
            last_arrival_unix_ns: totals.last_arrival_unix_ns,
        }
    }
}

impl From<proto::Totals> for Totals {
    fn from(totals: proto::Totals) -> Self {
        Self {
            records: totals.records,
            bytes: totals.bytes,
            items: by_signal(&totals.items),
            unplaced: [0; SIGNALS],
            last_data: Position(totals.last_data),
            last_arrival_unix_ns: totals.last_arrival_unix_ns,
        }
    }
}
