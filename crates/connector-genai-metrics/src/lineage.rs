//! Who is whose parent, and which spans have a call below them; for a while.

use crate::recent::Recent;

/// How far up a span is followed.
pub(crate) const DEPTH_MAX: usize = 32;

/// What an entry takes: in a map, in a queue, and in a checkpoint.
const ENTRY_BYTES: usize = 96;

/// Usage is somewhere below: a call's, or a wrapper's.
const USED: u8 = 1;
/// A call below was settled already.
const SETTLED: u8 = 2;

/// The way from spans to the roots of their traces, as far as it is known. Spans go by the hash of both their ids.
#[derive(Debug, Clone)]
pub(crate) struct Lineage {
    pub(crate) parents: Recent<u64>,
    pub(crate) marks: Recent<u8>,
}

impl Lineage {
    pub(crate) fn within(memory_bytes: usize) -> Self {
        let entries_max = memory_bytes / 2 / ENTRY_BYTES;
        Self { parents: Recent::new(entries_max), marks: Recent::new(entries_max) }
    }

    /// Takes in a span, that has usage or not, whether its parent came before it or comes after it.
    pub(crate) fn add(&mut self, span: u64, parent: Option<u64>, has_usage: bool, unix_nano: i64) {
        let Some(parent) = parent else { return };
        self.parents.insert(span, unix_nano, parent);
        let marks = self.marks.get(span).unwrap_or(0) | if has_usage { USED } else { 0 };
        self.mark_upwards(parent, marks, unix_nano);
    }

    /// A call of this parent was settled.
    pub(crate) fn settled(&mut self, parent: Option<u64>, unix_nano: i64) {
        parent.into_iter().for_each(|parent| self.mark_upwards(parent, USED | SETTLED, unix_nano));
    }

    pub(crate) fn has_usage_below(&self, span: u64) -> bool {
        self.marks.get(span).is_some_and(|marks| marks & USED != 0)
    }

    pub(crate) fn has_settled_below(&self, span: u64) -> bool {
        self.marks.get(span).is_some_and(|marks| marks & SETTLED != 0)
    }

    /// The spans above one, nearest first, beginning with its parent.
    pub(crate) fn above(&self, parent: Option<u64>) -> impl Iterator<Item = u64> + '_ {
        std::iter::successors(parent, |span| self.parents.get(*span)).take(DEPTH_MAX)
    }

    fn mark_upwards(&mut self, first: u64, marks: u8, unix_nano: i64) {
        let mut next = Some(first);
        for _ in 0..DEPTH_MAX {
            let Some(span) = next else { return };
            match self.marks.get_mut(span) {
                // What is above was marked then, or is when it comes.
                Some(there) if *there & marks == marks => return,
                Some(there) => *there |= marks,
                None => {
                    self.marks.insert(span, unix_nano, marks);
                }
            }
            next = self.parents.get(span);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_is_known_above_in_whatever_order_spans_come() {
        // 1 <- 2 <- 3 (has usage); 4 is beside.
        let spans = [(1, None, false), (2, Some(1), false), (3, Some(2), true), (4, Some(1), false)];
        for order in [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1], [1, 2, 3, 0]] {
            let mut lineage = Lineage::within(1 << 20);
            for (span, parent, has_usage) in order.map(|place: usize| spans[place]) {
                lineage.add(span, parent, has_usage, 0);
            }
            let known: Vec<_> = (1..=4).filter(|span| lineage.has_usage_below(*span)).collect();
            assert_eq!(known, [1, 2], "in the order {order:?}");
            assert!(!lineage.has_settled_below(1));
            lineage.settled(Some(2), 0);
            assert!(lineage.has_settled_below(1) && lineage.has_settled_below(2));
        }
    }

    #[test]
    fn a_span_that_is_its_own_ancestor_ends_the_way_up() {
        let mut lineage = Lineage::within(1 << 20);
        lineage.add(1, Some(2), true, 0);
        lineage.add(2, Some(1), true, 0);
        assert_eq!(lineage.above(Some(1)).count(), DEPTH_MAX);
    }
}
