//! Columns of texts that stand in other columns already: views into the same bytes, no copies.

use arrow_array::StringViewArray;
use arrow_array::cast::AsArray as _;
use arrow_buffer::NullBuffer;
use arrow_schema::ArrowError;
use arrow_select::interleave::interleave;

/// The texts at `places`, where there are any. Of the buffers it takes only those that a long text is in, since every
/// later copy of a column copies its list of buffers. Nothing is looked at, however long it is.
pub(crate) fn pick(
    texts: &StringViewArray,
    places: &[u32],
    nulls: Option<&NullBuffer>,
) -> Result<StringViewArray, ArrowError> {
    let is_valid = |row| nulls.is_none_or(|nulls| nulls.is_valid(row));
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
        let long = ["a text longer than twelve bytes", "another text longer than that"];
        for (text, short) in long.iter().zip(["one", "two"]) {
            let block = builder.append_block(text.as_bytes().to_vec().into());
            builder.try_append_view(block, 0, u32::try_from(text.len()).unwrap()).unwrap();
            builder.append_value(short);
        }
        let texts = builder.finish();
        let nulls = NullBuffer::from(vec![true, false, true, true]);
        let picked = pick(&texts, &[2, 0, 1, 2], Some(&nulls)).unwrap();
        assert_eq!(picked.iter().collect::<Vec<_>>(), [Some(long[1]), None, Some("one"), Some(long[1])]);
        assert_eq!(picked.data_buffers().len(), 1);
        assert_eq!(picked.data_buffers()[0].as_ptr(), texts.data_buffers()[1].as_ptr(), "shared, not copied");
        assert_eq!(pick(&texts, &[1], None).unwrap().data_buffers().len(), 0);
    }
}
