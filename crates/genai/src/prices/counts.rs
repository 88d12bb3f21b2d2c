//! What a call counted, by the units of the table.

use super::unit::{Unit, UnitId, Units};
use super::{CallRef, Error, Usage};

/// Details of the usage by modality, as the column `usage_details` has them, and as the table does.
const DETAILS: [(&str, &str); 15] = [
    ("text.input_tokens", "input_text_tokens"),
    ("image.input_tokens", "input_image_tokens"),
    ("video.input_tokens", "input_video_tokens"),
    ("text.output_tokens", "output_text_tokens"),
    ("image.output_tokens", "output_image_tokens"),
    ("video.output_tokens", "output_video_tokens"),
    ("text.cache_read.input_tokens", "cache_text_read_tokens"),
    ("image.cache_read.input_tokens", "cache_image_read_tokens"),
    ("audio.cache_read.input_tokens", "cache_audio_read_tokens"),
    ("video.cache_read.input_tokens", "cache_video_read_tokens"),
    ("citation.output_tokens", "output_citation_tokens"),
    ("web_searches", "web_searches"),
    ("storage_searches", "storage_searches"),
    ("input_characters", "input_characters"),
    ("audio_seconds", "audio_seconds"),
];

/// How many units a call may count: those of a [`Usage`], then those of its details.
pub(super) const COUNTED: usize = Usage::KEYS.len() + DETAILS.len();

/// What the table calls the units that a call may count.
pub(super) fn keys() -> impl Iterator<Item = &'static str> {
    Usage::KEYS.into_iter().chain(DETAILS.iter().map(|(_, unit)| *unit))
}

/// A usage without a cost: a part is larger than its whole, a number is missing that the price needs, or one is
/// beyond all measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct InvalidUsage;

/// The units that a call may count.
#[derive(Debug)]
pub(super) struct CountedUnits {
    /// The dimensions of each.
    dimensions: [u64; COUNTED],
    requests: UnitId,
}

impl CountedUnits {
    pub(super) fn new(units: &Units) -> Result<Self, Error> {
        let mut dimensions = [0; COUNTED];
        for (slot, key) in dimensions.iter_mut().zip(keys()) {
            *slot = units.by_usage_key(key)?.dimensions;
        }
        Ok(Self { dimensions, requests: units.by_usage_key("requests")?.id })
    }

    /// What a call counted.
    pub(super) fn counts(&self, call: &CallRef<'_>) -> Counts<'_> {
        let input_tokens = call.usage.input_tokens.unwrap_or(0);
        let mut counts = Counts { units: self, counts: [0; COUNTED], known: 0, positive: 0, input_tokens };
        for (place, count) in call.usage.counts().into_iter().enumerate() {
            count.into_iter().for_each(|count| counts.put(place, count));
        }
        for (key, count) in call.details {
            if let Some(place) = DETAILS.iter().position(|(known, _)| known == key) {
                counts.put(Usage::KEYS.len() + place, *count);
            }
        }
        counts
    }
}

/// What a call counted. A set of units has a bit for each, by its place among [`keys`].
#[derive(Debug)]
pub(super) struct Counts<'u> {
    units: &'u CountedUnits,
    counts: [i64; COUNTED],
    /// Those that were counted.
    known: u32,
    /// Those that were counted above 0.
    positive: u32,
    /// What tiers go by.
    pub(super) input_tokens: i64,
}

impl Counts<'_> {
    fn put(&mut self, place: usize, count: i64) {
        self.positive |= u32::from(count > 0) << place;
        if let Some(slot) = self.counts.get_mut(place).filter(|_| self.known >> place & 1 == 0) {
            *slot = count;
            self.known |= 1 << place;
        }
    }

    /// Whether every call counts one of a unit: it is what calls are counted in.
    pub(super) fn is_request(&self, unit: &Unit) -> bool {
        unit.id == self.units.requests
    }

    /// The count of a unit. One that was not counted is 0, unless its parts were, or two of the units that it is the overlap of:
    /// then it is not known.
    pub(super) fn of(&self, unit: &Unit) -> Result<i64, InvalidUsage> {
        if let Some(place) = unit.counted.filter(|place| self.known >> place & 1 == 1) {
            return Ok(self.counts.get(usize::from(place)).copied().unwrap_or(0));
        }
        let is_known_in_part =
            self.positive & unit.parts != 0 || self.has_overlap(self.positive & unit.wholes, unit.dimensions);
        if is_known_in_part { Err(InvalidUsage) } else { Ok(0) }
    }

    /// Whether two of these units together have just these dimensions.
    fn has_overlap(&self, wholes: u32, dimensions: u64) -> bool {
        if wholes.count_ones() < 2 {
            return false;
        }
        let of_wholes =
            self.units.dimensions.iter().enumerate().filter(|(place, _)| wholes >> place & 1 == 1);
        let overlaps = |left: u64| of_wholes.clone().any(|(_, right)| left | right == dimensions);
        of_wholes.clone().any(|(_, left)| overlaps(*left))
    }
}
