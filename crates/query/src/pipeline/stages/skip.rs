//! `$skip`: all but the first documents.

use bson::raw::RawBsonRef;

use super::{Stage, limit};
use crate::Result;
use crate::expression::ParseContext;
use crate::pipeline::Documents;

pub(super) fn parse(
    name: &'static str,
    argument: RawBsonRef<'_>,
    _: &ParseContext,
    stages: &mut Vec<Stage>,
) -> Result<()> {
    stages.push(Stage::Skip(limit::count(name, argument, 5_107_200)?));
    Ok(())
}

pub(super) fn run(count: u64, input: Documents) -> Documents {
    let mut left = count;
    // An error is not a document to be skipped.
    Box::new(input.filter(move |document| {
        if left == 0 || document.is_err() {
            return true;
        }
        left -= 1;
        false
    }))
}
