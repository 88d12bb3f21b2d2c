//! Columns of texts that stand in other columns already: views into the same bytes, no copies.

use arrow_array::cast::AsArray;
use arrow_array::{StringViewArray, UInt32Array};
use arrow_buffer::{Buffer, NullBuffer, ScalarBuffer};
use arrow_data::ByteView;
use arrow_schema::ArrowError;
use arrow_select::take::take;

/// Texts up to this size stand in the view itself.
const INLINE_BYTES_MAX: u32 = 12;

/// The texts at `places`, long ones of which are checked again: for columns of names and ids. Of the buffers it takes
/// only those that a long text is in, since every later copy of a column copies its list of buffers.
pub(crate) fn pick(texts: &StringViewArray, places: &[Option<u32>]) -> Result<StringViewArray, ArrowError> {
    if places.iter().all(Option::is_none) {
        return Ok(StringViewArray::new_null(places.len()));
    }
    let mut buffers = Buffers::new(texts);
    let mut views = Vec::with_capacity(places.len());
    for place in places {
        let view = place.and_then(|place| texts.views().get(place as usize).copied());
        views.push(view.map_or(0, |view| buffers.adopt(view)));
    }
    let nulls: NullBuffer = places.iter().map(Option::is_some).collect();
    StringViewArray::try_new(ScalarBuffer::from(views), buffers.adopted, Some(nulls))
}

/// The texts at `places`, not looked at: for messages.
pub(crate) fn pick_heavy(
    texts: &StringViewArray,
    places: &[Option<u32>],
) -> Result<StringViewArray, ArrowError> {
    if places.iter().all(Option::is_none) {
        return Ok(StringViewArray::new_null(places.len()));
    }
    let picked = take(texts, &UInt32Array::from(places.to_vec()), None)?;
    Ok(picked.as_string_view().clone())
}

/// The buffers of a column that another one uses, too.
struct Buffers<'a> {
    source: &'a StringViewArray,
    adopted: Vec<Buffer>,
    /// By place in the source: the place among the adopted.
    places: Vec<Option<u32>>,
}

impl<'a> Buffers<'a> {
    fn new(source: &'a StringViewArray) -> Self {
        Self { source, adopted: Vec::new(), places: vec![None; source.data_buffers().len()] }
    }

    /// The view with its buffer's new place.
    fn adopt(&mut self, view: u128) -> u128 {
        let mut view = ByteView::from(view);
        if view.length <= INLINE_BYTES_MAX {
            return view.as_u128();
        }
        let index = view.buffer_index as usize;
        if let (Some(place), Some(buffer)) =
            (self.places.get_mut(index), self.source.data_buffers().get(index))
        {
            view.buffer_index = *place.get_or_insert_with(|| {
                self.adopted.push(buffer.clone());
                u32::try_from(self.adopted.len() - 1).unwrap_or(u32::MAX)
            });
        }
        view.as_u128()
    }
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
        let picked = pick(&texts, &[Some(2), None, Some(1), Some(2)]).unwrap();
        assert_eq!(picked.iter().collect::<Vec<_>>(), [Some(long[1]), None, Some("one"), Some(long[1])]);
        assert_eq!(picked.data_buffers().len(), 1);
        assert_eq!(picked.data_buffers()[0].as_ptr(), texts.data_buffers()[1].as_ptr(), "shared, not copied");
        assert_eq!(pick(&texts, &[Some(1)]).unwrap().data_buffers().len(), 0);
    }

    #[test]
    fn heavy_texts_are_views_into_the_same_bytes() {
        let texts = StringViewArray::from(vec!["short", "a text longer than twelve bytes"]);
        let picked = pick_heavy(&texts, &[Some(1), None]).unwrap();
        assert_eq!(picked.iter().collect::<Vec<_>>(), [Some("a text longer than twelve bytes"), None]);
        assert_eq!(picked.data_buffers()[0].as_ptr(), texts.data_buffers()[0].as_ptr());
        assert_eq!(pick_heavy(&texts, &[None]).unwrap().data_buffers().len(), 0);
    }
}
