//! What may belong together: spans that wait, by the hashes of what they could have in common.

use std::collections::BTreeSet;
use std::collections::hash_map::Entry;

use rustc_hash::FxHashMap;

/// The places of spans, by hash. Most hashes are those of one span, which take no more than a place in a map.
#[derive(Debug, Default)]
pub(crate) struct Near(FxHashMap<u64, Places>);

#[derive(Debug)]
enum Places {
    One(u64),
    /// Two or more, or what is left of them.
    More(BTreeSet<u64>),
}

impl Near {
    pub(crate) fn insert(&mut self, hash: u64, place: u64) {
        match self.0.entry(hash) {
            Entry::Vacant(free) => {
                free.insert(Places::One(place));
            }
            Entry::Occupied(mut places) => match places.get_mut() {
                Places::One(other) => *places.get_mut() = Places::More(BTreeSet::from([*other, place])),
                Places::More(all) => {
                    all.insert(place);
                }
            },
        }
    }

    pub(crate) fn remove(&mut self, hash: u64, place: u64) {
        let Entry::Occupied(mut places) = self.0.entry(hash) else { return };
        let is_last = match places.get_mut() {
            Places::One(other) => *other == place,
            Places::More(all) => {
                all.remove(&place);
                all.is_empty()
            }
        };
        if is_last {
            places.remove();
        }
    }

    /// Whether there are two under a hash.
    pub(crate) fn has_others(&self, hash: u64) -> bool {
        matches!(self.0.get(&hash), Some(Places::More(all)) if all.len() > 1)
    }

    /// The places under a hash.
    pub(crate) fn get(&self, hash: u64) -> impl Iterator<Item = u64> + '_ {
        let (one, more) = match self.0.get(&hash) {
            None => (None, None),
            Some(Places::One(place)) => (Some(*place), None),
            Some(Places::More(all)) => (None, Some(all)),
        };
        one.into_iter().chain(more.into_iter().flatten().copied())
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
        assert!(near.0.is_empty(), "nothing is kept of what is gone");
    }
}
