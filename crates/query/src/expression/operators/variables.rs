//! `$let`: names for values.

use bson::raw::RawBsonRef;

use super::{Definition, Field, Table, argument, location, required};
use crate::Result;
use crate::expression::{EvalContext, Expr, Operator, Scope, Value, fields, parse};

pub(super) const TABLE: Table = &[("$let", Definition::Custom(parse_let))];

#[derive(Debug)]
struct Let {
    values: Vec<Expr>,
    /// Which of the values is `$$CURRENT` inside, if one is.
    current: Option<usize>,
    body: Expr,
}

const LET: &[Field] = &[required("vars", 16876), required("in", 16877)];

fn parse_let(name: &'static str, value: RawBsonRef<'_>, scope: Scope<'_>) -> Result<Expr> {
    let mut arguments = argument::raw_named(name, value, LET, 16874, 16875)?
        .into_iter()
        .flatten();
    let (Some(variables), Some(body)) = (arguments.next(), arguments.next()) else {
        return Err(super::wrong_arity());
    };
    let Some(variables) = variables.as_document() else {
        return Err(location(
            10065,
            "invalid parameter: expected an object (vars)",
        ));
    };
    let mut names = Vec::new();
    let mut values = Vec::new();
    for (name, value) in fields(variables) {
        parse::validate_variable_name(name.as_str())?;
        names.push(name.as_str().to_owned());
        // The values see the variables outside, not each other.
        values.push(Expr::parse_in(value, scope)?);
    }
    let bound = scope.bind(&names);
    let body = Expr::parse_in(body, scope.with(&bound))?;
    Ok(Let {
        values,
        current: names.iter().position(|name| name == "CURRENT"),
        body,
    }
    .into())
}

impl Operator for Let {
    fn eval<'c>(&'c self, context: &EvalContext<'c>) -> Result<Value<'c>> {
        let values = self
            .values
            .iter()
            .map(|value| value.eval(context))
            .collect::<Result<Vec<_>>>()?;
        let frame = context.bind(&values);
        let mut inner = context.with(&frame);
        if let Some(current) = self.current.and_then(|index| values.get(index)) {
            inner = inner.with_current(current.as_bson_or_null());
        }
        Ok(self.body.eval(&inner)?.into_owned())
    }

    fn visit<'e>(&'e self, visit: &mut dyn FnMut(&'e Expr)) {
        self.values.iter().for_each(&mut *visit);
        visit(&self.body);
    }
}
