//! Which waiting spans stand for the same call, and which of them is counted. The view `calls` has the same rules in SQL
//! (`crates/schema/sql/calls.sql`); what is changed here is changed there.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use crate::call::Cost;
use crate::waiting::Waiting;

/// A span among those that may belong together: by its place.
type Place = usize;

/// Spans that may belong together, each with those of them that are above it, and how far: nearest first.
pub(crate) struct Candidates<'a> {
    pub(crate) spans: Vec<&'a Waiting>,
    pub(crate) above: Vec<Vec<(Place, usize)>>,
}

/// What the rules have found out about each span so far.
struct Found {
    /// The key of its call where that is known: by its own response id, or that of one above or below it.
    keys: Vec<Option<u64>>,
    /// The outermost span of the same call.
    heads: Vec<Option<Place>>,
    /// One above or below that knows the usage, for a span that does not.
    informed: Vec<Option<Place>>,
}

impl Candidates<'_> {
    /// A key for each span: those with the same one stand for the same call.
    pub(crate) fn keys(&self) -> Vec<u64> {
        let mut found = Found {
            keys: self.spans.iter().map(|span| span.response).collect(),
            heads: vec![None; self.spans.len()],
            informed: vec![None; self.spans.len()],
        };
        self.find_nested(&mut found);
        self.find_beside(&mut found);
        let base = |place: Place| found.keys.get(place).copied().flatten().unwrap_or(self.own_key(place));
        let head = |place: Place| found.heads.get(place).copied().flatten();
        let informed = |place: Place| found.informed.get(place).copied().flatten();
        let of_head = |place: Place| base(head(place).unwrap_or(place));
        let of_informed = |place: Place| informed(place).map_or_else(|| of_head(place), of_head);
        (0..self.spans.len()).map(|place| of_informed(head(place).unwrap_or(place))).collect()
    }

    /// Calls do not contain calls: a span above or below another, of the same kind and model and with equal usage, is the
    /// same call told twice. One that says neither model nor usage, as a function that somebody marked as a call, is
    /// whichever is nearest.
    fn find_nested(&self, found: &mut Found) {
        let mut near: Vec<Vec<(Place, usize)>> = self.above.clone();
        for (place, above) in self.above.iter().enumerate() {
            for (other, depth) in above {
                near.get_mut(*other).into_iter().for_each(|near| near.push((place, *depth)));
            }
        }
        for (place, span) in self.spans.iter().enumerate().filter(|(_, span)| span.response.is_none()) {
            let partners = || near.get(place).into_iter().flatten().filter_map(|n| self.partner(span, *n));
            let known = partners()
                .filter(|(_, _, other)| other.response.is_some() && has_equal_usage(span, other))
                .min_by_key(|(_, depth, other)| (*depth, order(other)));
            if let Some((_, _, other)) = known {
                found.keys.get_mut(place).into_iter().for_each(|key| *key = other.response);
                continue;
            }
            let above = self.above.get(place).into_iter().flatten().rev();
            let head = above
                .filter_map(|n| self.partner(span, *n))
                .find(|(_, _, other)| other.response.is_none() && has_equal_usage(span, other));
            if let Some((head, ..)) = head {
                found.heads.get_mut(place).into_iter().for_each(|known| *known = Some(head));
            } else if span.usage.is_empty() {
                let informed = partners()
                    .filter(|(_, _, other)| !other.usage.is_empty())
                    .min_by_key(|(_, depth, other)| (*depth, order(other)));
                let informed = informed.map(|(informed, ..)| informed);
                found.informed.get_mut(place).into_iter().for_each(|known| *known = informed);
            }
        }
    }

    fn partner(&self, span: &Waiting, (place, depth): (Place, usize)) -> Option<(Place, usize, &Waiting)> {
        let other = *self.spans.get(place)?;
        let is_same_model = other.model == span.model || span.is_mute();
        (other.kind == span.kind && is_same_model).then_some((place, depth, other))
    }

    /// Two instrumentations in one process tell of the same call, each in a trace of its own perhaps: the interval of one
    /// lies in that of the other, the model is the same and the usage equal. Calls that run side by side pair in the order
    /// in which they began.
    fn find_beside(&self, found: &mut Found) {
        for pairs in self.side_by_side(found).into_values() {
            let outer = pairs.iter().copied().filter_map(|place| Some((place, *self.spans.get(place)?)));
            let outer = outer.min_by_key(|(_, span)| (Reverse(span.duration_ns), order(span)));
            let Some((outer_place, outer)) = outer else { continue };
            let mut inside: Vec<_> = pairs
                .into_iter()
                .filter_map(|place| Some((place, *self.spans.get(place)?)))
                .filter(|(_, span)| {
                    span.start_unix_nano >= outer.start_unix_nano
                        && span.end_unix_nano() <= outer.end_unix_nano()
                })
                .collect();
            inside.sort_by_key(|(_, span)| order(span));
            let known = inside.iter().find_map(|(_, span)| span.response);
            let key = known.unwrap_or(self.own_key(outer_place));
            for (place, _) in inside {
                found.keys.get_mut(place).into_iter().filter(|key| key.is_none()).for_each(|known| {
                    *known = Some(key);
                });
            }
        }
    }

    /// The n-th spans of each instrumentation within each stretch of time in which calls of the same instance, model,
    /// kind and usage overlap.
    fn side_by_side(&self, found: &Found) -> BTreeMap<(u64, usize, usize), Vec<Place>> {
        let is_free = |place: Place| {
            let span = self.spans.get(place)?;
            let is_settled = span.response.is_none() && found.keys.get(place)?.is_some();
            let is_led = found.heads.get(place)?.is_some() || found.informed.get(place)?.is_some();
            (!is_settled && !is_led).then_some((place, *span))
        };
        let mut sides: BTreeMap<u64, Vec<(Place, &Waiting)>> = BTreeMap::new();
        for (place, span) in (0..self.spans.len()).filter_map(is_free) {
            sides.entry(side(span)).or_default().push((place, span));
        }
        let mut ranked: BTreeMap<(u64, usize, usize), Vec<Place>> = BTreeMap::new();
        for (side, mut spans) in sides {
            spans.sort_by_key(|(_, span)| order(span));
            let (mut stretch, mut until) = (0, i64::MIN);
            let (mut ranks, mut seen) = (HashMap::new(), HashMap::new());
            for (place, span) in spans {
                if span.start_unix_nano > until {
                    stretch += 1;
                    ranks.clear();
                }
                until = until.max(span.end_unix_nano());
                // A span that came twice, and one answer told twice by the same instrumentation, are one.
                let key = span.response.unwrap_or(span.identity.span);
                if seen.insert((key, span.scope), ()).is_some() {
                    continue;
                }
                let rank: &mut usize = ranks.entry(span.scope).or_default();
                *rank += 1;
                ranked.entry((side, stretch, *rank)).or_default().push(place);
            }
        }
        ranked
    }

    fn own_key(&self, place: Place) -> u64 {
        self.spans.get(place).map_or(0, |span| span.identity.span)
    }
}

fn has_equal_usage(one: &Waiting, other: &Waiting) -> bool {
    one.usage.totals() == other.usage.totals()
}

/// Where calls are told from each other by time alone.
pub(crate) fn side(span: &Waiting) -> u64 {
    let (input, output) = span.usage.totals();
    let said = u64::from(input.is_some()) | u64::from(output.is_some()) << 1;
    let counts = [input, output].map(|count| count.unwrap_or_default().cast_unsigned());
    let words = [span.instance, span.model, span.kind, said].into_iter().chain(counts);
    let mut bytes = [0; 48];
    for (to, word) in bytes.chunks_exact_mut(8).zip(words) {
        to.copy_from_slice(&word.to_le_bytes());
    }
    xxhash_rust::xxh3::xxh3_64(&bytes)
}

/// The order of spans among each other, in which the order of arrival has no part: by begin, the longest first.
fn order(span: &Waiting) -> impl Ord + use<> {
    (span.start_unix_nano, Reverse(span.duration_ns), span.identity.ids)
}

/// The span that is counted: one that has a price, measured usage, the most figures, the innermost, the lowest ids.
pub(crate) fn counted<'a>(spans: impl Iterator<Item = &'a Waiting>) -> Option<&'a Waiting> {
    spans.min_by_key(|span| {
        let is_priced = matches!(span.cost, Cost::Priced(_));
        let figures = span.usage.figures();
        (
            Reverse(is_priced),
            span.is_estimated,
            Reverse(figures),
            span.duration_ns,
            Reverse(span.start_unix_nano),
            span.identity.ids,
        )
    })
}
