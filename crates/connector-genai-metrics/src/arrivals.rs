//! What waits, by the place it came in at: places only rise, and most leave in that order.

use std::collections::VecDeque;
use std::iter;

/// Values by rising places.
#[derive(Debug)]
pub(crate) struct Arrivals<V> {
    /// From the place `first` on; `None` where nothing waits any more.
    slots: VecDeque<Option<V>>,
    first: u64,
    len: usize,
}

impl<V> Default for Arrivals<V> {
    fn default() -> Self {
        Self { slots: VecDeque::new(), first: 0, len: 0 }
    }
}

impl<V> Arrivals<V> {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Adds a value at a place behind all others.
    pub(crate) fn push(&mut self, place: u64, value: V) {
        if self.slots.is_empty() {
            self.first = place;
        }
        let skipped = place.saturating_sub(self.first).saturating_sub(self.slots.len() as u64);
        self.slots.extend(iter::repeat_with(|| None).take(usize::try_from(skipped).unwrap_or_default()));
        self.slots.push_back(Some(value));
        self.len += 1;
    }

    pub(crate) fn get(&self, place: u64) -> Option<&V> {
        self.slots.get(self.slot_of(place)?)?.as_ref()
    }

    pub(crate) fn remove(&mut self, place: u64) -> Option<V> {
        let slot = self.slot_of(place)?;
        let value = self.slots.get_mut(slot)?.take()?;
        self.len -= 1;
        while self.slots.front().is_some_and(Option::is_none) {
            self.slots.pop_front();
            self.first += 1;
        }
        Some(value)
    }

    /// The value that came first.
    pub(crate) fn first(&self) -> Option<&V> {
        self.slots.front()?.as_ref()
    }

    /// Places and values in the order they came in.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, &V)> + '_ {
        (self.first..).zip(&self.slots).filter_map(|(place, slot)| Some((place, slot.as_ref()?)))
    }

    fn slot_of(&self, place: u64) -> Option<usize> {
        usize::try_from(place.checked_sub(self.first)?).ok()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// It holds what a sorted map would, whatever comes and goes.
        #[test]
        fn values_wait_under_their_places_until_they_are_removed(
            steps in prop::collection::vec((1_u64..4, prop::option::of(0_u64..40)), 0..60)
        ) {
            let (mut arrivals, mut map, mut place) = (Arrivals::default(), BTreeMap::new(), 0);
            for (skip, removed) in steps {
                place += skip;
                arrivals.push(place, place * 10);
                map.insert(place, place * 10);
                if let Some(back) = removed {
                    let gone = place.saturating_sub(back);
                    prop_assert_eq!(arrivals.remove(gone), map.remove(&gone));
                }
                prop_assert_eq!(arrivals.len(), map.len());
                prop_assert_eq!(arrivals.first(), map.first_key_value().map(|(_, value)| value));
                prop_assert_eq!(arrivals.get(place - skip), map.get(&(place - skip)));
                let all: Vec<_> = arrivals.iter().map(|(place, value)| (place, *value)).collect();
                prop_assert_eq!(all, map.clone().into_iter().collect::<Vec<_>>());
            }
        }
    }
}
