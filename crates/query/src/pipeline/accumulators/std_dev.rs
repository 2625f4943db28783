//! `$stdDevPop`, `$stdDevSamp`: of the numbers; null if there are too few.

use bson::raw::RawBsonRef;

use super::{Accumulator, Parsed};
use crate::Result;
use crate::expression::statistics::Deviation;
use crate::expression::{EvalContext, ParseContext, Value};

pub(super) fn parse_population(
    name: &'static str,
    value: RawBsonRef<'_>,
    context: &ParseContext,
) -> Result<Parsed> {
    Parsed::unary(name, value, context, || {
        StdDev::new(Deviation::of_population)
    })
}

pub(super) fn parse_sample(
    name: &'static str,
    value: RawBsonRef<'_>,
    context: &ParseContext,
) -> Result<Parsed> {
    Parsed::unary(name, value, context, || StdDev::new(Deviation::of_sample))
}

struct StdDev {
    deviation: Deviation,
    result: fn(&Deviation) -> Option<f64>,
}

impl StdDev {
    fn new(result: fn(&Deviation) -> Option<f64>) -> Self {
        Self {
            deviation: Deviation::default(),
            result,
        }
    }
}

impl Accumulator for StdDev {
    fn add(&mut self, value: Value<'_>, _: &EvalContext<'_>) -> Result<usize> {
        if let Some(number) = value.as_number() {
            self.deviation.add(number);
        }
        Ok(0)
    }

    fn finish(self: Box<Self>) -> Result<Value<'static>> {
        Ok((self.result)(&self.deviation).map_or(Value::NULL, Value::from))
    }
}
