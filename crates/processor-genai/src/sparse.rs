//! Columns under construction of which most rows have no value: only values cost something, and a column without any is
//! not made.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::builder::{ListBuilder, StringViewBuilder};
use arrow_array::cast::AsArray as _;
use arrow_array::{Int64Array, ListArray, MapArray, StringViewArray, StructArray, UInt32Array};
use arrow_buffer::{NullBuffer, NullBufferBuilder, OffsetBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, DataType, FieldRef};
use arrow_select::take::take;

/// The values of some rows, which come in order.
#[derive(Debug, Default)]
pub(crate) struct Sparse<T> {
    /// Of all rows so far; those of rows that have none say nothing.
    values: Vec<T>,
    /// Where rows without a value begin and end.
    gaps: Vec<(usize, usize)>,
}

impl<T: Copy + Default> Sparse<T> {
    /// Gives a row a value.
    #[inline]
    pub(crate) fn put(&mut self, row: usize, value: T) {
        if row > self.values.len() {
            self.skip_to(row);
        }
        self.values.push(value);
    }

    #[cold]
    fn skip_to(&mut self, row: usize) {
        self.gaps.push((self.values.len(), row));
        self.values.resize(row, T::default());
    }

    /// The values of so many rows, and which of them there are; `None` when there are none.
    pub(crate) fn finish(mut self, rows: usize) -> Option<(Vec<T>, Option<NullBuffer>)> {
        if self.values.is_empty() {
            return None;
        }
        if rows > self.values.len() {
            self.skip_to(rows);
        }
        let mut nulls = NullBufferBuilder::new(rows);
        for (begin, end) in self.gaps {
            nulls.append_n_non_nulls(begin - nulls.len());
            nulls.append_n_nulls(end - begin);
        }
        nulls.append_n_non_nulls(rows - nulls.len());
        Some((self.values, nulls.finish()))
    }
}

/// Texts of which there are few: each is kept once.
#[derive(Debug, Default)]
pub(crate) struct Words {
    distinct: Vec<Box<str>>,
    known: HashMap<Box<str>, u32>,
    places: Sparse<u32>,
    /// The place of the word that came last, which is most often the next one, too.
    last: u32,
    /// That word, if it is one of the program's own.
    last_own: Option<&'static str>,
}

impl Words {
    /// Gives a row a word.
    #[inline]
    pub(crate) fn put(&mut self, row: usize, word: &str) {
        if self.distinct.get(self.last as usize).is_none_or(|last| **last != *word) {
            self.last = self.find(word);
        }
        self.places.put(row, self.last);
    }

    /// Gives a row one of the program's own words, which are known by where they stand. Such a column has no others.
    #[inline]
    pub(crate) fn put_own(&mut self, row: usize, word: &'static str) {
        if !self.last_own.is_some_and(|last| std::ptr::eq(last, word)) {
            (self.last, self.last_own) = (self.find(word), Some(word));
        }
        self.places.put(row, self.last);
    }

    fn find(&mut self, word: &str) -> u32 {
        if let Some(place) = self.known.get(word) {
            return *place;
        }
        let place = u32::try_from(self.distinct.len()).unwrap_or(u32::MAX);
        self.distinct.push(word.into());
        self.known.insert(word.into(), place);
        place
    }

    /// The words of so many rows; `None` when there are none.
    pub(crate) fn finish(self, rows: usize) -> Result<Option<StringViewArray>, ArrowError> {
        let Some((places, nulls)) = self.places.finish(rows) else { return Ok(None) };
        let distinct = StringViewArray::from_iter_values(self.distinct);
        let words = take(&distinct, &UInt32Array::new(ScalarBuffer::from(places), nulls), None)?;
        Ok(Some(words.as_string_view().clone()))
    }
}

/// Lists of texts.
#[derive(Debug)]
pub(crate) struct Lists {
    lists: ListBuilder<StringViewBuilder>,
    rows: usize,
}

impl Lists {
    /// Of the type that the schema gives to an element.
    pub(crate) fn new(element: &FieldRef) -> Self {
        let texts = StringViewBuilder::new().with_deduplicate_strings();
        Self { lists: ListBuilder::new(texts).with_field(element.clone()), rows: 0 }
    }

    /// Gives a row a list.
    pub(crate) fn put(&mut self, row: usize, texts: &[String]) {
        self.skip_to(row);
        self.lists.append_value(texts.iter().map(Some));
        self.rows += 1;
    }

    fn skip_to(&mut self, row: usize) {
        while self.rows < row {
            self.lists.append_null();
            self.rows += 1;
        }
    }

    /// The lists of so many rows; `None` when there are none.
    pub(crate) fn finish(mut self, rows: usize) -> Option<ListArray> {
        if self.rows == 0 {
            return None;
        }
        self.skip_to(rows);
        Some(self.lists.finish())
    }
}

/// Counts by name.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    names: Vec<&'static str>,
    counts: Vec<i64>,
    /// How many a row has.
    lengths: Sparse<usize>,
}

impl Counts {
    /// Gives a row counts by different names.
    pub(crate) fn put(&mut self, row: usize, counts: &[(&'static str, i64)]) {
        self.names.extend(counts.iter().map(|(name, _)| name));
        self.counts.extend(counts.iter().map(|(_, count)| count));
        self.lengths.put(row, counts.len());
    }

    /// The counts of so many rows, as a map of the type that the schema says; `None` when there are none.
    pub(crate) fn finish(self, rows: usize, data_type: &DataType) -> Result<Option<MapArray>, ArrowError> {
        let Some((lengths, nulls)) = self.lengths.finish(rows) else { return Ok(None) };
        let wrong = || ArrowError::SchemaError("counts by name are no map".to_owned());
        let DataType::Map(entry, is_ordered) = data_type else { return Err(wrong()) };
        let DataType::Struct(fields) = entry.data_type() else { return Err(wrong()) };
        let names = Arc::new(StringViewArray::from_iter_values(self.names));
        let counts = Arc::new(Int64Array::from(self.counts));
        let entries = StructArray::try_new(fields.clone(), vec![names, counts], None)?;
        let offsets = OffsetBuffer::from_lengths(lengths);
        MapArray::try_new(entry.clone(), offsets, entries, nulls, *is_ordered).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_without_a_value_are_null() {
        let mut sparse = Sparse::default();
        sparse.put(1, 7);
        sparse.put(3, 9);
        let (values, nulls) = sparse.finish(5).unwrap();
        let nulls = nulls.unwrap();
        let rows: Vec<_> = (0..5).map(|row| nulls.is_valid(row).then(|| values[row])).collect();
        assert_eq!(rows, [None, Some(7), None, Some(9), None]);
        assert!(Sparse::<u8>::default().finish(5).is_none());
    }

    #[test]
    fn words_come_back_in_their_rows() {
        let mut words = Words::default();
        for (row, word) in [(0, "one"), (1, "two"), (3, "one")] {
            words.put(row, word);
        }
        let words = words.finish(5).unwrap().unwrap();
        assert_eq!(words.iter().collect::<Vec<_>>(), [Some("one"), Some("two"), None, Some("one"), None]);
    }
}
