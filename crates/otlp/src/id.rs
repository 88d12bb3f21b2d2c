//! Trace and span ids: which are valid, and their text.

/// The 16 bytes of a trace id; `None` when they are not 16, or all zero.
pub(crate) fn trace(bytes: &[u8]) -> Option<[u8; 16]> {
    <[u8; 16]>::try_from(bytes).ok().filter(|id| *id != [0; 16])
}

/// The 8 bytes of a span id; `None` when they are not 8, or all zero.
pub(crate) fn span(bytes: &[u8]) -> Option<[u8; 8]> {
    <[u8; 8]>::try_from(bytes).ok().filter(|id| *id != [0; 8])
}

/// Appends the lower-case hex digits of `bytes`.
pub(crate) fn write_hex(bytes: &[u8], text: &mut Vec<u8>) {
    let (fours, rest) = bytes.as_chunks::<4>();
    fours.iter().for_each(|four| text.extend_from_slice(&eight_digits(*four)));
    for byte in rest {
        let [.., high, low] = eight_digits([0, 0, 0, *byte]);
        text.extend_from_slice(&[high, low]);
    }
}

/// The digits of four bytes at once, each in a byte of its own.
fn eight_digits(bytes: [u8; 4]) -> [u8; 8] {
    let mut nibbles = u64::from(u32::from_be_bytes(bytes));
    nibbles = (nibbles << 16 | nibbles) & 0x0000_ffff_0000_ffff;
    nibbles = (nibbles << 8 | nibbles) & 0x00ff_00ff_00ff_00ff;
    nibbles = (nibbles << 4 | nibbles) & 0x0f0f_0f0f_0f0f_0f0f;
    // Ten and more carry into the upper half of the byte.
    let letters = (nibbles + 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101;
    let digits = nibbles + 0x3030_3030_3030_3030 + letters * u64::from(b'a' - b'0' - 10);
    digits.to_be_bytes()
}
