//! What a price is for: a unit of usage, and which units are parts of which.

use std::collections::HashMap;

use serde::Deserialize;

use super::{Error, counts};

/// A multiple of every unit's `per`, so that sums over units stay whole numbers.
pub(super) const COMMON_PER: i64 = 9_000_000_000;

/// The place of a unit in [`Units`]: parts come before what contains them.
pub(super) type UnitId = u8;

/// Which side of a call a unit counts on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Input,
    Output,
    Neither,
}

/// One unit of usage.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unit {
    pub(super) id: UnitId,
    /// One bit for each `dimension=value`: a unit is a part of another when it has all bits of that one.
    pub(super) dimensions: u64,
    pub(super) side: Side,
    /// `COMMON_PER / per`.
    pub(super) factor: i64,
    /// The place among [`counts::keys`] of one that calls count.
    pub(super) counted: Option<u8>,
    /// Which of those are parts of this one: a bit for each.
    pub(super) parts: u32,
    /// Which of those this one is a part of.
    pub(super) wholes: u32,
}

/// Whether a unit with these dimensions is a part of another, as cache reads are of input.
pub(super) fn is_part(part: u64, whole: u64) -> bool {
    part != whole && whole & part == whole
}

/// All units, as the file of units lists them.
#[derive(Debug)]
pub(super) struct Units {
    units: Vec<Unit>,
    by_price_key: HashMap<String, UnitId>,
    by_usage_key: HashMap<String, UnitId>,
}

#[derive(Deserialize)]
struct Entry {
    per: i64,
    price_key: String,
    dimensions: HashMap<String, String>,
}

impl Units {
    /// Those that are built in.
    pub(super) fn bundled() -> Result<Self, Error> {
        Self::parse(super::file::BUNDLED_UNITS)
    }

    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        let entries: HashMap<String, Entry> = serde_json::from_str(text).map_err(Error::Json)?;
        let mut entries: Vec<_> = entries.into_iter().collect();
        entries.sort_by(|(left_key, left), (right_key, right)| {
            let order = right.dimensions.len().cmp(&left.dimensions.len());
            order.then_with(|| left_key.cmp(right_key))
        });
        let mut bits: HashMap<(String, String), u64> = HashMap::new();
        let mut units =
            Self { units: Vec::new(), by_price_key: HashMap::new(), by_usage_key: HashMap::new() };
        for (usage_key, entry) in entries {
            let side = match entry.dimensions.get("direction").map(String::as_str) {
                Some("input") => Side::Input,
                Some("output") => Side::Output,
                _ => Side::Neither,
            };
            let mut dimensions = 0;
            for dimension in entry.dimensions {
                let next = u32::try_from(bits.len()).ok().and_then(|bit| 1_u64.checked_shl(bit));
                dimensions |= match (bits.get(&dimension), next) {
                    (Some(bit), _) => *bit,
                    (None, Some(bit)) => *bits.entry(dimension).or_insert(bit),
                    (None, None) => return Err(Error::Unit(usage_key)),
                };
            }
            if entry.per <= 0 || COMMON_PER % entry.per != 0 {
                return Err(Error::Unit(usage_key));
            }
            let id = UnitId::try_from(units.units.len()).map_err(|_| Error::Unit(usage_key.clone()))?;
            let factor = COMMON_PER / entry.per;
            units.units.push(Unit { id, dimensions, side, factor, counted: None, parts: 0, wholes: 0 });
            units.by_price_key.insert(entry.price_key, id);
            units.by_usage_key.insert(usage_key, id);
        }
        units.relate_to_counted();
        Ok(units)
    }

    /// Finds for each unit how it stands to those that calls count.
    fn relate_to_counted(&mut self) {
        for (place, key) in (0..).zip(counts::keys()) {
            let Ok(counted) = self.by_usage_key(key) else { continue };
            for unit in &mut self.units {
                unit.counted = unit.counted.or((unit.id == counted.id).then_some(place));
                unit.parts |= u32::from(is_part(counted.dimensions, unit.dimensions)) << place;
                unit.wholes |= u32::from(is_part(unit.dimensions, counted.dimensions)) << place;
            }
        }
    }

    /// The unit that `input_mtok` and its like price.
    pub(super) fn by_price_key(&self, key: &str) -> Option<Unit> {
        self.get(*self.by_price_key.get(key)?)
    }

    /// The unit that `input_tokens` and its like count.
    pub(super) fn by_usage_key(&self, key: &str) -> Result<Unit, Error> {
        let id = self.by_usage_key.get(key);
        id.and_then(|id| self.get(*id)).ok_or_else(|| Error::Unit(key.to_owned()))
    }

    fn get(&self, id: UnitId) -> Option<Unit> {
        self.units.get(usize::from(id)).copied()
    }
}
