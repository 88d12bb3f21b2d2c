//! What the benches share: figures and how they are told.
//!
//! Each bench is a plain program that measures for some seconds and prints a table, then the same as a line of JSON
//! a case. There are no thresholds: a machine that is busy is slow. Figures that are compared come from one run.
//!
//! ```
//! use spanledger_benches::quantile;
//!
//! assert_eq!(quantile(&mut [3.0, 1.0, 2.0], 0.5), 2.0);
//! ```

mod report;

pub use report::Report;

/// The value below which `share` of the values lie; 0 of none. Sorts them.
pub fn quantile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let place = (values.len().saturating_sub(1) as f64 * share).round() as usize;
    values.get(place).copied().unwrap_or_default()
}
