//! Exact decimals with twelve digits after the point, as integers: money is never an `f64`.

/// How many units make one: 10^12.
pub(crate) const ONE: i128 = 1_000_000_000_000;

const DECIMALS: i32 = 12;

/// Digits of a number that are looked at; more cannot fit the arithmetic.
const DIGITS_MAX: i32 = 30;

/// Reads a decimal as it is written in JSON. What lies beyond twelve decimals is rounded half to even;
/// `None` when it is no number, or one too large to compute with.
pub(crate) fn parse(text: &str) -> Option<i128> {
    let (text, negative) = match text.strip_prefix('-') {
        Some(rest) => (rest, true),
        None => (text, false),
    };
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let digits = || whole.bytes().chain(fraction.bytes());
    if !digits().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let significant = digits().skip_while(|byte| *byte == b'0').count();
    if i32::try_from(significant).ok()? > DIGITS_MAX {
        return None;
    }
    let value = digits().fold(0_i128, |value, byte| value * 10 + i128::from(byte - b'0'));
    let shift = DECIMALS.checked_add(exponent)?.checked_sub(i32::try_from(fraction.len()).ok()?)?;
    let scaled = scale(value, shift)?;
    Some(if negative { -scaled } else { scaled })
}

fn scale(value: i128, shift: i32) -> Option<i128> {
    let power = 10_i128.checked_pow(shift.unsigned_abs());
    match (power, shift < 0) {
        _ if value == 0 => Some(0),
        (Some(power), false) => value.checked_mul(power),
        (Some(power), true) => Some(divide_half_even(value, power)),
        (None, false) => None,
        (None, true) => Some(0),
    }
}

/// Divides, rounding halves to the even neighbour. `divisor` is positive.
pub(crate) fn divide_half_even(value: i128, divisor: i128) -> i128 {
    // Divisions of 128 bits take most of the time of a cost: one, not three, and most values do with 64.
    let quotient = match (u64::try_from(value), u64::try_from(divisor)) {
        (Ok(value), Ok(divisor)) if divisor > 0 => i128::from(value / divisor),
        _ => value.div_euclid(divisor),
    };
    let remainder = value - quotient * divisor;
    let is_odd = quotient & 1 == 1;
    match remainder.cmp(&(divisor - remainder)) {
        std::cmp::Ordering::Less => quotient,
        std::cmp::Ordering::Equal if !is_odd => quotient,
        _ => quotient + 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_read_exactly() {
        assert_eq!(parse("0.15"), Some(150_000_000_000));
        assert_eq!(parse("12"), Some(12 * ONE));
        assert_eq!(parse("-2.5"), Some(-2_500_000_000_000));
        assert_eq!(parse("1e-7"), Some(100_000));
        assert_eq!(parse("1.5E3"), Some(1_500 * ONE));
        assert_eq!(parse("0.18000000000000002"), Some(180_000_000_000), "noise of a binary fraction");
        assert_eq!(parse("0e999999999"), Some(0));
        assert_eq!(parse("1e-999999999"), Some(0));
    }

    #[test]
    fn what_is_no_decimal_is_refused() {
        for text in
            ["", ".", "-", "e5", "1e", "0x10", "NaN", "1,5", "1 ", "1e999999999", "9".repeat(99).as_str()]
        {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn halves_go_to_the_even_neighbour() {
        let halves = [(5, 0), (15, 2), (25, 2), (26, 3), (24, 2), (-5, 0), (-15, -2), (-25, -2)];
        for (value, expected) in halves {
            assert_eq!(divide_half_even(value, 10), expected, "{value}/10");
        }
    }
}
