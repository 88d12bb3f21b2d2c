//! The collector's own metrics as text.

use crate::text::{Format, Kind, MetricFamily, Point, Value, write};
use crate::{Family, Labels, Meter, Type, names};

const SCOPE: [(&str, &str); 2] =
    [("otel_scope_name", "spanledger"), ("otel_scope_version", env!("CARGO_PKG_VERSION"))];

/// How own metrics are named: the switches of `service.telemetry.metrics.readers`. The Collector's default is all of
/// them on; its Kubernetes operator switches all of them off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Naming {
    /// Counters have no `_total`.
    pub without_type_suffix: bool,
    /// Names do not end in their unit.
    pub without_units: bool,
    /// Series have no `otel_scope_name` and `otel_scope_version`.
    pub without_scope_info: bool,
}

impl Default for Naming {
    fn default() -> Self {
        Self { without_type_suffix: true, without_units: true, without_scope_info: true }
    }
}

/// Everything the meter counts, and what `resource` says of the collector as `target_info`.
pub fn render(meter: &Meter, format: Format, naming: Naming, resource: &[(String, String)]) -> String {
    let mut families: Vec<_> = meter.collect().into_iter().map(|family| naming.family(family)).collect();
    families.extend(target_info(resource));
    write(&families, format)
}

impl Naming {
    fn family(self, family: Family) -> MetricFamily {
        let unit = if self.without_units { String::new() } else { names::unit(&family.unit) };
        let name = names::with_unit(names::metric(&family.name), &unit);
        let (kind, name) = match family.kind {
            Type::Gauge => (Kind::Gauge, name),
            Type::Counter if self.without_type_suffix => (Kind::Counter, name),
            Type::Counter => (Kind::Counter, names::with_total(name)),
        };
        let points = family.samples.into_iter().map(|sample| Point {
            labels: self.labels(&sample.labels),
            value: Value::Number(sample.value),
            created_unix_nano: None,
        });
        MetricFamily { name, help: family.help, unit, kind, points: points.collect() }
    }

    fn labels(self, labels: &Labels) -> Labels {
        let scope = SCOPE.iter().copied().filter(|_| !self.without_scope_info);
        names::labels(labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).chain(scope))
    }
}

fn target_info(resource: &[(String, String)]) -> Option<MetricFamily> {
    let labels = names::labels(resource.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    if labels.is_empty() {
        return None;
    }
    Some(MetricFamily {
        name: "target_info".to_owned(),
        help: "Target metadata".to_owned(),
        unit: String::new(),
        kind: Kind::Info,
        points: vec![Point { labels, value: Value::Number(1.0), created_unix_nano: None }],
    })
}
