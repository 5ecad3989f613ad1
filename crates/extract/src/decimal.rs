//! Decimal numbers with four places, held as whole ten-thousandths.
//!
//! Money never passes through a float: a source's text is read digit by digit, and what has more than four places is
//! rounded half away from zero here, once, at the border.

/// Ten-thousandths in one.
pub const UNIT: i128 = 10_000;
/// The first value that decimal(18,4) cannot hold.
const CEILING: i128 = 1_000_000_000_000_000_000;
/// Digits after which a number cannot be meant as an amount.
const MAX_DIGITS: usize = 38;

pub const NOT_A_NUMBER: &str = "is not a number";
pub const TOO_LARGE: &str = "is too large for decimal(18,4)";

/// Reads `-12.34`, `+1`, `.5` or `1.2e3`; white space around it is allowed, grouping and currency signs are not.
pub fn parse(text: &str) -> Result<i128, &'static str> {
    let text = text.trim();
    let (negative, digits) = match text.as_bytes().first() {
        Some(b'-') => (true, text.get(1..).unwrap_or_default()),
        Some(b'+') => (false, text.get(1..).unwrap_or_default()),
        _ => (false, text),
    };
    let (mantissa, exponent) = match digits.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().map_err(|_| NOT_A_NUMBER)?),
        None => (digits, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return Err(NOT_A_NUMBER);
    }
    let mut value: i128 = 0;
    let mut seen = 0;
    for byte in whole.bytes().chain(fraction.bytes()) {
        if !byte.is_ascii_digit() {
            return Err(NOT_A_NUMBER);
        }
        seen += usize::from(value != 0 || byte != b'0');
        if seen > MAX_DIGITS {
            return Err(TOO_LARGE);
        }
        value = value * 10 + i128::from(byte - b'0');
    }
    let places = i32::try_from(fraction.len()).map_err(|_| TOO_LARGE)?;
    let value = rescale(value, places.saturating_sub(exponent))?;
    fits(if negative { -value } else { value })
}

/// The decimal a float of at most four places is written as, without writing it.
///
/// A float is next to only one decimal of up to 15 digits. If it is next to a whole number of ten-thousandths, that is the
/// one its shortest text would say.
pub(crate) fn of_float(value: f64) -> Option<i128> {
    #[allow(clippy::cast_possible_truncation, reason = "bounded before")]
    let whole = |parts: f64| (parts.abs() < 1e15).then_some(parts as i128);
    let parts = (value * 10_000.0).round();
    #[allow(clippy::float_cmp, reason = "whether it is exactly this float is the question")]
    let is_next = parts / 10_000.0 == value;
    is_next.then(|| whole(parts)).flatten()
}

/// `value` has `places` decimals; the result has four.
fn rescale(value: i128, places: i32) -> Result<i128, &'static str> {
    let shift = 4 - i64::from(places);
    let power = u32::try_from(shift.unsigned_abs()).unwrap_or(u32::MAX);
    let factor = 10_i128.checked_pow(power);
    match (shift >= 0, factor) {
        _ if value == 0 => Ok(0),
        (true, Some(factor)) => value.checked_mul(factor).ok_or(TOO_LARGE),
        (true, None) => Err(TOO_LARGE),
        (false, Some(factor)) => Ok(divide(value, factor)),
        (false, None) => Ok(0),
    }
}

/// The value, if decimal(18,4) holds it.
pub fn fits(value: i128) -> Result<i128, &'static str> {
    if value.abs() < CEILING { Ok(value) } else { Err(TOO_LARGE) }
}

/// `a / b`, rounded half away from zero; `b` is not 0.
pub fn divide(a: i128, b: i128) -> i128 {
    let (quotient, remainder) = match (i64::try_from(a), i64::try_from(b)) {
        // Nearly all amounts; numbers of 64 bits are divided many times faster.
        (Ok(a), Ok(b)) if b > 0 => (i128::from(a / b), i128::from(a % b)),
        _ => (a / b, a % b),
    };
    // Half of b or more, said so that nothing overflows.
    if remainder.abs() >= b.abs() - remainder.abs() { quotient + a.signum() * b.signum() } else { quotient }
}

/// The product of two decimals with four places.
pub fn multiply(a: i128, b: i128) -> Result<i128, &'static str> {
    let product = match (i64::try_from(a), i64::try_from(b)) {
        // Nearly all amounts, of which no product is too large for 128 bits.
        (Ok(a), Ok(b)) => i128::from(a) * i128::from(b),
        _ => a.checked_mul(b).ok_or(TOO_LARGE)?,
    };
    fits(divide(product, UNIT))
}

/// `12.3400` for a person or a message.
pub fn display(value: i128) -> String {
    let sign = if value < 0 { "-" } else { "" };
    let value = value.unsigned_abs();
    format!("{sign}{}.{:04}", value / UNIT.unsigned_abs(), value % UNIT.unsigned_abs())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "what is not there fails the test")]
mod tests {
    use super::*;

    #[test]
    fn floats_are_what_their_text_says() {
        let few = (-200_000..200_000).map(|parts| f64::from(parts) / 10_000.0);
        let wild = (0..200_000_u64).map(|n| f64::from_bits(n.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 2));
        let edges = [0.285, 39.619_999_999_999_99, 1e14, 99_999_999_999.999_9, 1e15 / 10_000.0, f64::NAN, f64::INFINITY, -0.0];
        for value in few.chain(wild).chain(edges) {
            if let Some(parts) = of_float(value) {
                assert_eq!(parse(&value.to_string()), Ok(parts), "{value}");
            }
        }
        assert_eq!(of_float(-12.34), Some(-123_400));
        assert_eq!([of_float(0.123_45), of_float(f64::NAN), of_float(f64::INFINITY)], [None; 3]);
    }

    #[test]
    fn reads_what_sources_write() {
        for (text, value) in [
            ("0", 0),
            ("261.96", 2_619_600),
            ("-0.5", -5_000),
            (".5", 5_000),
            ("5.", 50_000),
            ("+7", 70_000),
            (" 7 ", 70_000),
            ("1e3", 10_000_000),
            ("1.5E-2", 150),
            ("22.368000000000002", 223_680),
            ("0.00005", 1),
            ("-0.00005", -1),
            ("0.000049999", 0),
            ("0e999999", 0),
            ("99999999999999.9999", CEILING - 1),
        ] {
            assert_eq!(parse(text), Ok(value), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_number() {
        for text in ["", "-", ".", "1,000.00", "$5", "12,x4", "1e", "NaN", "inf", "0x1", "1 2", "--1", "१"] {
            assert_eq!(parse(text), Err(NOT_A_NUMBER), "{text}");
        }
        for text in ["100000000000000", "1e30", "1e2147483647", "99999999999999.99995"] {
            assert_eq!(parse(text), Err(TOO_LARGE), "{text}");
        }
    }

    #[test]
    fn division_rounds_half_away_from_zero() {
        assert_eq!([divide(5, 2), divide(-5, 2), divide(5, -2), divide(4, 3), divide(-4, 3)], [3, -3, -3, 1, -1]);
        let large = i128::from(i64::MAX);
        for (a, b, rounded) in [(5, 2, 3), (-5, 2, -3), (4, 3, 1), (-4, 3, -1)] {
            assert_eq!([divide(a * large, b * large), divide(a * large * 4, b * large * 4)], [rounded; 2]);
        }
        assert_eq!(divide(i128::from(i64::MIN), 1), i128::from(i64::MIN));
    }

    proptest::proptest! {
        #[test]
        fn what_is_shown_reads_back(value in -(CEILING - 1)..CEILING) {
            proptest::prop_assert_eq!(parse(&display(value)), Ok(value));
        }
    }
}
