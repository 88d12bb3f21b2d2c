//! Builds a column of text or bytes: long values point into the bodies they came from, short ones are copied together.

use arrow_array::builder::make_view;
use arrow_array::cast::AsArray as _;
use arrow_array::types::ByteViewType;
use arrow_array::{
    Array as _, BinaryArray, BinaryViewArray, GenericByteViewArray, StringArray, StringViewArray,
};
use arrow_buffer::{Buffer, NullBuffer, NullBufferBuilder, OffsetBuffer};
use arrow_data::ByteView;
use arrow_schema::ArrowError;
use arrow_select::interleave::interleave;

use crate::block::Block;
use crate::id;
use crate::wire::Slice;

/// Values up to this size are copied: that their UTF-8 can be checked together is worth more than the copy.
const COPIED_BYTES_MAX: usize = 256;

/// Of more copied bytes nothing is kept that is not used: it would double what a batch takes.
const LARGE_BYTES: usize = 8 << 20;

/// A column of text or bytes under construction.
///
/// UTF-8 is checked once, when the column is finished: of copied values as one piece, of the others one by one.
#[derive(Debug)]
pub(crate) struct TextColumn {
    /// The copied values, and where each ends; for a null, and for a value that is not copied, nothing.
    copied: Vec<u8>,
    ends: Vec<i32>,
    nulls: NullBufferBuilder,
    viewed: Viewed,
}

/// The values of a column that point into a [`Block`].
#[derive(Debug, Default)]
struct Viewed {
    rows: Vec<u32>,
    views: Vec<u128>,
    buffers: Vec<Buffer>,
    /// The place among the buffers of the shared block, and of the last other block.
    shared: Option<u32>,
    last: Option<u32>,
}

impl Default for TextColumn {
    fn default() -> Self {
        Self {
            copied: Vec::new(),
            ends: vec![0],
            nulls: NullBufferBuilder::new(0),
            viewed: Viewed::default(),
        }
    }
}

impl TextColumn {
    pub(crate) fn len(&self) -> usize {
        self.nulls.len()
    }

    /// Appends a value that stands in `block`.
    #[inline(always)]
    pub(crate) fn append(&mut self, block: &Block, value: Slice) {
        if value.bytes.len() <= COPIED_BYTES_MAX {
            return self.append_copy(value.bytes);
        }
        self.viewed.append(self.len() as u32, block, value);
        self.end();
    }

    #[inline]
    pub(crate) fn append_option(&mut self, block: &Block, value: Option<Slice>) {
        match value {
            Some(value) => self.append(block, value),
            None => self.append_null(),
        }
    }

    #[inline]
    pub(crate) fn append_null(&mut self) {
        self.ends.push(self.copied.len() as i32);
        self.nulls.append_null();
    }

    /// Appends a copy of a value.
    #[inline(always)]
    pub(crate) fn append_copy(&mut self, value: &[u8]) {
        self.copied.extend_from_slice(value);
        self.end();
    }

    /// Appends lower-case hex digits.
    pub(crate) fn append_hex(&mut self, bytes: &[u8]) {
        self.append_written(|copied| id::write_hex(bytes, copied));
    }

    /// Appends what `write` adds to the bytes it is given.
    pub(crate) fn append_written(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.copied);
        self.end();
    }

    #[inline(always)]
    fn end(&mut self) {
        // A column that is too large for this is refused when it is finished.
        self.ends.push(self.copied.len() as i32);
        self.nulls.append_non_null();
    }

    /// Calls `read` with the bytes of a value already appended; with none when it is null.
    #[inline]
    pub(crate) fn read<R>(&self, place: usize, read: impl FnOnce(&[u8]) -> R) -> R {
        match self.ends.get(place..) {
            Some([start, end, ..]) if start < end => {
                read(self.copied.get(*start as usize..*end as usize).unwrap_or_default())
            }
            _ => read(self.viewed.value(place)),
        }
    }

    /// Keeps of the values from `start` on those whose place `keep` holds. The column has no nulls.
    pub(crate) fn retain(&mut self, start: usize, keep: impl Fn(usize) -> bool) {
        let (mut read, mut written) = (start, start);
        let mut kept_bytes = self.ends.get(start).map_or(0, |end| *end as usize);
        while let Some([from, to]) = self.ends.get(read..read + 2) {
            let (from, to) = (*from as usize, *to as usize);
            if keep(read) {
                self.copied.copy_within(from..to, kept_bytes);
                kept_bytes += to - from;
                written += 1;
                if let Some(end) = self.ends.get_mut(written) {
                    // Never past what is read next: values only move towards the start.
                    *end = kept_bytes as i32;
                }
            }
            read += 1;
        }
        self.viewed.retain(start, keep);
        self.copied.truncate(kept_bytes);
        self.ends.truncate(written + 1);
        self.nulls = NullBufferBuilder::new(0);
        self.nulls.append_n_non_nulls(written);
    }

    pub(crate) fn finish_text(mut self) -> Result<StringViewArray, ArrowError> {
        if self.is_null() {
            return Ok(StringViewArray::new_null(self.len()));
        }
        let (ends, copied, nulls) = self.copied()?;
        let copied = StringViewArray::from(&StringArray::try_new(ends, copied, nulls)?);
        let Viewed { rows, views, buffers, .. } = self.viewed;
        mixed(copied, StringViewArray::try_new(views.into(), buffers, None)?, &rows)
    }

    pub(crate) fn finish_bytes(mut self) -> Result<BinaryViewArray, ArrowError> {
        let (ends, copied, nulls) = self.copied()?;
        let copied = BinaryViewArray::from(&BinaryArray::try_new(ends, copied, nulls)?);
        let Viewed { rows, views, buffers, .. } = self.viewed;
        mixed(copied, BinaryViewArray::try_new(views.into(), buffers, None)?, &rows)
    }

    /// Whether every value is null.
    fn is_null(&self) -> bool {
        self.nulls.as_slice().is_some_and(|bits| bits.iter().all(|byte| *byte == 0))
    }

    fn copied(&mut self) -> Result<(OffsetBuffer<i32>, Buffer, Option<NullBuffer>), ArrowError> {
        let (ends, mut copied) = (std::mem::take(&mut self.ends), std::mem::take(&mut self.copied));
        if copied.len() > LARGE_BYTES {
            copied.shrink_to_fit();
        }
        if i32::try_from(copied.len()).is_err() {
            return Err(ArrowError::OffsetOverflowError(copied.len()));
        }
        Ok((OffsetBuffer::new(ends.into()), Buffer::from_vec(copied), self.nulls.finish()))
    }
}

/// The copied values with the viewed ones in their rows.
fn mixed<T: ByteViewType>(
    copied: GenericByteViewArray<T>,
    viewed: GenericByteViewArray<T>,
    rows: &[u32],
) -> Result<GenericByteViewArray<T>, ArrowError> {
    if rows.is_empty() {
        return Ok(copied);
    }
    if rows.len() == copied.len() {
        return Ok(viewed);
    }
    let mut places: Vec<(usize, usize)> = (0..copied.len()).map(|row| (0, row)).collect();
    for (place, row) in rows.iter().enumerate() {
        if let Some(slot) = places.get_mut(*row as usize) {
            *slot = (1, place);
        }
    }
    Ok(interleave(&[&copied, &viewed], &places)?.as_byte_view::<T>().clone())
}

impl Viewed {
    fn append(&mut self, row: u32, block: &Block, value: Slice) {
        let index = self.index_of(block);
        // A body is at most 64 MiB and a block of small ones 8 MiB; what were larger would fail when finished.
        let offset = u32::try_from(value.offset).unwrap_or(u32::MAX);
        self.rows.push(row);
        self.views.push(make_view(value.bytes, index, offset));
    }

    fn index_of(&mut self, block: &Block) -> u32 {
        let known =
            if block.is_shared { self.shared } else { self.last.filter(|last| self.is_at(*last, block)) };
        match known {
            Some(index) => index,
            None => self.join(block),
        }
    }

    fn is_at(&self, index: u32, block: &Block) -> bool {
        self.buffers.get(index as usize).is_some_and(|buffer| buffer.ptr_eq(&block.buffer))
    }

    fn join(&mut self, block: &Block) -> u32 {
        let index = self.buffers.len() as u32;
        self.buffers.push(block.buffer.clone());
        let known = if block.is_shared { &mut self.shared } else { &mut self.last };
        *known = Some(index);
        index
    }

    /// The value of a row; nothing when it is not one of these.
    fn value(&self, row: usize) -> &[u8] {
        let found = u32::try_from(row).ok().and_then(|row| self.rows.binary_search(&row).ok());
        let Some(view) = found.and_then(|place| self.views.get(place)) else { return &[] };
        let ByteView { length, buffer_index, offset, .. } = ByteView::from(*view);
        let buffer = self.buffers.get(buffer_index as usize).map(Buffer::as_slice).unwrap_or_default();
        buffer.get(offset as usize..offset as usize + length as usize).unwrap_or_default()
    }

    fn retain(&mut self, start: usize, keep: impl Fn(usize) -> bool) {
        let first = self.rows.partition_point(|row| (*row as usize) < start);
        let rows = self.rows.split_off(first);
        let views = self.views.split_off(first);
        let mut kept_before = start;
        let mut row = start;
        for (old, view) in rows.into_iter().zip(views) {
            kept_before += (row..old as usize).filter(|row| keep(*row)).count();
            row = old as usize;
            if keep(row) {
                self.rows.push(kept_before as u32);
                self.views.push(view);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_their_order_and_their_rows_whether_copied_or_not() {
        let long = ["x".repeat(COPIED_BYTES_MAX + 1), "y".repeat(5000)];
        let block = Block::own(long.concat().into_bytes());
        let [first, second] = [(0, &long[0]), (long[0].len(), &long[1])]
            .map(|(offset, text)| Slice { bytes: text.as_bytes(), offset });
        let mut column = TextColumn::default();
        column.append(&block, second);
        for (text, value) in [("a", first), ("bc", second), ("", first)] {
            column.append_copy(text.as_bytes());
            column.append(&block, value);
        }
        column.retain(1, |place| ![1, 4, 5].contains(&place));
        column.append_copy(b"after");
        assert_eq!(column.read(2, <[u8]>::to_vec), b"bc");
        assert_eq!(column.read(3, <[u8]>::len), first.bytes.len());
        let text = column.finish_text().unwrap();
        let expected = [&long[1], &long[0], "bc", &long[0], "after"].map(Some);
        assert_eq!(text.iter().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn text_that_is_utf8_only_together_is_refused() {
        let mut column = TextColumn::default();
        column.append_copy(&"é".as_bytes()[..1]);
        column.append_copy(&"é".as_bytes()[1..]);
        assert!(column.finish_text().is_err());
    }
}
