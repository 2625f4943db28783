//! `$cmp`, `$eq`, `$ne`, `$lt`, `$lte`, `$gt`, `$gte`: values and types, in MongoDB's order.

use std::cmp::Ordering;

use super::{Definition, Table};

pub(super) const TABLE: Table = &[
    (
        "$cmp",
        Definition::Binary(|left, right| {
            Ok(match left.compare(&right) {
                Ordering::Less => -1,
                Ordering::Equal => 0,
                Ordering::Greater => 1,
            }
            .into())
        }),
    ),
    (
        "$eq",
        Definition::Binary(|left, right| Ok(left.compare(&right).is_eq().into())),
    ),
    (
        "$ne",
        Definition::Binary(|left, right| Ok(left.compare(&right).is_ne().into())),
    ),
    (
        "$lt",
        Definition::Binary(|left, right| Ok(left.compare(&right).is_lt().into())),
    ),
    (
        "$lte",
        Definition::Binary(|left, right| Ok(left.compare(&right).is_le().into())),
    ),
    (
        "$gt",
        Definition::Binary(|left, right| Ok(left.compare(&right).is_gt().into())),
    ),
    (
        "$gte",
        Definition::Binary(|left, right| Ok(left.compare(&right).is_ge().into())),
    ),
];
