//! `$size`.

use document::Number;
use document::types::type_name;

use crate::filter::node::Condition;
use crate::filter::parse::FieldOperator;
use crate::filter::test::Test;
use crate::{Error, Result};

pub(super) fn parse(operator: FieldOperator<'_>) -> Result<Option<Condition>> {
    let Some(number) = Number::from_raw(&operator.argument) else {
        return Err(refusal("a number", type_name(&operator.argument)));
    };
    let Some(size) = number.to_i64_exact() else {
        return Err(refusal("an integer", "another number"));
    };
    let size =
        usize::try_from(size).map_err(|_| refusal("a non-negative number", "a negative one"))?;
    Ok(Some(Condition::Test(Test::Size(size))))
}

fn refusal(expected: &str, got: &str) -> Error {
    Error::bad_value(format!(
        "Failed to parse $size. Expected {expected}, got {got}"
    ))
}
