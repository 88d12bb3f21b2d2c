//! The newest records in memory, so that readers who are current do not touch the disk.

use std::collections::VecDeque;

use crate::{
    Position,
    draft::Record,
    reader::{Gather, ReadLimits, ReadOut},
    totals::Totals,
};

/// What a record costs beside its body.
const RECORD_BYTES: usize = 256;

/// All data records from `complete_from` on.
pub(crate) struct Recent {
    records: VecDeque<(Totals, Record)>,
    bytes: usize,
    bytes_max: usize,
    complete_from: Position,
}

impl Recent {
    pub(crate) fn new(bytes_max: usize, complete_from: Position) -> Self {
        Self { records: VecDeque::new(), bytes: 0, bytes_max, complete_from }
    }

    /// Adds a record; `before` counts what came before it.
    pub(crate) fn push(&mut self, before: Totals, record: Record) {
        self.bytes += RECORD_BYTES + record.body.len();
        self.records.push_back((before, record));
        while self.bytes > self.bytes_max
            && let Some((_, oldest)) = self.records.pop_front()
        {
            self.bytes -= RECORD_BYTES + oldest.body.len();
            self.complete_from = oldest.position.next();
        }
    }

    /// What lies between two positions; `None` if some of it is not here any more.
    pub(crate) fn read(&self, from: Position, stop: Position, limits: ReadLimits) -> Option<ReadOut> {
        if from < self.complete_from {
            return None;
        }
        let mut gather = Gather::new(limits);
        for (_, record) in self.records.range(self.index_of(from)..) {
            if record.position >= stop {
                break;
            }
            if !gather.has_room(record) {
                return Some(gather.finish_at(record.position));
            }
            gather.push(record.clone());
        }
        Some(gather.finish_at(stop))
    }

    /// What came before the first record from `from` on, and when that one arrived; `None` if it is not here.
    pub(crate) fn before(&self, from: Position) -> Option<(Totals, u64)> {
        if from < self.complete_from {
            return None;
        }
        let (before, record) = self.records.get(self.index_of(from))?;
        Some((*before, record.arrival_unix_ns))
    }

    /// From where on everything is here, and what came before.
    pub(crate) fn begin(&self) -> Option<(Position, Totals)> {
        self.records.front().map(|(before, _)| (self.complete_from, *before))
    }

    fn index_of(&self, from: Position) -> usize {
        self.records.partition_point(|(_, record)| record.position < from)
    }
}
