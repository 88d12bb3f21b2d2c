//! A file on the simulated disk: what the process sees, what is on the platter, and which sectors differ.

use std::collections::BTreeSet;
use std::ops::Range;

use fastrand::Rng;

pub(crate) const SECTOR_BYTES: usize = 512;

/// What a power failure leaves of what was not fsynced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Survives {
    All,
    Nothing,
    Some,
}

impl Survives {
    pub(crate) fn chosen(random: &mut Rng) -> Self {
        *random.choice([Self::All, Self::Nothing, Self::Some].iter()).unwrap_or(&Self::Some)
    }

    /// Whether one thing survives.
    pub(crate) fn keeps(self, random: &mut Rng) -> bool {
        match self {
            Self::All => true,
            Self::Nothing => false,
            Self::Some => random.bool(),
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Inode {
    /// What reads see.
    pub(crate) cache: Vec<u8>,
    /// What a power failure leaves.
    platter: Vec<u8>,
    /// Sectors that the next fsync writes.
    dirty: BTreeSet<usize>,
    /// It was damaged once, and is left alone from then on.
    pub(crate) is_damaged: bool,
}

impl Inode {
    pub(crate) fn append(&mut self, bytes: &[u8]) {
        let start = self.cache.len();
        self.cache.extend_from_slice(bytes);
        if !bytes.is_empty() {
            self.dirty.extend(start / SECTOR_BYTES..=(self.cache.len() - 1) / SECTOR_BYTES);
        }
    }

    pub(crate) fn is_dirty(&self) -> bool {
        !self.dirty.is_empty()
    }

    /// Makes it durable.
    pub(crate) fn sync(&mut self) {
        self.platter.resize(self.cache.len(), 0);
        for sector in std::mem::take(&mut self.dirty) {
            self.write_back(sector);
        }
    }

    /// A failed fsync, as Linux has it: the pages count as clean, whether they reached the platter or not.
    pub(crate) fn fail_sync(&mut self, random: &mut Rng) {
        let survives = Survives::chosen(random);
        if survives != Survives::Nothing {
            self.platter.resize(self.cache.len(), 0);
        }
        for sector in std::mem::take(&mut self.dirty) {
            if survives == Survives::Some && random.bool() {
                self.write_back(sector);
            }
        }
    }

    /// The power fails: any of the sectors that were not fsynced may be on the platter, or none.
    pub(crate) fn crash(&mut self, survives: Survives, random: &mut Rng) {
        let length = match survives {
            Survives::All => self.cache.len(),
            Survives::Nothing => self.platter.len(),
            Survives::Some => random.usize(self.platter.len().min(self.cache.len())..=self.cache.len()),
        };
        if length > self.platter.len() {
            self.platter.resize(length, 0);
        }
        for sector in std::mem::take(&mut self.dirty) {
            if survives.keeps(random) {
                self.write_back(sector);
            }
        }
        self.cache.clone_from(&self.platter);
    }

    fn write_back(&mut self, sector: usize) {
        let start = sector * SECTOR_BYTES;
        let end = (start + SECTOR_BYTES).min(self.cache.len()).min(self.platter.len());
        if let (Some(to), Some(from)) = (self.platter.get_mut(start..end), self.cache.get(start..end)) {
            to.copy_from_slice(from);
        }
    }

    /// Bytes that are on the platter as they were written, up to the first that are not.
    pub(crate) fn durable_bytes(&self) -> usize {
        let dirty_from = self.dirty.first().map_or(usize::MAX, |sector| sector * SECTOR_BYTES);
        let same = self.cache.iter().zip(&self.platter).take_while(|(cache, platter)| cache == platter);
        same.count().min(dirty_from)
    }

    /// Changes bytes on the platter, and what reads see.
    pub(crate) fn damage(&mut self, range: Range<usize>, change: impl Fn(&mut u8)) {
        self.is_damaged = true;
        for bytes in [&mut self.cache, &mut self.platter] {
            bytes.get_mut(range.clone()).into_iter().flatten().for_each(&change);
        }
    }
}
