//! `$exists`.

use bson::RawBsonRef;
use document::Number;

use crate::Result;
use crate::filter::node::Condition;
use crate::filter::parse::FieldOperator;
use crate::filter::test::Test;

pub(super) fn parse(operator: FieldOperator<'_>) -> Result<Option<Condition>> {
    let exists = Condition::Test(Test::Exists);
    Ok(Some(if is_true(&operator.argument) {
        exists
    } else {
        Condition::Not(Box::new(exists))
    }))
}

/// What counts as true where MongoDB wants a flag: all but false, zero, null and undefined.
fn is_true(value: &RawBsonRef<'_>) -> bool {
    match value {
        RawBsonRef::Boolean(value) => *value,
        RawBsonRef::Null | RawBsonRef::Undefined => false,
        value => !Number::from_raw(value).is_some_and(Number::is_zero),
    }
}
