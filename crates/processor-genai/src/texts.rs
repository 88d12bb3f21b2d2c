//! Columns of texts that stand in other columns already: views into the same bytes, no copies.

use arrow_array::cast::AsArray as _;
use arrow_array::{StringViewArray, UInt32Array};
use arrow_buffer::NullBuffer;
use arrow_schema::ArrowError;
use arrow_select::interleave::interleave;
use arrow_select::take::take;

/// With so few buffers it does not matter which of them are used.
const BUFFERS_FEW: usize = 2;

/// The texts at `places`, where there are any. Of many buffers it takes only those that a long text is in, since every
/// later copy of a column copies its list of buffers. Nothing is looked at, however long it is.
pub(crate) fn pick(
    texts: &StringViewArray,
    places: Vec<u32>,
    nulls: Option<NullBuffer>,
) -> Result<StringViewArray, ArrowError> {
    if texts.data_buffers().len() <= BUFFERS_FEW {
        let picked = take(texts, &UInt32Array::new(places.into(), nulls), None)?;
        return Ok(picked.as_string_view().clone());
    }
    let is_valid = |row| nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row));
    let nothing = StringViewArray::new_null(1);
    let places: Vec<(usize, usize)> = places
        .iter()
        .enumerate()
        .map(|(row, place)| if is_valid(row) { (0, *place as usize) } else { (1, 0) })
        .collect();
    let picked = match nulls {
        Some(_) => interleave(&[texts, &nothing], &places),
        None => interleave(&[texts], &places),
    };
    Ok(picked?.as_string_view().clone())
}

#[cfg(test)]
mod tests {
    use arrow_array::builder::StringViewBuilder;

    use super::*;

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
        let picked = pick(&texts, vec![2, 0, 1, 2], Some(nulls)).unwrap();
        assert_eq!(picked.iter().collect::<Vec<_>>(), [Some(long[1]), None, Some("one"), Some(long[1])]);
        assert_eq!(picked.data_buffers().len(), 1);
        assert_eq!(picked.data_buffers()[0].as_ptr(), texts.data_buffers()[1].as_ptr(), "shared, not copied");
        assert_eq!(pick(&texts, vec![1], None).unwrap().data_buffers().len(), 0);
    }

    #[test]
    fn texts_of_few_buffers_are_picked_alike() {
        let texts = StringViewArray::from(vec!["short", "a text longer than twelve bytes"]);
        let nulls = NullBuffer::from(vec![true, false, true]);
        let picked = pick(&texts, vec![1, 0, 0], Some(nulls)).unwrap();
        let expected = [Some("a text longer than twelve bytes"), None, Some("short")];
        assert_eq!(picked.iter().collect::<Vec<_>>(), expected);
        assert_eq!(picked.data_buffers()[0].as_ptr(), texts.data_buffers()[0].as_ptr(), "shared, not copied");
    }
}
