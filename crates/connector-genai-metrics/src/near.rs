//! What may belong together: spans that wait, by the hashes of what they could have in common.

use std::collections::BTreeSet;
use std::collections::hash_map::Entry;

use rustc_hash::FxHashMap;

/// Stands for more than one place: those begin at 1.
const MORE: u64 = 0;

/// The places of spans, by hash. Most hashes are those of one span, so the map that all stand in has small entries.
#[derive(Debug, Default)]
pub(crate) struct Near {
    /// The only place under a hash, or [`MORE`].
    ones: FxHashMap<u64, u64>,
    /// Two places or more, or what is left of them.
    more: FxHashMap<u64, BTreeSet<u64>>,
}

impl Near {
    pub(crate) fn insert(&mut self, hash: u64, place: u64) {
        match self.ones.entry(hash) {
            Entry::Vacant(free) => {
                free.insert(place);
            }
            Entry::Occupied(mut one) => {
                let before = one.insert(MORE);
                let places = self.more.entry(hash).or_default();
                places.extend([before, place].into_iter().filter(|place| *place != MORE));
            }
        }
    }

    pub(crate) fn remove(&mut self, hash: u64, place: u64) {
        let Entry::Occupied(one) = self.ones.entry(hash) else { return };
        if *one.get() == place {
            one.remove();
            return;
        }
        let Some(places) = self.more.get_mut(&hash) else { return };
        places.remove(&place);
        if places.is_empty() {
            self.more.remove(&hash);
            one.remove();
        }
    }

    /// Whether there are two under a hash.
    pub(crate) fn has_others(&self, hash: u64) -> bool {
        self.ones.get(&hash) == Some(&MORE) && self.more.get(&hash).is_some_and(|places| places.len() > 1)
    }

    /// The places under a hash.
    pub(crate) fn get(&self, hash: u64) -> impl Iterator<Item = u64> + '_ {
        let one = self.ones.get(&hash).copied().filter(|place| *place != MORE);
        one.into_iter().chain(self.more.get(&hash).into_iter().flatten().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_found_under_their_hashes_until_they_are_removed() {
        let mut near = Near::default();
        for (hash, place) in [(1, 10), (2, 20), (1, 11), (1, 12)] {
            near.insert(hash, place);
        }
        let places = |near: &Near, hash| near.get(hash).collect::<Vec<_>>();
        assert_eq!(
            (places(&near, 1), places(&near, 2), places(&near, 3)),
            (vec![10, 11, 12], vec![20], vec![])
        );
        assert!(near.has_others(1) && !near.has_others(2) && !near.has_others(3));
        near.remove(2, 21);
        near.remove(1, 10);
        near.remove(1, 12);
        assert_eq!((places(&near, 1), places(&near, 2)), (vec![11], vec![20]));
        assert!(!near.has_others(1));
        near.remove(1, 11);
        near.remove(2, 20);
        assert!(near.ones.is_empty() && near.more.is_empty(), "nothing is kept of what is gone");
    }
}
