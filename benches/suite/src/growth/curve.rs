//! What a curve says: how fast it grows, and whether that is worse than it should be.

use crate::results::Spread;

/// The slope on paper with two logarithmic axes: 1 is a cost that doubles with the size. By least squares over the
/// medians; `None` of fewer than two sizes above 0.
pub(crate) fn exponent(curve: &[(f64, Spread)]) -> Option<f64> {
    let points: Vec<(f64, f64)> = curve
        .iter()
        .filter(|(size, spread)| *size > 0.0 && spread.median > 0.0)
        .map(|(size, spread)| (size.ln(), spread.median.ln()))
        .collect();
    let count = points.len() as f64;
    let (x_sum, y_sum) = points.iter().fold((0.0, 0.0), |(x_sum, y_sum), (x, y)| (x_sum + x, y_sum + y));
    let (x_mean, y_mean) = (x_sum / count, y_sum / count);
    let (above, below) = points.iter().fold((0.0, 0.0), |(above, below), (x, y)| {
        (above + (x - x_mean) * (y - y_mean), below + (x - x_mean).powi(2))
    });
    (below > 0.0).then(|| above / below)
}

/// How far the rounds of one size lie apart, at most.
pub(crate) fn noise(curve: &[(f64, Spread)]) -> f64 {
    let ratios = curve.iter().filter(|(_, spread)| spread.least > 0.0);
    ratios.map(|(_, spread)| spread.most / spread.least).fold(1.0, f64::max)
}

/// The cost of a unit rises.
#[derive(Debug, PartialEq)]
pub(crate) struct Rise {
    pub(crate) from: f64,
    pub(crate) to: f64,
    pub(crate) times: f64,
}

/// Where the cost of a unit rises most from one size to a larger one, when that is more than the noise. The cost may
/// grow with the size by this exponent.
pub(crate) fn rise(curve: &[(f64, Spread)], allowed: f64) -> Option<Rise> {
    /// What one round says of a machine that does other things too.
    const LEAST_NOISE: f64 = 1.15;
    let of_a_unit: Vec<(f64, f64)> = curve
        .iter()
        .filter(|(size, spread)| *size > 0.0 && spread.median > 0.0)
        .map(|(size, spread)| (*size, spread.median / size.powf(allowed)))
        .collect();
    let pairs = of_a_unit.iter().enumerate().flat_map(|(place, (from, cheap))| {
        of_a_unit.iter().skip(place + 1).map(move |(to, dear)| Rise {
            from: *from,
            to: *to,
            times: dear / cheap,
        })
    });
    let most = pairs.max_by(|one, other| one.times.total_cmp(&other.times))?;
    (most.times > noise(curve).max(LEAST_NOISE)).then_some(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(points: &[(f64, f64)]) -> Vec<(f64, Spread)> {
        points
            .iter()
            .map(|(size, median)| (*size, Spread { least: *median, median: *median, most: *median }))
            .collect()
    }

    #[test]
    fn a_cost_that_grows_with_the_square_has_the_exponent_two() {
        let squares = curve(&[(0.0, 5.0), (1.0, 3.0), (10.0, 300.0), (100.0, 30_000.0)]);
        assert!((exponent(&squares).unwrap() - 2.0).abs() < 1e-9);
        assert_eq!(exponent(&curve(&[(0.0, 1.0), (3.0, 4.0)])), None);
    }

    #[test]
    fn a_unit_that_costs_more_at_a_larger_size_is_found() {
        let late = curve(&[(1.0, 10.0), (10.0, 20.0), (100.0, 250.0), (1000.0, 6000.0)]);
        let rise = rise(&late, 1.0).unwrap();
        assert_eq!((rise.from, rise.to), (10.0, 1000.0));
        assert!((rise.times - 3.0).abs() < 1e-9);
    }

    #[test]
    fn a_cost_that_grows_with_the_size_is_a_rise_only_where_none_is_allowed() {
        let linear = curve(&[(1.0, 5.0), (2.0, 10.0), (4.0, 20.0)]);
        assert_eq!(rise(&linear, 1.0), None);
        assert_eq!(rise(&linear, 0.0).unwrap().times, 4.0);
    }

    #[test]
    fn a_rise_within_what_rounds_differ_by_is_none() {
        let mut wide = curve(&[(1.0, 10.0), (2.0, 26.0)]);
        assert!(rise(&wide, 1.0).is_some());
        wide[0].1 = Spread { least: 8.0, median: 10.0, most: 12.0 };
        assert_eq!(rise(&wide, 1.0), None);
    }
}
