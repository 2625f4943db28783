//! Values as text: what `$concat` of dates, `$toString` and `$toLower` share.

use std::borrow::Cow;

use bson::DateTime;
use bson::raw::RawBsonRef;
use document::types::type_name;

use super::calendar::Parts;
use super::value::Value;
use crate::Result;
use crate::expression::operators::location;

/// The text that `$toLower`, `$substrBytes` … make of their argument: null is empty, numbers and
/// dates are written out.
///
/// # Errors
/// 16007 for other types.
pub(crate) fn coerce<'v>(value: &'v Value<'_>) -> Result<Cow<'v, str>> {
    Ok(match value.as_bson() {
        None | Some(RawBsonRef::Null | RawBsonRef::Undefined) => Cow::Borrowed(""),
        Some(
            RawBsonRef::String(text) | RawBsonRef::Symbol(text) | RawBsonRef::JavaScriptCode(text),
        ) => Cow::Borrowed(text),
        Some(RawBsonRef::Int32(number)) => number.to_string().into(),
        Some(RawBsonRef::Int64(number)) => number.to_string().into(),
        Some(RawBsonRef::Double(number)) => double(number).into(),
        Some(RawBsonRef::Decimal128(number)) => number.to_string().into(),
        Some(RawBsonRef::DateTime(date)) => iso_date(date).into(),
        Some(RawBsonRef::Timestamp(value)) => {
            format!("Timestamp({}, {})", value.time, value.increment).into()
        }
        Some(other) => {
            return Err(location(
                16007,
                format!(
                    "can't convert from BSON type {} to String",
                    type_name(&other)
                ),
            ));
        }
    })
}

/// The shortest digits that read back as the same double; an exponent below 1e-4 and from 1e16.
pub(crate) fn double(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    let magnitude = value.abs();
    if value == 0.0 || (1e-4..1e16).contains(&magnitude) {
        return value.to_string();
    }
    // Rust writes 1e21 and 1e-7 where MongoDB writes 1e+21 and 1e-07.
    let text = format!("{value:e}");
    match text.split_once('e') {
        None => text,
        Some((digits, exponent)) => {
            let (sign, exponent) = match exponent.strip_prefix('-') {
                Some(exponent) => ('-', exponent),
                None => ('+', exponent),
            };
            format!("{digits}e{sign}{exponent:0>2}")
        }
    }
}

/// `2026-01-31T12:30:00.000Z`
pub(crate) fn iso_date(date: DateTime) -> String {
    let parts = Parts::of(date.timestamp_millis());
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
        parts.year,
        parts.month,
        parts.day,
        parts.hour,
        parts.minute,
        parts.second,
        parts.millisecond
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_doubles_as_mongodb_does() {
        for (value, text) in [
            (1.0, "1"),
            (-2.5, "-2.5"),
            (0.1, "0.1"),
            (1e21, "1e+21"),
            (1.5e-7, "1.5e-07"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-Infinity"),
        ] {
            assert_eq!(double(value), text);
        }
    }
}
