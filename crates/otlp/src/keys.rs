//! Builds a column of attribute keys, which are few: each is kept and checked once, however many rows have it.

use std::collections::{HashMap, HashSet};

use arrow_array::cast::AsArray as _;
use arrow_array::{StringViewArray, UInt32Array};
use arrow_schema::ArrowError;
use arrow_select::take::take;

use crate::text::TextColumn;

/// A column of keys under construction.
#[derive(Debug, Default)]
pub(crate) struct KeysColumn {
    /// The distinct keys one after another.
    bytes: Vec<u8>,
    known: HashMap<Box<[u8]>, u32>,
    facts: Vec<Fact>,
    /// Which of the distinct keys each place has.
    places: Vec<u32>,
    /// The one that was appended last.
    last: u32,
    row: u32,
    repeats: bool,
}

/// What is known of a distinct key.
#[derive(Debug, Clone, Copy)]
struct Fact {
    /// Where among the bytes it stands.
    start: usize,
    end: usize,
    /// The key that followed it last. Spans of one kind have the same keys in the same order.
    next: u32,
    /// The row that had it last.
    row: u32,
}

impl KeysColumn {
    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    /// Appends a key to the row that is open.
    #[inline]
    pub(crate) fn append(&mut self, key: &[u8]) {
        let guess = self.facts.get(self.last as usize).map_or(0, |fact| fact.next);
        let place = if self.text(guess) == Some(key) { guess } else { self.find(key) };
        self.last = place;
        self.places.push(place);
        if let Some(fact) = self.facts.get_mut(place as usize) {
            self.repeats |= std::mem::replace(&mut fact.row, self.row) == self.row;
        }
    }

    #[inline]
    fn text(&self, place: u32) -> Option<&[u8]> {
        let fact = self.facts.get(place as usize)?;
        self.bytes.get(fact.start..fact.end)
    }

    #[inline(never)]
    fn find(&mut self, key: &[u8]) -> u32 {
        let place = match self.known.get(key) {
            Some(place) => *place,
            None => self.add(key),
        };
        if let Some(fact) = self.facts.get_mut(self.last as usize) {
            fact.next = place;
        }
        place
    }

    fn add(&mut self, key: &[u8]) -> u32 {
        let place = self.facts.len() as u32;
        let start = self.bytes.len();
        self.bytes.extend_from_slice(key);
        self.known.insert(key.into(), place);
        let row = self.row.wrapping_sub(1);
        self.facts.push(Fact { start, end: self.bytes.len(), next: 0, row });
        place
    }

    /// Ends the row that began at `start`. Where it repeats keys: which of its places to keep, the last of each key.
    pub(crate) fn close(&mut self, start: usize) -> Option<Vec<bool>> {
        self.row = self.row.wrapping_add(1);
        if !std::mem::take(&mut self.repeats) {
            return None;
        }
        let mut seen = HashSet::new();
        let open = self.places.split_off(start.min(self.places.len()));
        let mut kept: Vec<bool> = open.iter().rev().map(|place| seen.insert(*place)).collect();
        kept.reverse();
        self.places.extend(open.iter().zip(&kept).filter(|(_, kept)| **kept).map(|(place, _)| *place));
        Some(kept)
    }

    pub(crate) fn finish(self) -> Result<StringViewArray, ArrowError> {
        let mut distinct = TextColumn::default();
        (0..self.facts.len() as u32)
            .filter_map(|place| self.text(place))
            .for_each(|key| distinct.append_copy(key));
        let keys = take(&distinct.finish_text()?, &UInt32Array::from(self.places), None)?;
        Ok(keys.as_string_view().clone())
    }
}
