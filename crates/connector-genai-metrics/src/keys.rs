//! The keys of series, shared by the calls that have them: of a few series come most calls.

use crate::call::LABELS;
use crate::series::{Key, write_key};

/// So many keys are remembered, each at a place that its hash says.
const PLACES: usize = 64;

/// Keys that were made lately.
#[derive(Debug)]
pub(crate) struct Keys {
    /// Room for the key at hand.
    room: Vec<u8>,
    lately: [Option<Key>; PLACES],
}

impl Default for Keys {
    fn default() -> Self {
        Self { room: Vec::new(), lately: [const { None }; PLACES] }
    }
}

impl Keys {
    /// The key of those labels; the one that was handed out before, if it is remembered.
    pub(crate) fn of(&mut self, labels: [&str; LABELS]) -> Key {
        write_key(labels, &mut self.room);
        let hash = xxhash_rust::xxh3::xxh3_64(&self.room);
        let place = self.lately.get_mut(hash as usize % PLACES);
        match place {
            Some(Some(key)) if **key == *self.room => key.clone(),
            place => {
                let key = Key::from(self.room.as_slice());
                place.into_iter().for_each(|place| *place = Some(key.clone()));
                key
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn model(name: &str) -> [&str; LABELS] {
        ["chat", "", name, "", "", "", ""]
    }

    #[test]
    fn equal_labels_share_a_key_and_others_have_their_own() {
        let mut keys = Keys::default();
        let first = keys.of(model("a"));
        assert!(Arc::ptr_eq(&first, &keys.of(model("a"))));
        // More than are remembered: some take the places of others.
        for number in 0..10 * PLACES {
            let name = number.to_string();
            let mut expected = Vec::new();
            write_key(model(&name), &mut expected);
            assert_eq!(*keys.of(model(&name)), *expected);
        }
        assert_eq!(keys.of(model("a")), first);
    }
}
