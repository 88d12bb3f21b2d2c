//! Requests that come again: a sender whose answer was lost sends the same bytes once more.
//!
//! A request is known by its signal, its receiver and the 128-bit hash of its body. One that was durable within the
//! window is answered at once and not stored again; one that is still on its way is waited for.

use std::{
    collections::{HashMap, VecDeque},
    ops::Range,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use spanledger_faults::Fault;
use xxhash_rust::xxh3::xxh3_128;

use crate::{
    AppendError, Position,
    queue::{Appended, Appending, Waiter},
};

/// What an append that was stored before answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repeated {
    /// How many items were rejected then.
    pub rejected: u32,
    /// When it arrived, in nanoseconds since 1970.
    pub arrival_unix_ns: u64,
}

/// Names a request: two with the same key are taken for the same.
pub(crate) type Key = u128;

/// The key of a request with this hash of its body.
pub(crate) fn key(signal: u8, receiver: &str, body_hash: u128) -> Key {
    let mut named = Vec::with_capacity(17 + receiver.len());
    named.extend_from_slice(&body_hash.to_le_bytes());
    named.push(signal);
    named.extend_from_slice(receiver.as_bytes());
    let key = xxh3_128(&named);
    if Fault::LossyRepeats.is_planted() { key & 0xff } else { key }
}

/// A request that was made durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) key: Key,
    pub(crate) position: Position,
    pub(crate) arrival_unix_ns: u64,
    pub(crate) rejected: u32,
}

impl Known {
    fn appended(&self) -> Appended {
        let repeats = Repeated { rejected: self.rejected, arrival_unix_ns: self.arrival_unix_ns };
        Appended { position: self.position, repeats: Some(repeats) }
    }
}

/// What is to be done with a request.
pub(crate) enum Met {
    /// It is to be stored; [`Repeats::durable`] or [`Repeats::refuse`] has to follow.
    New,
    /// It was stored, or is being stored.
    Repeat(Appending),
}

/// The requests of the window.
pub(crate) struct Repeats {
    window_ns: u64,
    entries_max: usize,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    seen: HashMap<Key, Seen>,
    /// The durable ones, by position.
    durable: VecDeque<(Position, Key)>,
    /// Arrival of the last one that had to go before its time.
    crowded_out_unix_ns: u64,
}

enum Seen {
    /// On its way; these wait for the answer, too.
    Coming(Vec<Waiter>),
    Durable(Known),
}

impl Repeats {
    /// With a window of no length nothing is recognised.
    pub(crate) fn new(window: Duration, entries_max: usize) -> Self {
        let window_ns = u64::try_from(window.as_nanos()).unwrap_or(u64::MAX);
        Self { window_ns, entries_max, inner: Mutex::default() }
    }

    /// Looks at a request that arrives now.
    pub(crate) fn meet(&self, key: Key, now_unix_ns: u64) -> Met {
        if self.window_ns == 0 {
            return Met::New;
        }
        let mut inner = self.inner();
        match inner.seen.get_mut(&key) {
            Some(Seen::Coming(waiters)) => {
                let (waiter, appending) = Waiter::new();
                waiters.push(waiter);
                Met::Repeat(appending)
            }
            Some(Seen::Durable(known)) if self.is_within(known.arrival_unix_ns, now_unix_ns) => {
                Met::Repeat(Appending::answered(Ok(known.appended())))
            }
            _ => {
                inner.seen.insert(key, Seen::Coming(Vec::new()));
                Met::New
            }
        }
    }

    /// Notes a request that is durable, and answers who waited for it.
    pub(crate) fn durable(&self, known: Known) {
        if self.window_ns == 0 {
            return;
        }
        let mut inner = self.inner();
        let before = inner.seen.insert(known.key, Seen::Durable(known));
        inner.durable.push_back((known.position, known.key));
        self.shrink(&mut inner, known.arrival_unix_ns);
        drop(inner);
        if let Some(Seen::Coming(waiters)) = before {
            waiters.into_iter().for_each(|waiter| waiter.answer(Ok(known.appended())));
        }
    }

    /// Forgets a request that was not stored, and answers who waited for it.
    pub(crate) fn refuse(&self, key: Key, error: &AppendError) {
        let mut inner = self.inner();
        if let Some(Seen::Coming(_)) = inner.seen.get(&key)
            && let Some(Seen::Coming(waiters)) = inner.seen.remove(&key)
        {
            drop(inner);
            waiters.into_iter().for_each(|waiter| waiter.answer(Err(error.clone())));
        }
    }

    /// Forgets what is damaged: it has to be stored when it comes again.
    pub(crate) fn forget(&self, positions: Range<Position>) {
        let mut inner = self.inner();
        let Inner { seen, durable, .. } = &mut *inner;
        for (position, key) in durable.drain(indices(durable, &positions)) {
            remove(seen, key, position);
        }
    }

    /// Forgets what is older than the window.
    pub(crate) fn expire(&self, now_unix_ns: u64) {
        self.shrink(&mut self.inner(), now_unix_ns);
    }

    /// Lets go of those who wait, when nobody is left to answer them.
    pub(crate) fn abandon(&self) {
        let mut inner = self.inner();
        let coming = inner.seen.extract_if(|_, seen| matches!(seen, Seen::Coming(_)));
        let mut coming: Vec<_> = coming.collect();
        drop(inner);
        // In an order that is the same each time.
        coming.sort_by_key(|(key, _)| *key);
    }

    /// What is known of these positions, in their order.
    pub(crate) fn within(&self, positions: Range<Position>) -> Vec<Known> {
        let inner = self.inner();
        let keys = inner.durable.range(indices(&inner.durable, &positions));
        let known = keys.filter_map(|(position, key)| match inner.seen.get(key) {
            Some(Seen::Durable(known)) if known.position == *position => Some(*known),
            _ => None,
        });
        known.collect()
    }

    /// Whether what arrived then is in the window now.
    pub(crate) fn is_within(&self, arrival_unix_ns: u64, now_unix_ns: u64) -> bool {
        now_unix_ns.saturating_sub(arrival_unix_ns) < self.window_ns
    }

    /// Whether anything is recognised.
    pub(crate) fn is_on(&self) -> bool {
        self.window_ns > 0
    }

    /// How far back requests are known: less than the window when there were too many.
    pub(crate) fn reach(&self, now_unix_ns: u64) -> Duration {
        let crowded_out = self.inner().crowded_out_unix_ns;
        Duration::from_nanos(self.window_ns.min(now_unix_ns.saturating_sub(crowded_out)))
    }

    fn shrink(&self, inner: &mut Inner, now_unix_ns: u64) {
        while let Some((position, key)) = inner.durable.front().copied() {
            let arrival = match inner.seen.get(&key) {
                Some(Seen::Durable(known)) if known.position == position => known.arrival_unix_ns,
                _ => 0,
            };
            let is_crowded = inner.durable.len() > self.entries_max;
            if self.is_within(arrival, now_unix_ns) && !is_crowded {
                return;
            }
            if self.is_within(arrival, now_unix_ns) {
                inner.crowded_out_unix_ns = arrival;
            }
            inner.durable.pop_front();
            remove(&mut inner.seen, key, position);
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn indices(durable: &VecDeque<(Position, Key)>, positions: &Range<Position>) -> Range<usize> {
    let before = |end: Position| durable.partition_point(|(position, _)| *position < end);
    before(positions.start)..before(positions.end)
}

/// Removes a key, unless it was seen again since.
fn remove(seen: &mut HashMap<Key, Seen>, key: Key, position: Position) {
    if let Some(Seen::Durable(known)) = seen.get(&key)
        && known.position == position
    {
        seen.remove(&key);
    }
}
