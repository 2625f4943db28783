//! From a test to the keys of an index that may pass it.

use std::ops::Bound;

use bson::raw::RawBson;
use bson::{RawBsonRef, Regex};

use super::interval::{Interval, IntervalSet, bracket};
use crate::filter::node::Condition;
use crate::filter::operators::comparison::{Comparison, is_nan};
use crate::filter::operators::elem_match::ElemMatch;
use crate::filter::operators::regex::Pattern;
use crate::filter::test::Test;

/// The values that may pass a test.
#[derive(Debug, Clone)]
pub(super) struct TestBounds {
    pub(super) set: IntervalSet,
    /// Whether all values of the set pass, so that the test need not be asked again. Missing
    /// counts as null here.
    pub(super) exact: bool,
    /// Whether the set is so wide that it is no reason to use an index.
    pub(super) weak: bool,
}

impl TestBounds {
    fn exact(set: IntervalSet) -> Self {
        Self {
            set,
            exact: true,
            weak: false,
        }
    }

    fn inexact(set: IntervalSet) -> Self {
        Self {
            set,
            exact: false,
            weak: false,
        }
    }

    fn weak(set: IntervalSet) -> Self {
        Self {
            weak: true,
            ..Self::inexact(set)
        }
    }
}

/// The bounds of `test`, for values that a path of an index reaches: the elements of an array, not
/// the array. `None` if the test says nothing that an index knows.
pub(super) fn of_test(test: &Test) -> Option<TestBounds> {
    match test {
        Test::Eq(operand) => Some(of_equality(operand)),
        Test::Compare(comparison, operand) => of_comparison(*comparison, operand),
        Test::In(set) => {
            let arrays = set
                .values()
                .iter()
                .any(|value| matches!(value, RawBson::Array(_)));
            let mut bounds = if arrays {
                let values = set.values().iter().map(|value| of_equality(value).set);
                let intervals = values.flat_map(IntervalSet::into_intervals).collect();
                TestBounds::inexact(IntervalSet::of(intervals))
            } else {
                TestBounds::exact(IntervalSet::sorted_points(set.values()))
            };
            for pattern in set.patterns() {
                bounds.exact = false;
                bounds.weak |= pattern.literal_prefix().is_empty();
                bounds.set = bounds.set.union(of_pattern(pattern));
            }
            Some(bounds)
        }
        Test::Regex(pattern) => Some(TestBounds {
            weak: pattern.literal_prefix().is_empty(),
            ..TestBounds::inexact(of_pattern(pattern))
        }),
        Test::Type(types) => of_types(*types),
        Test::Mod(_) => {
            bracket(&RawBson::Int32(0)).map(|all| TestBounds::weak(IntervalSet::of(vec![all])))
        }
        Test::ElemMatch(inner) => match inner.as_ref() {
            ElemMatch::Value(condition) => of_element(condition).map(|bounds| TestBounds {
                exact: false,
                ..bounds
            }),
            ElemMatch::Document(_) => None,
        },
        Test::Never => Some(TestBounds::exact(IntervalSet::empty())),
        Test::Exists | Test::Bits(_) | Test::Size(_) => None,
    }
}

/// The keys of arrays that equal an array are its first element, and of arrays that hold it, itself.
fn of_equality(operand: &RawBson) -> TestBounds {
    let RawBson::Array(array) = operand else {
        return TestBounds::exact(IntervalSet::point(operand.clone()));
    };
    let first: RawBson = match array.into_iter().next() {
        Some(Ok(first)) => first.into(),
        _ => RawBson::Undefined,
    };
    TestBounds::inexact(IntervalSet::of(vec![
        Interval::point(first),
        Interval::point(operand.clone()),
    ]))
}

fn of_comparison(comparison: Comparison, operand: &RawBson) -> Option<TestBounds> {
    if is_nan(&operand.as_raw_bson_ref()) {
        return Some(TestBounds::exact(if comparison.is_inclusive() {
            IntervalSet::point(operand.clone())
        } else {
            IntervalSet::empty()
        }));
    }
    let bracket = bracket(operand)?;
    let end = if comparison.is_inclusive() {
        Bound::Included(operand.clone())
    } else {
        Bound::Excluded(operand.clone())
    };
    let interval = if comparison.is_upward() {
        Interval::new(end, bracket.high)
    } else {
        Interval::new(bracket.low, end)
    };
    Some(TestBounds::exact(IntervalSet::of(vec![interval])))
}

fn of_types(types: crate::filter::operators::types::TypeSet) -> Option<TestBounds> {
    const BOUNDED: &[&str] = &[
        "double",
        "int",
        "long",
        "decimal",
        "string",
        "symbol",
        "object",
        "binData",
        "objectId",
        "bool",
        "date",
        "timestamp",
        "null",
        "undefined",
        "minKey",
        "maxKey",
    ];
    if !types.is_within(BOUNDED) {
        return None;
    }
    let samples = [
        ("string", RawBson::from("")),
        ("symbol", RawBson::from("")),
        ("object", RawBson::from(bson::RawDocumentBuf::new())),
        (
            "binData",
            RawBson::Binary(bson::Binary {
                subtype: bson::spec::BinarySubtype::Generic,
                bytes: Vec::new(),
            }),
        ),
        ("objectId", bson::oid::ObjectId::from_bytes([0; 12]).into()),
        ("bool", RawBson::from(false)),
        ("date", bson::DateTime::from_millis(0).into()),
        (
            "timestamp",
            RawBson::Timestamp(bson::Timestamp {
                time: 0,
                increment: 0,
            }),
        ),
        ("null", RawBson::Null),
    ];
    let mut intervals: Vec<Interval> = samples
        .iter()
        .filter(|(name, _)| types.has(name))
        .filter_map(|(_, sample)| bracket(sample))
        .collect();
    if ["double", "int", "long", "decimal"]
        .into_iter()
        .any(|name| types.has(name))
    {
        intervals.push(Interval::point(f64::NAN));
        intervals.extend(bracket(&RawBson::Int32(0)));
    }
    for (name, value) in [
        ("undefined", RawBson::Undefined),
        ("minKey", RawBson::MinKey),
        ("maxKey", RawBson::MaxKey),
    ] {
        if types.has(name) {
            intervals.push(Interval::point(value));
        }
    }
    // Types share a place in the order, and null stands for missing: never exact.
    Some(TestBounds::weak(IntervalSet::of(intervals)))
}

/// Strings with the pattern's prefix, and the regular expression itself.
fn of_pattern(pattern: &Pattern) -> IntervalSet {
    let prefix = pattern.literal_prefix();
    let high = match after_prefix(&prefix) {
        Some(after) => Bound::Excluded(RawBson::String(after)),
        None => Bound::Excluded(RawBson::Document(bson::RawDocumentBuf::new())),
    };
    let mut intervals = vec![Interval::new(
        Bound::Included(RawBson::String(prefix)),
        high,
    )];
    let (Ok(text), Ok(options)) = (
        pattern.pattern().to_owned().try_into(),
        pattern.options().to_owned().try_into(),
    ) else {
        return IntervalSet::of(intervals);
    };
    intervals.push(Interval::point(RawBson::RegularExpression(Regex {
        pattern: text,
        options,
    })));
    IntervalSet::of(intervals)
}

/// The least string after all that begin with `prefix`: its last character counted up. `None` if
/// there is none.
fn after_prefix(prefix: &str) -> Option<String> {
    let mut after = prefix.to_owned();
    while let Some(last) = after.pop() {
        // The order of strings is that of their bytes, which is that of the code points.
        let next = match last {
            '\u{D7FF}' => Some('\u{E000}'),
            last => char::from_u32(u32::from(last) + 1),
        };
        if let Some(next) = next {
            after.push(next);
            return Some(after);
        }
    }
    None
}

/// The bounds of a condition on one element: all of it is about one value, so that bounds may be
/// intersected.
fn of_element(condition: &Condition) -> Option<TestBounds> {
    match condition {
        Condition::Test(Test::Exists) => Some(TestBounds::exact(IntervalSet::all())),
        // The key of an array within an array is the array, not its elements.
        Condition::Test(Test::ElemMatch(_)) => None,
        Condition::Test(test) => of_test(test),
        Condition::Not(inner) => {
            let inner = of_element(inner)?;
            inner.exact.then(|| TestBounds {
                weak: true,
                ..TestBounds::exact(inner.set.complement())
            })
        }
        Condition::All(conditions) => {
            let mut all: Option<TestBounds> = None;
            for bounds in conditions.iter().filter_map(of_element) {
                all = Some(match all {
                    None => bounds,
                    Some(all) => TestBounds {
                        weak: all.weak && bounds.weak,
                        ..TestBounds::inexact(all.set.intersect(&bounds.set))
                    },
                });
            }
            // Something in it may have had no bounds.
            all.map(|all| TestBounds {
                exact: false,
                ..all
            })
        }
    }
}

/// Whether the set holds null, which is also the key of what is missing.
pub(super) fn holds_null(set: &IntervalSet) -> bool {
    set.contains(RawBsonRef::Null)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_the_last_character_up() {
        assert_eq!(after_prefix("abc").as_deref(), Some("abd"));
        assert_eq!(after_prefix("a\u{10FFFF}").as_deref(), Some("b"));
        assert_eq!(after_prefix("\u{D7FF}").as_deref(), Some("\u{E000}"));
        assert_eq!(after_prefix("\u{10FFFF}"), None);
        assert_eq!(after_prefix(""), None);
    }
}
