//! What was found for the names of earlier calls, so that a call whose names are known costs a look into a map.

use std::hash::{Hash as _, Hasher as _};
use std::sync::{Arc, PoisonError, RwLock};

use rustc_hash::{FxHashMap, FxHasher};

use super::CallRef;

/// Answers that are kept. There are some hundred pairs of provider and model in use at the largest sites.
pub(super) const KNOWN_MAX: usize = 4096;

/// The names that a price depends on.
type Names<'a> = [Option<&'a str>; 4];

/// Answers by names; when there are too many, it begins anew.
#[derive(Debug)]
pub(super) struct Known<T>(RwLock<FxHashMap<u64, Slot<T>>>);

/// The last answer of those whose names have the same hash.
#[derive(Debug)]
struct Slot<T> {
    names: [Option<Box<str>>; 4],
    answer: Arc<T>,
}

impl<T> Default for Known<T> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}

impl<T> Known<T> {
    /// Uses the answer for the names of a call, which `find` gives when they are new.
    pub(super) fn with<R>(
        &self,
        call: &CallRef<'_>,
        find: impl FnOnce() -> T,
        used: impl FnOnce(&T) -> R,
    ) -> R {
        let names = [call.provider, call.server_address, call.model, call.request_model];
        let hash = hash(&names);
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = known.get(&hash).filter(|slot| slot.is_for(&names)) {
            return used(&slot.answer);
        }
        drop(known);
        let answer = Arc::new(find());
        let slot = Slot { names: names.map(|name| name.map(Box::from)), answer: answer.clone() };
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KNOWN_MAX {
            known.clear();
        }
        known.insert(hash, slot);
        drop(known);
        used(&answer)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.read().unwrap_or_else(PoisonError::into_inner).len()
    }
}

impl<T> Slot<T> {
    fn is_for(&self, names: &Names<'_>) -> bool {
        self.names.iter().zip(names).all(|(known, name)| known.as_deref() == *name)
    }
}

fn hash(names: &Names<'_>) -> u64 {
    let mut hasher = FxHasher::default();
    names.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_found_once_for_the_same_names_and_what_is_kept_is_bounded() {
        let known = Known::default();
        let ask = |model: &str, found: &str| {
            let call = CallRef { provider: Some("openai"), model: Some(model), ..CallRef::default() };
            known.with(&call, || found.to_owned(), String::clone)
        };
        assert_eq!((ask("a", "1"), ask("a", "2"), ask("b", "3")), ("1".into(), "1".into(), "3".into()));
        for number in 0..2 * KNOWN_MAX {
            ask(&number.to_string(), "");
        }
        assert!(known.len() <= KNOWN_MAX);
    }
}
