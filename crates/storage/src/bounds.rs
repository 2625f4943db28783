//! Which part of an index is read, and which way.

use std::cmp::Ordering;
use std::ops::Bound;

use bson::RawBson;

use crate::error::Result;
use crate::index::{IndexSpec, KeyValues};
use crate::keyenc;

/// Which way a scan goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Direction {
    /// In the order of the index (or of `_id`).
    #[default]
    Forward,
    /// Against it.
    Backward,
}

impl Direction {
    /// The other way.
    pub fn reversed(self) -> Self {
        match self {
            Direction::Forward => Direction::Backward,
            Direction::Backward => Direction::Forward,
        }
    }
}

/// A range of values in MongoDB's order: from the lower value to the higher one, whatever the
/// direction of the index's field. `Unbounded` is `MinKey` and `MaxKey`, inclusive.
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
}

/// What is read of an index: for each of its first fields, the intervals that a key's value may
/// be in. Fields beyond the end of the list are unbounded; intervals may come in any order and
/// may overlap. No intervals for a field: nothing is read.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct IndexBounds {
    /// One list for each field, in the order of the key pattern.
    pub fields: Vec<Vec<Interval>>,
}

impl IndexBounds {
    /// The whole index.
    pub fn all() -> Self {
        Self::default()
    }

    /// Bounds from a list for each field.
    pub fn new(fields: Vec<Vec<Interval>>) -> Self {
        Self { fields }
    }
}

/// The end of an encoded interval.
#[derive(Debug, Clone, PartialEq, Eq)]
struct End {
    /// An encoded value; empty at the lower end: before everything.
    bytes: KeyValues,
    included: bool,
}

/// An interval over the encodings of one field, in the order of the index.
#[derive(Debug, Clone, PartialEq, Eq)]
struct EncodedInterval {
    low: End,
    /// `None`: up to everything.
    high: Option<End>,
}

impl EncodedInterval {
    fn encode(interval: &Interval, descending: bool) -> Result<Option<Self>> {
        let end = |bound: &Bound<RawBson>| {
            let (value, included) = match bound {
                Bound::Unbounded => return Ok(None),
                Bound::Included(value) => (value, true),
                Bound::Excluded(value) => (value, false),
            };
            let mut bytes = KeyValues::new();
            keyenc::encode(value.as_raw_bson_ref(), descending, &mut bytes)?;
            Ok::<_, crate::Error>(Some(End { bytes, included }))
        };
        let (low, high) = if descending {
            (end(&interval.high)?, end(&interval.low)?)
        } else {
            (end(&interval.low)?, end(&interval.high)?)
        };
        let low = low.unwrap_or(End {
            bytes: KeyValues::new(),
            included: true,
        });
        let is_empty = high
            .as_ref()
            .is_some_and(|high| match low.bytes.cmp(&high.bytes) {
                Ordering::Less => false,
                Ordering::Equal => !(low.included && high.included),
                Ordering::Greater => true,
            });
        Ok((!is_empty).then_some(Self { low, high }))
    }

    /// Whether a value lies before the interval, in it, or after it.
    fn place(&self, value: &[u8]) -> Ordering {
        match value.cmp(&self.low.bytes) {
            Ordering::Less => return Ordering::Less,
            Ordering::Equal if !self.low.included => return Ordering::Less,
            _ => {}
        }
        match &self.high {
            None => Ordering::Equal,
            Some(high) => match value.cmp(&high.bytes) {
                Ordering::Less => Ordering::Equal,
                Ordering::Equal if high.included => Ordering::Equal,
                _ => Ordering::Greater,
            },
        }
    }
}

/// Bounds as they are compared with keys.
#[derive(Debug, Clone)]
pub(crate) struct EncodedBounds {
    /// For each bounded field its direction and its intervals: sorted, apart from each other.
    fields: Vec<(bool, Vec<EncodedInterval>)>,
}

/// What to do with a key.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is within the bounds.
    Within,
    /// It is not; the next one that may be is at this key or beyond it (forward), or before it
    /// (backward).
    SkipTo(Vec<u8>),
    /// Neither it nor what comes after it.
    Done,
}

impl EncodedBounds {
    pub(crate) fn new(bounds: &IndexBounds, spec: &IndexSpec) -> Result<Self> {
        let mut fields = Vec::with_capacity(bounds.fields.len());
        for (field, intervals) in spec.fields.iter().zip(&bounds.fields) {
            let mut encoded = Vec::with_capacity(intervals.len());
            for interval in intervals {
                encoded.extend(EncodedInterval::encode(interval, field.descending)?);
            }
            fields.push((field.descending, unite(encoded)));
        }
        Ok(Self { fields })
    }

    /// Whether nothing can be within.
    pub(crate) fn is_empty(&self) -> bool {
        self.fields
            .iter()
            .any(|(_, intervals)| intervals.is_empty())
    }

    /// Where a scan begins and ends, after the index's prefix: the first key, and the prefix of
    /// the last ones (`None`: up to the end).
    pub(crate) fn outer(&self) -> (&[u8], Option<&[u8]>) {
        let Some((_, intervals)) = self.fields.first() else {
            return (&[], None);
        };
        let low = intervals
            .first()
            .map_or(&[][..], |interval| &interval.low.bytes);
        let high = intervals.last().and_then(|interval| interval.high.as_ref());
        (low, high.map(|high| high.bytes.as_slice()))
    }

    /// Whether a key's values are within the bounds.
    pub(crate) fn contains(&self, key: &[u8]) -> bool {
        self.fields.is_empty() || self.check(key, Direction::Forward) == Verdict::Within
    }

    /// What to do with a key, which is given without the index's prefix.
    pub(crate) fn check(&self, key: &[u8], direction: Direction) -> Verdict {
        let mut start = 0;
        for (descending, intervals) in &self.fields {
            let rest = key.get(start..).unwrap_or_default();
            // A key that cannot be read is damage; what it is part of ends the scan.
            let Some(length) = keyenc::value_len(rest, *descending) else {
                return Verdict::Done;
            };
            let (value, _) = rest.split_at(length);
            let at = intervals.partition_point(|interval| interval.place(value).is_gt());
            let within = intervals
                .get(at)
                .is_some_and(|interval| interval.place(value).is_eq());
            if within {
                start += length;
                continue;
            }
            let (before, _) = key.split_at(start);
            return match direction {
                Direction::Forward => match intervals.get(at) {
                    Some(next) if next.low.bytes.as_slice() == value => {
                        // The excluded end itself: beyond all keys that have it.
                        skip_past(key.get(..start + length).unwrap_or_default())
                    }
                    Some(next) => Verdict::SkipTo([before, &next.low.bytes].concat()),
                    None => skip_past(before),
                },
                Direction::Backward => match at.checked_sub(1).and_then(|at| intervals.get(at)) {
                    Some(EncodedInterval {
                        high: Some(high), ..
                    }) => {
                        let target = [before, &high.bytes].concat();
                        if high.included {
                            match keyenc::after_prefix(&target) {
                                Some(end) => Verdict::SkipTo(end),
                                None => Verdict::Done,
                            }
                        } else {
                            Verdict::SkipTo(target)
                        }
                    }
                    _ if before.is_empty() => Verdict::Done,
                    _ => Verdict::SkipTo(before.to_vec()),
                },
            };
        }
        Verdict::Within
    }
}

/// Forward, beyond all keys with a prefix.
fn skip_past(prefix: &[u8]) -> Verdict {
    if prefix.is_empty() {
        return Verdict::Done;
    }
    keyenc::after_prefix(prefix).map_or(Verdict::Done, Verdict::SkipTo)
}

/// Sorts intervals and joins those that touch.
fn unite(mut intervals: Vec<EncodedInterval>) -> Vec<EncodedInterval> {
    // An included end comes before an excluded one at the lower side.
    intervals.sort_by(|left, right| {
        (&left.low.bytes, !left.low.included).cmp(&(&right.low.bytes, !right.low.included))
    });
    let mut united: Vec<EncodedInterval> = Vec::with_capacity(intervals.len());
    for interval in intervals {
        let Some(last) = united.last_mut() else {
            united.push(interval);
            continue;
        };
        let Some(high) = &last.high else { break };
        let touches = match interval.low.bytes.cmp(&high.bytes) {
            Ordering::Less => true,
            Ordering::Equal => interval.low.included || high.included,
            Ordering::Greater => false,
        };
        if !touches {
            united.push(interval);
            continue;
        }
        let extends = match &interval.high {
            None => true,
            Some(new) => (&new.bytes, new.included) > (&high.bytes, high.included),
        };
        if extends {
            last.high = interval.high;
        }
    }
    united
}

#[cfg(test)]
mod tests {
    use super::*;
    use bson::rawdoc;

    fn bounds(intervals: Vec<Interval>, direction: i32) -> EncodedBounds {
        let spec =
            IndexSpec::parse(&rawdoc! { "key": { "a": direction, "b": 1 }, "name": "x" }).unwrap();
        EncodedBounds::new(&IndexBounds::new(vec![intervals]), &spec).unwrap()
    }

    fn interval(low: Bound<i32>, high: Bound<i32>) -> Interval {
        Interval {
            low: low.map(RawBson::Int32),
            high: high.map(RawBson::Int32),
        }
    }

    fn key(values: [i32; 2], descending: bool) -> Vec<u8> {
        let mut key = Vec::new();
        keyenc::encode(
            RawBson::Int32(values[0]).as_raw_bson_ref(),
            descending,
            &mut key,
        )
        .unwrap();
        keyenc::encode(RawBson::Int32(values[1]).as_raw_bson_ref(), false, &mut key).unwrap();
        key
    }

    #[test]
    fn intervals_are_united() {
        use Bound::{Excluded, Included, Unbounded};
        let count = |intervals| bounds(intervals, 1).fields[0].1.len();
        assert_eq!(
            count(vec![
                Interval::point(3),
                Interval::point(1),
                Interval::point(3)
            ]),
            2
        );
        let halves = [
            interval(Excluded(5), Unbounded),
            interval(Unbounded, Excluded(5)),
        ];
        assert_eq!(count(halves.to_vec()), 2);
        assert_eq!(
            count([halves.to_vec(), vec![Interval::point(5)]].concat()),
            1
        );
        assert_eq!(count(vec![interval(Included(1), Excluded(1))]), 0);
        assert_eq!(count(vec![interval(Included(3), Included(1))]), 0);
        assert_eq!(
            count(vec![
                interval(Included(1), Included(9)),
                interval(Included(2), Included(3))
            ]),
            1
        );
    }

    #[test]
    fn contains_what_lies_between() {
        use Bound::{Excluded, Included};
        for (direction, descending) in [(1, false), (-1, true)] {
            let bounds = bounds(
                vec![
                    interval(Included(1), Excluded(3)),
                    interval(Excluded(5), Included(7)),
                ],
                direction,
            );
            for (value, expected) in [
                (0, false),
                (1, true),
                (2, true),
                (3, false),
                (5, false),
                (6, true),
                (7, true),
            ] {
                assert_eq!(
                    bounds.contains(&key([value, 0], descending)),
                    expected,
                    "{value}"
                );
            }
            assert!(!bounds.contains(&key([8, 0], descending)));
        }
    }
}
