//! Counters and gauges by name and labels: handed out once, then a single atomic each.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Label names and values, sorted by name.
pub type Labels = Vec<(String, String)>;

/// Counts what happens. Cheap to clone; all clones count the same.
#[derive(Debug, Clone, Default)]
pub struct Counter(Arc<AtomicU64>);

impl Counter {
    /// Adds to it.
    pub fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    /// What it has come to.
    pub fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Something that goes up and down. Cheap to clone; all clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Gauge(Arc<AtomicI64>);

impl Gauge {
    /// Sets it.
    pub fn set(&self, value: i64) {
        self.0.store(value, Ordering::Relaxed);
    }

    /// What it is.
    pub fn value(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What a family of series is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// Only goes up.
    Counter,
    /// Goes up and down.
    Gauge,
}

/// The value of one series.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Its labels.
    pub labels: Labels,
    /// Its value.
    pub value: f64,
}

/// All series of one name.
#[derive(Debug, Clone, PartialEq)]
pub struct Family {
    /// The name, without a suffix for its type.
    pub name: String,
    /// What it tells.
    pub help: String,
    /// Its unit as a UCUM code; empty when none was set.
    pub unit: String,
    /// What it is.
    pub kind: Type,
    /// Its series.
    pub samples: Vec<Sample>,
}

enum Series {
    Counter(Counter),
    Gauge(Gauge),
    /// Asked at every scrape: for what somebody else counts already.
    Observed(Type, Box<dyn Fn() -> f64 + Send + Sync>),
}

#[derive(Default)]
struct Named {
    help: String,
    unit: String,
    series: BTreeMap<Labels, Series>,
}

/// Where components get their counters. Cheap to clone; all clones share the series.
#[derive(Clone, Default)]
pub struct Meter(Arc<Mutex<BTreeMap<String, Named>>>);

impl fmt::Debug for Meter {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Meter")
    }
}

impl Meter {
    /// The counter of that name and those labels: the same one when asked again.
    pub fn counter(&self, name: &str, help: &str, labels: &[(&str, &str)]) -> Counter {
        self.with(name, help, labels, |series| match series {
            Some(Series::Counter(counter)) => (counter.clone(), None),
            _ => {
                let counter = Counter::default();
                (counter.clone(), Some(Series::Counter(counter)))
            }
        })
    }

    /// The gauge of that name and those labels: the same one when asked again.
    pub fn gauge(&self, name: &str, help: &str, labels: &[(&str, &str)]) -> Gauge {
        self.with(name, help, labels, |series| match series {
            Some(Series::Gauge(gauge)) => (gauge.clone(), None),
            _ => {
                let gauge = Gauge::default();
                (gauge.clone(), Some(Series::Gauge(gauge)))
            }
        })
    }

    /// A series whose value is asked for at every scrape.
    pub fn observe(
        &self,
        name: &str,
        help: &str,
        kind: Type,
        labels: &[(&str, &str)],
        value: impl Fn() -> f64 + Send + Sync + 'static,
    ) {
        self.with(name, help, labels, |_| ((), Some(Series::Observed(kind, Box::new(value)))));
    }

    /// Says what a family is measured in, as a UCUM code: `s`, `By`. Names end in it where the operator wants that.
    pub fn set_unit(&self, name: &str, unit: &str) {
        let mut families = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        unit.clone_into(&mut families.entry(name.to_owned()).or_default().unit);
    }

    /// Every family with the values of now, by name.
    pub fn collect(&self) -> Vec<Family> {
        let families = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        families.iter().map(|(name, named)| named.collect(name)).collect()
    }

    fn with<T>(
        &self,
        name: &str,
        help: &str,
        labels: &[(&str, &str)],
        pick: impl FnOnce(Option<&Series>) -> (T, Option<Series>),
    ) -> T {
        let mut labels: Labels =
            labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        labels.sort();
        let mut families = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let named = families.entry(name.to_owned()).or_default();
        help.clone_into(&mut named.help);
        let (out, new) = pick(named.series.get(&labels));
        if let Some(new) = new {
            named.series.insert(labels, new);
        }
        out
    }
}

impl Named {
    fn collect(&self, name: &str) -> Family {
        let mut kind = Type::Gauge;
        let samples = self.series.iter().map(|(labels, series)| {
            let value = match series {
                Series::Counter(counter) => {
                    kind = Type::Counter;
                    counter.value() as f64
                }
                Series::Gauge(gauge) => gauge.value() as f64,
                Series::Observed(observed, value) => {
                    kind = *observed;
                    value()
                }
            };
            Sample { labels: labels.clone(), value }
        });
        let samples = samples.collect();
        Family { name: name.to_owned(), help: self.help.clone(), unit: self.unit.clone(), kind, samples }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_name_and_labels_give_the_same_counter() {
        let meter = Meter::default();
        meter.counter("spans", "Spans", &[("b", "2"), ("a", "1")]).add(2);
        meter.counter("spans", "Spans", &[("a", "1"), ("b", "2")]).add(3);
        meter.observe("rss", "Memory", Type::Gauge, &[], || 7.0);
        let families = meter.collect();
        assert_eq!(families.len(), 2);
        assert_eq!(families[1].samples[0].value, 5.0);
        assert_eq!(families[1].samples[0].labels[0].0, "a");
        assert_eq!((families[0].kind, families[0].samples[0].value), (Type::Gauge, 7.0));
    }
}
