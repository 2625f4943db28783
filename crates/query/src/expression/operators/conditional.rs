//! `$cond`, `$ifNull`, `$switch`: only the branch that is taken is evaluated.

use bson::raw::RawBsonRef;
use document::types::type_name;

use super::{Definition, Field, Table, argument, location, optional, required};
use crate::Result;
use crate::expression::{EvalContext, Expr, Operator, Scope, Value, items};

pub(super) const TABLE: Table = &[
    ("$cond", Definition::Custom(parse_cond)),
    ("$ifNull", Definition::Custom(parse_if_null)),
    ("$switch", Definition::Custom(parse_switch)),
];

/// `{ if, then, else }` as one branch, `$switch` as several.
#[derive(Debug)]
struct Branches {
    branches: Vec<(Expr, Expr)>,
    default: Option<Expr>,
}

impl Operator for Branches {
    fn eval<'c>(&'c self, context: &EvalContext<'c>) -> Result<Value<'c>> {
        for (case, then) in &self.branches {
            if case.eval(context)?.is_true() {
                return then.eval(context);
            }
        }
        match &self.default {
            Some(default) => default.eval(context),
            None => Err(location(
                40066,
                "$switch could not find a matching branch for an input, and no default was \
                 specified.",
            )),
        }
    }

    fn visit<'e>(&'e self, visit: &mut dyn FnMut(&'e Expr)) {
        for (case, then) in &self.branches {
            visit(case);
            visit(then);
        }
        self.default.iter().for_each(visit);
    }
}

const COND: &[Field] = &[
    required("if", 17080),
    required("then", 17081),
    required("else", 17082),
];

fn parse_cond(name: &'static str, value: RawBsonRef<'_>, scope: Scope<'_>) -> Result<Expr> {
    let [case, then, default] = match value {
        RawBsonRef::Document(_) => {
            let mut arguments =
                argument::named(name, value, scope, COND, 17083, 17083)?.into_iter();
            let mut next = || arguments.next().flatten().ok_or_else(super::wrong_arity);
            [next()?, next()?, next()?]
        }
        value => argument::exactly(name, value, scope)?,
    };
    Ok(Branches {
        branches: vec![(case, then)],
        default: Some(default),
    }
    .into())
}

const SWITCH: &[Field] = &[optional("branches"), optional("default")];
const BRANCH: &[Field] = &[required("case", 40064), required("then", 40065)];

fn parse_switch(name: &'static str, value: RawBsonRef<'_>, scope: Scope<'_>) -> Result<Expr> {
    let mut arguments = argument::raw_named(name, value, SWITCH, 40060, 40067)?.into_iter();
    let (branches, default) = (arguments.next().flatten(), arguments.next().flatten());
    let mut parsed = Vec::new();
    match branches {
        None => {}
        Some(RawBsonRef::Array(branches)) => {
            for branch in items(branches) {
                let RawBsonRef::Document(_) = branch else {
                    return Err(location(
                        40062,
                        format!(
                            "$switch expected each branch to be an object, found: {}",
                            type_name(&branch)
                        ),
                    ));
                };
                let mut parts =
                    argument::named("$switch branch", branch, scope, BRANCH, 40062, 40063)?
                        .into_iter();
                if let (Some(Some(case)), Some(Some(then))) = (parts.next(), parts.next()) {
                    parsed.push((case, then));
                }
            }
        }
        Some(other) => {
            return Err(location(
                40061,
                format!(
                    "$switch expected an array for 'branches', found: {}",
                    type_name(&other)
                ),
            ));
        }
    }
    if parsed.is_empty() {
        return Err(location(40068, "$switch requires at least one branch."));
    }
    let default = default
        .map(|default| Expr::parse_in(default, scope))
        .transpose()?;
    Ok(Branches {
        branches: parsed,
        default,
    }
    .into())
}

#[derive(Debug)]
struct IfNull(Vec<Expr>);

fn parse_if_null(name: &'static str, value: RawBsonRef<'_>, scope: Scope<'_>) -> Result<Expr> {
    let arguments = argument::between(name, value, scope, 0, usize::MAX)?;
    if arguments.len() < 2 {
        return Err(location(
            1_257_300,
            format!(
                "$ifNull needs at least two arguments, had: {}",
                arguments.len()
            ),
        ));
    }
    Ok(IfNull(arguments).into())
}

impl Operator for IfNull {
    fn eval<'c>(&'c self, context: &EvalContext<'c>) -> Result<Value<'c>> {
        let mut last = Value::Missing;
        for argument in &self.0 {
            last = argument.eval(context)?;
            if !last.is_nullish() {
                break;
            }
        }
        Ok(last)
    }

    fn visit<'e>(&'e self, visit: &mut dyn FnMut(&'e Expr)) {
        self.0.iter().for_each(visit);
    }
}
