//! The hook for computed fields: a projection knows nothing of aggregation expressions.

use bson::{RawBsonRef, RawDocument};

use crate::{Error, Result};

/// The value of a computed field: a compiled aggregation expression.
pub trait Compute: std::fmt::Debug + Send + Sync {
    /// Computes the value for `root`, the document that is projected, and hands it to `sink`. A
    /// missing value is not handed over: the field is then absent.
    ///
    /// # Errors
    ///
    /// What evaluating the expression can fail with.
    fn compute(&self, root: &RawDocument, sink: &mut dyn FnMut(RawBsonRef<'_>)) -> Result<()>;
}

/// Compiles the expression of a computed field. Any closure of that shape is one.
pub trait ComputeFactory {
    /// Compiles `expression`: an operator, a field path, an array, or a literal.
    ///
    /// # Errors
    ///
    /// What parsing the expression answers.
    fn compile(&self, expression: RawBsonRef<'_>) -> Result<Box<dyn Compute>>;
}

impl<F> ComputeFactory for F
where
    F: Fn(RawBsonRef<'_>) -> Result<Box<dyn Compute>>,
{
    fn compile(&self, expression: RawBsonRef<'_>) -> Result<Box<dyn Compute>> {
        self(expression)
    }
}

/// Refuses every expression, for places where MongoDB takes none.
#[derive(Debug, Clone, Copy)]
pub struct NoExpressions;

impl ComputeFactory for NoExpressions {
    fn compile(&self, _: RawBsonRef<'_>) -> Result<Box<dyn Compute>> {
        Err(Error::bad_value(
            "an expression is not allowed in this projection",
        ))
    }
}
