//! Numbers of the four types, by their exact value.
//!
//! A magnitude is the bits of the largest double that is not greater, and, if that is not the
//! number itself (a long beyond 2^53, most decimals), a tail with the number's decimal digits,
//! which orders the numbers between two neighbouring doubles. A double's bits sort as doubles do.
//!
//! The 63 bits and the bit "has a tail" are written in groups of seven, each in a byte whose lowest
//! bit says whether a group that is not all zeros follows: small integers take three to four bytes
//! and no double takes more than ten, tag included.
//!
//! A tail is the power of ten (2 bytes, biased) by which `0.d1d2d3…` makes the number, then two
//! digits to a byte, plus one, then `00`.
//!
//! A negative number has the bytes of its magnitude inverted.

use bson::Decimal128;
use smallvec::SmallVec;

use super::{KeyBuffer, invert_from, tag};

/// How many groups of seven bits hold 64 bits.
pub(super) const MAX_GROUPS: usize = 10;
/// Makes a tail's power of ten positive.
const TAIL_BIAS: i32 = 1 << 14;
/// The integers up to here are doubles.
const EXACT_INTEGERS: u64 = 1 << f64::MANTISSA_DIGITS;
const DECIMAL_BIAS: i32 = 6176;
const DECIMAL_MAX_COEFFICIENT: u128 = 10_u128.pow(34) - 1;

pub(super) fn put_i64(number: i64, out: &mut impl KeyBuffer) {
    put_integer(number < 0, number.unsigned_abs(), out);
}

pub(super) fn put_f64(number: f64, out: &mut impl KeyBuffer) {
    if number.is_nan() {
        out.put(&[tag::NAN]);
    } else if number == f64::INFINITY {
        out.put(&[tag::POSITIVE_INFINITY]);
    } else if number == f64::NEG_INFINITY {
        out.put(&[tag::NEGATIVE_INFINITY]);
    } else if number == 0.0 {
        out.put(&[tag::ZERO]);
    } else {
        put_signed(number < 0.0, number.abs(), None, out);
    }
}

pub(super) fn put_decimal(number: Decimal128, out: &mut impl KeyBuffer) {
    match Decimal::decode(number) {
        Decimal::NaN => out.put(&[tag::NAN]),
        Decimal::Infinity { negative: false } => out.put(&[tag::POSITIVE_INFINITY]),
        Decimal::Infinity { negative: true } => out.put(&[tag::NEGATIVE_INFINITY]),
        Decimal::Finite { coefficient: 0, .. } => out.put(&[tag::ZERO]),
        Decimal::Finite {
            negative,
            coefficient,
            exponent,
        } => {
            if let Some(integer) = as_integer(coefficient, exponent) {
                return put_integer(negative, integer, out);
            }
            let (below, exact) = double_below(coefficient, exponent);
            let tail = (!exact).then_some((coefficient, exponent));
            put_signed(negative, below, tail, out);
        }
    }
}

fn put_integer(negative: bool, magnitude: u64, out: &mut impl KeyBuffer) {
    if magnitude == 0 {
        return out.put(&[tag::ZERO]);
    }
    // Beyond 2^53 a double keeps the first 53 bits.
    let surplus = (u64::BITS - magnitude.leading_zeros()).saturating_sub(f64::MANTISSA_DIGITS);
    let below = magnitude >> surplus << surplus;
    debug_assert!(surplus > 0 || magnitude <= EXACT_INTEGERS);
    let tail = (below != magnitude).then(|| strip_zeros(u128::from(magnitude), 0));
    put_signed(negative, below as f64, tail, out);
}

fn put_signed(negative: bool, below: f64, tail: Option<(u128, i32)>, out: &mut impl KeyBuffer) {
    out.put(&[if negative {
        tag::NEGATIVE
    } else {
        tag::POSITIVE
    }]);
    let start = out.bytes_mut().len();
    put_groups(below.to_bits() << 1 | u64::from(tail.is_some()), out);
    if let Some((coefficient, exponent)) = tail {
        put_tail(coefficient, exponent, out);
    }
    if negative {
        invert_from(out, start);
    }
}

fn put_groups(mut bits: u64, out: &mut impl KeyBuffer) {
    let mut groups = SmallVec::<[u8; MAX_GROUPS]>::new();
    loop {
        let group = (bits >> 57) as u8;
        bits <<= 7;
        groups.push(group << 1 | u8::from(bits != 0));
        if bits == 0 {
            break;
        }
    }
    out.put(&groups);
}

/// `coefficient` (no zeros at its end) times ten to the `exponent`.
fn put_tail(coefficient: u128, exponent: i32, out: &mut impl KeyBuffer) {
    let mut digits = SmallVec::<[u8; 40]>::new();
    let mut rest = coefficient;
    while rest != 0 {
        digits.push((rest % 10) as u8);
        rest /= 10;
    }
    digits.reverse();
    let magnitude = exponent + digits.len() as i32;
    out.put(&((magnitude + TAIL_BIAS) as u16).to_be_bytes());
    for pair in digits.chunks(2) {
        let [first, second] = match *pair {
            [first, second] => [first, second],
            [first] => [first, 0],
            _ => break,
        };
        out.put(&[first * 10 + second + 1]);
    }
    out.put(&[0]);
}

/// The parts of a decimal, as BSON keeps them (IEEE 754-2008's binary integer encoding).
enum Decimal {
    NaN,
    Infinity {
        negative: bool,
    },
    /// The coefficient has no zeros at its end, unless it is zero.
    Finite {
        negative: bool,
        coefficient: u128,
        exponent: i32,
    },
}

impl Decimal {
    fn decode(number: Decimal128) -> Self {
        let bits = u128::from_le_bytes(number.bytes());
        let negative = bits >> 127 != 0;
        match (bits >> 122) & 0b11111 {
            0b11111 => return Self::NaN,
            0b11110 => return Self::Infinity { negative },
            _ => {}
        }
        let coefficient = bits & ((1 << 113) - 1);
        // The form with an implied leading 0b100 is beyond 34 digits, and what is means zero.
        if (bits >> 125) & 0b11 == 0b11 || coefficient > DECIMAL_MAX_COEFFICIENT {
            return Self::Finite {
                negative,
                coefficient: 0,
                exponent: 0,
            };
        }
        let exponent = ((bits >> 113) & 0x3FFF) as i32 - DECIMAL_BIAS;
        let (coefficient, exponent) = strip_zeros(coefficient, exponent);
        Self::Finite {
            negative,
            coefficient,
            exponent,
        }
    }
}

fn strip_zeros(mut coefficient: u128, mut exponent: i32) -> (u128, i32) {
    while coefficient != 0 && coefficient.is_multiple_of(10) {
        coefficient /= 10;
        exponent += 1;
    }
    (coefficient, exponent)
}

/// The number as an integer of 64 bits, if it is one.
fn as_integer(coefficient: u128, exponent: i32) -> Option<u64> {
    let scale = 10_u64.checked_pow(u32::try_from(exponent).ok()?)?;
    u64::try_from(coefficient.checked_mul(u128::from(scale))?).ok()
}

/// The largest double that is not greater than the number, and whether it is the number.
fn double_below(coefficient: u128, exponent: i32) -> (f64, bool) {
    // Correctly rounded to the nearest, so it is the one below or the one above.
    let nearest: f64 = format!("{coefficient}e{exponent}")
        .parse()
        .unwrap_or(f64::INFINITY);
    if nearest == f64::INFINITY {
        return (f64::MAX, false);
    }
    match compare_with_double(coefficient, exponent, nearest) {
        std::cmp::Ordering::Less => (nearest.next_down(), false),
        std::cmp::Ordering::Equal => (nearest, true),
        std::cmp::Ordering::Greater => (nearest, false),
    }
}

/// Compares a positive decimal with a double that is not negative, exactly.
fn compare_with_double(coefficient: u128, exponent: i32, double: f64) -> std::cmp::Ordering {
    // c * 10^e <=> m * 2^q. With both exponents negative, as of 19.99, that is
    // c * 2^-q <=> m * 10^-e, in 128 bits if they are small.
    let bits = double.to_bits();
    let biased = (bits >> 52) as i32;
    let fraction = bits & ((1 << 52) - 1);
    let (mantissa, power) = if biased == 0 {
        (fraction, -1074)
    } else {
        (fraction | 1 << 52, biased - 1075)
    };
    if exponent < 0
        && power < 0
        && coefficient.leading_zeros() > power.unsigned_abs()
        && let Some(scale) = 10_u128.checked_pow(exponent.unsigned_abs())
        && let Some(right) = u128::from(mantissa).checked_mul(scale)
    {
        return (coefficient << power.unsigned_abs()).cmp(&right);
    }
    let bits = coefficient | (((exponent + DECIMAL_BIAS) as u128) << 113);
    let decimal = document::decimal::to_dec(Decimal128::from_bytes(bits.to_le_bytes()));
    document::decimal::compare_with_f64(decimal, double)
}
