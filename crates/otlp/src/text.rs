//! Builds a column of text or bytes whose values point into the bodies they came from.

use arrow_array::builder::make_view;
use arrow_array::{BinaryViewArray, StringViewArray};
use arrow_buffer::{Buffer, NullBuffer, NullBufferBuilder};
use arrow_data::{ByteView, MAX_INLINE_VIEW_LEN};
use arrow_schema::ArrowError;

use crate::block::Block;
use crate::id;
use crate::wire::Slice;

/// A column of text or bytes under construction.
///
/// Long values point into a [`Block`], which joins the column at its first long value, or, when they stand
/// nowhere on the wire, into bytes of the column's own. UTF-8 is checked once, when the column is finished.
#[derive(Debug, Default)]
pub(crate) struct TextColumn {
    views: Vec<u128>,
    nulls: Nulls,
    buffers: Vec<Buffer>,
    /// The place among the buffers of the shared block, of the last other block, and of the column's own bytes.
    shared: Option<u32>,
    last: Option<u32>,
    own: Option<u32>,
    own_bytes: Vec<u8>,
}

#[derive(Debug)]
struct Nulls(NullBufferBuilder);

impl Default for Nulls {
    fn default() -> Self {
        Self(NullBufferBuilder::new(0))
    }
}

impl TextColumn {
    pub(crate) fn len(&self) -> usize {
        self.views.len()
    }

    /// Appends a value that stands in `block`.
    #[inline]
    pub(crate) fn append(&mut self, block: &Block, value: Slice) {
        let view = if value.bytes.len() <= MAX_INLINE_VIEW_LEN as usize {
            make_view(value.bytes, 0, 0)
        } else {
            // A body is at most 64 MiB and a block of small ones 8 MiB; what were larger would fail when finished.
            make_view(value.bytes, self.index_of(block), u32::try_from(value.offset).unwrap_or(u32::MAX))
        };
        self.push(view);
    }

    pub(crate) fn append_option(&mut self, block: &Block, value: Option<Slice>) {
        match value {
            Some(value) => self.append(block, value),
            None => self.append_null(),
        }
    }

    pub(crate) fn append_null(&mut self) {
        self.views.push(0);
        self.nulls.0.append_null();
    }

    /// Appends a copy of a value.
    pub(crate) fn append_copy(&mut self, value: &[u8]) {
        if value.len() <= MAX_INLINE_VIEW_LEN as usize {
            return self.push(make_view(value, 0, 0));
        }
        self.append_written(|own_bytes| own_bytes.extend_from_slice(value));
    }

    /// Appends lower-case hex digits.
    pub(crate) fn append_hex(&mut self, bytes: &[u8]) {
        self.append_written(|own_bytes| id::write_hex(bytes, own_bytes));
    }

    /// Appends what `write` adds to the bytes it is given.
    pub(crate) fn append_written(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.own_bytes.len();
        write(&mut self.own_bytes);
        let value = self.own_bytes.get(start..).unwrap_or_default();
        if value.len() <= MAX_INLINE_VIEW_LEN as usize {
            let view = make_view(value, 0, 0);
            self.own_bytes.truncate(start);
            return self.push(view);
        }
        let index = *self.own.get_or_insert_with(|| {
            self.buffers.push(Buffer::default());
            self.buffers.len() as u32 - 1
        });
        let view = make_view(value, index, u32::try_from(start).unwrap_or(u32::MAX));
        self.push(view);
    }

    #[inline]
    fn push(&mut self, view: u128) {
        self.views.push(view);
        self.nulls.0.append_non_null();
    }

    #[inline]
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

    /// Calls `read` with the bytes of a value already appended; with none when it is null.
    pub(crate) fn read<R>(&self, place: usize, read: impl FnOnce(&[u8]) -> R) -> R {
        let view = self.views.get(place).copied().unwrap_or_default();
        let ByteView { length, buffer_index, offset, .. } = ByteView::from(view);
        if length <= MAX_INLINE_VIEW_LEN {
            return read(view.to_le_bytes().get(4..4 + length as usize).unwrap_or_default());
        }
        let buffer = if self.own == Some(buffer_index) {
            self.own_bytes.as_slice()
        } else {
            self.buffers.get(buffer_index as usize).map(Buffer::as_slice).unwrap_or_default()
        };
        read(buffer.get(offset as usize..offset as usize + length as usize).unwrap_or_default())
    }

    /// Keeps of the values from `start` on those whose place `keep` holds.
    pub(crate) fn retain(&mut self, start: usize, keep: impl Fn(usize) -> bool) {
        let mut place = 0;
        self.views.retain(|_| {
            place += 1;
            place <= start || keep(place - 1)
        });
        debug_assert!(self.nulls.0.as_slice().is_none(), "only columns without nulls lose values");
        self.nulls = Nulls::default();
        self.nulls.0.append_n_non_nulls(self.views.len());
    }

    fn parts(mut self) -> (Vec<u128>, Vec<Buffer>, Option<NullBuffer>) {
        if let Some(own) = self.own.and_then(|own| self.buffers.get_mut(own as usize)) {
            *own = Buffer::from_vec(self.own_bytes);
        }
        (self.views, self.buffers, self.nulls.0.finish())
    }

    pub(crate) fn finish_text(self) -> Result<StringViewArray, ArrowError> {
        let (views, buffers, nulls) = self.parts();
        StringViewArray::try_new(views.into(), buffers, nulls)
    }

    pub(crate) fn finish_bytes(self) -> Result<BinaryViewArray, ArrowError> {
        let (views, buffers, nulls) = self.parts();
        BinaryViewArray::try_new(views.into(), buffers, nulls)
    }
}
