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

/// The last answer of those whose names have the same hash, or the same lengths.
#[derive(Debug)]
struct Slot<T> {
    names: [Option<Box<str>>; 4],
    answer: Arc<T>,
}

/// Answers that one caller was given lately, so that the same names need no look into what everybody knows.
#[derive(Debug)]
pub(super) struct Lately<T>([Option<Slot<T>>; LATELY]);

/// An application calls a few models.
const LATELY: usize = 8;

impl<T> Default for Lately<T> {
    fn default() -> Self {
        Self([const { None }; LATELY])
    }
}

impl<T> Lately<T> {
    /// The answer for the names of a call, which `find` gives when it was not given lately.
    pub(super) fn get(&mut self, call: &CallRef<'_>, find: impl FnOnce() -> Option<Arc<T>>) -> Option<&T> {
        let names = names(call);
        let bytes: usize = names.iter().flatten().map(|name| name.len()).sum();
        let slot = self.0.get_mut(bytes % LATELY)?;
        if !slot.as_ref().is_some_and(|slot| slot.is_for(&names)) {
            *slot = Some(Slot::new(&names, find()?));
        }
        slot.as_ref().map(|slot| &*slot.answer)
    }
}

impl<T> Default for Known<T> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}

impl<T> Known<T> {
    /// The answer for the names of a call, which `find` gives when they are new.
    pub(super) fn get(&self, call: &CallRef<'_>, find: impl FnOnce() -> T) -> Arc<T> {
        let names = names(call);
        let hash = hash(&names);
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = known.get(&hash).filter(|slot| slot.is_for(&names)) {
            return slot.answer.clone();
        }
        drop(known);
        let answer = Arc::new(find());
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KNOWN_MAX {
            known.clear();
        }
        known.insert(hash, Slot::new(&names, answer.clone()));
        answer
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.read().unwrap_or_else(PoisonError::into_inner).len()
    }
}

impl<T> Slot<T> {
    fn new(names: &Names<'_>, answer: Arc<T>) -> Self {
        Self { names: names.map(|name| name.map(Box::from)), answer }
    }

    fn is_for(&self, names: &Names<'_>) -> bool {
        self.names.iter().zip(names).all(|(known, name)| known.as_deref() == *name)
    }
}

fn names<'a>(call: &CallRef<'a>) -> Names<'a> {
    [call.provider, call.server_address, call.model, call.request_model]
}

fn hash(names: &Names<'_>) -> u64 {
    let mut hasher = FxHasher::default();
    names.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(model: &str) -> CallRef<'_> {
        CallRef { provider: Some("openai"), model: Some(model), ..CallRef::default() }
    }

    #[test]
    fn an_answer_is_found_once_for_the_same_names_and_what_is_kept_is_bounded() {
        let known = Known::default();
        let ask = |model: &str, found: &str| known.get(&call(model), || found.to_owned()).to_string();
        assert_eq!((ask("a", "1"), ask("a", "2"), ask("b", "3")), ("1".into(), "1".into(), "3".into()));
        for number in 0..2 * KNOWN_MAX {
            ask(&number.to_string(), "");
        }
        assert!(known.len() <= KNOWN_MAX);
    }

    #[test]
    fn an_answer_that_was_given_lately_is_that_of_the_same_names() {
        let mut lately = Lately::default();
        let mut ask = |model: &str, found: &str| {
            lately.get(&call(model), || Some(Arc::new(found.to_owned()))).cloned().unwrap()
        };
        assert_eq!((ask("a", "1"), ask("a", "2"), ask("ab", "3")), ("1".into(), "1".into(), "3".into()));
        assert_eq!(ask("b", "4"), "4", "another of the same length");
        assert_eq!((ask("a", "5"), ask("ab", "6")), ("5".into(), "3".into()));
    }
}
