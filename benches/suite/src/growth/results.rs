//! What was measured of growth, as it is kept in JSON.

use serde::{Deserialize, Serialize};

use super::figure::Figures;
use crate::machine::Machine;
use crate::results::Spread;

/// Everything that one start measured.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Results {
    pub(crate) machine: Machine,
    pub(crate) rounds: u32,
    pub(crate) seconds: u32,
    /// How busy the machine was before any of the dimensions, at most.
    pub(crate) busiest: f64,
    /// In the order in which they were measured.
    pub(crate) points: Vec<Point>,
}

/// One size of one dimension, once.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Point {
    pub(crate) dimension: String,
    pub(crate) size: f64,
    pub(crate) round: u32,
    pub(crate) figures: Figures,
}

impl Results {
    /// The sizes of a dimension that were measured, rising.
    pub(crate) fn sizes(&self, dimension: &str) -> Vec<f64> {
        let mut sizes: Vec<f64> =
            self.points.iter().filter(|point| point.dimension == dimension).map(|point| point.size).collect();
        sizes.sort_by(f64::total_cmp);
        sizes.dedup();
        sizes
    }

    /// A figure at a size, over all rounds.
    pub(crate) fn spread(&self, dimension: &str, size: f64, figure: &str) -> Option<Spread> {
        let points = self.points.iter().filter(|point| point.dimension == dimension);
        let there = points.filter(|point| point.size.total_cmp(&size).is_eq());
        Spread::of(there.filter_map(|point| point.figures.get(figure).copied()))
    }

    /// A figure over all sizes.
    pub(crate) fn curve(&self, dimension: &str, figure: &str) -> Vec<(f64, Spread)> {
        let sizes = self.sizes(dimension).into_iter();
        sizes.filter_map(|size| Some((size, self.spread(dimension, size, figure)?))).collect()
    }
}
