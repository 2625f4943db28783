//! `$bucket` and `$bucketAuto`: groups by ranges of an expression.

use std::sync::Arc;

use bson::raw::{RawBson, RawBsonRef, cstr};
use bson::{RawArrayBuf, RawDocument, RawDocumentBuf, rawdoc};
use document::{Number, types};

use super::{Stage, Transform, group, location, sort};
use crate::Result;
use crate::expression::{EvalContext, Expr, ParseContext, fields, items};
use crate::pipeline::accumulators::Accumulations;
use crate::pipeline::memory::Memory;
use crate::pipeline::source::deferred;
use crate::pipeline::{Collections, Documents, from_documents};

/// `$bucket` is a `$group` by a `$switch` over the boundaries, and a `$sort`.
pub(super) fn parse(
    name: &'static str,
    argument: RawBsonRef<'_>,
    context: &ParseContext,
    stages: &mut Vec<Stage>,
) -> Result<()> {
    let Some(options) = argument.as_document() else {
        return Err(location(
            40201,
            format!(
                "Argument to $bucket stage must be an object, but found type: {}",
                types::type_name(&argument)
            ),
        ));
    };
    let mut group_by = None;
    let mut boundaries = None;
    let mut default = None;
    let mut output = None;
    for (option, value) in fields(options) {
        match option.as_str() {
            "groupBy" => group_by = Some(check_group_by(name, 40202, value)?),
            "boundaries" => boundaries = Some(parse_boundaries(value, context)?),
            "default" => {
                let value = constant(value, context).ok_or_else(|| {
                    location(
                        40195,
                        "The $bucket 'default' field must be a constant value",
                    )
                })??;
                default = Some(value);
            }
            "output" => output = Some(check_output(name, 40196, value)?),
            other => {
                return Err(location(
                    40197,
                    format!("Unrecognized option to $bucket: {other}"),
                ));
            }
        }
    }
    let (Some(group_by), Some(boundaries)) = (group_by, boundaries) else {
        return Err(location(
            40198,
            "$bucket requires 'groupBy' and 'boundaries' to be specified.",
        ));
    };
    if let (Some(default), Some(least), Some(most)) =
        (&default, boundaries.first(), boundaries.last())
    {
        let default = default.as_raw_bson_ref();
        if document::compare(default, least.as_raw_bson_ref()).is_ge()
            && document::compare(default, most.as_raw_bson_ref()).is_lt()
        {
            return Err(location(
                40199,
                "The $bucket 'default' field must be less than the lowest boundary or greater than \
                 or equal to the highest boundary.",
            ));
        }
    }
    let mut branches = RawArrayBuf::new();
    for (lower, upper) in boundaries.iter().zip(boundaries.iter().skip(1)) {
        branches.push(branch(group_by, lower, upper));
    }
    let mut switch = RawDocumentBuf::new();
    switch.append(cstr!("branches"), branches);
    if let Some(default) = &default {
        switch.append(cstr!("default"), literal(default));
    }
    let mut grouping = RawDocumentBuf::new();
    grouping.append(cstr!("_id"), rawdoc! { "$switch": switch });
    match output {
        Some(output) => fields(output).for_each(|(name, value)| grouping.append(name, value)),
        None => grouping.append(cstr!("count"), rawdoc! { "$sum": 1 }),
    }
    group::parse("$group", RawBsonRef::Document(&grouping), context, stages)?;
    let order = rawdoc! { "_id": 1 };
    sort::parse("$sort", RawBsonRef::Document(&order), context, stages)
}

fn check_group_by<'a>(name: &str, code: i32, value: RawBsonRef<'a>) -> Result<RawBsonRef<'a>> {
    match value {
        RawBsonRef::String(path) if path.starts_with('$') => Ok(value),
        RawBsonRef::Document(_) => Ok(value),
        other => Err(location(
            code,
            format!(
                "The {name} 'groupBy' field must be defined as a $-prefixed path or an expression, \
                 but found: {}",
                types::type_name(&other)
            ),
        )),
    }
}

fn check_output<'a>(name: &str, code: i32, value: RawBsonRef<'a>) -> Result<&'a RawDocument> {
    value.as_document().ok_or_else(|| {
        location(
            code,
            format!(
                "The {name} 'output' field must be an object, but found type: {}",
                types::type_name(&value)
            ),
        )
    })
}

/// The value of a constant expression; None for one that is not constant.
fn constant(value: RawBsonRef<'_>, context: &ParseContext) -> Option<Result<RawBson>> {
    match Expr::parse(value, context) {
        Ok(expression) => expression.as_constant().cloned().map(Ok),
        Err(error) => Some(Err(error)),
    }
}

fn parse_boundaries(value: RawBsonRef<'_>, context: &ParseContext) -> Result<Vec<RawBson>> {
    let RawBsonRef::Array(array) = value else {
        return Err(location(
            40200,
            format!(
                "The $bucket 'boundaries' field must be an array, but found type: {}",
                types::type_name(&value)
            ),
        ));
    };
    let boundaries = items(array)
        .map(|item| {
            constant(item, context).ok_or_else(|| {
                location(
                    40191,
                    "The $bucket 'boundaries' field must be an array of constant values",
                )
            })?
        })
        .collect::<Result<Vec<_>>>()?;
    if boundaries.len() < 2 {
        return Err(location(
            40192,
            format!(
                "The $bucket 'boundaries' field must have at least 2 values, but found {} value(s).",
                boundaries.len()
            ),
        ));
    }
    for (lower, upper) in boundaries.iter().zip(boundaries.iter().skip(1)) {
        let (lower, upper) = (lower.as_raw_bson_ref(), upper.as_raw_bson_ref());
        if types::canonical_rank(&lower) != types::canonical_rank(&upper) {
            return Err(location(
                40193,
                "All values in the the 'boundaries' option to $bucket must have the same type",
            ));
        }
        if document::compare(lower, upper).is_ge() {
            return Err(location(
                40194,
                "The 'boundaries' option to $bucket must be sorted in ascending order",
            ));
        }
    }
    Ok(boundaries)
}

fn literal(value: &RawBson) -> RawDocumentBuf {
    let mut literal = RawDocumentBuf::new();
    literal.append(cstr!("$literal"), value.as_raw_bson_ref());
    literal
}

/// `{ case: lower <= group_by < upper, then: lower }`
fn branch(group_by: RawBsonRef<'_>, lower: &RawBson, upper: &RawBson) -> RawDocumentBuf {
    let operands = |bound: &RawBson| {
        let mut operands = RawArrayBuf::new();
        operands.push(group_by);
        operands.push(literal(bound));
        operands
    };
    let mut both = RawArrayBuf::new();
    both.push(rawdoc! { "$gte": operands(lower) });
    both.push(rawdoc! { "$lt": operands(upper) });
    rawdoc! { "case": { "$and": both }, "then": literal(lower) }
}

#[derive(Debug)]
struct BucketAuto {
    group_by: Expr,
    buckets: usize,
    output: Accumulations,
    memory_limit_bytes: usize,
}

pub(super) fn parse_auto(
    name: &'static str,
    argument: RawBsonRef<'_>,
    context: &ParseContext,
    stages: &mut Vec<Stage>,
) -> Result<()> {
    let Some(options) = argument.as_document() else {
        return Err(location(
            40240,
            format!(
                "The argument to $bucketAuto must be an object, but found type: {}",
                types::type_name(&argument)
            ),
        ));
    };
    let mut group_by = None;
    let mut buckets = None;
    let mut output = None;
    for (option, value) in fields(options) {
        match option.as_str() {
            "groupBy" => {
                let value = check_group_by(name, 40239, value)?;
                group_by = Some(Expr::parse(value, context)?);
            }
            "buckets" => {
                let number = Number::from_raw(&value).ok_or_else(|| {
                    location(
                        40241,
                        "The $bucketAuto 'buckets' field must be a numeric value",
                    )
                })?;
                let count = number
                    .to_i64_exact()
                    .and_then(|count| i32::try_from(count).ok())
                    .ok_or_else(|| {
                        location(
                            40242,
                            "The $bucketAuto 'buckets' field must be representable as a 32-bit \
                             integer",
                        )
                    })?;
                let count = usize::try_from(count)
                    .ok()
                    .filter(|count| *count > 0)
                    .ok_or_else(|| {
                        location(
                            40243,
                            "The $bucketAuto 'buckets' field must be greater than 0",
                        )
                    })?;
                buckets = Some(count);
            }
            "output" => output = Some(check_output(name, 40244, value)?),
            "granularity" => {
                return Err(crate::Error::new(
                    document::ErrorCode::NotImplemented,
                    "$bucketAuto's 'granularity' is not supported",
                ));
            }
            other => {
                return Err(location(
                    40245,
                    format!("Unrecognized option to $bucketAuto: {other}"),
                ));
            }
        }
    }
    let (Some(group_by), Some(buckets)) = (group_by, buckets) else {
        return Err(location(
            40246,
            "$bucketAuto requires 'groupBy' and 'buckets' to be specified",
        ));
    };
    let default_output = rawdoc! { "count": { "$sum": 1 } };
    let output = Accumulations::parse(output.unwrap_or(&default_output), context)?;
    stages.push(Stage::other(BucketAuto {
        group_by,
        buckets,
        output,
        memory_limit_bytes: context.memory_limit_bytes,
    }));
    Ok(())
}

impl Transform for BucketAuto {
    fn name(&self) -> &'static str {
        "$bucketAuto"
    }

    fn run(self: Arc<Self>, input: Documents, _: &Arc<dyn Collections>) -> Documents {
        deferred(move || {
            let mut memory = Memory::new("$bucketAuto", self.memory_limit_bytes);
            let mut all = Vec::new();
            for document in input {
                let document = document?;
                let key = self
                    .group_by
                    .eval(&EvalContext::new(&document))?
                    .into_raw_or_null();
                memory.grow(document.as_bytes().len() + 64)?;
                all.push((key, document));
            }
            all.sort_by(|(left, _), (right, _)| {
                document::compare(left.as_raw_bson_ref(), right.as_raw_bson_ref())
            });
            self.fill(&all, &mut memory).map(from_documents)
        })
    }
}

impl BucketAuto {
    /// Buckets of about the same size; documents with equal keys stay together.
    fn fill(
        &self,
        sorted: &[(RawBson, RawDocumentBuf)],
        memory: &mut Memory,
    ) -> Result<Vec<RawDocumentBuf>> {
        let size = ((sorted.len() as f64 / self.buckets as f64).round() as usize).max(1);
        let mut results = Vec::new();
        let mut rest = sorted;
        while let Some((first, _)) = rest.first() {
            let is_last = results.len() + 1 >= self.buckets;
            let mut count = if is_last {
                rest.len()
            } else {
                size.min(rest.len())
            };
            if let Some((last, _)) = count.checked_sub(1).and_then(|index| rest.get(index)) {
                count += rest
                    .iter()
                    .skip(count)
                    .take_while(|(key, _)| {
                        document::compare(key.as_raw_bson_ref(), last.as_raw_bson_ref()).is_eq()
                    })
                    .count();
            }
            let (bucket, after) = rest.split_at(count.min(rest.len()));
            let mut states = self.output.start(RawBsonRef::Null)?;
            for (_, document) in bucket {
                memory.grow(states.add(&self.output, &EvalContext::new(document))?)?;
            }
            // A bucket ends where the next one begins; the last one includes its greatest key.
            let max = after
                .first()
                .or_else(|| bucket.last())
                .map_or(RawBsonRef::Null, |(key, _)| key.as_raw_bson_ref());
            let mut range = RawDocumentBuf::new();
            range.append(cstr!("min"), first.as_raw_bson_ref());
            range.append(cstr!("max"), max);
            let mut result = RawDocumentBuf::new();
            result.append(cstr!("_id"), range);
            states.finish(&self.output, &mut result)?;
            results.push(result);
            rest = after;
        }
        Ok(results)
    }
}
