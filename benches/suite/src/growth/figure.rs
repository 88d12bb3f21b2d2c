//! The names of what is measured, as they stand above the columns of tables.

use std::collections::BTreeMap;

/// What was measured at a point, by its name.
pub(crate) type Figures = BTreeMap<String, f64>;

pub(crate) const CPU: &str = "CPU s a million spans";
pub(crate) const ACKNOWLEDGED: &str = "spans/s acknowledged";
pub(crate) const DELIVERED: &str = "spans/s delivered";
pub(crate) const P99: &str = "p99 ms";
pub(crate) const PEAK: &str = "peak MiB";
pub(crate) const GENERATOR: &str = "cores that the generator takes";
pub(crate) const REFUSED: &str = "refused requests";

pub(crate) const SCRAPE: &str = "ms of a scrape";
pub(crate) const READY: &str = "first acknowledgement after ms";
pub(crate) const READY_MIB: &str = "MiB then";
pub(crate) const DELIVERING: &str = "s to deliver a GiB";
pub(crate) const FLUSH: &str = "ms of a flush";

pub(crate) const SUSTAINED: &str = "spans/s sustained";
pub(crate) const OFFERED: &str = "times that are sent";
pub(crate) const UNSENT: &str = "requests due and never sent";
pub(crate) const P50: &str = "p50 ms";
pub(crate) const FAILED: &str = "failed otherwise";
pub(crate) const LOST: &str = "acknowledged spans not delivered";
pub(crate) const ABOVE_BUDGET: &str = "peak MiB above the budget";

/// Figures by their names.
pub(crate) fn figures<const N: usize>(pairs: [(&str, Option<f64>); N]) -> Figures {
    pairs.into_iter().filter_map(|(name, figure)| Some((name.to_owned(), figure?))).collect()
}
