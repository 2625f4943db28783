//! `$limit`: the first documents.

use bson::raw::RawBsonRef;
use document::Number;

use super::{Stage, location};
use crate::Result;
use crate::expression::ParseContext;
use crate::pipeline::Documents;

pub(super) fn parse(
    name: &'static str,
    argument: RawBsonRef<'_>,
    _: &ParseContext,
    stages: &mut Vec<Stage>,
) -> Result<()> {
    let limit = count(name, argument, 5_107_201)?;
    if limit == 0 {
        return Err(location(15958, "the limit must be positive"));
    }
    stages.push(Stage::Limit(limit));
    Ok(())
}

/// A number of documents.
pub(super) fn count(name: &str, argument: RawBsonRef<'_>, code: i32) -> Result<u64> {
    let refuse = |expected: &str| {
        location(
            code,
            format!("invalid argument to {name} stage: Expected {expected}"),
        )
    };
    let number = Number::from_raw(&argument).ok_or_else(|| refuse("a number"))?;
    let integer = number
        .to_i64_exact()
        .ok_or_else(|| refuse("an integer that fits 64 bits"))?;
    u64::try_from(integer).map_err(|_| refuse("a non-negative number"))
}

pub(super) fn run(count: u64, input: Documents) -> Documents {
    let mut left = count;
    let mut input = input;
    // `take` does not pull a document beyond the last one; nor must this, and it must let an error
    // through that is in place of one.
    Box::new(std::iter::from_fn(move || {
        left = left.checked_sub(1)?;
        input.next()
    }))
}
