//! One column of a table: its place, its kind, and how Parquet is to store it.

use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::Arc;

use arrow_array::ArrayRef;

use crate::Kind;

/// A column of a table, typed by what it holds. The constants of [`crate::spans`] and its siblings are all there are.
#[derive(Debug)]
pub struct Column<K> {
    /// The place in the batch.
    pub index: usize,
    /// The name in Parquet and SQL.
    pub name: &'static str,
    kind: PhantomData<fn() -> K>,
}

impl<K> Clone for Column<K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K> Copy for Column<K> {}

impl<K: Kind> Column<K> {
    pub(crate) const fn new(index: usize, name: &'static str) -> Self {
        Self { index, name, kind: PhantomData }
    }

    /// This column with new values, for [`crate::Spans::with`].
    pub fn set(self, array: K::Array) -> Value {
        Value { index: self.index, array: Arc::new(array) }
    }
}

/// New values for one column, made by [`Column::set`].
#[derive(Debug, Clone)]
pub struct Value {
    pub(crate) index: usize,
    pub(crate) array: ArrayRef,
}

/// How a column is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Values as they are.
    Plain,
    /// Ids in no order: no statistics, since a range of them tells nothing.
    Id,
    /// Few distinct values: dictionary pages.
    Dictionary,
    /// Rising numbers: delta encoding.
    Delta,
    /// Looked up by value: a bloom filter.
    Lookup,
    /// Few distinct values that are also looked up.
    DictionaryLookup,
    /// Long text: no dictionary, no statistics.
    Heavy,
    /// Long text that repeats: a large dictionary page, no statistics.
    HeavyDictionary,
    /// Never written; for the collector's own use.
    Internal,
}

/// What is known of a column without its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// The name in Parquet and SQL.
    pub name: &'static str,
    /// Whether null is allowed. Null means "not on the wire".
    pub nullable: bool,
    /// How it is stored.
    pub role: Role,
}

/// The metadata that makes the Parquet writer use `id` as the field id.
pub(crate) fn field_id(id: i32) -> HashMap<String, String> {
    HashMap::from([("PARQUET:field_id".to_owned(), id.to_string())])
}
