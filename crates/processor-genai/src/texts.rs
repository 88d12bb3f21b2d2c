//! Columns of texts that stand in other columns already: views into the same bytes, no copies.

use arrow_array::cast::AsArray as _;
use arrow_array::{Array, StringViewArray, UInt32Array};
use arrow_buffer::NullBuffer;
use arrow_schema::ArrowError;
use arrow_select::interleave::interleave;
use arrow_select::take::take;

/// With so few buffers it does not matter which of them are used.
const BUFFERS_FEW: usize = 2;

/// In a place: it is one among the texts that were derived, not among those that were there.
const DERIVED: u32 = 1 << 31;

/// The place of a derived text.
pub(crate) fn derived_place(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX) | DERIVED
}

/// The texts at `places`, where there are any. Of many buffers it takes only those that a long text is in, since every
/// later copy of a column copies its list of buffers. Nothing is looked at, however long it is.
pub(crate) fn pick(
    texts: &StringViewArray,
    derived: &StringViewArray,
    places: Vec<u32>,
    nulls: Option<NullBuffer>,
) -> Result<StringViewArray, ArrowError> {
    let is_any_derived = places.iter().any(|place| place & DERIVED != 0);
    if texts.data_buffers().len() <= BUFFERS_FEW && !is_any_derived {
        let picked = take(texts, &UInt32Array::new(places.into(), nulls), None)?;
        return Ok(picked.as_string_view().clone());
    }
    let is_valid = |row| nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row));
    let nothing = StringViewArray::new_null(1);
    let from = [texts, derived, &nothing];
    let place = |(row, place): (usize, &u32)| match (is_valid(row), place & DERIVED) {
        (false, _) => (2, 0),
        (true, 0) => (0, *place as usize),
        (true, _) => (1, (place & !DERIVED) as usize),
    };
    let places: Vec<(usize, usize)> = places.iter().enumerate().map(place).collect();
    // Without a null nothing makes the column one that can have nulls.
    let arrays: Vec<&dyn Array> =
        from.into_iter().take(if nulls.is_some() { 3 } else { 2 }).map(|array| array as &dyn Array).collect();
    Ok(interleave(&arrays, &places)?.as_string_view().clone())
}

#[cfg(test)]
mod tests {
    use arrow_array::builder::StringViewBuilder;

    use super::*;

    fn none() -> StringViewArray {
        StringViewArray::new_null(0)
    }

    #[test]
    fn only_the_buffers_of_long_texts_that_are_used_are_shared() {
        let mut builder = StringViewBuilder::new();
        let long =
            ["a text longer than twelve bytes", "another text longer than that", "and a third as long"];
        for (text, short) in long.iter().zip(["one", "two", "three"]) {
            let block = builder.append_block(text.as_bytes().to_vec().into());
            builder.try_append_view(block, 0, u32::try_from(text.len()).unwrap()).unwrap();
            builder.append_value(short);
        }
        let texts = builder.finish();
        let nulls = NullBuffer::from(vec![true, false, true, true]);
        let picked = pick(&texts, &none(), vec![2, 0, 1, 2], Some(nulls)).unwrap();
        assert_eq!(picked.iter().collect::<Vec<_>>(), [Some(long[1]), None, Some("one"), Some(long[1])]);
        assert_eq!(picked.data_buffers().len(), 1);
        assert_eq!(picked.data_buffers()[0].as_ptr(), texts.data_buffers()[1].as_ptr(), "shared, not copied");
        assert_eq!(pick(&texts, &none(), vec![1], None).unwrap().data_buffers().len(), 0);
    }

    #[test]
    fn texts_of_few_buffers_are_picked_alike() {
        let texts = StringViewArray::from(vec!["short", "a text longer than twelve bytes"]);
        let nulls = NullBuffer::from(vec![true, false, true]);
        let picked = pick(&texts, &none(), vec![1, 0, 0], Some(nulls)).unwrap();
        let expected = [Some("a text longer than twelve bytes"), None, Some("short")];
        assert_eq!(picked.iter().collect::<Vec<_>>(), expected);
        assert_eq!(picked.data_buffers()[0].as_ptr(), texts.data_buffers()[0].as_ptr(), "shared, not copied");
    }

    #[test]
    fn derived_texts_stand_beside_those_that_were_there() {
        let texts = StringViewArray::from(vec!["there", "also there"]);
        let derived = StringViewArray::from(vec!["derived"]);
        let nulls = NullBuffer::from(vec![true, true, false]);
        let picked = pick(&texts, &derived, vec![1, derived_place(0), 0], Some(nulls)).unwrap();
        assert_eq!(picked.iter().collect::<Vec<_>>(), [Some("also there"), Some("derived"), None]);
        let picked = pick(&texts, &derived, vec![derived_place(0)], None).unwrap();
        assert_eq!(picked.iter().collect::<Vec<_>>(), [Some("derived")]);
    }
}
