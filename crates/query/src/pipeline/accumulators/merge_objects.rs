//! `$mergeObjects`: one document of all; later values of a field replace earlier ones.

use bson::RawDocumentBuf;
use bson::raw::RawBsonRef;

use super::{Accumulator, Parsed};
use crate::Result;
use crate::expression::bounds::{MAX_VALUE_BYTES, too_large};
use crate::expression::operators::object::Merger;
use crate::expression::{EvalContext, ParseContext, Value};

pub(super) fn parse(
    name: &'static str,
    value: RawBsonRef<'_>,
    context: &ParseContext,
) -> Result<Parsed> {
    Parsed::unary(name, value, context, MergeObjects::default)
}

#[derive(Default)]
struct MergeObjects(RawDocumentBuf);

impl Accumulator for MergeObjects {
    fn add(&mut self, value: Value<'_>, _: &EvalContext<'_>) -> Result<usize> {
        if value.is_nullish() {
            return Ok(0);
        }
        let before = self.0.as_bytes().len();
        let held = Value::Borrowed(RawBsonRef::Document(&self.0));
        let mut merger = Merger::default();
        merger.add(&held)?;
        merger.add(&value)?;
        let merged = merger.finish();
        let bytes = merged.as_bytes().len();
        if bytes > MAX_VALUE_BYTES {
            return Err(too_large());
        }
        self.0 = merged;
        Ok(bytes.saturating_sub(before))
    }

    fn finish(self: Box<Self>) -> Result<Value<'static>> {
        Ok(self.0.into())
    }
}
