//! `$type`, `$isNumber`. Conversions are in [`super::convert`].

use super::{Definition, Table};

pub(super) const TABLE: Table = &[
    (
        "$type",
        Definition::Unary(|value| Ok(value.type_name().into())),
    ),
    (
        "$isNumber",
        Definition::Unary(|value| Ok(value.as_number().is_some().into())),
    ),
];
