//! `$mod`.

use bson::RawBsonRef;
use document::Number;

use crate::filter::node::Condition;
use crate::filter::parse::{FieldOperator, values};
use crate::filter::test::Test;
use crate::{Error, Result};

/// `value % divisor == remainder`, in 64-bit integers; the remainder has the value's sign.
#[derive(Debug)]
pub(crate) struct Modulo {
    divisor: i64,
    remainder: i64,
}

impl Modulo {
    pub(crate) fn matches(&self, value: &RawBsonRef<'_>) -> bool {
        Number::from_raw(value)
            .and_then(truncate)
            .is_some_and(|value| value.wrapping_rem(self.divisor) == self.remainder)
    }
}

/// Towards zero, as MongoDB does; what has no integral part in range has none.
fn truncate(number: Number) -> Option<i64> {
    number.to_i64_exact().or_else(|| {
        let value = number.to_f64();
        let fits = value >= -(2f64.powi(63)) && value < 2f64.powi(63);
        fits.then_some(value as i64)
    })
}

pub(super) fn parse(operator: FieldOperator<'_>) -> Result<Option<Condition>> {
    let RawBsonRef::Array(array) = operator.argument else {
        return Err(Error::bad_value("malformed mod, needs to be an array"));
    };
    let mut values = values(array);
    let (Some(divisor), Some(remainder)) = (values.next(), values.next()) else {
        return Err(Error::bad_value("malformed mod, not enough elements"));
    };
    if values.next().is_some() {
        return Err(Error::bad_value("malformed mod, too many elements"));
    }
    let divisor = integer("divisor", divisor?)?;
    let remainder = integer("remainder", remainder?)?;
    if divisor == 0 {
        return Err(Error::bad_value("divisor cannot be 0"));
    }
    Ok(Some(Condition::Test(Test::Mod(Modulo {
        divisor,
        remainder,
    }))))
}

fn integer(what: &str, value: RawBsonRef<'_>) -> Result<i64> {
    let number = Number::from_raw(&value)
        .ok_or_else(|| Error::bad_value(format!("malformed mod, {what} not a number")))?;
    truncate(number).ok_or_else(|| {
        Error::bad_value(format!(
            "malformed mod, {what} value is invalid: it does not fit a 64-bit integer"
        ))
    })
}
