//! The settle window: spans wait a while, so that what tells of one call is there together and is counted once.
//!
//! Time is that of the log. Spans are settled at the end of each whole step of it, before the first row that was received
//! later is taken in, so that neither batches nor restarts have a part in what is counted.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use rustc_hash::FxHashMap;

use crate::arrivals::Arrivals;
use crate::call::{Call, Cost};
use crate::lineage::Lineage;
use crate::merging::{Candidates, counted, side};
use crate::near::Near;
use crate::recent::Recent;
use crate::waiting::{Identity, Usage, Waiting, Wrapper};

/// How long an answer is known by its id after it was counted.
const KNOWN_NANOS: i64 = 24 * 3600 * 1_000_000_000;

/// The step at whose end spans are settled is a tenth of the window, and this at most.
const STEP_NANOS_MAX: i64 = 1_000_000_000;

/// What an id takes: in a map, in a queue, and in a checkpoint.
const KNOWN_BYTES: usize = 80;

/// How many ids are known at most: a checkpoint holds them all.
const KNOWN_MAX: usize = 1 << 18;

/// How much is settled early, as a part of the room, when there is no room: it costs less together.
const EARLY_PART: usize = 8;

/// What was found out beside the calls that were counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Spans that were merged into another of the same call.
    pub(crate) merged_spans: u64,
    /// Spans of a call that was counted before.
    pub(crate) late_spans: u64,
    /// Calls that could not wait for their time.
    pub(crate) early_calls: u64,
    /// Ids of responses that were forgotten before their time.
    pub(crate) forgotten_ids: u64,
    /// Tokens on agents and wrappers below which no call is known.
    pub(crate) unattributed_input_tokens: u64,
    pub(crate) unattributed_output_tokens: u64,
}

/// How long spans wait, and in how much memory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) window_nanos: i64,
    pub(crate) memory_bytes: usize,
}

/// What waits, and what is known of what came before.
#[derive(Debug)]
pub(crate) struct Settling {
    limits: Limits,
    /// The latest time that the log has come to.
    pub(crate) log_unix_nano: i64,
    /// When the first span came; 0 before.
    pub(crate) began_unix_nano: i64,
    pub(crate) tally: Tally,
    pub(crate) lineage: Lineage,
    /// Calls that were counted, by the hash of their response's id, or of their span's ids where they have none.
    pub(crate) known: Recent<()>,
    /// In the order of arrival, as the wrappers are.
    calls: Arrivals<Waiting>,
    wrappers: BTreeMap<u64, Wrapper>,
    arrivals: u64,
    /// What may belong together stands under the same hash: trace, response, place in time.
    near: Near,
    /// Where a span waits, by the hash of its ids.
    places: FxHashMap<u64, u64>,
    bytes: usize,
}

impl Settling {
    pub(crate) fn new(limits: Limits) -> Self {
        let part = limits.memory_bytes / 4;
        Self {
            limits,
            log_unix_nano: 0,
            began_unix_nano: 0,
            tally: Tally::default(),
            lineage: Lineage::within(part),
            known: Recent::new((part / KNOWN_BYTES).min(KNOWN_MAX)),
            calls: Arrivals::default(),
            wrappers: BTreeMap::new(),
            arrivals: 0,
            near: Near::default(),
            places: FxHashMap::default(),
            bytes: 0,
        }
    }

    pub(crate) fn limits(&self) -> Limits {
        self.limits
    }

    /// How many spans of calls wait.
    pub(crate) fn waiting_spans(&self) -> usize {
        self.calls.len()
    }

    /// What waits, in the order of arrival.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = Waits<'_>> + '_ {
        let calls = self.calls.iter().map(|(place, call)| (place, Waits::Call(call)));
        let wrappers = self.wrappers.iter().map(|(place, wrapper)| (*place, Waits::Wrapper(wrapper)));
        let all: BTreeMap<u64, Waits<'_>> = calls.chain(wrappers).collect();
        all.into_values()
    }

    /// The time at which something is to be settled; `None` when nothing waits.
    pub(crate) fn due_unix_nano(&self) -> Option<i64> {
        let call = self.calls.first().map(|call| self.call_due(call));
        let wrapper = self.wrappers.first_key_value().map(|(_, wrapper)| self.wrapper_due(wrapper));
        call.into_iter().chain(wrapper).min()
    }

    /// Settles what has waited long enough when the log comes to that time.
    pub(crate) fn advance(&mut self, unix_nano: i64, count: &mut impl FnMut(&Call<'_>)) {
        while let Some(due) = self.due_unix_nano().filter(|due| *due <= unix_nano) {
            self.forget(due);
            let is_due = |(_, call): &(u64, &Waiting)| self.call_due(call) <= due;
            let seeds: Vec<u64> = self.calls.iter().take_while(is_due).map(|(place, _)| place).collect();
            self.settle(&seeds, due, count);
            while let Some((place, _)) =
                self.wrappers.first_key_value().filter(|(_, wrapper)| self.wrapper_due(wrapper) <= due)
            {
                let place = *place;
                self.dismiss(place);
            }
        }
        self.log_unix_nano = self.log_unix_nano.max(unix_nano);
        self.forget(self.log_unix_nano);
    }

    /// Takes a span's parent down, and that it has usage, if it has.
    pub(crate) fn relate(&mut self, span: u64, parent: Option<u64>, has_usage: bool) {
        if self.began_unix_nano == 0 {
            self.began_unix_nano = self.log_unix_nano;
        }
        self.lineage.add(span, parent, has_usage, self.log_unix_nano);
    }

    /// Lets a call wait, unless it was counted before. The log has come to its time.
    pub(crate) fn add_call(&mut self, mut call: Waiting, count: &mut impl FnMut(&Call<'_>)) {
        if self.known.get(key(&call)).is_some() {
            self.tally.late_spans += 1;
            return;
        }
        if self.places.contains_key(&call.identity.span) {
            self.tally.merged_spans += 1;
            return;
        }
        call.identity.arrived_unix_nano = self.log_unix_nano;
        self.keep_call(call);
        self.make_room(count);
    }

    /// Lets a wrapper wait for the calls below it.
    pub(crate) fn add_wrapper(&mut self, mut wrapper: Wrapper, count: &mut impl FnMut(&Call<'_>)) {
        if self.places.contains_key(&wrapper.identity.span) {
            return;
        }
        wrapper.identity.arrived_unix_nano = self.log_unix_nano;
        self.keep_wrapper(wrapper);
        self.make_room(count);
    }

    /// Puts a call behind what waits already.
    pub(crate) fn keep_call(&mut self, call: Waiting) {
        self.arrivals += 1;
        self.bytes += call.bytes();
        hashes(&call).into_iter().flatten().for_each(|hash| self.near.insert(hash, self.arrivals));
        self.places.insert(call.identity.span, self.arrivals);
        self.calls.push(self.arrivals, call);
    }

    /// Puts a wrapper behind what waits already.
    pub(crate) fn keep_wrapper(&mut self, wrapper: Wrapper) {
        self.arrivals += 1;
        self.bytes += Wrapper::BYTES;
        self.places.insert(wrapper.identity.span, self.arrivals);
        self.wrappers.insert(self.arrivals, wrapper);
    }

    fn step(&self) -> i64 {
        (self.limits.window_nanos / 10).clamp(1, STEP_NANOS_MAX)
    }

    fn call_due(&self, call: &Waiting) -> i64 {
        due_of(call.identity.arrived_unix_nano, self.limits.window_nanos, self.step())
    }

    /// A wrapper is of use as long as a call may wait that came a window later.
    fn wrapper_due(&self, wrapper: &Wrapper) -> i64 {
        due_of(wrapper.identity.arrived_unix_nano, 2 * self.limits.window_nanos, self.step())
    }

    fn forget(&mut self, unix_nano: i64) {
        let related = unix_nano.saturating_sub(2 * self.limits.window_nanos + self.step());
        self.lineage.parents.forget_until(related);
        self.known.forget_until(unix_nano.saturating_sub(KNOWN_NANOS));
    }

    /// Settles the oldest early when there is no room.
    fn make_room(&mut self, count: &mut impl FnMut(&Call<'_>)) {
        let room = self.limits.memory_bytes / 2;
        if self.bytes <= room {
            return;
        }
        let (calls, wrappers) = self.oldest(self.bytes - room + room / EARLY_PART);
        self.tally.early_calls += self.settle(&calls, self.log_unix_nano, count);
        wrappers.into_iter().for_each(|place| self.dismiss(place));
    }

    /// The calls and the wrappers that came first and have that many bytes together.
    fn oldest(&self, bytes: usize) -> (Vec<u64>, Vec<u64>) {
        let (mut found, mut calls, mut wrappers) = (0, Vec::new(), Vec::new());
        let (mut next_calls, mut next_wrappers) =
            (self.calls.iter().peekable(), self.wrappers.keys().peekable());
        while found < bytes {
            match (next_calls.peek(), next_wrappers.peek()) {
                (Some((place, call)), wrapper) if wrapper.is_none_or(|wrapper| place < *wrapper) => {
                    found += call.bytes();
                    calls.push(*place);
                    next_calls.next();
                }
                (_, Some(place)) => {
                    found += Wrapper::BYTES;
                    wrappers.push(**place);
                    next_wrappers.next();
                }
                _ => break,
            }
        }
        (calls, wrappers)
    }

    /// Counts the calls that these spans tell of, with whatever else tells of them. How many there were.
    ///
    /// The indices are larger than the caches of a processor, which fetches several entries at a time where nothing else is
    /// done in between: so all are looked up first, and those that are alone leave the indices together.
    fn settle(&mut self, seeds: &[u64], unix_nano: i64, count: &mut impl FnMut(&Call<'_>)) -> u64 {
        let no_wrappers = self.wrappers.is_empty();
        let is_alone = |seed| no_wrappers && self.calls.get(seed).is_some_and(|call| self.is_alone(call));
        let alone: Vec<bool> = seeds.iter().map(|seed| is_alone(*seed)).collect();
        let (mut settled, mut gone) = (0, Vec::new());
        for (seed, is_alone) in seeds.iter().zip(alone) {
            if is_alone {
                let Some(call) = self.take_call(*seed, &mut gone) else { continue };
                count(&told(&call, None));
                settled += 1;
                continue;
            }
            self.forget_settled(&mut gone, unix_nano);
            // It may have gone with one before it.
            if self.calls.get(*seed).is_none() {
                continue;
            }
            let places = self.component(*seed);
            let keys = self.keys(&places);
            let is_wanted = |place: &u64| seeds.binary_search(place).is_ok();
            let mut calls: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
            for (place, key) in places.iter().zip(&keys) {
                calls.entry(*key).or_default().push(*place);
            }
            let keys: HashMap<u64, u64> = places.into_iter().zip(keys).collect();
            let mut due: Vec<_> = calls.into_values().filter(|spans| spans.iter().any(is_wanted)).collect();
            due.sort_unstable();
            // All are looked at before any is gone.
            let below = self.calls_below_wrappers(&keys);
            let usages: Vec<_> = due.iter().map(|spans| self.merged_down(spans, &keys, &below)).collect();
            for (spans, wrapper) in due.iter().zip(usages) {
                self.count(spans, wrapper, unix_nano, count);
                settled += 1;
            }
        }
        self.forget_settled(&mut gone, unix_nano);
        settled
    }

    /// Whether nothing that waits may belong together with a call: of most there is one span.
    fn is_alone(&self, call: &Waiting) -> bool {
        !hashes(call).into_iter().flatten().any(|hash| self.near.has_others(hash))
    }

    /// What may belong together with a span, directly or by others, in the order of arrival.
    fn component(&self, seed: u64) -> Vec<u64> {
        let (mut found, mut looked_up) = (BTreeSet::from([seed]), HashSet::new());
        let mut next = vec![seed];
        while let Some(place) = next.pop() {
            let Some(call) = self.calls.get(place) else { continue };
            for hash in hashes(call).into_iter().flatten().filter(|hash| looked_up.insert(*hash)) {
                next.extend(self.near.get(hash).filter(|other| found.insert(*other)));
            }
        }
        found.into_iter().collect()
    }

    fn keys(&self, places: &[u64]) -> Vec<u64> {
        let spans: Vec<&Waiting> = places.iter().filter_map(|place| self.calls.get(*place)).collect();
        let by_span: HashMap<u64, usize> =
            spans.iter().enumerate().map(|(place, span)| (span.identity.span, place)).collect();
        let above = spans.iter().map(|span| {
            let above = self.lineage.above(span.identity.parent).enumerate();
            let known = above.filter_map(|(depth, above)| Some((*by_span.get(&above)?, depth)));
            known
                .filter(|(place, _)| spans.get(*place).is_some_and(|other| other.identity != span.identity))
                .collect()
        });
        let above = above.collect();
        Candidates { spans, above }.keys()
    }

    /// The key of the one call below each wrapper; `None` where there are more. Calls of one trace are all among `keys`.
    fn calls_below_wrappers(&self, keys: &HashMap<u64, u64>) -> HashMap<u64, Option<u64>> {
        let mut below = HashMap::new();
        for (place, key) in keys {
            let Some(call) = self.calls.get(*place).filter(|_| !self.wrappers.is_empty()) else { continue };
            for span in self.lineage.above(call.identity.parent).filter(|span| self.wrapper(*span).is_some())
            {
                let known = below.entry(span).or_insert(Some(*key));
                *known = known.filter(|known| known == key);
            }
        }
        below
    }

    fn wrapper(&self, span: u64) -> Option<&Wrapper> {
        self.wrappers.get(self.places.get(&span)?)
    }

    /// What a wrapper says of the one call below it, if it says more than the call itself does: the nearest such wrapper.
    fn merged_down(
        &self,
        spans: &[u64],
        keys: &HashMap<u64, u64>,
        below: &HashMap<u64, Option<u64>>,
    ) -> Option<(Usage, Option<i128>)> {
        let waiting = || spans.iter().filter_map(|place| self.calls.get(*place));
        let call = counted(waiting())?;
        let key = *keys.get(spans.first()?)?;
        let above = waiting().flat_map(|span| self.lineage.above(span.identity.parent).enumerate());
        let wrapper = above
            .filter(|(_, span)| below.get(span) == Some(&Some(key)) && !self.lineage.has_settled_below(*span))
            .filter_map(|(depth, span)| Some((depth, self.wrapper(span)?)))
            .filter(|(_, wrapper)| {
                wrapper.usage.contains(&call.usage) && wrapper.usage.says_more_than(&call.usage)
            })
            .min_by_key(|(depth, wrapper)| (*depth, wrapper.identity.ids))?
            .1;
        Some((wrapper.usage.or(&call.usage), wrapper.cost))
    }

    fn count(
        &mut self,
        spans: &[u64],
        merged_down: Option<(Usage, Option<i128>)>,
        unix_nano: i64,
        count: &mut impl FnMut(&Call<'_>),
    ) {
        let mut gone = Vec::new();
        let spans: Vec<Waiting> =
            spans.iter().filter_map(|place| self.take_call(*place, &mut gone)).collect();
        let Some(call) = counted(spans.iter()) else { return };
        count(&told(call, merged_down));
        self.tally.merged_spans += spans.len() as u64 - 1;
        self.forget_settled(&mut gone, unix_nano);
    }

    /// Takes a call out, and notes for [`Self::forget_settled`] where else it stands.
    fn take_call(&mut self, place: u64, gone: &mut Vec<Gone>) -> Option<Waiting> {
        let call = self.calls.remove(place)?;
        self.bytes -= call.bytes();
        let Identity { span, parent, .. } = call.identity;
        gone.push(Gone { place, span, parent, key: key(&call), hashes: hashes(&call) });
        Some(call)
    }

    /// Takes calls that were counted out of the indices, and remembers that they were.
    fn forget_settled(&mut self, gone: &mut Vec<Gone>, unix_nano: i64) {
        for call in gone.iter() {
            self.places.remove(&call.span);
        }
        for call in gone.iter() {
            call.hashes.iter().flatten().for_each(|hash| self.near.remove(*hash, call.place));
        }
        for call in gone.drain(..) {
            self.tally.forgotten_ids += self.known.insert(call.key, unix_nano, ());
            self.lineage.settled(call.parent, unix_nano);
        }
    }

    /// Takes a wrapper out: what it says was used by nobody else is told apart.
    fn dismiss(&mut self, place: u64) {
        let Some(wrapper) = self.wrappers.remove(&place) else { return };
        self.bytes -= Wrapper::BYTES;
        self.places.remove(&wrapper.identity.span);
        if self.lineage.has_usage_below(wrapper.identity.span) {
            return;
        }
        let tokens = |tokens: Option<i64>| tokens.and_then(crate::call::count).unwrap_or_default();
        let (input, output) = (tokens(wrapper.usage.input_tokens), tokens(wrapper.usage.output_tokens));
        let tally = &mut self.tally;
        tally.unattributed_input_tokens = tally.unattributed_input_tokens.saturating_add(input);
        tally.unattributed_output_tokens = tally.unattributed_output_tokens.saturating_add(output);
    }
}

/// Where a call stood that was counted.
struct Gone {
    place: u64,
    span: u64,
    parent: Option<u64>,
    key: u64,
    hashes: [Option<u64>; 3],
}

/// What waits.
pub(crate) enum Waits<'a> {
    /// A span that stands for a call.
    Call(&'a Waiting),
    /// A span that says what was used below it.
    Wrapper(&'a Wrapper),
}

/// A call as it is counted, by its own figures or by those of the wrapper above it.
pub(crate) fn told(call: &Waiting, merged_down: Option<(Usage, Option<i128>)>) -> Call<'_> {
    let (usage, cost) = merged_down.unwrap_or((call.usage, None));
    Call {
        labels: &call.labels,
        is_error: call.is_error,
        duration_ns: call.duration_ns,
        input_tokens: usage.input_tokens,
        output_tokens: usage.output_tokens,
        cost: cost.map_or(call.cost, Cost::Priced),
        // What the sender says is of the call's own figures.
        compared: call.compared.filter(|_| merged_down.is_none()),
        received_unix_nano: call.identity.received_unix_nano,
    }
}

/// What a call that was counted is known by.
fn key(call: &Waiting) -> u64 {
    call.response.unwrap_or(call.identity.span)
}

/// Under which hashes spans that may belong together are found.
fn hashes(call: &Waiting) -> [Option<u64>; 3] {
    [Some(call.identity.trace), call.response, Some(side(call))]
}

/// The end of the step in which something has waited long enough.
fn due_of(arrived_unix_nano: i64, window_nanos: i64, step_nanos: i64) -> i64 {
    let over = arrived_unix_nano.saturating_add(window_nanos);
    match over.checked_rem(step_nanos) {
        None | Some(0) => over,
        Some(rest) => over.saturating_add(step_nanos - rest),
    }
}
