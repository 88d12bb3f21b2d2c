//! A bounded memory of what came lately, by hash: the oldest is forgotten first.

use std::collections::VecDeque;
use std::collections::hash_map::Entry;

use rustc_hash::FxHashMap;

/// Values by hash, in the order they came in.
#[derive(Debug, Clone)]
pub(crate) struct Recent<V> {
    entries_max: usize,
    values: FxHashMap<u64, V>,
    order: VecDeque<(u64, i64)>,
}

impl<V: Copy> Recent<V> {
    pub(crate) fn new(entries_max: usize) -> Self {
        Self { entries_max, values: FxHashMap::default(), order: VecDeque::new() }
    }

    pub(crate) fn get(&self, hash: u64) -> Option<V> {
        self.values.get(&hash).copied()
    }

    /// The value of a hash that is there.
    pub(crate) fn get_mut(&mut self, hash: u64) -> Option<&mut V> {
        self.values.get_mut(&hash)
    }

    /// Keeps a value, unless there is one. How many others were forgotten for it.
    pub(crate) fn insert(&mut self, hash: u64, unix_nano: i64, value: V) -> u64 {
        let Entry::Vacant(free) = self.values.entry(hash) else { return 0 };
        free.insert(value);
        self.order.push_back((hash, unix_nano));
        let mut forgotten = 0;
        while self.order.len() > self.entries_max {
            self.forget_oldest();
            forgotten += 1;
        }
        forgotten
    }

    /// Forgets what came at that time or before.
    pub(crate) fn forget_until(&mut self, unix_nano: i64) {
        while self.order.front().is_some_and(|(_, came)| *came <= unix_nano) {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        if let Some((hash, _)) = self.order.pop_front() {
            self.values.remove(&hash);
        }
    }

    /// Hash, time and value of each, oldest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, i64, V)> + '_ {
        self.order.iter().filter_map(|(hash, unix_nano)| Some((*hash, *unix_nano, self.get(*hash)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_is_forgotten_for_the_newest_and_with_time() {
        let mut recent = Recent::new(2);
        assert_eq!(recent.insert(1, 10, 'a') + recent.insert(2, 20, 'b'), 0);
        assert_eq!(recent.insert(2, 25, 'z'), 0, "the first value stays");
        assert_eq!(recent.insert(3, 30, 'c'), 1);
        assert_eq!(recent.iter().collect::<Vec<_>>(), [(2, 20, 'b'), (3, 30, 'c')]);
        recent.forget_until(20);
        assert_eq!((recent.get(2), recent.get(3)), (None, Some('c')));
    }
}
