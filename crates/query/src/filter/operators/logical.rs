//! `$and`, `$or`, `$nor`, `$not`, and what else stands in the place of a field: `$expr`,
//! `$comment`.

use bson::RawBsonRef;

use crate::filter::node::{Condition, Node, Opaque};
use crate::filter::operators::regex::Pattern;
use crate::filter::parse::{FieldOperator, Parser, is_operators, values};
use crate::filter::test::Test;
use crate::{Error, Result};

pub(super) fn parse_and(
    parser: Parser<'_>,
    name: &'static str,
    argument: RawBsonRef<'_>,
) -> Result<Option<Node>> {
    Ok(Some(Node::And(branches(parser, name, argument)?)))
}

pub(super) fn parse_or(
    parser: Parser<'_>,
    name: &'static str,
    argument: RawBsonRef<'_>,
) -> Result<Option<Node>> {
    Ok(Some(Node::Or(branches(parser, name, argument)?)))
}

pub(super) fn parse_nor(
    parser: Parser<'_>,
    name: &'static str,
    argument: RawBsonRef<'_>,
) -> Result<Option<Node>> {
    Ok(Some(Node::Nor(branches(parser, name, argument)?)))
}

fn branches(parser: Parser<'_>, name: &'static str, argument: RawBsonRef<'_>) -> Result<Vec<Node>> {
    let RawBsonRef::Array(array) = argument else {
        return Err(Error::bad_value(format!("{name} must be an array")));
    };
    let parser = parser.deeper()?;
    let mut nodes = Vec::new();
    for value in values(array) {
        let RawBsonRef::Document(filter) = value? else {
            return Err(Error::bad_value(
                "$or/$and/$nor entries need to be full objects",
            ));
        };
        nodes.push(parser.filter(filter)?);
    }
    if nodes.is_empty() {
        return Err(Error::bad_value("$and/$or/$nor must be a nonempty array"));
    }
    Ok(nodes)
}

/// `{ field: { $not: { operators } } }` and `{ field: { $not: /regex/ } }`.
pub(super) fn parse_not(operator: FieldOperator<'_>) -> Result<Option<Condition>> {
    let inner = match operator.argument {
        RawBsonRef::RegularExpression(regex) => Condition::Test(Test::Regex(Pattern::new(
            regex.pattern.as_str(),
            regex.options.as_str(),
        )?)),
        RawBsonRef::Document(operators) if operators.is_empty() => {
            return Err(Error::bad_value("$not cannot be empty"));
        }
        RawBsonRef::Document(operators) if is_operators(operators) => operator
            .parser
            .deeper()?
            .operators(operator.path, operators)?,
        RawBsonRef::Document(_) => {
            return Err(Error::bad_value(
                "$not needs a regex or a document of operators",
            ));
        }
        _ => return Err(Error::bad_value("$not needs a regex or a document")),
    };
    Ok(Some(Condition::Not(Box::new(inner))))
}

/// A comment is for the logs of who sent it; it says nothing about documents.
pub(super) fn parse_comment(
    _: Parser<'_>,
    _: &'static str,
    _: RawBsonRef<'_>,
) -> Result<Option<Node>> {
    Ok(None)
}

pub(super) fn parse_expr(
    parser: Parser<'_>,
    name: &'static str,
    argument: RawBsonRef<'_>,
) -> Result<Option<Node>> {
    if parser.is_in_elem_match() {
        return Err(Error::bad_value(format!(
            "{name} can only be applied to the top-level document"
        )));
    }
    let predicate = parser.factory().predicate(argument)?;
    Ok(Some(Node::Predicate(Opaque(predicate))))
}
