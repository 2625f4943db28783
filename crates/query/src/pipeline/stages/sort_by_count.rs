//! `$sortByCount`: groups by an expression, the largest first.
//!
//! Source: the manual's page "$sortByCount", which gives the two stages that it stands for.

use bson::raw::RawBsonRef;
use bson::rawdoc;

use super::{Stage, group, location, sort};
use crate::Result;
use crate::expression::{ParseContext, fields};

pub(super) fn parse(
    _: &'static str,
    argument: RawBsonRef<'_>,
    context: &ParseContext,
    stages: &mut Vec<Stage>,
) -> Result<()> {
    match argument {
        RawBsonRef::String(path) if path.starts_with('$') => {}
        RawBsonRef::String(_) => {
            return Err(location(
                40148,
                "the sortByCount field must be defined as a $-prefixed path or an expression inside \
                 an object",
            ));
        }
        RawBsonRef::Document(expression)
            if fields(expression)
                .next()
                .is_some_and(|(name, _)| name.as_str().starts_with('$')) => {}
        RawBsonRef::Document(_) => {
            return Err(location(
                40147,
                "the sortByCount field must be defined as a $-prefixed path or an expression inside \
                 an object",
            ));
        }
        _ => {
            return Err(location(
                40149,
                "the sortByCount field must be specified as a string or as an object",
            ));
        }
    }
    let mut grouping = rawdoc! {};
    grouping.append(bson::raw::cstr!("_id"), argument);
    grouping.append(bson::raw::cstr!("count"), rawdoc! { "$sum": 1 });
    group::parse("$group", RawBsonRef::Document(&grouping), context, stages)?;
    let order = rawdoc! { "count": -1 };
    sort::parse("$sort", RawBsonRef::Document(&order), context, stages)
}
