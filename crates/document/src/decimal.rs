//! `Decimal128` between BSON's bytes and the arithmetic library, and exactly against `f64`.
//!
//! BSON stores the coefficient as one binary integer (IEEE 754-2008's BID encoding); the library
//! keeps densely packed decimals (DPD), so every number is converted on its way in and out.

use std::cmp::Ordering;

use bson::Decimal128;

/// The bias of the exponent field of a `Decimal128`.
const EXPONENT_BIAS: i32 = 6176;
/// The largest coefficient: 34 nines. A larger one is not canonical and counts as zero.
const MAX_COEFFICIENT: u128 = 10_u128.pow(34) - 1;
const SIGN: u128 = 1 << 127;
const COEFFICIENT_BITS: u32 = 113;
const INFINITY: u128 = 0b11110 << 122;
const NAN: u128 = 0b11111 << 122;

/// The library's number, ready for arithmetic.
pub fn to_dec(value: Decimal128) -> dec::Decimal128 {
    let bits = u128::from_le_bytes(value.bytes());
    let negative = bits & SIGN != 0;
    if bits & NAN == NAN {
        return dec::Decimal128::NAN;
    }
    if bits & NAN == INFINITY {
        let infinity = from_f64(f64::INFINITY);
        return if negative { -infinity } else { infinity };
    }
    let (exponent, coefficient) = if (bits >> 125) & 0b11 == 0b11 {
        // The form with an implied leading 0b100: always beyond 34 digits, so it means zero.
        ((bits >> 111) & 0x3FFF, 0)
    } else {
        let coefficient = bits & ((1 << COEFFICIENT_BITS) - 1);
        let coefficient = if coefficient > MAX_COEFFICIENT {
            0
        } else {
            coefficient
        };
        ((bits >> COEFFICIENT_BITS) & 0x3FFF, coefficient)
    };
    let exponent = i32::try_from(exponent).unwrap_or(0) - EXPONENT_BIAS;
    let mut context = dec::Context::<dec::Decimal128>::default();
    if coefficient == 0 {
        let sign = if negative { "-" } else { "" };
        return context
            .parse(format!("{sign}0E{exponent}"))
            .unwrap_or(dec::Decimal128::ZERO);
    }
    let magnitude = i128::try_from(coefficient).unwrap_or(0);
    let mut number = context.from_i128(if negative { -magnitude } else { magnitude });
    context.set_exponent(&mut number, exponent);
    number
}

/// BSON's number.
pub fn from_dec(value: dec::Decimal128) -> Decimal128 {
    let sign = if value.is_signed() { SIGN } else { 0 };
    let bits = if value.is_nan() {
        NAN
    } else if value.is_infinite() {
        sign | INFINITY
    } else {
        let exponent = u128::try_from(value.exponent() + EXPONENT_BIAS).unwrap_or(0);
        sign | (exponent << COEFFICIENT_BITS) | value.coefficient().unsigned_abs()
    };
    Decimal128::from_bytes(bits.to_le_bytes())
}

/// The decimal nearest to a double, with the 15 significant digits that MongoDB keeps when it
/// converts one (`$toDecimal`, `$inc` of a decimal by a double).
pub fn from_f64(value: f64) -> dec::Decimal128 {
    let mut context = dec::Context::<dec::Decimal128>::default();
    let text = if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 {
            "Infinity".to_owned()
        } else {
            "-Infinity".to_owned()
        }
    } else {
        format!("{value:.14e}")
    };
    context.parse(text).unwrap_or(dec::Decimal128::NAN)
}

/// The double nearest to a decimal.
pub fn to_f64(value: dec::Decimal128) -> f64 {
    if value.is_nan() {
        return f64::NAN;
    }
    if value.is_infinite() {
        return if value.is_negative() {
            f64::NEG_INFINITY
        } else {
            f64::INFINITY
        };
    }
    value.to_string().parse().unwrap_or(f64::NAN)
}

/// The decimal as a 64-bit integer, if it is integral and fits.
pub fn to_i64_exact(value: dec::Decimal128) -> Option<i64> {
    if !value.is_finite() {
        return None;
    }
    let coefficient = value.coefficient();
    if coefficient == 0 {
        return Some(0);
    }
    let scale = 10_i128.checked_pow(value.exponent().unsigned_abs())?;
    let integer = if value.exponent() >= 0 {
        coefficient.checked_mul(scale)?
    } else {
        (coefficient % scale == 0).then_some(coefficient / scale)?
    };
    i64::try_from(integer).ok()
}

/// Compares two decimals by value: `1.0` equals `1.00`, NaN equals itself and is the least.
pub fn compare(left: dec::Decimal128, right: dec::Decimal128) -> Ordering {
    match (left.is_nan(), right.is_nan()) {
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        (false, false) => left.partial_cmp(&right).unwrap_or(Ordering::Equal),
    }
}

/// Compares a decimal with a double exactly: `Decimal128("0.1")` is less than `0.1`, whose true
/// value is a little more than a tenth.
pub fn compare_with_f64(left: dec::Decimal128, right: f64) -> Ordering {
    match (left.is_nan(), right.is_nan()) {
        (true, true) => return Ordering::Equal,
        (true, false) => return Ordering::Less,
        (false, true) => return Ordering::Greater,
        (false, false) => {}
    }
    if right.is_infinite() {
        let right = if right > 0.0 {
            Ordering::Less
        } else {
            Ordering::Greater
        };
        let same = left.is_infinite() && left.is_negative() == (right == Ordering::Greater);
        return if same { Ordering::Equal } else { right };
    }
    if left.is_infinite() {
        return if left.is_negative() {
            Ordering::Less
        } else {
            Ordering::Greater
        };
    }
    let left = Digits::of_decimal(left);
    let right = Digits::of_f64(right);
    left.compare(&right)
}

/// A finite number as a sign, its significant digits and the place of the first one: exact, for
/// comparisons that no common type can hold. A double has 767 significant digits at most.
struct Digits {
    negative: bool,
    /// Without zeros at either end; empty for zero.
    digits: Vec<u8>,
    /// The power of ten of the first digit.
    magnitude: i32,
}

impl Digits {
    fn new(negative: bool, mut digits: Vec<u8>, magnitude_of_first: i32) -> Self {
        let leading = digits.iter().take_while(|&&digit| digit == 0).count();
        digits.drain(..leading);
        while digits.last() == Some(&0) {
            digits.pop();
        }
        let magnitude = magnitude_of_first - i32::try_from(leading).unwrap_or(i32::MAX);
        Self {
            negative,
            digits,
            magnitude,
        }
    }

    fn of_decimal(value: dec::Decimal128) -> Self {
        let digits = value.coefficient_digits().to_vec();
        let first = value.exponent() + i32::try_from(digits.len()).unwrap_or(0) - 1;
        Self::new(value.is_signed(), digits, first)
    }

    fn of_f64(value: f64) -> Self {
        // 766 digits after the point print every double exactly.
        let text = format!("{:.766e}", value.abs());
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let digits = mantissa
            .bytes()
            .filter(u8::is_ascii_digit)
            .map(|digit| digit - b'0')
            .collect();
        Self::new(
            value.is_sign_negative(),
            digits,
            exponent.parse().unwrap_or(0),
        )
    }

    fn compare(&self, other: &Self) -> Ordering {
        let sign = |number: &Self| match (number.digits.is_empty(), number.negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        };
        let (left, right) = (sign(self), sign(other));
        if left != right || left == 0 {
            return left.cmp(&right);
        }
        let magnitude = self
            .magnitude
            .cmp(&other.magnitude)
            .then_with(|| self.digits.as_slice().cmp(other.digits.as_slice()));
        if left < 0 {
            magnitude.reverse()
        } else {
            magnitude
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> dec::Decimal128 {
        text.parse().unwrap()
    }

    #[test]
    fn compares_with_doubles_exactly() {
        assert_eq!(compare_with_f64(decimal("0.1"), 0.1), Ordering::Less);
        assert_eq!(compare_with_f64(decimal("-0.1"), -0.1), Ordering::Greater);
        assert_eq!(compare_with_f64(decimal("0.50"), 0.5), Ordering::Equal);
        assert_eq!(compare_with_f64(decimal("-0"), 0.0), Ordering::Equal);
        assert_eq!(
            compare_with_f64(decimal("1E+6000"), f64::MAX),
            Ordering::Greater
        );
        assert_eq!(
            compare_with_f64(decimal("1E-6000"), f64::MIN_POSITIVE),
            Ordering::Less
        );
        assert_eq!(
            compare_with_f64(decimal("Infinity"), f64::INFINITY),
            Ordering::Equal
        );
        assert_eq!(
            compare_with_f64(decimal("-Infinity"), f64::MIN),
            Ordering::Less
        );
        assert_eq!(
            compare_with_f64(decimal("NaN"), f64::NEG_INFINITY),
            Ordering::Less
        );
        assert_eq!(
            compare_with_f64(decimal("9223372036854775808"), 2f64.powi(63)),
            Ordering::Equal
        );
    }

    #[test]
    fn bsons_encoding_and_the_librarys_agree() {
        for text in [
            "0",
            "-0",
            "0E-6176",
            "0E+6111",
            "1",
            "-1",
            "1.00",
            "0.1",
            "123456.789E-20",
            "9999999999999999999999999999999999E+6111",
            "1E-6176",
            "Infinity",
            "-Infinity",
            "NaN",
            "-9999999999999999999999999999999999",
        ] {
            let bson: Decimal128 = text.parse().unwrap();
            assert_eq!(from_dec(to_dec(bson)), bson, "{text}");
            assert_eq!(to_dec(bson).to_string(), decimal(text).to_string());
        }
        // A coefficient beyond 34 digits counts as zero.
        let bits = (6176_u128 << COEFFICIENT_BITS) | (MAX_COEFFICIENT + 1);
        assert!(to_dec(Decimal128::from_bytes(bits.to_le_bytes())).is_zero());
        assert!(to_dec(Decimal128::from_bytes((0b11_u128 << 125).to_le_bytes())).is_zero());
    }

    #[test]
    fn a_double_converts_with_fifteen_digits() {
        assert_eq!(from_f64(0.1), decimal("0.1"));
        assert_eq!(to_f64(decimal("1.5E+3")), 1500.0);
    }
}
