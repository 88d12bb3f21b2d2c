//! Rows of metrics as families, named and labelled as Prometheus wants them.

use std::collections::BTreeMap;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Array, Float64Array, StringViewArray};
use spanledger_schema::{Metrics, Table as _, metrics};
use spanledger_telemetry::text::{Histogram, Kind, MetricFamily, Point, Value};
use spanledger_telemetry::{Labels, names};
use tracing::warn;

/// How metrics are named and labelled.
#[derive(Debug)]
pub(crate) struct Naming {
    pub(crate) namespace: String,
    pub(crate) const_labels: BTreeMap<String, String>,
    pub(crate) has_suffixes: bool,
}

impl Naming {
    /// The rows of one export by name. A series that is there twice stands once, with its last value.
    pub(crate) fn families<'a>(
        &self,
        tables: impl Iterator<Item = &'a Metrics>,
    ) -> BTreeMap<String, MetricFamily> {
        let mut gathered: BTreeMap<String, (MetricFamily, BTreeMap<Labels, Point>)> = BTreeMap::new();
        for table in tables {
            for row in 0..table.len() {
                let Some((family, point)) = self.series(table, row) else {
                    let name = text(table.get(metrics::NAME), row);
                    warn!(name, "metric of an unknown kind or without a value left out");
                    continue;
                };
                let (first, points) =
                    gathered.entry(family.name.clone()).or_insert_with(|| (family.clone(), BTreeMap::new()));
                if first.kind == family.kind {
                    points.insert(point.labels.clone(), point);
                } else {
                    warn!(name = first.name, "metric left out that has the name of another kind of metric");
                }
            }
        }
        let families = gathered.into_iter().map(|(name, (mut family, points))| {
            family.points = points.into_values().collect();
            (name, family)
        });
        families.collect()
    }

    /// The point of a row, and its family, still without points.
    fn series(&self, table: &Metrics, row: usize) -> Option<(MetricFamily, Point)> {
        let number = || number(table.get(metrics::VALUE), row).map(Value::Number);
        let (kind, value) = match text(table.get(metrics::KIND), row) {
            "counter" => (Kind::Counter, number()?),
            "gauge" => (Kind::Gauge, number()?),
            "histogram" => (Kind::Histogram, Value::Histogram(histogram(table, row)?)),
            _ => return None,
        };
        let starts = table.get(metrics::START_TIME_UNIX_NANO);
        let created_unix_nano = starts.is_valid(row).then(|| starts.value(row));
        let point = Point { labels: self.labels(table, row), value, created_unix_nano };
        Some((self.family(table, row, kind), point))
    }

    fn family(&self, table: &Metrics, row: usize, kind: Kind) -> MetricFamily {
        let name = text(table.get(metrics::NAME), row);
        let mut name = match self.namespace.as_str() {
            "" => names::metric(name),
            namespace => names::metric(&format!("{namespace}_{name}")),
        };
        let unit = names::unit(text(table.get(metrics::UNIT), row));
        if self.has_suffixes {
            name = names::with_unit(name, &unit);
        }
        if self.has_suffixes && kind == Kind::Counter {
            name = names::with_total(name);
        }
        let help = text(table.get(metrics::DESCRIPTION), row).to_owned();
        MetricFamily { name, help, unit, kind, points: Vec::new() }
    }

    fn labels(&self, table: &Metrics, row: usize) -> Labels {
        let attributes = table.get(metrics::ATTRIBUTES).value(row);
        let keys = attributes.column(0).as_string_view();
        let values = attributes.column(1).as_string_view();
        let mut labels = names::labels((0..keys.len()).map(|at| (text(keys, at), text(values, at))));
        for (name, value) in &self.const_labels {
            if let Err(place) = labels.binary_search_by(|(label, _)| label.cmp(name)) {
                labels.insert(place, (name.clone(), value.clone()));
            }
        }
        labels
    }
}

fn histogram(table: &Metrics, row: usize) -> Option<Histogram> {
    let counts = table.get(metrics::BUCKET_COUNTS);
    let bounds = table.get(metrics::EXPLICIT_BOUNDS);
    if counts.is_null(row) || bounds.is_null(row) {
        return None;
    }
    let counts = counts.value(row);
    let counts = counts.as_primitive::<Int64Type>().values().iter();
    Some(Histogram {
        bounds: bounds.value(row).as_primitive::<Float64Type>().values().to_vec(),
        counts: counts.map(|count| u64::try_from(*count).unwrap_or(0)).collect(),
        sum: number(table.get(metrics::SUM), row).unwrap_or_default(),
    })
}

fn text(column: &StringViewArray, row: usize) -> &str {
    if column.is_null(row) { "" } else { column.value(row) }
}

fn number(column: &Float64Array, row: usize) -> Option<f64> {
    column.is_valid(row).then(|| column.value(row))
}
