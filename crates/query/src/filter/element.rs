//! Filters over a single value, as `$pull` and the `$elemMatch` of a projection need them.

use bson::{RawBsonRef, RawDocument};

use super::node::{Condition, Evaluation};
use super::operators::elem_match::{self, ElemMatch};
use super::parse::{self, Parser};
use super::predicate::NoPredicates;
use crate::Result;

/// A compiled condition on one value, most often an element of an array.
#[derive(Debug)]
pub struct ElementMatcher(ElemMatch);

impl ElementMatcher {
    /// The argument of `$elemMatch`: operators (`{ $gt: 5 }`) that the element itself fulfils, or
    /// a filter that an element fulfils as a document.
    ///
    /// # Errors
    ///
    /// As [`Matcher::parse`](super::Matcher::parse).
    pub fn elem_match(condition: &RawDocument) -> Result<Self> {
        let parser = Parser::new(&NoPredicates);
        elem_match::parse_argument(&parser.within_elem_match()?, "", condition).map(Self)
    }

    /// The condition of `$pull` on one field: operators that the element fulfils; a document that
    /// is a filter on elements that are documents; or a value that the element equals.
    ///
    /// # Errors
    ///
    /// As [`Matcher::parse`](super::Matcher::parse).
    pub fn pull(condition: RawBsonRef<'_>) -> Result<Self> {
        match condition {
            RawBsonRef::Document(condition) => Self::elem_match(condition),
            value => {
                parse::parse_value(value).map(|test| Self(ElemMatch::Value(Condition::Test(test))))
            }
        }
    }

    /// Whether `value` fulfils the condition.
    ///
    /// # Errors
    ///
    /// As [`Matcher::matches`](super::Matcher::matches).
    pub fn matches(&self, value: RawBsonRef<'_>) -> Result<bool> {
        let mut evaluation = Evaluation::default();
        let matched = self.0.matches(value, &mut evaluation);
        evaluation.finish(matched)
    }
}
