//! Whole numbers counted by size, with an exact sum.

const MILLIS: u64 = 1_000_000;

/// Bounds of durations, ns: the conventions' doubling from 10 ms to 81.92 s, continued to half an hour.
pub(crate) const DURATION_BOUNDS_NS: [u64; 19] = [
    10 * MILLIS,
    20 * MILLIS,
    40 * MILLIS,
    80 * MILLIS,
    160 * MILLIS,
    320 * MILLIS,
    640 * MILLIS,
    1_280 * MILLIS,
    2_560 * MILLIS,
    5_120 * MILLIS,
    10_240 * MILLIS,
    20_480 * MILLIS,
    40_960 * MILLIS,
    81_920 * MILLIS,
    163_840 * MILLIS,
    327_680 * MILLIS,
    655_360 * MILLIS,
    1_310_720 * MILLIS,
    1_800_000 * MILLIS,
];

/// Bounds of token counts: the conventions' powers of four.
pub(crate) const TOKEN_BOUNDS: [u64; 14] =
    [1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262_144, 1_048_576, 4_194_304, 16_777_216, 67_108_864];

/// Counts by size. Integers, so that the sum does not depend on the order of what is added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Histogram {
    /// Upper bounds, rising.
    pub(crate) bounds: &'static [u64],
    /// One more than bounds; not cumulative.
    pub(crate) counts: Box<[u64]>,
    pub(crate) sum: u128,
}

impl Histogram {
    pub(crate) fn new(bounds: &'static [u64]) -> Self {
        Self { bounds, counts: vec![0; bounds.len() + 1].into(), sum: 0 }
    }

    pub(crate) fn add(&mut self, value: u64) {
        let bucket = self.bounds.partition_point(|bound| *bound < value);
        if let Some(count) = self.counts.get_mut(bucket) {
            *count = count.saturating_add(1);
        }
        self.sum = self.sum.saturating_add(u128::from(value));
    }

    pub(crate) fn count(&self) -> u64 {
        self.counts.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_belongs_to_the_bucket_below_it() {
        let mut histogram = Histogram::new(&TOKEN_BOUNDS);
        [0, 1, 2, 4, 5, 67_108_864, 67_108_865, u64::MAX].into_iter().for_each(|value| histogram.add(value));
        assert_eq!(*histogram.counts, [2, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2]);
        assert_eq!(histogram.count(), 8);
        assert_eq!(histogram.sum, 134_217_741 + u128::from(u64::MAX));
    }
}
