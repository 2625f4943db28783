//! The accumulators of `$group`: what is computed over the documents of a group. One file each (or
//! for a pair of mirror images), and their table.

mod add_to_set;
mod avg;
mod count;
mod first_last;
mod first_n;
mod max_min;
mod max_n;
mod merge_objects;
mod push;
mod std_dev;
mod sum;
mod top;

use std::fmt;

use bson::raw::{CString, RawBsonRef};
use bson::{RawDocument, RawDocumentBuf};
use document::ErrorCode;
use smallvec::SmallVec;

use crate::expression::bounds::{MAX_VALUE_BYTES, size_of, too_large};
use crate::expression::{EvalContext, Expr, ParseContext, Value, fields};
use crate::{Error, Result};

/// What one accumulator holds for one group.
pub(crate) trait Accumulator: Send {
    /// Takes the value for a document; `context` is that document's. Answers how many bytes more
    /// are held.
    fn add(&mut self, value: Value<'_>, context: &EvalContext<'_>) -> Result<usize>;

    /// The result.
    fn finish(self: Box<Self>) -> Result<Value<'static>>;
}

/// Starts an accumulator for a group with this `_id`.
type Start = Box<dyn Fn(RawBsonRef<'_>) -> Result<Box<dyn Accumulator>> + Send + Sync>;

/// A parsed accumulator: the expression that is evaluated for each document, and what takes its
/// values.
pub(crate) struct Parsed {
    argument: Expr,
    start: Start,
}

type Parse = fn(&'static str, RawBsonRef<'_>, &ParseContext) -> Result<Parsed>;

/// Every accumulator.
const ACCUMULATORS: &[(&str, Parse)] = &[
    ("$addToSet", add_to_set::parse),
    ("$avg", avg::parse),
    ("$bottom", top::parse_bottom),
    ("$bottomN", top::parse_bottom_n),
    ("$count", count::parse),
    ("$first", first_last::parse_first),
    ("$firstN", first_n::parse_first),
    ("$last", first_last::parse_last),
    ("$lastN", first_n::parse_last),
    ("$max", max_min::parse_max),
    ("$maxN", max_n::parse_max),
    ("$mergeObjects", merge_objects::parse),
    ("$min", max_min::parse_min),
    ("$minN", max_n::parse_min),
    ("$push", push::parse),
    ("$stdDevPop", std_dev::parse_population),
    ("$stdDevSamp", std_dev::parse_sample),
    ("$sum", sum::parse),
    ("$top", top::parse_top),
    ("$topN", top::parse_top_n),
];

impl Parsed {
    /// An accumulator of one expression, the same for every group.
    fn unary<A: Accumulator + 'static>(
        name: &str,
        value: RawBsonRef<'_>,
        context: &ParseContext,
        start: fn() -> A,
    ) -> Result<Self> {
        if let RawBsonRef::Array(_) = value {
            return Err(location(
                40237,
                format!("The {name} accumulator is a unary operator"),
            ));
        }
        Ok(Self {
            argument: Expr::parse(value, context)?,
            start: Box::new(move |_| Ok(Box::new(start()))),
        })
    }
}

/// The output fields of a `$group` (or a `$bucketAuto`).
pub(crate) struct Accumulations {
    outputs: Vec<(CString, Parsed)>,
}

impl fmt::Debug for Accumulations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(
                self.outputs
                    .iter()
                    .map(|(name, parsed)| (name.as_str(), &parsed.argument)),
            )
            .finish()
    }
}

impl Accumulations {
    /// Parses `{ name: { $accumulator: … }, … }`.
    pub(crate) fn parse(spec: &RawDocument, context: &ParseContext) -> Result<Self> {
        let mut outputs = Vec::new();
        for (name, value) in fields(spec) {
            let text = name.as_str();
            let RawBsonRef::Document(accumulator) = value else {
                return Err(location(
                    40234,
                    format!("The field '{text}' must be an accumulator object"),
                ));
            };
            if text.contains('.') {
                return Err(location(
                    40235,
                    format!("The field name '{text}' cannot contain '.'"),
                ));
            }
            if text.starts_with('$') {
                return Err(location(
                    40236,
                    format!("The field name '{text}' cannot be an operator name"),
                ));
            }
            let mut all = fields(accumulator);
            let (Some((operator, argument)), None) = (all.next(), all.next()) else {
                return Err(location(
                    40238,
                    format!("The field '{text}' must specify one accumulator"),
                ));
            };
            let operator = operator.as_str();
            if !operator.starts_with('$') {
                return Err(location(
                    40234,
                    format!("The field '{text}' must be an accumulator object"),
                ));
            }
            let Some((known, parse)) = ACCUMULATORS.iter().find(|(known, _)| *known == operator)
            else {
                return Err(unknown(operator));
            };
            outputs.push((name.into(), parse(known, argument, context)?));
        }
        Ok(Self { outputs })
    }

    /// The accumulators of a new group.
    pub(crate) fn start(&self, id: RawBsonRef<'_>) -> Result<States> {
        let states = self
            .outputs
            .iter()
            .map(|(_, parsed)| (parsed.start)(id))
            .collect::<Result<_>>()?;
        Ok(States { states })
    }
}

fn unknown(operator: &str) -> Error {
    if matches!(operator, "$accumulator" | "$median" | "$percentile") {
        return Error::new(
            ErrorCode::NotImplemented,
            format!("the accumulator {operator} is not supported"),
        );
    }
    location(15952, format!("unknown group operator '{operator}'"))
}

/// The accumulators of one group.
pub(crate) struct States {
    states: SmallVec<[Box<dyn Accumulator>; 2]>,
}

impl States {
    /// About how many bytes empty accumulators hold.
    pub(crate) fn size_bytes(&self) -> usize {
        self.states.len() * 64
    }

    /// Takes a document; answers how many bytes more are held.
    pub(crate) fn add(
        &mut self,
        accumulations: &Accumulations,
        context: &EvalContext<'_>,
    ) -> Result<usize> {
        let mut grown = 0;
        for ((_, parsed), state) in accumulations.outputs.iter().zip(&mut self.states) {
            grown += state.add(parsed.argument.eval(context)?, context)?;
        }
        Ok(grown)
    }

    /// Writes the results to the group's document; a missing result is null.
    pub(crate) fn finish(
        self,
        accumulations: &Accumulations,
        result: &mut RawDocumentBuf,
    ) -> Result<()> {
        for ((name, _), state) in accumulations.outputs.iter().zip(self.states) {
            let value = state.finish()?;
            let value = value.as_bson_or_null();
            if result.as_bytes().len() + size_of(value) > MAX_VALUE_BYTES {
                return Err(too_large());
            }
            result.append(name, value);
        }
        Ok(())
    }
}

/// A refusal with a numbered code.
fn location(code: i32, message: impl Into<String>) -> Error {
    Error::new(ErrorCode::Location(code), message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted() {
        assert!(ACCUMULATORS.iter().map(|(name, _)| name).is_sorted());
    }
}
