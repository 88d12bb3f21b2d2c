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
    let digit = |nibble: u8| if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 };
    text.extend(bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]));
}
