//! Sums, averages and standard deviations: of an array as an expression, of documents in a group.

use document::{Number, decimal};

/// A sum that keeps the widest type of its terms and does not lose small terms to rounding.
///
/// Integers are added exactly. Doubles are added with the error of each addition carried along
/// (Neumaier), so that ten times 0.1 is 1.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sum {
    widest: Widest,
    integers: i128,
    doubles: f64,
    /// What the additions to `doubles` have lost.
    lost: f64,
    decimals: Option<dec::Decimal128>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Widest {
    #[default]
    Int,
    Long,
    Double,
    Decimal,
}

impl Sum {
    pub(crate) fn add(&mut self, number: Number) {
        let width = match number {
            Number::Int32(value) => {
                self.integers += i128::from(value);
                Widest::Int
            }
            Number::Int64(value) => {
                self.integers += i128::from(value);
                Widest::Long
            }
            Number::Double(value) => {
                self.add_double(value);
                Widest::Double
            }
            Number::Decimal(value) => {
                let value = decimal::to_dec(value);
                self.decimals = Some(self.decimals.map_or(value, |sum| sum + value));
                Widest::Decimal
            }
        };
        self.widest = self.widest.max(width);
    }

    fn add_double(&mut self, value: f64) {
        let sum = self.doubles + value;
        if sum.is_finite() {
            self.lost += if self.doubles.abs() >= value.abs() {
                (self.doubles - sum) + value
            } else {
                (value - sum) + self.doubles
            };
        }
        self.doubles = sum;
    }

    /// The sum as a double.
    fn to_f64(&self) -> f64 {
        let mut total = self.clone();
        // In two parts, each of which a double holds exactly, unless the sum is astronomical.
        let high = self.integers as f64;
        total.add_double(high);
        if high.abs() < 1e38 {
            total.add_double((self.integers - high as i128) as f64);
        }
        if total.doubles.is_finite() {
            total.doubles + total.lost
        } else {
            total.doubles
        }
    }

    fn to_decimal(&self) -> dec::Decimal128 {
        let integers = dec::Context::<dec::Decimal128>::default().from_i128(self.integers);
        let doubles = if self.doubles.is_finite() {
            self.doubles + self.lost
        } else {
            self.doubles
        };
        let sum = self.decimals.unwrap_or(dec::Decimal128::ZERO) + integers;
        if doubles == 0.0 {
            sum
        } else {
            sum + decimal::from_f64(doubles)
        }
    }

    /// The sum: 0 of nothing.
    pub(crate) fn total(&self) -> Number {
        match self.widest {
            Widest::Decimal => Number::Decimal(decimal::from_dec(self.to_decimal())),
            Widest::Double => Number::Double(self.to_f64()),
            Widest::Int | Widest::Long => {
                let small = i32::try_from(self.integers).ok();
                match (self.widest, small) {
                    (Widest::Int, Some(value)) => Number::Int32(value),
                    _ => i64::try_from(self.integers)
                        .map_or(Number::Double(self.integers as f64), Number::Int64),
                }
            }
        }
    }

    /// The sum divided by a count that is not 0: a decimal if a term was one, else a double.
    fn divided_by(&self, count: i64) -> Number {
        if self.widest == Widest::Decimal {
            Number::Decimal(decimal::from_dec(
                self.to_decimal() / dec::Decimal128::from(count),
            ))
        } else {
            Number::Double(self.to_f64() / count as f64)
        }
    }
}

/// An average.
#[derive(Debug, Clone, Default)]
pub(crate) struct Average {
    sum: Sum,
    count: i64,
}

impl Average {
    pub(crate) fn add(&mut self, number: Number) {
        self.sum.add(number);
        self.count += 1;
    }

    /// The average, none of nothing.
    pub(crate) fn result(&self) -> Option<Number> {
        (self.count > 0).then(|| self.sum.divided_by(self.count))
    }
}

/// A standard deviation, in one pass (Welford).
#[derive(Debug, Clone, Default)]
pub(crate) struct Deviation {
    count: i64,
    mean: f64,
    squares: f64,
}

impl Deviation {
    pub(crate) fn add(&mut self, number: Number) {
        let value = number.to_f64();
        self.count += 1;
        let delta = value - self.mean;
        self.mean += delta / self.count as f64;
        self.squares += delta * (value - self.mean);
    }

    /// The deviation of the whole population, none of nothing.
    pub(crate) fn of_population(&self) -> Option<f64> {
        (self.count > 0).then(|| (self.squares / self.count as f64).sqrt())
    }

    /// The deviation estimated from a sample, none of less than two.
    pub(crate) fn of_sample(&self) -> Option<f64> {
        (self.count > 1).then(|| (self.squares / (self.count - 1) as f64).sqrt())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(numbers: &[Number]) -> Number {
        let mut sum = Sum::default();
        numbers.iter().for_each(|number| sum.add(*number));
        sum.total()
    }

    #[test]
    fn sums_keep_the_widest_type() {
        let is = |numbers: &[Number], expected: Number| {
            assert_eq!(sum(numbers).to_raw(), expected.to_raw(), "{numbers:?}");
        };
        is(&[], Number::Int32(0));
        is(&[Number::Int32(1), Number::Int32(2)], Number::Int32(3));
        is(
            &[Number::Int32(i32::MAX), Number::Int32(1)],
            Number::Int64(1 << 31),
        );
        is(&[Number::Int64(1), Number::Int32(2)], Number::Int64(3));
        is(
            &[Number::Int64(i64::MAX), Number::Int64(i64::MAX)],
            Number::Double(2f64.powi(64)),
        );
        is(&[Number::Double(0.1); 10], Number::Double(1.0));
        is(
            &[Number::Double(f64::INFINITY), Number::Double(1.0)],
            Number::Double(f64::INFINITY),
        );
        is(
            &[
                Number::Decimal("0.1".parse().unwrap()),
                Number::Int32(1),
                Number::Double(0.5),
            ],
            Number::Decimal("1.600000000000000".parse().unwrap()),
        );
    }
}
