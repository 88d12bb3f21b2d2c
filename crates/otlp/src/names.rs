//! Builds a column of the names of numbers: the enums of the protocol.

use arrow_array::cast::AsArray as _;
use arrow_array::{StringViewArray, UInt32Array};
use arrow_schema::ArrowError;
use arrow_select::take::take;

/// A column of names under construction.
#[derive(Debug)]
pub(crate) struct NamesColumn {
    names: &'static [&'static str],
    /// Numbers without a name, which are written as digits.
    others: Vec<i32>,
    places: Vec<u32>,
}

impl NamesColumn {
    /// Of these names, by number.
    pub(crate) fn new(names: &'static [&'static str]) -> Self {
        Self { names, others: Vec::new(), places: Vec::new() }
    }

    /// Appends the name of a number.
    #[inline]
    pub(crate) fn append(&mut self, number: i32) {
        let named = usize::try_from(number).ok().filter(|place| *place < self.names.len());
        let place = named.unwrap_or_else(|| {
            self.others.push(number);
            self.names.len() + self.others.len() - 1
        });
        self.places.push(place as u32);
    }

    pub(crate) fn finish(self) -> Result<StringViewArray, ArrowError> {
        let names = self.names.iter().map(|name| (*name).to_owned());
        let texts = StringViewArray::from_iter_values(names.chain(self.others.iter().map(i32::to_string)));
        Ok(take(&texts, &UInt32Array::from(self.places), None)?.as_string_view().clone())
    }
}
