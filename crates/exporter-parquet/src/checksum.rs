//! The checksum of a file, which stands in the file: it is that of the bytes with zeros in its own place.

use bytes::Bytes;
use xxhash_rust::xxh3::Xxh3;

const NAME: &str = "xxh3-128:";
const DIGITS: usize = 32;

/// Text that keeps the place.
pub(crate) fn placeholder() -> String {
    format!("{NAME}{:0DIGITS$x}", 0)
}

/// Puts the hash where the last placeholder stands.
pub(crate) fn fill_in(bytes: &mut [u8], hash: u128) {
    let placeholder = placeholder();
    if let Some(place) = find_last(bytes, placeholder.as_bytes())
        && let Some(digits) = bytes.get_mut(place + NAME.len()..place + placeholder.len())
    {
        digits.copy_from_slice(format!("{hash:0DIGITS$x}").as_bytes());
    }
}

/// Whether a file has the checksum that it tells.
pub(crate) fn is_right(content: &Bytes, told: &str) -> bool {
    let zeros = [b'0'; DIGITS];
    let Some(place) = find_last(content, told.as_bytes()) else { return false };
    let (before, rest) = content.split_at(place);
    let Some(after) = rest.get(told.len()..) else { return false };
    let mut hasher = Xxh3::new();
    [before, NAME.as_bytes(), &zeros, after].iter().for_each(|part| hasher.update(part));
    told == format!("{NAME}{:0DIGITS$x}", hasher.digest128())
}

fn find_last(bytes: &[u8], text: &[u8]) -> Option<usize> {
    bytes.windows(text.len()).rposition(|window| window == text)
}

#[cfg(test)]
mod tests {
    use xxhash_rust::xxh3::xxh3_128;

    use super::*;

    #[test]
    fn a_file_has_its_checksum_until_a_bit_of_it_flips() {
        let placeholder = placeholder();
        let mut content = format!("rows {placeholder} more rows, key={placeholder} end").into_bytes();
        let hash = xxh3_128(&content);
        fill_in(&mut content, hash);
        let told = format!("xxh3-128:{hash:032x}");
        assert!(content.windows(told.len()).any(|window| window == told.as_bytes()));
        assert!(is_right(&content.clone().into(), &told));
        for bit in 0..content.len() * 8 {
            let mut damaged = content.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(!is_right(&damaged.into(), &told), "bit {bit}");
        }
    }
}
