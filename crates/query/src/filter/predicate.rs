//! The hook for `$expr`: this module knows nothing of aggregation expressions.

use bson::{RawBsonRef, RawDocument};

use crate::{Error, Result};

/// A condition on a whole document that is not made of paths and tests: a compiled `$expr`.
pub trait Predicate: Send + Sync {
    /// Whether `document` fulfils the condition.
    ///
    /// # Errors
    ///
    /// What evaluating the expression can fail with, such as a type that an operator refuses.
    fn eval(&self, document: &RawDocument) -> Result<bool>;
}

/// Compiles the argument of `$expr`. Any closure of that shape is one; it may hold the variables
/// of `let`.
pub trait PredicateFactory {
    /// Compiles `argument`.
    ///
    /// # Errors
    ///
    /// What parsing the expression answers.
    fn predicate(&self, argument: RawBsonRef<'_>) -> Result<Box<dyn Predicate>>;
}

impl<F> PredicateFactory for F
where
    F: Fn(RawBsonRef<'_>) -> Result<Box<dyn Predicate>>,
{
    fn predicate(&self, argument: RawBsonRef<'_>) -> Result<Box<dyn Predicate>> {
        self(argument)
    }
}

/// For filters in places where MongoDB does not take `$expr`.
pub(super) struct NoPredicates;

impl PredicateFactory for NoPredicates {
    fn predicate(&self, _: RawBsonRef<'_>) -> Result<Box<dyn Predicate>> {
        Err(Error::bad_value("$expr is not allowed in this context"))
    }
}
