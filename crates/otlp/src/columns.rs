//! Puts the columns of a table together.

use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::Arc;

use arrow_array::{ArrayRef, new_null_array};
use arrow_schema::{ArrowError, DataType};
use spanledger_schema::{Column, Kind, Table};

/// The columns of a table under construction; the ones that are not put are null.
pub(crate) struct Columns<T> {
    arrays: Vec<Option<ArrayRef>>,
    rows: usize,
    table: PhantomData<T>,
}

impl<T: Table> Columns<T> {
    pub(crate) fn new(rows: usize) -> Self {
        Self { arrays: vec![None; T::FIELDS.len()], rows, table: PhantomData }
    }

    pub(crate) fn put<K: Kind>(&mut self, column: Column<K>, array: K::Array) {
        self.put_array(column, Arc::new(array));
    }

    /// Puts an array whose type is checked when the table is finished.
    pub(crate) fn put_array<K: Kind>(&mut self, column: Column<K>, array: ArrayRef) {
        if let Some(place) = self.arrays.get_mut(column.index) {
            *place = Some(array);
        }
    }

    pub(crate) fn finish(self) -> Result<T, ArrowError> {
        let fields = T::schema().fields().iter();
        // Columns of one type share the array that has nothing in it.
        let mut nulls: HashMap<&DataType, ArrayRef> = HashMap::new();
        let mut null = |data_type| {
            let array = nulls.entry(data_type).or_insert_with(|| new_null_array(data_type, self.rows));
            Arc::clone(array)
        };
        let or_null = |(array, field): (Option<ArrayRef>, &'static arrow_schema::FieldRef)| {
            array.unwrap_or_else(|| null(field.data_type()))
        };
        T::try_new(self.arrays.into_iter().zip(fields).map(or_null).collect())
    }
}

/// The Arrow type of a column.
pub(crate) fn data_type<T: Table, K: Kind>(column: Column<K>) -> &'static DataType {
    T::schema().fields().get(column.index).map_or(&DataType::Null, |field| field.data_type())
}
