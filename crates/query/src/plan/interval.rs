//! Intervals of values, and sets of them.

use std::cmp::Ordering;
use std::ops::Bound;

use bson::raw::RawBson;
use bson::{DateTime, RawBsonRef, RawDocumentBuf, Timestamp};

/// A range of values in MongoDB's order, from the lower to the higher one whatever the direction
/// of the index. `Unbounded` is `MinKey` and `MaxKey`, inclusive.
#[derive(Debug, Clone, PartialEq)]
pub struct Interval {
    /// Where it begins.
    pub low: Bound<RawBson>,
    /// Where it ends.
    pub high: Bound<RawBson>,
}

impl Interval {
    /// Every value.
    pub fn all() -> Self {
        Self {
            low: Bound::Unbounded,
            high: Bound::Unbounded,
        }
    }

    /// One value, and what equals it.
    pub fn point(value: impl Into<RawBson>) -> Self {
        let value = value.into();
        Self {
            low: Bound::Included(value.clone()),
            high: Bound::Included(value),
        }
    }

    pub(super) fn new(low: Bound<RawBson>, high: Bound<RawBson>) -> Self {
        Self { low, high }
    }

    /// From `low` on, up to but without `high`.
    fn half_open(low: impl Into<RawBson>, high: impl Into<RawBson>) -> Self {
        Self::new(Bound::Included(low.into()), Bound::Excluded(high.into()))
    }

    fn closed(low: impl Into<RawBson>, high: impl Into<RawBson>) -> Self {
        Self::new(Bound::Included(low.into()), Bound::Included(high.into()))
    }

    /// The one value that the interval holds, if it is that.
    pub fn as_point(&self) -> Option<RawBsonRef<'_>> {
        match (&self.low, &self.high) {
            (Bound::Included(low), Bound::Included(high)) => {
                let (low, high) = (low.as_raw_bson_ref(), high.as_raw_bson_ref());
                document::compare::equal(low, high).then_some(low)
            }
            _ => None,
        }
    }

    /// Whether the interval holds every value.
    pub fn is_all(&self) -> bool {
        matches!(
            (&self.low, &self.high),
            (Bound::Unbounded, Bound::Unbounded)
        )
    }

    /// Whether the interval holds no value.
    pub fn is_empty(&self) -> bool {
        match (&self.low, &self.high) {
            (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
            (Bound::Included(low), Bound::Included(high)) => order(low, high).is_gt(),
            (
                Bound::Included(low) | Bound::Excluded(low),
                Bound::Included(high) | Bound::Excluded(high),
            ) => order(low, high).is_ge(),
        }
    }

    /// Whether `value` lies within.
    pub fn contains(&self, value: RawBsonRef<'_>) -> bool {
        let above = match &self.low {
            Bound::Unbounded => true,
            Bound::Included(low) => document::compare(value, low.as_raw_bson_ref()).is_ge(),
            Bound::Excluded(low) => document::compare(value, low.as_raw_bson_ref()).is_gt(),
        };
        above
            && match &self.high {
                Bound::Unbounded => true,
                Bound::Included(high) => document::compare(value, high.as_raw_bson_ref()).is_le(),
                Bound::Excluded(high) => document::compare(value, high.as_raw_bson_ref()).is_lt(),
            }
    }

    fn intersect(&self, other: &Self) -> Self {
        Self {
            low: match compare_lows(&self.low, &other.low) {
                Ordering::Less => other.low.clone(),
                _ => self.low.clone(),
            },
            high: match compare_highs(&self.high, &other.high) {
                Ordering::Greater => other.high.clone(),
                _ => self.high.clone(),
            },
        }
    }
}

fn order(left: &RawBson, right: &RawBson) -> Ordering {
    document::compare(left.as_raw_bson_ref(), right.as_raw_bson_ref())
}

/// By where the intervals that begin so begin.
fn compare_lows(left: &Bound<RawBson>, right: &Bound<RawBson>) -> Ordering {
    match (left, right) {
        (Bound::Unbounded, Bound::Unbounded) => Ordering::Equal,
        (Bound::Unbounded, _) => Ordering::Less,
        (_, Bound::Unbounded) => Ordering::Greater,
        (
            Bound::Included(left_value) | Bound::Excluded(left_value),
            Bound::Included(right_value) | Bound::Excluded(right_value),
        ) => {
            order(left_value, right_value).then_with(|| is_excluded(left).cmp(&is_excluded(right)))
        }
    }
}

/// By where the intervals that end so end.
fn compare_highs(left: &Bound<RawBson>, right: &Bound<RawBson>) -> Ordering {
    match (left, right) {
        (Bound::Unbounded, Bound::Unbounded) => Ordering::Equal,
        (Bound::Unbounded, _) => Ordering::Greater,
        (_, Bound::Unbounded) => Ordering::Less,
        (
            Bound::Included(left_value) | Bound::Excluded(left_value),
            Bound::Included(right_value) | Bound::Excluded(right_value),
        ) => {
            order(left_value, right_value).then_with(|| is_excluded(right).cmp(&is_excluded(left)))
        }
    }
}

fn is_excluded(bound: &Bound<RawBson>) -> bool {
    matches!(bound, Bound::Excluded(_))
}

/// A set of values as intervals: sorted, apart from each other, none of them empty.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct IntervalSet(Vec<Interval>);

impl IntervalSet {
    pub(super) fn all() -> Self {
        Self(vec![Interval::all()])
    }

    pub(super) fn empty() -> Self {
        Self(Vec::new())
    }

    pub(super) fn point(value: impl Into<RawBson>) -> Self {
        Self(vec![Interval::point(value)])
    }

    /// Points that are sorted and each there once.
    pub(super) fn sorted_points(values: &[RawBson]) -> Self {
        Self(values.iter().cloned().map(Interval::point).collect())
    }

    pub(super) fn of(intervals: Vec<Interval>) -> Self {
        let mut intervals: Vec<Interval> = intervals
            .into_iter()
            .filter(|interval| !interval.is_empty())
            .collect();
        intervals.sort_by(|left, right| compare_lows(&left.low, &right.low));
        let mut united: Vec<Interval> = Vec::with_capacity(intervals.len());
        for interval in intervals {
            match united.last_mut() {
                Some(last) if touches(&last.high, &interval.low) => {
                    if compare_highs(&interval.high, &last.high).is_gt() {
                        last.high = interval.high;
                    }
                }
                _ => united.push(interval),
            }
        }
        Self(united)
    }

    pub(super) fn union(self, other: Self) -> Self {
        let mut intervals = self.0;
        intervals.extend(other.0);
        Self::of(intervals)
    }

    pub(super) fn intersect(&self, other: &Self) -> Self {
        let (mut left, mut right) = (self.0.iter().peekable(), other.0.iter().peekable());
        let mut common = Vec::new();
        while let (Some(first), Some(second)) = (left.peek(), right.peek()) {
            let both = first.intersect(second);
            if !both.is_empty() {
                common.push(both);
            }
            if compare_highs(&first.high, &second.high).is_lt() {
                left.next();
            } else {
                right.next();
            }
        }
        Self(common)
    }

    /// All values that are not in the set.
    pub(super) fn complement(&self) -> Self {
        let mut gaps = Vec::with_capacity(self.0.len() + 1);
        let mut low = Some(Bound::Unbounded);
        for interval in &self.0 {
            let Some(begin) = low else { break };
            let end = flip(&interval.low);
            if let Some(end) = end {
                gaps.push(Interval::new(begin, end));
            }
            low = flip(&interval.high);
        }
        if let Some(begin) = low {
            gaps.push(Interval::new(begin, Bound::Unbounded));
        }
        Self::of(gaps)
    }

    pub(super) fn contains(&self, value: RawBsonRef<'_>) -> bool {
        self.0.iter().any(|interval| interval.contains(value))
    }

    /// Whether each of the other set's values is one of these.
    pub(super) fn is_superset(&self, other: &Self) -> bool {
        other.0.iter().all(|inner| {
            self.0.iter().any(|outer| {
                compare_lows(&outer.low, &inner.low).is_le()
                    && compare_highs(&outer.high, &inner.high).is_ge()
            })
        })
    }

    pub(super) fn is_all(&self) -> bool {
        matches!(self.0.as_slice(), [interval] if interval.is_all())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether there are only single values (and at least one).
    pub(super) fn is_points(&self) -> bool {
        !self.0.is_empty() && self.0.iter().all(|interval| interval.as_point().is_some())
    }

    pub(super) fn is_single_point(&self) -> bool {
        matches!(self.0.as_slice(), [interval] if interval.as_point().is_some())
    }

    pub(super) fn into_intervals(self) -> Vec<Interval> {
        self.0
    }
}

/// The end of what lies before or after a bound; `None` if nothing does.
fn flip(bound: &Bound<RawBson>) -> Option<Bound<RawBson>> {
    match bound {
        Bound::Unbounded => None,
        Bound::Included(value) => Some(Bound::Excluded(value.clone())),
        Bound::Excluded(value) => Some(Bound::Included(value.clone())),
    }
}

/// Whether an interval that ends at `high` and a later one that begins at `low` are one.
fn touches(high: &Bound<RawBson>, low: &Bound<RawBson>) -> bool {
    match (high, low) {
        (Bound::Unbounded, _) | (_, Bound::Unbounded) => true,
        (
            Bound::Included(high_value) | Bound::Excluded(high_value),
            Bound::Included(low_value) | Bound::Excluded(low_value),
        ) => match order(low_value, high_value) {
            Ordering::Less => true,
            Ordering::Equal => !(is_excluded(high) && is_excluded(low)),
            Ordering::Greater => false,
        },
    }
}

/// The values that compare with `value` under type bracketing, NaN apart; `None` for types whose
/// ends no value marks.
pub(super) fn bracket(value: &RawBson) -> Option<Interval> {
    let next_object_id = bson::oid::ObjectId::from_bytes([0; 12]);
    Some(match value {
        RawBson::Int32(_) | RawBson::Int64(_) | RawBson::Double(_) | RawBson::Decimal128(_) => {
            Interval::closed(f64::NEG_INFINITY, f64::INFINITY)
        }
        RawBson::String(_) | RawBson::Symbol(_) => Interval::half_open("", RawDocumentBuf::new()),
        RawBson::Document(_) => {
            Interval::half_open(RawDocumentBuf::new(), bson::RawArrayBuf::new())
        }
        RawBson::Binary(_) => Interval::half_open(
            RawBson::Binary(bson::Binary {
                subtype: bson::spec::BinarySubtype::Generic,
                bytes: Vec::new(),
            }),
            next_object_id,
        ),
        RawBson::ObjectId(_) => Interval::half_open(next_object_id, false),
        RawBson::Boolean(_) => Interval::closed(false, true),
        RawBson::DateTime(_) => Interval::closed(
            DateTime::from_millis(i64::MIN),
            DateTime::from_millis(i64::MAX),
        ),
        RawBson::Timestamp(_) => Interval::closed(
            Timestamp {
                time: 0,
                increment: 0,
            },
            Timestamp {
                time: u32::MAX,
                increment: u32::MAX,
            },
        ),
        RawBson::Null => Interval::point(RawBson::Null),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bound() -> impl Strategy<Value = Bound<RawBson>> {
        prop_oneof![
            (0..8).prop_map(|value| Bound::Included(RawBson::Int32(value))),
            (0..8).prop_map(|value| Bound::Excluded(RawBson::Int32(value))),
            Just(Bound::Unbounded),
        ]
    }

    fn set() -> impl Strategy<Value = IntervalSet> {
        let interval = (bound(), bound()).prop_map(|(low, high)| Interval::new(low, high));
        proptest::collection::vec(interval, 0..4).prop_map(IntervalSet::of)
    }

    /// Values on and between the ends.
    fn probes() -> Vec<RawBson> {
        (-1..17)
            .map(|half| RawBson::Double(f64::from(half) / 2.0))
            .chain([
                RawBson::MinKey,
                RawBson::Null,
                RawBson::from("x"),
                RawBson::MaxKey,
            ])
            .collect()
    }

    proptest! {
        #[test]
        fn sets_are_sets(left in set(), right in set()) {
            let (both, either) = (left.intersect(&right), left.clone().union(right.clone()));
            let outside = left.complement();
            for probe in &probes() {
                let probe = probe.as_raw_bson_ref();
                let (in_left, in_right) = (left.contains(probe), right.contains(probe));
                prop_assert_eq!(both.contains(probe), in_left && in_right);
                prop_assert_eq!(either.contains(probe), in_left || in_right);
                prop_assert_eq!(outside.contains(probe), !in_left);
            }
            prop_assert!(left.is_superset(&both));
            prop_assert!(either.is_superset(&right));
            prop_assert_eq!(outside.complement(), left);
        }
    }
}
