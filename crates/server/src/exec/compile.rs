//! Compiling what a command carries: filters, projections and updates, with the expressions in
//! them and the variables of the command's `let`.

use std::sync::Arc;

use bson::{DateTime, RawArray, RawBsonRef, RawDocument};
use query::expression::{Expr, ParseContext};
use query::filter::{Matcher, Predicate};
use query::projection::{Compute, Projection};
use query::update::{Transform, Update};

use crate::error::Result;
use crate::field::Field;

/// What compiling knows of the command: when it started, and its variables.
#[derive(Debug, Clone)]
pub struct Compiler {
    context: ParseContext,
}

impl Compiler {
    /// For a command that starts now, without variables.
    pub fn new() -> Self {
        Self {
            context: ParseContext::new(DateTime::now()),
        }
    }

    /// Adds the variables of the command's `let`: expressions that must not look at a document.
    pub fn define(&mut self, variables: &Field<'_>) -> Result<()> {
        self.context = self.context.clone().with_let(variables.document()?)?;
        Ok(())
    }

    /// The context for parsing expressions and pipelines.
    pub const fn context(&self) -> &ParseContext {
        &self.context
    }

    /// When the command started.
    pub const fn now(&self) -> DateTime {
        self.context.now
    }

    /// A filter.
    pub fn filter(&self, filter: &RawDocument) -> Result<Arc<Matcher>> {
        let predicates = |argument: RawBsonRef<'_>| -> query::Result<Box<dyn Predicate>> {
            Ok(Box::new(Expr::parse(argument, &self.context)?))
        };
        Ok(Arc::new(Matcher::parse_with(filter, &predicates)?))
    }

    /// A projection of `find`.
    pub fn projection(&self, projection: &RawDocument) -> Result<Projection> {
        let expressions = |expression: RawBsonRef<'_>| -> query::Result<Box<dyn Compute>> {
            Ok(Box::new(Expr::parse(expression, &self.context)?))
        };
        Ok(Projection::parse(projection, &expressions)?)
    }

    /// An update.
    pub fn update(&self, update: RawBsonRef<'_>, array_filters: &[&RawDocument]) -> Result<Update> {
        let pipelines = |stages: &RawArray| -> query::Result<Box<dyn Transform>> {
            query::pipeline::update_transform(stages, &self.context)
        };
        Ok(Update::parse_with(update, array_filters, &pipelines)?)
    }
}

impl Default for Compiler {
    fn default() -> Self {
        Self::new()
    }
}
