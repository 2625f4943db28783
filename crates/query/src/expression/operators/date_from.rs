//! `$dateFromString`, `$dateFromParts`.

use bson::DateTime;
use document::{ErrorCode, Number};

use super::date_text::{self, Offset, ZoneArgument};
use super::{Definition, Table, location, optional, required, wrong_arity};
use crate::expression::Value;
use crate::expression::calendar::{DAY_MS, HOUR_MS, MINUTE_MS, days_from_carrying, iso_week_start};
use crate::{Error, Result};

pub(super) const TABLE: Table = &[
    (
        "$dateFromString",
        Definition::Named {
            fields: &[
                required("dateString", 40542),
                optional("format"),
                optional("timezone"),
                optional("onError"),
                optional("onNull"),
            ],
            not_object: 40540,
            unknown: 40541,
            eval: date_from_string,
        },
    ),
    (
        "$dateFromParts",
        Definition::Named {
            fields: &[
                optional("year"),
                optional("isoWeekYear"),
                optional("month"),
                optional("isoWeek"),
                optional("day"),
                optional("isoDayOfWeek"),
                optional("hour"),
                optional("minute"),
                optional("second"),
                optional("millisecond"),
                optional("timezone"),
            ],
            not_object: 40519,
            unknown: 40518,
            eval: date_from_parts,
        },
    ),
];

fn date_from_string<'c>(arguments: &mut [Option<Value<'c>>]) -> Result<Value<'c>> {
    let [Some(text), format, timezone, on_error, on_null] = arguments else {
        return Err(wrong_arity());
    };
    if text.is_nullish() {
        return Ok(on_null.take().unwrap_or(Value::NULL));
    }
    let Some(offset) = Offset::of(timezone.as_ref())? else {
        return Ok(Value::NULL);
    };
    let zone = timezone.is_some().then_some(ZoneArgument(offset));
    let format = match format {
        None => None,
        Some(format) if format.is_nullish() => return Ok(Value::NULL),
        Some(format) => Some(format.as_str().ok_or_else(|| {
            location(
                40684,
                format!(
                    "$dateFromString requires that 'format' be a string, found: {}",
                    format.type_name()
                ),
            )
        })?),
    };
    let read = match (text.as_str(), format) {
        (None, _) => Err(Error::new(
            ErrorCode::ConversionFailure,
            format!(
                "$dateFromString requires that 'dateString' be a string, found: {}",
                text.type_name()
            ),
        )),
        (Some(text), None) => date_text::read_iso(text, zone),
        (Some(text), Some(format)) => date_text::read(format, text, zone),
    };
    match (read, on_error.take()) {
        (Ok(millis), _) => Ok(DateTime::from_millis(millis).into()),
        (Err(error), Some(value)) if error.code == ErrorCode::ConversionFailure => Ok(value),
        (Err(error), _) => Err(error),
    }
}

fn date_from_parts<'c>(arguments: &mut [Option<Value<'c>>]) -> Result<Value<'c>> {
    let [
        year,
        iso_year,
        month,
        iso_week,
        day,
        iso_day,
        hour,
        minute,
        second,
        millisecond,
        timezone,
    ] = arguments
    else {
        return Err(wrong_arity());
    };
    let is_iso = match (&year, &iso_year) {
        (Some(_), None) => false,
        (None, Some(_)) => true,
        _ => {
            return Err(location(
                40516,
                "$dateFromParts requires either 'year' or 'isoWeekYear' to be present",
            ));
        }
    };
    if is_iso && (month.is_some() || day.is_some()) {
        return Err(location(
            40525,
            "$dateFromParts does not allow mixing natural dates with ISO dates",
        ));
    }
    if !is_iso && (iso_week.is_some() || iso_day.is_some()) {
        return Err(location(
            40489,
            "$dateFromParts does not allow mixing ISO dates with natural dates",
        ));
    }
    let given = [
        &*year,
        iso_year,
        month,
        iso_week,
        day,
        iso_day,
        hour,
        minute,
        second,
        millisecond,
    ];
    let is_null = |value: &&Option<Value<'_>>| value.as_ref().is_some_and(Value::is_nullish);
    let Some(offset) = Offset::of(timezone.as_ref())? else {
        return Ok(Value::NULL);
    };
    if given.iter().any(is_null) {
        return Ok(Value::NULL);
    }
    let part = |name: &str, value: &Option<Value<'_>>, default: i64| -> Result<i64> {
        let Some(value) = value else {
            return Ok(default);
        };
        value
            .as_number()
            .and_then(Number::to_i64_exact)
            .ok_or_else(|| {
                location(
                    40515,
                    format!(
                        "'{name}' must evaluate to an integer, found {}",
                        value.type_name()
                    ),
                )
            })
    };
    let carrying = |name: &str, value: &Option<Value<'_>>, default: i64| -> Result<i64> {
        let number = part(name, value, default)?;
        if (-32_768..=32_767).contains(&number) {
            return Ok(number);
        }
        Err(location(
            31034,
            format!(
                "'{name}' must evaluate to a value in the range [-32768, 32767]; value {number} is \
                 not in range"
            ),
        ))
    };
    let year_of = |name: &str, value: &Option<Value<'_>>| -> Result<i64> {
        let year = part(name, value, 1970)?;
        if (1..=9999).contains(&year) {
            return Ok(year);
        }
        Err(location(
            40523,
            format!("'{name}' must evaluate to an integer in the range 1 to 9999, found {year}"),
        ))
    };
    let days = if is_iso {
        let start = iso_week_start(
            year_of("isoWeekYear", iso_year)?,
            carrying("isoWeek", iso_week, 1)?,
        );
        start + carrying("isoDayOfWeek", iso_day, 1)? - 1
    } else {
        days_from_carrying(
            year_of("year", year)?,
            carrying("month", month, 1)?,
            carrying("day", day, 1)?,
        )
    };
    let local = days * DAY_MS
        + carrying("hour", hour, 0)? * HOUR_MS
        + carrying("minute", minute, 0)? * MINUTE_MS
        // These two may carry further; MongoDB takes any long.
        + bounded("second", part("second", second, 0)?)? * 1000
        + bounded("millisecond", part("millisecond", millisecond, 0)?)?;
    Ok(DateTime::from_millis(local - offset.millis).into())
}

/// A number of seconds or milliseconds that cannot leave the range of dates.
fn bounded(name: &str, value: i64) -> Result<i64> {
    if value.unsigned_abs() < 1 << 50 {
        Ok(value)
    } else {
        Err(location(
            31034,
            format!("'{name}' is out of the range of dates"),
        ))
    }
}
