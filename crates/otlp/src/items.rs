//! Reads the requests of a batch item by item: what spans and log records have in common.

use std::sync::Arc;

use arrow_array::types::TimestampMicrosecondType;
use arrow_array::{ArrayRef, Int32Array, Int64Array, PrimitiveArray, StringViewArray, UInt32Array};
use arrow_schema::ArrowError;
use arrow_select::take::take;
use bytes::Bytes;
use spanledger_schema::{Column, Int, SmallInt, Table, Text, Time};

use crate::Message;
use crate::block::{self, Block, Placed};
use crate::columns::Columns;
use crate::envelope::{CHILDREN, Repeated, Resources, Scopes};
use crate::error::{Fault, Malformed};
use crate::wire::Cursor;

/// A request as it stands in the log.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// The protobuf, as [`crate::walk`] accepted it.
    pub body: &'a Bytes,
    /// Its record in the log.
    pub position: u64,
    /// When it was received.
    pub arrival_unix_nano: u64,
    /// The indices of the items to leave out, rising.
    pub rejected: &'a [u32],
}

/// What is known of each item without looking into it.
#[derive(Debug, Default)]
pub(crate) struct Items {
    pub(crate) resources: Resources,
    pub(crate) scopes: Scopes,
    scope: Vec<u32>,
    ingested_at: Vec<i64>,
    position: Vec<i64>,
    index: Vec<i32>,
}

/// The columns of a table that [`Items`] fills.
pub(crate) struct ItemColumns {
    pub(crate) log: Column<Text>,
    pub(crate) position: Column<Int>,
    pub(crate) index: Column<SmallInt>,
    pub(crate) ingested_at: Column<Time>,
}

impl Items {
    /// Calls `visit` with each item that is not rejected.
    pub(crate) fn read(
        message: Message,
        records: &[Source],
        mut visit: impl FnMut(&Block, Cursor) -> Result<(), Fault>,
    ) -> Result<Self, Malformed> {
        let mut items = Self::default();
        for (source, placed) in records.iter().zip(block::place(records.iter().map(|source| source.body))) {
            items.record(source, &placed, &mut visit).map_err(|fault| {
                let offset = fault.offset.saturating_sub(placed.start);
                Fault { offset, ..fault }.within(message, source.body)
            })?;
        }
        Ok(items)
    }

    fn record(
        &mut self,
        source: &Source,
        placed: &Placed,
        visit: &mut impl FnMut(&Block, Cursor) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let block = &placed.block;
        let mut index = 0;
        placed.fields().each(1, |fields| {
            let resource = self.resources.intern(block, fields)?;
            fields.each(CHILDREN, |fields| {
                let scope = self.scopes.intern(block, fields, resource, &self.resources)?;
                fields.each(CHILDREN, |fields| {
                    index += 1;
                    if source.rejected.binary_search(&(index - 1)).is_ok() {
                        return Ok(());
                    }
                    self.push(source, scope, index - 1);
                    visit(block, fields)
                })
            })
        })
    }

    fn push(&mut self, source: &Source, scope: u32, index: u32) {
        self.scope.push(scope);
        self.ingested_at.push(i64::try_from(source.arrival_unix_nano / 1000).unwrap_or(i64::MAX));
        self.position.push(i64::try_from(source.position).unwrap_or(i64::MAX));
        self.index.push(i32::try_from(index).unwrap_or(i32::MAX));
    }

    pub(crate) fn len(&self) -> usize {
        self.scope.len()
    }

    /// Puts the columns of the log, and hands out what remains.
    pub(crate) fn put<T: Table>(
        self,
        columns: &mut Columns<T>,
        places: ItemColumns,
        log: &str,
    ) -> Result<Envelopes, ArrowError> {
        let log = StringViewArray::from_iter_values([log]);
        let first = UInt32Array::from(vec![0; self.len()]);
        let log: ArrayRef = take(&log, &first, None)?;
        columns.put_array(places.log, log);
        columns.put(places.position, Int64Array::from(self.position));
        columns.put(places.index, Int32Array::from(self.index));
        columns.put(places.ingested_at, timestamps(self.ingested_at));
        let resource = self.scope.iter().map(|scope| self.scopes.resource.get(*scope as usize).copied());
        Ok(Envelopes {
            by_resource: Repeated { rows: resource.collect() },
            by_scope: Repeated { rows: self.scope.into() },
            resources: self.resources,
            scopes: self.scopes,
        })
    }
}

/// The resources and scopes of a batch, and which belong to each item.
pub(crate) struct Envelopes {
    pub(crate) resources: Resources,
    pub(crate) scopes: Scopes,
    pub(crate) by_resource: Repeated,
    pub(crate) by_scope: Repeated,
}

/// Microseconds since the epoch as the columns of the schema hold them.
pub(crate) fn timestamps(micros: Vec<i64>) -> PrimitiveArray<TimestampMicrosecondType> {
    PrimitiveArray::from(micros).with_timezone(Arc::<str>::from("UTC"))
}
