//! `$in` and `$nin`.

use bson::RawBsonRef;
use bson::raw::RawBson;

use super::regex::Pattern;
use crate::filter::node::{Condition, Evaluation};
use crate::filter::parse::{FieldOperator, is_operators, values};
use crate::filter::test::Test;
use crate::{Error, Result};

/// The values of `$in`: sorted, so that thousands cost a binary search.
#[derive(Debug)]
pub(crate) struct InSet {
    /// In MongoDB's order, each once.
    values: Vec<RawBson>,
    patterns: Vec<Pattern>,
    has_null: bool,
}

impl InSet {
    fn parse(name: &str, argument: RawBsonRef<'_>) -> Result<Self> {
        let RawBsonRef::Array(array) = argument else {
            return Err(Error::bad_value(format!("{name} needs an array")));
        };
        let mut set = Self {
            values: Vec::new(),
            patterns: Vec::new(),
            has_null: false,
        };
        for value in values(array) {
            match value? {
                RawBsonRef::RegularExpression(regex) => set.patterns.push(Pattern::new(
                    regex.pattern.as_str(),
                    regex.options.as_str(),
                )?),
                RawBsonRef::Undefined => {
                    return Err(Error::bad_value("cannot compare to undefined"));
                }
                RawBsonRef::Document(document) if is_operators(document) => {
                    return Err(Error::bad_value(format!("cannot nest $ under {name}")));
                }
                value => set.values.push(value.into()),
            }
        }
        let key = |value: &RawBson, other: &RawBson| {
            document::compare(value.as_raw_bson_ref(), other.as_raw_bson_ref())
        };
        set.values.sort_by(key);
        set.values
            .dedup_by(|value, other| key(value, other).is_eq());
        set.has_null = set.values.contains(&RawBson::Null);
        Ok(set)
    }

    pub(crate) fn matches(&self, value: RawBsonRef<'_>, evaluation: &mut Evaluation) -> bool {
        self.values
            .binary_search_by(|candidate| document::compare(candidate.as_raw_bson_ref(), value))
            .is_ok()
            || self
                .patterns
                .iter()
                .any(|pattern| pattern.matches(value, evaluation))
    }

    pub(crate) fn contains_null(&self) -> bool {
        self.has_null
    }

    /// The values in MongoDB's order, each once; the regular expressions are apart.
    pub(crate) fn values(&self) -> &[RawBson] {
        &self.values
    }

    pub(crate) fn patterns(&self) -> &[Pattern] {
        &self.patterns
    }

    /// The one value that passes, if there is exactly one.
    pub(crate) fn single(&self) -> Option<RawBsonRef<'_>> {
        match self.values.as_slice() {
            [value] if self.patterns.is_empty() => Some(value.as_raw_bson_ref()),
            _ => None,
        }
    }
}

pub(super) fn parse_in(operator: FieldOperator<'_>) -> Result<Option<Condition>> {
    let set = InSet::parse(operator.name, operator.argument)?;
    Ok(Some(Condition::Test(Test::In(set))))
}

pub(super) fn parse_nin(operator: FieldOperator<'_>) -> Result<Option<Condition>> {
    let set = InSet::parse(operator.name, operator.argument)?;
    Ok(Some(Condition::Not(Box::new(Condition::Test(Test::In(
        set,
    ))))))
}
