//! `$all`: the array has all of these, as elements or (nested) as a whole.

use bson::RawBsonRef;

use super::elem_match;
use crate::filter::node::Condition;
use crate::filter::parse::{FieldOperator, first_name, is_operators, parse_value, values};
use crate::filter::test::Test;
use crate::{Error, Result};

pub(super) fn parse(operator: FieldOperator<'_>) -> Result<Option<Condition>> {
    let RawBsonRef::Array(array) = operator.argument else {
        return Err(Error::bad_value("$all needs an array"));
    };
    let mut conditions = Vec::new();
    let mut of_elem_match = None;
    for value in values(array) {
        let value = value?;
        let is_elem_match = matches!(
            value,
            RawBsonRef::Document(document) if first_name(document) == Some("$elemMatch")
        );
        if *of_elem_match.get_or_insert(is_elem_match) != is_elem_match {
            return Err(Error::bad_value(
                "$all/$elemMatch has to be consistent: either all of its entries are $elemMatch, \
                 or none",
            ));
        }
        conditions.push(match value {
            RawBsonRef::Document(document) if is_elem_match => {
                elem_match_entry(operator, document)?
            }
            RawBsonRef::Document(document) if is_operators(document) => {
                return Err(Error::bad_value("no $ expressions in $all"));
            }
            value => Condition::Test(parse_value(value)?),
        });
    }
    if conditions.is_empty() {
        return Ok(Some(Condition::Test(Test::Never)));
    }
    Ok(Some(Condition::All(conditions)))
}

fn elem_match_entry(operator: FieldOperator<'_>, entry: &bson::RawDocument) -> Result<Condition> {
    let mut fields = crate::filter::parse::fields(entry);
    match (fields.next().transpose()?, fields.next()) {
        (Some((_, RawBsonRef::Document(argument))), None) => {
            let parser = operator.parser.within_elem_match()?;
            let inner = elem_match::parse_argument(&parser, operator.path, argument)?;
            Ok(Condition::Test(Test::ElemMatch(Box::new(inner))))
        }
        (Some((_, _)), None) => Err(Error::bad_value("$elemMatch needs an Object")),
        _ => Err(Error::bad_value(
            "an $elemMatch in $all stands alone in its document",
        )),
    }
}
