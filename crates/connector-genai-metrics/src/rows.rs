//! Metric points as rows of the `metrics` table.

use std::iter::repeat_n;
use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, Float64Array, Int64Array, ListArray, MapArray, StringViewArray, StructArray,
};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::{ArrowError, DataType};
use spanledger_schema::{Column, Kind, Metrics, Table as _, metrics};

/// What all series of one name have in common.
pub(crate) struct Family {
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) kind: &'static str,
}

/// Which series, and since when it has been counted.
#[derive(Clone)]
pub(crate) struct Point<'a> {
    pub(crate) labels: Vec<(&'static str, &'a str)>,
    pub(crate) start_unix_nano: i64,
}

impl Point<'_> {
    /// The series with one label more.
    pub(crate) fn with(&self, name: &'static str, value: &'static str) -> Self {
        let mut more = self.clone();
        more.labels.push((name, value));
        more
    }
}

/// What it has come to.
pub(crate) enum Value {
    Number(f64),
    Histogram(Buckets),
}

/// A histogram as the table holds it.
pub(crate) struct Buckets {
    pub(crate) bounds: Vec<f64>,
    pub(crate) counts: Vec<i64>,
    pub(crate) count: i64,
    pub(crate) sum: f64,
}

impl Value {
    fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Histogram(_) => None,
        }
    }

    fn buckets(&self) -> Option<&Buckets> {
        match self {
            Self::Number(_) => None,
            Self::Histogram(buckets) => Some(buckets),
        }
    }
}

/// Gathers points.
pub(crate) struct MetricRows<'a> {
    time_unix_nano: i64,
    rows: Vec<(&'static Family, Point<'a>, Value)>,
}

impl<'a> MetricRows<'a> {
    pub(crate) fn new(time_unix_nano: i64) -> Self {
        Self { time_unix_nano, rows: Vec::new() }
    }

    pub(crate) fn push(&mut self, family: &'static Family, point: Point<'a>, value: Value) {
        self.rows.push((family, point, value));
    }

    /// The points as a table.
    pub(crate) fn finish(self) -> Result<Metrics, ArrowError> {
        let text = |of: fn(&Family) -> &'static str| -> ArrayRef {
            Arc::new(StringViewArray::from_iter_values(self.rows.iter().map(|(family, ..)| of(family))))
        };
        let starts = self.rows.iter().map(|(_, point, _)| point.start_unix_nano);
        let buckets = || self.rows.iter().map(|(.., value)| value.buckets());
        let counts = buckets().flatten().flat_map(|buckets| buckets.counts.iter().copied());
        let bounds = buckets().flatten().flat_map(|buckets| buckets.bounds.iter().copied());
        Metrics::try_new(vec![
            text(|family| family.name),
            text(|family| family.description),
            text(|family| family.unit),
            text(|family| family.kind),
            self.attributes()?,
            Arc::new(Int64Array::from_iter_values(starts)),
            Arc::new(Int64Array::from_iter_values(repeat_n(self.time_unix_nano, self.rows.len()))),
            Arc::new(Float64Array::from_iter(self.rows.iter().map(|(.., value)| value.number()))),
            Arc::new(Int64Array::from_iter(buckets().map(|buckets| Some(buckets?.count)))),
            Arc::new(Float64Array::from_iter(buckets().map(|buckets| Some(buckets?.sum)))),
            self.list(metrics::BUCKET_COUNTS, Int64Array::from_iter_values(counts), |it| it.counts.len())?,
            self.list(metrics::EXPLICIT_BOUNDS, Float64Array::from_iter_values(bounds), |it| {
                it.bounds.len()
            })?,
        ])
    }

    fn attributes(&self) -> Result<ArrayRef, ArrowError> {
        let labels = || self.rows.iter().flat_map(|(_, point, _)| &point.labels);
        let keys = StringViewArray::from_iter_values(labels().map(|(name, _)| name));
        let values = StringViewArray::from_iter_values(labels().map(|(_, value)| value));
        let lengths = self.rows.iter().map(|(_, point, _)| point.labels.len());
        let DataType::Map(entry, is_sorted) = data_type(metrics::ATTRIBUTES) else {
            return Err(ArrowError::SchemaError("attributes are no map".to_owned()));
        };
        let DataType::Struct(fields) = entry.data_type() else {
            return Err(ArrowError::SchemaError("a map without entries".to_owned()));
        };
        let entries = StructArray::try_new(fields.clone(), vec![Arc::new(keys), Arc::new(values)], None)?;
        let offsets = OffsetBuffer::from_lengths(lengths);
        Ok(Arc::new(MapArray::try_new(entry.clone(), offsets, entries, None, *is_sorted)?))
    }

    /// One list a row, null for what is no histogram.
    fn list<K: Kind>(
        &self,
        column: Column<K>,
        values: impl Array + 'static,
        length: fn(&Buckets) -> usize,
    ) -> Result<ArrayRef, ArrowError> {
        let DataType::List(element) = data_type(column) else {
            return Err(ArrowError::SchemaError(format!("{} is no list", column.name)));
        };
        let buckets = || self.rows.iter().map(|(.., value)| value.buckets());
        let offsets = OffsetBuffer::from_lengths(buckets().map(|buckets| buckets.map_or(0, length)));
        let nulls = NullBuffer::from_iter(buckets().map(|buckets| buckets.is_some()));
        Ok(Arc::new(ListArray::try_new(element.clone(), offsets, Arc::new(values), Some(nulls))?))
    }
}

fn data_type<K: Kind>(column: Column<K>) -> &'static DataType {
    Metrics::schema().field(column.index).data_type()
}
