//! The redundancy of one record: its content in stripes, their exclusive or, and a checksum of each.
//!
//! A stripe is a run of bytes, so damage of up to a stripe's length touches one stripe or two neighbours. One stripe
//! is made again from all others. Of two neighbours, the end of the first and the beginning of the second are
//! damaged: other columns, and each column can be made again by itself.

use bytes::{BufMut, Bytes};

use crate::record::crc32c;

/// Stripes that the content is cut into; one more is their exclusive or.
const DATA_STRIPES: usize = 15;
const STRIPE_ALIGNMENT: usize = 8;
const CRCS_BYTES: usize = 4 * (DATA_STRIPES + 1);
/// Disks lose whole pages: where a damaged one ends is where the second of two damaged stripes is sound again.
const PAGE_BYTES: u64 = 4096;

fn stripe_bytes(content_bytes: usize) -> usize {
    content_bytes.div_ceil(DATA_STRIPES).next_multiple_of(STRIPE_ALIGNMENT)
}

/// Bytes of the parity of this much content.
pub(crate) fn parity_bytes(content_bytes: usize) -> usize {
    if content_bytes == 0 { 0 } else { stripe_bytes(content_bytes) + CRCS_BYTES }
}

/// The parity of a record's meta and payload: the exclusive or of the stripes, then the checksum of each stripe and
/// of that.
pub(crate) fn of(meta: &[u8], payload: &[u8]) -> Bytes {
    let content_bytes = meta.len() + payload.len();
    if content_bytes == 0 {
        return Bytes::new();
    }
    let stripe_bytes = stripe_bytes(content_bytes);
    let mut out = Vec::with_capacity(parity_bytes(content_bytes));
    out.resize(stripe_bytes, 0);
    let mut crcs = [0; DATA_STRIPES];
    for (index, crc) in crcs.iter_mut().enumerate() {
        let start = index * stripe_bytes;
        let in_meta = within(meta, start, stripe_bytes);
        let before_payload = start.saturating_sub(meta.len());
        let in_payload = within(payload, before_payload, stripe_bytes - in_meta.len());
        *crc = crc32c(&[in_meta, in_payload]);
        let (first, second) = out.split_at_mut(in_meta.len());
        xor(first, in_meta);
        xor(second, in_payload);
    }
    let crc_of_parity = crc32c(&[&out]);
    crcs.into_iter().chain([crc_of_parity]).for_each(|crc| out.put_u32_le(crc));
    out.into()
}

/// At most `length` bytes from `start` on.
fn within(bytes: &[u8], start: usize, length: usize) -> &[u8] {
    let rest = bytes.get(start..).unwrap_or_default();
    rest.get(..length).unwrap_or(rest)
}

fn xor(into: &mut [u8], bytes: &[u8]) {
    for (into, byte) in into.iter_mut().zip(bytes) {
        *into ^= byte;
    }
}

/// The content as it was before one stripe of it was damaged, or two neighbours by one page; `None` if that is not
/// what happened. `offset` is where the content stands in its file.
pub(crate) fn repair(content: &[u8], parity: &[u8], offset: u64) -> Option<Bytes> {
    let stripes = Stripes::new(content, parity)?;
    let damaged: Vec<usize> = (0..=DATA_STRIPES).filter(|index| !stripes.is_intact(*index)).collect();
    let (first, second, sound_from) = match *damaged {
        // All of the second counts as sound: the whole of the first is made again.
        [only] => (only, only, 0),
        [first, second] if second == first + 1 => {
            let boundary = offset + (second * stripes.stripe_bytes).min(content.len()) as u64;
            let sound_from = boundary.next_multiple_of(PAGE_BYTES) - boundary;
            (first, second, usize::try_from(sound_from).ok()?)
        }
        _ => return None,
    };
    stripes.rebuild(first, second, sound_from)
}

/// Whether parity and content are as they were written.
pub(crate) fn is_intact(content: &[u8], parity: &[u8]) -> bool {
    Stripes::new(content, parity)
        .is_some_and(|stripes| (0..=DATA_STRIPES).all(|index| stripes.is_intact(index)))
}

/// The stripes as they stand on disk, each filled up with zeros, and the parity as the last.
struct Stripes {
    stripes: Vec<Vec<u8>>,
    lengths: Vec<usize>,
    crcs: Vec<u32>,
    stripe_bytes: usize,
}

impl Stripes {
    fn new(content: &[u8], parity: &[u8]) -> Option<Self> {
        let stripe_bytes = stripe_bytes(content.len());
        let (last, crcs) = parity.split_at_checked(stripe_bytes)?;
        if content.is_empty() || crcs.len() != CRCS_BYTES {
            return None;
        }
        let data = (0..DATA_STRIPES).map(|index| within(content, index * stripe_bytes, stripe_bytes));
        let pieces: Vec<&[u8]> = data.chain([last]).collect();
        let filled = |piece: &&[u8]| {
            let mut filled = piece.to_vec();
            filled.resize(stripe_bytes, 0);
            filled
        };
        let crcs = crcs.as_chunks().0.iter().map(|crc| u32::from_le_bytes(*crc));
        Some(Self {
            stripes: pieces.iter().map(filled).collect(),
            lengths: pieces.iter().map(|piece| piece.len()).collect(),
            crcs: crcs.collect(),
            stripe_bytes,
        })
    }

    fn is_intact(&self, index: usize) -> bool {
        self.bytes_of(index).is_some_and(|bytes| Some(&crc32c(&[bytes])) == self.crcs.get(index))
    }

    fn bytes_of(&self, index: usize) -> Option<&[u8]> {
        self.stripes.get(index)?.get(..*self.lengths.get(index)?)
    }

    /// Makes `first` again from `sound_from` on, and `second` before it; the rest of both is as on disk.
    fn rebuild(mut self, first: usize, second: usize, sound_from: usize) -> Option<Bytes> {
        let mut others = vec![0; self.stripe_bytes];
        let sound = self.stripes.iter().enumerate().filter(|(index, _)| *index != first && *index != second);
        sound.for_each(|(_, stripe)| xor(&mut others, stripe));
        if first == second {
            *self.stripes.get_mut(first)? = others;
        } else {
            let (mut start, mut end) = (others.clone(), others);
            xor(&mut start, self.stripes.get(first)?);
            xor(&mut end, self.stripes.get(second)?);
            self.stripes.get_mut(second)?.get_mut(..sound_from)?.copy_from_slice(start.get(..sound_from)?);
            self.stripes.get_mut(first)?.get_mut(sound_from..)?.copy_from_slice(end.get(sound_from..)?);
        }
        let is_repaired = self.is_intact(first) && self.is_intact(second);
        let content = (0..DATA_STRIPES).filter_map(|index| self.bytes_of(index)).collect::<Vec<_>>().concat();
        is_repaired.then(|| content.into())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn content(bytes: usize) -> Vec<u8> {
        (0..bytes).map(|index| (index * 31 % 251) as u8).collect()
    }

    #[test]
    fn parity_is_a_fifteenth_and_sixteen_checksums() {
        assert_eq!(of(&[], &content(150_000)).len(), 10_000 + 64);
        assert_eq!(of(&[], &[7]).len(), 8 + 64);
        assert_eq!(of(&[], &[]).len(), 0);
        for bytes in [1, 8, 119, 120, 121, 4097] {
            assert_eq!(of(&content(bytes), &content(3)).len(), parity_bytes(bytes + 3));
        }
    }

    #[test]
    fn parity_does_not_depend_on_where_meta_ends() {
        let whole = content(1000);
        for meta_bytes in [0, 1, 8, 72, 500, 999, 1000] {
            let (meta, payload) = whole.split_at(meta_bytes);
            assert_eq!(of(meta, payload), of(&[], &whole), "{meta_bytes}");
        }
    }

    #[test]
    fn parity_is_the_exclusive_or_of_the_stripes() {
        let whole = content(15 * 8);
        let parity = of(&[], &whole);
        for column in 0..8 {
            assert_eq!(whole.iter().skip(column).step_by(8).fold(0, |or, byte| or ^ byte), parity[column]);
        }
    }

    #[test]
    fn damage_to_two_stripes_far_apart_is_not_repaired() {
        let mut damaged = content(15_000);
        let parity = of(&[], &damaged);
        damaged[0] ^= 1;
        damaged[5000] ^= 1;
        assert_eq!(repair(&damaged, &parity, 0), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_damage_within_one_stripe_is_repaired(
            bytes in 1_usize..3000,
            at in any::<prop::sample::Index>(),
            garbage in proptest::collection::vec(any::<u8>(), 1..300),
        ) {
            let whole = content(bytes);
            let parity = of(&[], &whole);
            let at = at.index(bytes);
            let stripe_end = (at / stripe_bytes(bytes) + 1) * stripe_bytes(bytes);
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            let rest = at + 1..stripe_end.min(bytes).min(at + 1 + garbage.len());
            let garbage = &garbage[..rest.len()];
            damaged[rest].copy_from_slice(garbage);
            prop_assert_eq!(repair(&damaged, &parity, 4176), Some(Bytes::from(whole)));
        }

        #[test]
        fn any_page_of_a_record_of_64_kib_is_repaired(
            bytes in 65_536_usize..200_000,
            offset in 0_u64..10_000,
            page in any::<prop::sample::Index>(),
            fill in any::<u8>(),
        ) {
            let whole = content(bytes);
            let parity = of(&[], &whole);
            let mut file = vec![0; offset as usize];
            file.extend(&whole);
            file.extend(&parity);
            let page = page.index(file.len().div_ceil(4096)) * 4096;
            let end = file.len().min(page + 4096);
            file[page..end].fill(fill);
            let (damaged, parity) = file[offset as usize..].split_at(bytes);
            let is_touched = damaged != whole;
            prop_assert!(!is_touched || repair(damaged, parity, offset) == Some(Bytes::from(whole)));
        }
    }
}
