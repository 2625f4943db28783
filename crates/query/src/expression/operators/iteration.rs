//! `$map`, `$filter`, `$reduce`: an expression for each item of an array.

use bson::raw::RawBsonRef;
use document::Number;

use super::{Definition, Field, Table, argument, location, optional, required};
use crate::Result;
use crate::expression::bounds::ArrayBuilder;
use crate::expression::{EvalContext, Expr, Operator, Scope, Value, items, parse};

pub(super) const TABLE: Table = &[
    ("$map", Definition::Custom(parse_map)),
    ("$filter", Definition::Custom(parse_filter)),
    ("$reduce", Definition::Custom(parse_reduce)),
];

/// The name of the item: `as`, or `this`.
fn item_name(value: Option<RawBsonRef<'_>>) -> Result<[String; 1]> {
    let name = match value {
        None => "this",
        Some(RawBsonRef::String(name)) => name,
        Some(other) => {
            return Err(crate::Error::type_mismatch(format!(
                "'as' must be a string, found: {}",
                document::types::type_name(&other)
            )));
        }
    };
    parse::validate_variable_name(name)?;
    Ok([name.to_owned()])
}

#[derive(Debug)]
struct Map {
    input: Expr,
    body: Expr,
}

const MAP: &[Field] = &[
    required("input", 16880),
    optional("as"),
    required("in", 16882),
];

fn parse_map(name: &'static str, value: RawBsonRef<'_>, scope: Scope<'_>) -> Result<Expr> {
    let arguments = argument::raw_named(name, value, MAP, 16878, 16879)?;
    let [Some(input), item, Some(body)] = arguments[..] else {
        return Err(super::wrong_arity());
    };
    let names = item_name(item)?;
    let bound = scope.bind(&names);
    Ok(Map {
        input: Expr::parse_in(input, scope)?,
        body: Expr::parse_in(body, scope.with(&bound))?,
    }
    .into())
}

impl Operator for Map {
    fn eval<'c>(&'c self, context: &EvalContext<'c>) -> Result<Value<'c>> {
        let input = self.input.eval(context)?;
        if input.is_nullish() {
            return Ok(Value::NULL);
        }
        let Some(array) = input.as_array() else {
            return Err(location(
                16883,
                format!("input to $map must be an array not {}", input.type_name()),
            ));
        };
        let mut mapped = ArrayBuilder::new();
        for item in items(array) {
            let values = [Value::Borrowed(item)];
            let frame = context.bind(&values);
            let value = self.body.eval(&context.with(&frame))?;
            mapped.push(value.as_bson_or_null())?;
        }
        Ok(mapped.finish())
    }

    fn visit<'e>(&'e self, visit: &mut dyn FnMut(&'e Expr)) {
        visit(&self.input);
        visit(&self.body);
    }
}

#[derive(Debug)]
struct Filter {
    input: Expr,
    condition: Expr,
    limit: Option<Expr>,
}

const FILTER: &[Field] = &[
    required("input", 28648),
    optional("as"),
    required("cond", 28650),
    optional("limit"),
];

fn parse_filter(name: &'static str, value: RawBsonRef<'_>, scope: Scope<'_>) -> Result<Expr> {
    let arguments = argument::raw_named(name, value, FILTER, 28646, 28647)?;
    let [Some(input), item, Some(condition), limit] = arguments[..] else {
        return Err(super::wrong_arity());
    };
    let names = item_name(item)?;
    let bound = scope.bind(&names);
    Ok(Filter {
        input: Expr::parse_in(input, scope)?,
        condition: Expr::parse_in(condition, scope.with(&bound))?,
        limit: limit
            .map(|limit| Expr::parse_in(limit, scope))
            .transpose()?,
    }
    .into())
}

impl Operator for Filter {
    fn eval<'c>(&'c self, context: &EvalContext<'c>) -> Result<Value<'c>> {
        let input = self.input.eval(context)?;
        if input.is_nullish() {
            return Ok(Value::NULL);
        }
        let Some(array) = input.as_array() else {
            return Err(location(
                28651,
                format!(
                    "input to $filter must be an array not {}",
                    input.type_name()
                ),
            ));
        };
        let limit = match &self.limit {
            None => usize::MAX,
            Some(limit) => {
                let limit = limit.eval(context)?;
                if limit.is_nullish() {
                    usize::MAX
                } else {
                    filter_limit(&limit)?
                }
            }
        };
        let mut kept = ArrayBuilder::new();
        for item in items(array) {
            if kept.len() >= limit {
                break;
            }
            let values = [Value::Borrowed(item)];
            let frame = context.bind(&values);
            if self.condition.eval(&context.with(&frame))?.is_true() {
                kept.push(item)?;
            }
        }
        Ok(kept.finish())
    }

    fn visit<'e>(&'e self, visit: &mut dyn FnMut(&'e Expr)) {
        visit(&self.input);
        visit(&self.condition);
        self.limit.iter().for_each(visit);
    }
}

fn filter_limit(limit: &Value<'_>) -> Result<usize> {
    let number = limit
        .as_number()
        .and_then(Number::to_i64_exact)
        .and_then(|limit| i32::try_from(limit).ok())
        .ok_or_else(|| {
            location(
                327_391,
                "$filter: limit must be represented as a 32-bit integral value",
            )
        })?;
    usize::try_from(number)
        .ok()
        .filter(|limit| *limit > 0)
        .ok_or_else(|| location(327_392, "$filter: limit must be greater than 0"))
}

#[derive(Debug)]
struct Reduce {
    input: Expr,
    initial: Expr,
    body: Expr,
}

const REDUCE: &[Field] = &[
    required("input", 40077),
    required("initialValue", 40078),
    required("in", 40079),
];

fn parse_reduce(name: &'static str, value: RawBsonRef<'_>, scope: Scope<'_>) -> Result<Expr> {
    let arguments = argument::raw_named(name, value, REDUCE, 40075, 40076)?;
    let [Some(input), Some(initial), Some(body)] = arguments[..] else {
        return Err(super::wrong_arity());
    };
    let names = ["this".to_owned(), "value".to_owned()];
    let bound = scope.bind(&names);
    Ok(Reduce {
        input: Expr::parse_in(input, scope)?,
        initial: Expr::parse_in(initial, scope)?,
        body: Expr::parse_in(body, scope.with(&bound))?,
    }
    .into())
}

impl Operator for Reduce {
    fn eval<'c>(&'c self, context: &EvalContext<'c>) -> Result<Value<'c>> {
        let input = self.input.eval(context)?;
        if input.is_nullish() {
            return Ok(Value::NULL);
        }
        let Some(array) = input.as_array() else {
            return Err(location(
                40080,
                format!(
                    "$reduce requires that 'input' be an array, found: {}",
                    input.type_name()
                ),
            ));
        };
        let mut result = self.initial.eval(context)?.into_owned();
        for item in items(array) {
            let values = [Value::Borrowed(item), result];
            let frame = context.bind(&values);
            let next = self.body.eval(&context.with(&frame))?.into_owned();
            result = next;
        }
        Ok(result)
    }

    fn visit<'e>(&'e self, visit: &mut dyn FnMut(&'e Expr)) {
        visit(&self.input);
        visit(&self.initial);
        visit(&self.body);
    }
}
