//! `$firstN`, `$lastN`: some documents' values, as they come; null where the field is missing.

use std::collections::VecDeque;
use std::sync::Arc;

use bson::RawDocumentBuf;
use bson::raw::{RawBson, RawBsonRef};

use super::{Accumulator, Parsed, location};
use crate::Result;
use crate::expression::bounds::{ArrayBuilder, size_of};
use crate::expression::operators::array_ends::count;
use crate::expression::{EvalContext, Expr, ParseContext, Value, fields};

pub(super) fn parse_first(
    name: &'static str,
    value: RawBsonRef<'_>,
    context: &ParseContext,
) -> Result<Parsed> {
    let (input, n) = parse_n(name, value, context)?;
    Ok(Parsed {
        argument: input,
        start: Box::new(move |id| Ok(Box::new(Ends::new(n.of_group(id)?, false)))),
    })
}

pub(super) fn parse_last(
    name: &'static str,
    value: RawBsonRef<'_>,
    context: &ParseContext,
) -> Result<Parsed> {
    let (input, n) = parse_n(name, value, context)?;
    Ok(Parsed {
        argument: input,
        start: Box::new(move |id| Ok(Box::new(Ends::new(n.of_group(id)?, true)))),
    })
}

/// The `n` of an accumulator: an expression over the group's `_id`.
#[derive(Clone)]
pub(super) struct HowMany {
    name: &'static str,
    expression: Arc<Expr>,
}

impl HowMany {
    pub(super) fn parse(
        name: &'static str,
        value: RawBsonRef<'_>,
        context: &ParseContext,
    ) -> Result<Self> {
        let expression = Expr::parse(value, context)?;
        if let Some(constant) = expression.as_constant() {
            count(name, &Value::Borrowed(constant.as_raw_bson_ref()))?;
        }
        Ok(Self {
            name,
            expression: Arc::new(expression),
        })
    }

    /// The number for the group with this `_id`, whose fields the expression sees.
    pub(super) fn of_group(&self, id: RawBsonRef<'_>) -> Result<usize> {
        let nothing = RawDocumentBuf::new();
        let root = id.as_document().unwrap_or(&nothing);
        count(self.name, &self.expression.eval(&EvalContext::new(root))?)
    }
}

/// `{ input: …, n: … }`
pub(super) fn parse_n(
    name: &'static str,
    value: RawBsonRef<'_>,
    context: &ParseContext,
) -> Result<(Expr, HowMany)> {
    let Some(spec) = value.as_document() else {
        return Err(location(
            5_787_801,
            format!("specification must be an object for {name}"),
        ));
    };
    let mut input = None;
    let mut n = None;
    for (field, value) in fields(spec) {
        match field.as_str() {
            "input" => input = Some(Expr::parse(value, context)?),
            "n" => n = Some(HowMany::parse(name, value, context)?),
            other => {
                return Err(location(
                    5_787_901,
                    format!("{name} found an unknown argument: {other}"),
                ));
            }
        }
    }
    match (input, n) {
        (Some(input), Some(n)) => Ok((input, n)),
        (_, None) => Err(location(
            5_787_906,
            format!("Missing value for 'n' in {name}"),
        )),
        (None, _) => Err(location(
            5_787_907,
            format!("Missing value for 'input' in {name}"),
        )),
    }
}

struct Ends {
    values: VecDeque<RawBson>,
    n: usize,
    is_last: bool,
}

impl Ends {
    const fn new(n: usize, is_last: bool) -> Self {
        Self {
            values: VecDeque::new(),
            n,
            is_last,
        }
    }
}

impl Accumulator for Ends {
    fn add(&mut self, value: Value<'_>, _: &EvalContext<'_>) -> Result<usize> {
        let mut dropped = 0;
        if self.values.len() >= self.n {
            if !self.is_last {
                return Ok(0);
            }
            if let Some(value) = self.values.pop_front() {
                dropped = held(&value);
            }
        }
        let value = value.into_raw_or_null();
        let grown = held(&value).saturating_sub(dropped);
        self.values.push_back(value);
        Ok(grown)
    }

    fn finish(self: Box<Self>) -> Result<Value<'static>> {
        array_of(self.values)
    }
}

/// About how many bytes a value holds.
pub(super) fn held(value: &RawBson) -> usize {
    std::mem::size_of::<RawBson>() + size_of(value.as_raw_bson_ref())
}

pub(super) fn array_of(values: impl IntoIterator<Item = RawBson>) -> Result<Value<'static>> {
    let mut array = ArrayBuilder::new();
    for value in values {
        array.push(value.as_raw_bson_ref())?;
    }
    Ok(array.finish())
}
