//! From the BSON of a filter to the tree.

use std::sync::Arc;

use bson::{RawBsonRef, RawDocument};
use document::ErrorCode;

use super::MAX_DEPTH;
use super::node::{Condition, Node};
use super::operators::regex::Pattern;
use super::operators::{field_operator, top_level_operator};
use super::path::Path;
use super::predicate::PredicateFactory;
use super::test::Test;
use crate::{Error, Result};

/// What parsing carries along: how deep it is, and where.
#[derive(Clone, Copy)]
pub(crate) struct Parser<'a> {
    factory: &'a dyn PredicateFactory,
    depth: usize,
    in_elem_match: bool,
}

/// An operator with what stands around it: `{ path: { operator: argument, … } }`.
#[derive(Clone, Copy)]
pub(crate) struct FieldOperator<'a> {
    pub(crate) parser: Parser<'a>,
    pub(crate) name: &'a str,
    pub(crate) path: &'a str,
    pub(crate) argument: RawBsonRef<'a>,
    /// The document that the operator stands in.
    pub(crate) siblings: &'a RawDocument,
}

pub(super) fn parse_filter(filter: &RawDocument, factory: &dyn PredicateFactory) -> Result<Node> {
    Parser::new(factory).filter(filter)
}

/// The condition that a field equals `value`, or matches it if it is a regular expression.
pub(crate) fn parse_value(value: RawBsonRef<'_>) -> Result<Test> {
    match value {
        RawBsonRef::RegularExpression(regex) => {
            Pattern::new(regex.pattern.as_str(), regex.options.as_str()).map(Test::Regex)
        }
        value => equality(value),
    }
}

/// The condition that a field equals `value`, regular expression or not.
pub(crate) fn equality(value: RawBsonRef<'_>) -> Result<Test> {
    match value {
        RawBsonRef::Undefined => Err(Error::bad_value("cannot compare to undefined")),
        value => Ok(Test::Eq(value.into())),
    }
}

/// The fields of a document, with an error for those that are not well-formed.
pub(crate) fn fields(
    document: &RawDocument,
) -> impl Iterator<Item = Result<(&str, RawBsonRef<'_>)>> {
    document.iter().map(|field| match field {
        Ok((name, value)) => Ok((name.as_str(), value)),
        Err(error) => Err(malformed(&error)),
    })
}

/// The values of an array, with an error for those that are not well-formed.
pub(crate) fn values(array: &bson::RawArray) -> impl Iterator<Item = Result<RawBsonRef<'_>>> {
    array
        .into_iter()
        .map(|value| value.map_err(|error| malformed(&error)))
}

fn malformed(error: &bson::error::Error) -> Error {
    Error::new(
        ErrorCode::InvalidBSON,
        format!("the filter is not well-formed BSON: {error}"),
    )
}

/// Whether a document is operators (`{ $gt: 5 }`) rather than a value to equal. The first field
/// decides; `$ref`, `$id` and `$db` begin a DBRef, which is a value.
pub(crate) fn is_operators(document: &RawDocument) -> bool {
    first_name(document)
        .is_some_and(|name| name.starts_with('$') && !matches!(name, "$ref" | "$id" | "$db"))
}

/// The name of a document's first field.
pub(crate) fn first_name(document: &RawDocument) -> Option<&str> {
    let element = document.iter_elements().next()?.ok()?;
    Some(element.key().as_str())
}

impl<'a> Parser<'a> {
    pub(crate) fn new(factory: &'a dyn PredicateFactory) -> Self {
        Self {
            factory,
            depth: 0,
            in_elem_match: false,
        }
    }

    /// One level of operators deeper.
    pub(crate) fn deeper(self) -> Result<Self> {
        if self.depth >= MAX_DEPTH {
            return Err(Error::bad_value(format!(
                "exceeded maximum query tree depth of {MAX_DEPTH}"
            )));
        }
        Ok(Self {
            depth: self.depth + 1,
            ..self
        })
    }

    /// Inside the argument of `$elemMatch`.
    pub(crate) fn within_elem_match(self) -> Result<Self> {
        Ok(Self {
            in_elem_match: true,
            ..self.deeper()?
        })
    }

    pub(crate) fn factory(&self) -> &'a dyn PredicateFactory {
        self.factory
    }

    pub(crate) fn is_in_elem_match(&self) -> bool {
        self.in_elem_match
    }

    /// A filter: `{ field: condition, $and: […], … }`.
    pub(crate) fn filter(self, filter: &RawDocument) -> Result<Node> {
        let mut nodes = Vec::new();
        for field in fields(filter) {
            let (name, value) = field?;
            if name.starts_with('$') {
                nodes.extend(top_level_operator(self, name, value)?);
            } else {
                nodes.push(self.field(name, value)?);
            }
        }
        Ok(match nodes.pop() {
            Some(node) if nodes.is_empty() => node,
            Some(node) => {
                nodes.push(node);
                Node::And(nodes)
            }
            None => Node::And(nodes),
        })
    }

    fn field(self, name: &str, value: RawBsonRef<'_>) -> Result<Node> {
        let path = Arc::new(Path::new(name));
        let condition = match value {
            RawBsonRef::Document(document) if is_operators(document) => {
                self.operators(name, document)?
            }
            value => Condition::Test(parse_value(value)?),
        };
        Ok(condition.into_node(&path))
    }

    /// The operators on one field: `{ $gt: 1, $lt: 5 }`.
    pub(crate) fn operators(self, path: &str, operators: &RawDocument) -> Result<Condition> {
        let mut conditions = Vec::new();
        for field in fields(operators) {
            let (name, argument) = field?;
            conditions.extend(field_operator(FieldOperator {
                parser: self,
                name,
                path,
                argument,
                siblings: operators,
            })?);
        }
        Ok(match conditions.pop() {
            Some(condition) if conditions.is_empty() => condition,
            Some(condition) => {
                conditions.push(condition);
                Condition::All(conditions)
            }
            None => Condition::All(conditions),
        })
    }
}
