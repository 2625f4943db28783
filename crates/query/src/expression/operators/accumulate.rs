//! `$sum`, `$avg`, `$min`, `$max`, `$stdDevPop`, `$stdDevSamp` over the items of an array, or over
//! several arguments. What is not a number does not count towards the first two and the last two;
//! null and missing are neither least nor greatest.

use bson::raw::RawBsonRef;
use document::Number;

use super::{Definition, Table, argument};
use crate::Result;
use crate::expression::statistics::{Average, Deviation, Sum};
use crate::expression::{EvalContext, Expr, Operator, Scope, Value, items};

pub(super) const TABLE: Table = &[
    (
        "$sum",
        Definition::Custom(|name, value, scope| parse(Kind::Sum, name, value, scope)),
    ),
    (
        "$avg",
        Definition::Custom(|name, value, scope| parse(Kind::Avg, name, value, scope)),
    ),
    (
        "$min",
        Definition::Custom(|name, value, scope| parse(Kind::Min, name, value, scope)),
    ),
    (
        "$max",
        Definition::Custom(|name, value, scope| parse(Kind::Max, name, value, scope)),
    ),
    (
        "$stdDevPop",
        Definition::Custom(|name, value, scope| parse(Kind::StdDevPop, name, value, scope)),
    ),
    (
        "$stdDevSamp",
        Definition::Custom(|name, value, scope| parse(Kind::StdDevSamp, name, value, scope)),
    ),
];

#[derive(Debug, Clone, Copy)]
enum Kind {
    Sum,
    Avg,
    Min,
    Max,
    StdDevPop,
    StdDevSamp,
}

#[derive(Debug)]
struct Accumulate {
    kind: Kind,
    arguments: Vec<Expr>,
}

fn parse(kind: Kind, name: &'static str, value: RawBsonRef<'_>, scope: Scope<'_>) -> Result<Expr> {
    let arguments = argument::between(name, value, scope, 0, usize::MAX)?;
    Ok(Accumulate { kind, arguments }.into())
}

impl Operator for Accumulate {
    fn eval<'c>(&'c self, context: &EvalContext<'c>) -> Result<Value<'c>> {
        // A single argument may be the array of what is accumulated.
        if let [argument] = &self.arguments[..] {
            let value = argument.eval(context)?;
            return Ok(match value.as_array() {
                Some(array) => accumulate(self.kind, items(array)).into_owned(),
                None => accumulate(self.kind, value.as_bson().into_iter()).into_owned(),
            });
        }
        let values = self
            .arguments
            .iter()
            .map(|argument| argument.eval(context))
            .collect::<Result<Vec<_>>>()?;
        Ok(accumulate(self.kind, values.iter().filter_map(Value::as_bson)).into_owned())
    }

    fn visit<'e>(&'e self, visit: &mut dyn FnMut(&'e Expr)) {
        self.arguments.iter().for_each(visit);
    }
}

fn accumulate<'v>(kind: Kind, values: impl Iterator<Item = RawBsonRef<'v>>) -> Value<'v> {
    let or_null = |result: Option<Number>| result.map_or(Value::NULL, Value::from);
    let present =
        |value: &RawBsonRef<'_>| !matches!(value, RawBsonRef::Null | RawBsonRef::Undefined);
    let numbers = |values: &mut dyn FnMut(Number),
                   all: &mut dyn Iterator<Item = RawBsonRef<'v>>| {
        all.filter_map(|value| Number::from_raw(&value))
            .for_each(values);
    };
    let mut values = values;
    match kind {
        Kind::Sum => {
            let mut sum = Sum::default();
            numbers(&mut |number| sum.add(number), &mut values);
            sum.total().into()
        }
        Kind::Avg => {
            let mut average = Average::default();
            numbers(&mut |number| average.add(number), &mut values);
            or_null(average.result())
        }
        Kind::Min => values
            .filter(present)
            .min_by(|left, right| document::compare(*left, *right))
            .map_or(Value::NULL, Value::Borrowed),
        Kind::Max => values
            .filter(present)
            .reduce(|most, value| {
                if document::compare(value, most).is_gt() {
                    value
                } else {
                    most
                }
            })
            .map_or(Value::NULL, Value::Borrowed),
        Kind::StdDevPop | Kind::StdDevSamp => {
            let mut deviation = Deviation::default();
            numbers(&mut |number| deviation.add(number), &mut values);
            let result = match kind {
                Kind::StdDevPop => deviation.of_population(),
                _ => deviation.of_sample(),
            };
            or_null(result.map(Number::Double))
        }
    }
}
