//! `$and`, `$or`, `$not`. The first two stop at the first argument that decides.

use bson::raw::RawBsonRef;

use super::{Definition, Table, argument};
use crate::Result;
use crate::expression::{EvalContext, Expr, Operator, Scope, Value};

pub(super) const TABLE: Table = &[
    (
        "$and",
        Definition::Custom(|name, value, scope| logical(name, value, scope, false)),
    ),
    (
        "$or",
        Definition::Custom(|name, value, scope| logical(name, value, scope, true)),
    ),
    (
        "$not",
        Definition::Unary(|value| Ok((!value.is_true()).into())),
    ),
];

#[derive(Debug)]
struct Logical {
    arguments: Vec<Expr>,
    /// The truth of an argument that decides: true for `$or`.
    decides: bool,
}

fn logical(
    name: &'static str,
    value: RawBsonRef<'_>,
    scope: Scope<'_>,
    decides: bool,
) -> Result<Expr> {
    let arguments = argument::between(name, value, scope, 0, usize::MAX)?;
    Ok(Logical { arguments, decides }.into())
}

impl Operator for Logical {
    fn eval<'c>(&'c self, context: &EvalContext<'c>) -> Result<Value<'c>> {
        for argument in &self.arguments {
            if argument.eval(context)?.is_true() == self.decides {
                return Ok(self.decides.into());
            }
        }
        Ok((!self.decides).into())
    }

    fn visit<'e>(&'e self, visit: &mut dyn FnMut(&'e Expr)) {
        self.arguments.iter().for_each(visit);
    }
}
