//! MongoDB's four numeric types as one: exact comparison, and arithmetic with MongoDB's
//! promotion.
//!
//! Promotion: the result has the widest type of the operands, in the order int, long, double,
//! decimal. An int that overflows becomes a long; a long that overflows becomes a double in
//! expressions and is refused in updates.

use std::cmp::Ordering;

use bson::raw::RawBson;
use bson::{Decimal128, RawBsonRef};

use crate::decimal;

/// A number of one of BSON's four numeric types.
#[derive(Debug, Clone, Copy)]
pub enum Number {
    /// `int`
    Int32(i32),
    /// `long`
    Int64(i64),
    /// `double`
    Double(f64),
    /// `decimal`
    Decimal(Decimal128),
}

/// A long overflowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the result does not fit a 64-bit integer")]
pub struct IntegerOverflow;

impl Number {
    /// The number that a value is, if it is one.
    pub const fn from_raw(value: &RawBsonRef<'_>) -> Option<Self> {
        match *value {
            RawBsonRef::Int32(value) => Some(Self::Int32(value)),
            RawBsonRef::Int64(value) => Some(Self::Int64(value)),
            RawBsonRef::Double(value) => Some(Self::Double(value)),
            RawBsonRef::Decimal128(value) => Some(Self::Decimal(value)),
            _ => None,
        }
    }

    /// The value to store.
    pub const fn to_raw(self) -> RawBson {
        match self {
            Self::Int32(value) => RawBson::Int32(value),
            Self::Int64(value) => RawBson::Int64(value),
            Self::Double(value) => RawBson::Double(value),
            Self::Decimal(value) => RawBson::Decimal128(value),
        }
    }

    /// The value to write, borrowed from nothing.
    pub const fn to_raw_ref(self) -> RawBsonRef<'static> {
        match self {
            Self::Int32(value) => RawBsonRef::Int32(value),
            Self::Int64(value) => RawBsonRef::Int64(value),
            Self::Double(value) => RawBsonRef::Double(value),
            Self::Decimal(value) => RawBsonRef::Decimal128(value),
        }
    }

    /// The nearest double.
    pub fn to_f64(self) -> f64 {
        match self {
            Self::Int32(value) => f64::from(value),
            Self::Int64(value) => value as f64,
            Self::Double(value) => value,
            Self::Decimal(value) => decimal::to_f64(decimal::to_dec(value)),
        }
    }

    /// The number as a decimal: exact for integers, 15 digits for doubles.
    pub fn to_decimal(self) -> dec::Decimal128 {
        match self {
            Self::Int32(value) => value.into(),
            Self::Int64(value) => value.into(),
            Self::Double(value) => decimal::from_f64(value),
            Self::Decimal(value) => decimal::to_dec(value),
        }
    }

    /// The number as a 64-bit integer, if it is integral and fits: `3`, `3.0`, `Decimal("3.00")`.
    pub fn to_i64_exact(self) -> Option<i64> {
        match self {
            Self::Int32(value) => Some(i64::from(value)),
            Self::Int64(value) => Some(value),
            Self::Double(value) => {
                // 2^63 itself does not fit; -2^63 does.
                let fits = value >= -(2f64.powi(63)) && value < 2f64.powi(63);
                (fits && value.fract() == 0.0).then_some(value as i64)
            }
            Self::Decimal(value) => decimal::to_i64_exact(decimal::to_dec(value)),
        }
    }

    /// Whether the number is not a number.
    pub fn is_nan(self) -> bool {
        match self {
            Self::Double(value) => value.is_nan(),
            Self::Decimal(value) => decimal::to_dec(value).is_nan(),
            Self::Int32(_) | Self::Int64(_) => false,
        }
    }

    /// Whether the number is zero of any type and sign.
    pub fn is_zero(self) -> bool {
        match self {
            Self::Int32(value) => value == 0,
            Self::Int64(value) => value == 0,
            Self::Double(value) => value == 0.0,
            Self::Decimal(value) => decimal::to_dec(value).is_zero(),
        }
    }

    /// `self + other`, refusing a long that overflows (`$inc`).
    pub fn checked_add(self, other: Self) -> Result<Self, IntegerOverflow> {
        self.arithmetic(other, i64::checked_add, |a, b| a + b, |a, b| a + b)
    }

    /// `self * other`, refusing a long that overflows (`$mul`).
    pub fn checked_multiply(self, other: Self) -> Result<Self, IntegerOverflow> {
        self.arithmetic(other, i64::checked_mul, |a, b| a * b, |a, b| a * b)
    }

    fn arithmetic(
        self,
        other: Self,
        integers: impl Fn(i64, i64) -> Option<i64>,
        doubles: impl Fn(f64, f64) -> f64,
        decimals: impl Fn(dec::Decimal128, dec::Decimal128) -> dec::Decimal128,
    ) -> Result<Self, IntegerOverflow> {
        use Number as N;
        match (self, other) {
            (N::Decimal(_), _) | (_, N::Decimal(_)) => Ok(N::Decimal(decimal::from_dec(decimals(
                self.to_decimal(),
                other.to_decimal(),
            )))),
            (N::Double(_), _) | (_, N::Double(_)) => {
                Ok(N::Double(doubles(self.to_f64(), other.to_f64())))
            }
            (N::Int32(left), N::Int32(right)) => {
                let result = integers(i64::from(left), i64::from(right)).ok_or(IntegerOverflow)?;
                Ok(i32::try_from(result).map_or(N::Int64(result), N::Int32))
            }
            (N::Int64(left), N::Int64(right)) => {
                integers(left, right).map(N::Int64).ok_or(IntegerOverflow)
            }
            (N::Int64(left), N::Int32(right)) => integers(left, i64::from(right))
                .map(N::Int64)
                .ok_or(IntegerOverflow),
            (N::Int32(left), N::Int64(right)) => integers(i64::from(left), right)
                .map(N::Int64)
                .ok_or(IntegerOverflow),
        }
    }
}

impl std::ops::Add for Number {
    type Output = Self;

    /// A long that overflows becomes a double.
    fn add(self, other: Self) -> Self {
        self.checked_add(other)
            .unwrap_or_else(|_| Self::Double(self.to_f64() + other.to_f64()))
    }
}

impl std::ops::Sub for Number {
    type Output = Self;

    /// A long that overflows becomes a double.
    fn sub(self, other: Self) -> Self {
        self.arithmetic(other, i64::checked_sub, |a, b| a - b, |a, b| a - b)
            .unwrap_or_else(|_| Self::Double(self.to_f64() - other.to_f64()))
    }
}

impl std::ops::Mul for Number {
    type Output = Self;

    /// A long that overflows becomes a double.
    fn mul(self, other: Self) -> Self {
        self.checked_multiply(other)
            .unwrap_or_else(|_| Self::Double(self.to_f64() * other.to_f64()))
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Number {}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Number {
    /// By exact value across types; NaN equals itself and is the least; `-0.0` equals `0`.
    fn cmp(&self, other: &Self) -> Ordering {
        use Number as N;
        match (*self, *other) {
            (N::Int32(left), N::Int32(right)) => left.cmp(&right),
            (N::Int64(left), N::Int64(right)) => left.cmp(&right),
            (N::Int32(left), N::Int64(right)) => i64::from(left).cmp(&right),
            (N::Int64(left), N::Int32(right)) => left.cmp(&i64::from(right)),
            (N::Double(left), N::Double(right)) => compare_doubles(left, right),
            (N::Int32(left), N::Double(right)) => compare_doubles(f64::from(left), right),
            (N::Double(left), N::Int32(right)) => compare_doubles(left, f64::from(right)),
            (N::Int64(left), N::Double(right)) => compare_long_with_double(left, right),
            (N::Double(left), N::Int64(right)) => compare_long_with_double(right, left).reverse(),
            (N::Decimal(left), N::Double(right)) => {
                decimal::compare_with_f64(decimal::to_dec(left), right)
            }
            (N::Double(left), N::Decimal(right)) => {
                decimal::compare_with_f64(decimal::to_dec(right), left).reverse()
            }
            // Integers are exact as decimals.
            (left, right) => decimal::compare(left.to_decimal(), right.to_decimal()),
        }
    }
}

fn compare_doubles(left: f64, right: f64) -> Ordering {
    left.partial_cmp(&right)
        .unwrap_or_else(|| right.is_nan().cmp(&left.is_nan()))
}

/// A double cannot hold every long: compare as integers where both are, by range elsewhere.
fn compare_long_with_double(left: i64, right: f64) -> Ordering {
    if right.is_nan() {
        return Ordering::Greater;
    }
    if right >= 2f64.powi(63) {
        return Ordering::Less;
    }
    if right < -(2f64.powi(63)) {
        return Ordering::Greater;
    }
    // In range: the integral part is exact, and the fraction decides between equals.
    left.cmp(&(right.trunc() as i64)).then_with(|| {
        0.0_f64
            .partial_cmp(&right.fract())
            .unwrap_or(Ordering::Equal)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_number() -> impl Strategy<Value = Number> {
        prop_oneof![
            any::<i32>().prop_map(Number::Int32),
            any::<i64>().prop_map(Number::Int64),
            any::<f64>().prop_map(Number::Double),
            any::<i32>().prop_map(|value| Number::Double(f64::from(value))),
            (any::<i64>(), -30..30_i32).prop_map(|(digits, exponent)| {
                Number::Decimal(format!("{digits}E{exponent}").parse().unwrap())
            }),
            (-3_i64..4).prop_map(Number::Int64),
            Just(Number::Double(f64::NAN)),
            Just(Number::Double(9_007_199_254_740_992.0)),
            Just(Number::Int64(9_007_199_254_740_993)),
        ]
    }

    proptest! {
        #[test]
        fn the_order_is_total(a in any_number(), b in any_number(), c in any_number()) {
            prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
            prop_assert_eq!(a.cmp(&a), Ordering::Equal);
            if a <= b && b <= c {
                prop_assert!(a <= c);
            }
        }

        #[test]
        fn longs_and_doubles_compare_as_decimals_do(a in any::<i64>(), b in any::<f64>()) {
            let exact = decimal::compare_with_f64(a.into(), b);
            prop_assert_eq!(Number::Int64(a).cmp(&Number::Double(b)), exact);
        }
    }

    #[test]
    fn promotes_as_mongodb_does() {
        let is = |left: Number, right: RawBson| assert_eq!(left.to_raw(), right);
        is(
            Number::Int32(i32::MAX) + Number::Int32(1),
            RawBson::Int64(1 << 31),
        );
        is(Number::Int64(1) + Number::Int32(1), RawBson::Int64(2));
        is(
            Number::Int64(i64::MAX) + Number::Int32(1),
            RawBson::Double(2f64.powi(63)),
        );
        is(Number::Int32(1) + Number::Double(0.5), RawBson::Double(1.5));
        assert_eq!(
            Number::Int64(i64::MAX).checked_add(Number::Int32(1)),
            Err(IntegerOverflow)
        );
        let tenth = Number::Decimal("0.1".parse().unwrap());
        is(
            tenth + Number::Double(0.2),
            RawBson::Decimal128("0.300000000000000".parse().unwrap()),
        );
    }

    #[test]
    fn finds_exact_integers() {
        assert_eq!(Number::Double(3.0).to_i64_exact(), Some(3));
        assert_eq!(Number::Double(3.5).to_i64_exact(), None);
        assert_eq!(Number::Double(2f64.powi(63)).to_i64_exact(), None);
        assert_eq!(
            Number::Decimal("3.00".parse().unwrap()).to_i64_exact(),
            Some(3)
        );
        assert_eq!(
            Number::Decimal("-2E+2".parse().unwrap()).to_i64_exact(),
            Some(-200)
        );
        assert_eq!(Number::Decimal("3.1".parse().unwrap()).to_i64_exact(), None);
        assert_eq!(
            Number::Decimal("1E+300".parse().unwrap()).to_i64_exact(),
            None
        );
        assert_eq!(Number::Double(f64::NAN).to_i64_exact(), None);
    }
}
