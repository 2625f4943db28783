//! `$dateToString`.

use super::date_text::{self, Offset, to_millis};
use super::{Definition, Table, location, optional, required, wrong_arity};
use crate::Result;
use crate::expression::Value;

pub(super) const TABLE: Table = &[(
    "$dateToString",
    Definition::Named {
        fields: &[
            required("date", 18628),
            optional("format"),
            optional("timezone"),
            optional("onNull"),
        ],
        not_object: 18629,
        unknown: 18534,
        eval: date_to_string,
    },
)];

fn date_to_string<'c>(arguments: &mut [Option<Value<'c>>]) -> Result<Value<'c>> {
    let [Some(date), format, timezone, on_null] = arguments else {
        return Err(wrong_arity());
    };
    let Some(millis) = to_millis(date)? else {
        return Ok(on_null.take().unwrap_or(Value::NULL));
    };
    let Some(offset) = Offset::of(timezone.as_ref())? else {
        return Ok(Value::NULL);
    };
    let format = match format {
        None if timezone.is_some() && offset != Offset::UTC => "%Y-%m-%dT%H:%M:%S.%L",
        None => "%Y-%m-%dT%H:%M:%S.%LZ",
        Some(format) if format.is_nullish() => return Ok(Value::NULL),
        Some(format) => format.as_str().ok_or_else(|| {
            location(
                18533,
                format!(
                    "$dateToString requires that 'format' be a string, found: {}",
                    format.type_name()
                ),
            )
        })?,
    };
    date_text::write(format, millis, offset).map(Value::from)
}
