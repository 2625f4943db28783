//! `$rand`: a number from 0 (included) to 1 (excluded), a new one for each document.

use bson::raw::RawBsonRef;

use super::{Definition, Table, location};
use crate::Result;
use crate::expression::{EvalContext, Expr, Operator, Scope, Value, fields, items};

pub(super) const TABLE: Table = &[("$rand", Definition::Custom(parse))];

#[derive(Debug)]
struct Rand;

fn parse(_: &'static str, value: RawBsonRef<'_>, _: Scope<'_>) -> Result<Expr> {
    let is_empty = match value {
        RawBsonRef::Document(document) => fields(document).next().is_none(),
        RawBsonRef::Array(array) => items(array).next().is_none(),
        _ => false,
    };
    if !is_empty {
        return Err(location(3_040_501, "$rand not allowed with arguments"));
    }
    Ok(Rand.into())
}

impl Operator for Rand {
    fn eval<'c>(&'c self, _: &EvalContext<'c>) -> Result<Value<'c>> {
        Ok(rand::random::<f64>().into())
    }

    fn visit<'e>(&'e self, _: &mut dyn FnMut(&'e Expr)) {}
}
