//! `$zip`: arrays side by side.

use bson::raw::RawBsonRef;
use document::types::type_name;

use super::{Definition, Field, Table, argument, location, optional};
use crate::Result;
use crate::expression::bounds::ArrayBuilder;
use crate::expression::{EvalContext, Expr, Operator, Scope, Value, items};

pub(super) const TABLE: Table = &[("$zip", Definition::Custom(parse))];

#[derive(Debug)]
struct Zip {
    inputs: Vec<Expr>,
    defaults: Vec<Expr>,
    use_longest: bool,
}

const FIELDS: &[Field] = &[
    optional("inputs"),
    optional("defaults"),
    optional("useLongestLength"),
];

fn parse(name: &'static str, value: RawBsonRef<'_>, scope: Scope<'_>) -> Result<Expr> {
    let arguments = argument::raw_named(name, value, FIELDS, 34460, 34464)?;
    let [inputs, defaults, use_longest] = arguments[..] else {
        return Err(super::wrong_arity());
    };
    let list = |code, which: &str, value: Option<RawBsonRef<'_>>| match value {
        None => Ok(Vec::new()),
        Some(RawBsonRef::Array(array)) => items(array)
            .map(|item| Expr::parse_in(item, scope))
            .collect(),
        Some(other) => Err(location(
            code,
            format!(
                "{which} must be an array of expressions, found {}",
                type_name(&other)
            ),
        )),
    };
    let use_longest = match use_longest {
        None => false,
        Some(RawBsonRef::Boolean(value)) => value,
        Some(other) => {
            return Err(location(
                34463,
                format!(
                    "useLongestLength must be a bool, found {}",
                    type_name(&other)
                ),
            ));
        }
    };
    let inputs = list(34461, "inputs", inputs)?;
    let defaults = list(34462, "defaults", defaults)?;
    if inputs.is_empty() {
        return Err(location(34465, "$zip requires at least one input array"));
    }
    if !defaults.is_empty() && !use_longest {
        return Err(location(
            34466,
            "cannot specify defaults unless useLongestLength is true",
        ));
    }
    if !defaults.is_empty() && defaults.len() != inputs.len() {
        return Err(location(
            34467,
            "defaults and inputs must have the same length",
        ));
    }
    Ok(Zip {
        inputs,
        defaults,
        use_longest,
    }
    .into())
}

impl Operator for Zip {
    fn eval<'c>(&'c self, context: &EvalContext<'c>) -> Result<Value<'c>> {
        let mut inputs = Vec::with_capacity(self.inputs.len());
        for input in &self.inputs {
            let input = input.eval(context)?;
            if input.is_nullish() {
                return Ok(Value::NULL);
            }
            inputs.push(input);
        }
        let mut arrays = Vec::with_capacity(inputs.len());
        for input in &inputs {
            let array = input.as_array().ok_or_else(|| {
                location(
                    34468,
                    format!(
                        "$zip found a non-array expression in input: {}",
                        input.type_name()
                    ),
                )
            })?;
            arrays.push(array);
        }
        let defaults = self
            .defaults
            .iter()
            .map(|default| default.eval(context))
            .collect::<Result<Vec<_>>>()?;
        let lengths = arrays.iter().map(|array| items(array).count());
        let length = if self.use_longest {
            lengths.max()
        } else {
            lengths.min()
        };
        let mut cursors: Vec<_> = arrays.iter().map(|array| items(array)).collect();
        let mut result = ArrayBuilder::new();
        for _ in 0..length.unwrap_or(0) {
            let mut row = ArrayBuilder::new();
            for (index, cursor) in cursors.iter_mut().enumerate() {
                let item = cursor.next().unwrap_or_else(|| {
                    defaults
                        .get(index)
                        .map_or(RawBsonRef::Null, Value::as_bson_or_null)
                });
                row.push(item)?;
            }
            result.push(row.finish().as_bson_or_null())?;
        }
        Ok(result.finish())
    }

    fn visit<'e>(&'e self, visit: &mut dyn FnMut(&'e Expr)) {
        self.inputs.iter().chain(&self.defaults).for_each(visit);
    }
}
