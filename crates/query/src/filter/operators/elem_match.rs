//! `$elemMatch`: one element of an array fulfils all of the conditions.

use bson::{RawArray, RawBsonRef, RawDocument};

use crate::filter::node::{Condition, Evaluation, Node};
use crate::filter::parse::{FieldOperator, Parser, first_name, is_operators};
use crate::filter::path::{Subject, as_document, elements};
use crate::filter::test::Test;
use crate::{Error, Result};

/// The two forms of `$elemMatch`.
#[derive(Debug)]
pub(crate) enum ElemMatch {
    /// `{ $elemMatch: { field: … } }`: a filter on elements that are documents (or arrays, whose
    /// fields are called by their positions).
    Document(Node),
    /// `{ $elemMatch: { $gt: … } }`: operators on elements of any kind.
    Value(Condition),
}

impl ElemMatch {
    /// The position of the first element that fulfils the conditions.
    pub(crate) fn position(&self, array: &RawArray, evaluation: &mut Evaluation) -> Option<usize> {
        elements(array)
            .find(|(_, element)| self.matches(*element, evaluation))
            .map(|(index, _)| index)
    }

    /// Whether this one element fulfils the conditions.
    pub(crate) fn matches(&self, element: RawBsonRef<'_>, evaluation: &mut Evaluation) -> bool {
        match self {
            Self::Value(condition) => condition.matches(element, evaluation),
            Self::Document(node) => {
                let document = match element {
                    RawBsonRef::Document(document) => Some(document),
                    RawBsonRef::Array(array) => as_document(array),
                    _ => None,
                };
                document.is_some_and(|document| {
                    evaluation
                        .aside(|evaluation| node.matches(Subject::Document(document), evaluation))
                })
            }
        }
    }
}

pub(super) fn parse(operator: FieldOperator<'_>) -> Result<Option<Condition>> {
    let RawBsonRef::Document(argument) = operator.argument else {
        return Err(Error::bad_value("$elemMatch needs an Object"));
    };
    let parser = operator.parser.within_elem_match()?;
    let inner = parse_argument(&parser, operator.path, argument)?;
    Ok(Some(Condition::Test(Test::ElemMatch(Box::new(inner)))))
}

/// The argument of `$elemMatch`; `parser` stands inside of it already.
pub(crate) fn parse_argument(
    parser: &Parser<'_>,
    path: &str,
    argument: &RawDocument,
) -> Result<ElemMatch> {
    // An operator that stands in the place of a field makes the argument a filter.
    let is_filter = matches!(
        first_name(argument),
        Some("$and" | "$or" | "$nor" | "$where" | "$expr" | "$jsonSchema" | "$comment" | "$text")
    );
    if is_operators(argument) && !is_filter {
        parser.operators(path, argument).map(ElemMatch::Value)
    } else {
        parser.filter(argument).map(ElemMatch::Document)
    }
}
