//! `$dateAdd`, `$dateSubtract`, `$dateDiff`, `$dateTrunc`.

use bson::DateTime;
use document::{ErrorCode, Number};

use super::date_text::{Offset, to_millis};
use super::{Definition, Field, Table, location, optional, required, wrong_arity};
use crate::expression::Value;
use crate::expression::calendar::{
    DAY_MS, HOUR_MS, MINUTE_MS, Parts, days_from_carrying, days_in_month,
};
use crate::{Error, Result};

const SHIFT: &[Field] = &[
    required("startDate", 5_166_402),
    required("unit", 5_166_402),
    required("amount", 5_166_402),
    optional("timezone"),
];

pub(super) const TABLE: Table = &[
    (
        "$dateAdd",
        Definition::Named {
            fields: SHIFT,
            not_object: 5_166_400,
            unknown: 5_166_401,
            eval: |arguments| shift("$dateAdd", arguments, 1),
        },
    ),
    (
        "$dateSubtract",
        Definition::Named {
            fields: SHIFT,
            not_object: 5_166_400,
            unknown: 5_166_401,
            eval: |arguments| shift("$dateSubtract", arguments, -1),
        },
    ),
    (
        "$dateDiff",
        Definition::Named {
            fields: &[
                required("startDate", 5_166_303),
                required("endDate", 5_166_304),
                required("unit", 5_166_305),
                optional("timezone"),
                optional("startOfWeek"),
            ],
            not_object: 5_166_301,
            unknown: 5_166_302,
            eval: date_diff,
        },
    ),
    (
        "$dateTrunc",
        Definition::Named {
            fields: &[
                required("date", 5_439_009),
                required("unit", 5_439_010),
                optional("binSize"),
                optional("timezone"),
                optional("startOfWeek"),
            ],
            not_object: 5_439_007,
            unknown: 5_439_008,
            eval: date_trunc,
        },
    ),
];

/// A unit of time: months, or a fixed length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Months(i64),
    Millis(i64),
}

/// A week is the one unit that depends on the day on which it starts.
const WEEK: Unit = Unit::Millis(7 * DAY_MS);

impl Unit {
    fn of(name: &str, value: &Value<'_>) -> Result<Self> {
        let text = value.as_str().ok_or_else(|| {
            location(
                5_439_013,
                format!(
                    "{name} requires 'unit' to be a string, but got {}",
                    value.type_name()
                ),
            )
        })?;
        Ok(match text {
            "year" => Self::Months(12),
            "quarter" => Self::Months(3),
            "month" => Self::Months(1),
            "week" => WEEK,
            "day" => Self::Millis(DAY_MS),
            "hour" => Self::Millis(HOUR_MS),
            "minute" => Self::Millis(MINUTE_MS),
            "second" => Self::Millis(1000),
            "millisecond" => Self::Millis(1),
            other => {
                return Err(Error::failed_to_parse(format!(
                    "unknown time unit value: {other}"
                )));
            }
        })
    }
}

fn not_a_date(name: &str, which: &str, code: i32, value: &Value<'_>) -> Error {
    location(
        code,
        format!(
            "{name} requires '{which}' to be a date, but got {}",
            value.type_name()
        ),
    )
}

fn overflow(name: &str) -> Error {
    Error::new(ErrorCode::Overflow, format!("{name} overflowed"))
}

fn shift<'c>(name: &str, arguments: &mut [Option<Value<'c>>], sign: i64) -> Result<Value<'c>> {
    let [Some(start), Some(unit), Some(amount), timezone] = arguments else {
        return Err(wrong_arity());
    };
    let Some(offset) = Offset::of(timezone.as_ref())? else {
        return Ok(Value::NULL);
    };
    if start.is_nullish() || unit.is_nullish() || amount.is_nullish() {
        return Ok(Value::NULL);
    }
    let unit = Unit::of(name, unit)?;
    let millis = to_millis(start)
        .ok()
        .flatten()
        .ok_or_else(|| not_a_date(name, "startDate", 5_166_403, start))?;
    let amount = amount
        .as_number()
        .and_then(Number::to_i64_exact)
        .ok_or_else(|| {
            location(
                5_166_405,
                format!("{name} expects integer amount of time units"),
            )
        })?;
    let amount = amount.checked_mul(sign).ok_or_else(|| overflow(name))?;
    let shifted = match unit {
        Unit::Millis(length) => amount
            .checked_mul(length)
            .and_then(|by| millis.checked_add(by)),
        Unit::Months(months) => amount
            .checked_mul(months)
            .and_then(|by| add_months(millis, by, offset)),
    };
    shifted
        .map(|millis| DateTime::from_millis(millis).into())
        .ok_or_else(|| overflow(name))
}

/// The same day of another month, or its last day if it is shorter.
fn add_months(millis: i64, months: i64, offset: Offset) -> Option<i64> {
    let parts = Parts::of(offset.local(millis));
    let total = (parts.year * 12 + parts.month - 1).checked_add(months)?;
    let (year, month) = (total.div_euclid(12), total.rem_euclid(12) + 1);
    // A date holds about 292 million years to either side.
    if year.unsigned_abs() > 300_000_000 {
        return None;
    }
    let day = parts.day.min(days_in_month(year, month));
    days_from_carrying(year, month, day)
        .checked_sub(parts.days)?
        .checked_mul(DAY_MS)
        .and_then(|by| millis.checked_add(by))
}

/// The day of the week on which weeks start, 0 for Monday.
fn start_of_week(name: &str, value: Option<&Value<'_>>, unit: Unit) -> Result<Option<i64>> {
    // It counts for weeks only, and is not looked at otherwise.
    let Some(value) = value.filter(|_| unit == WEEK) else {
        return Ok(Some(6));
    };
    if value.is_nullish() {
        return Ok(None);
    }
    let text = value.as_str().ok_or_else(|| {
        location(
            5_439_015,
            format!(
                "{name} requires 'startOfWeek' to be a string, but got {}",
                value.type_name()
            ),
        )
    })?;
    match text.to_ascii_lowercase().as_str() {
        "mon" | "monday" => Ok(Some(0)),
        "tue" | "tuesday" => Ok(Some(1)),
        "wed" | "wednesday" => Ok(Some(2)),
        "thu" | "thursday" => Ok(Some(3)),
        "fri" | "friday" => Ok(Some(4)),
        "sat" | "saturday" => Ok(Some(5)),
        "sun" | "sunday" => Ok(Some(6)),
        other => Err(Error::failed_to_parse(format!(
            "unknown day of week value: {other}"
        ))),
    }
}

/// Which week a day lies in, counted from any one.
const fn week_of(days: i64, first: i64) -> i64 {
    // Day 0 was a Thursday, three days after a Monday.
    (days + 3 - first).div_euclid(7)
}

fn date_diff<'c>(arguments: &mut [Option<Value<'c>>]) -> Result<Value<'c>> {
    const NAME: &str = "$dateDiff";
    let [Some(start), Some(end), Some(unit), timezone, week] = arguments else {
        return Err(wrong_arity());
    };
    let Some(offset) = Offset::of(timezone.as_ref())? else {
        return Ok(Value::NULL);
    };
    if start.is_nullish() || end.is_nullish() || unit.is_nullish() {
        return Ok(Value::NULL);
    }
    let unit = Unit::of(NAME, unit)?;
    let Some(first) = start_of_week(NAME, week.as_ref(), unit)? else {
        return Ok(Value::NULL);
    };
    let date = |which: &str, value: &Value<'_>| {
        to_millis(value)
            .ok()
            .flatten()
            .map(|millis| offset.local(millis))
            .ok_or_else(|| not_a_date(NAME, which, 5_166_307, value))
    };
    let start = date("startDate", start)?;
    let end = date("endDate", end)?;
    // How many boundaries between units lie between the two.
    let count = match unit {
        Unit::Months(months) => {
            let index = |millis: i64| {
                let parts = Parts::of(millis);
                (parts.year * 12 + parts.month - 1).div_euclid(months)
            };
            Some(index(end) - index(start))
        }
        WEEK => {
            let index = |millis: i64| week_of(Parts::of(millis).days, first);
            Some(index(end) - index(start))
        }
        Unit::Millis(length) => end.div_euclid(length).checked_sub(start.div_euclid(length)),
    };
    count.map(Value::from).ok_or_else(|| overflow(NAME))
}

/// 2000-01-01, where the bins of `$dateTrunc` begin, as a day counted from 1970-01-01.
const REFERENCE_DAY: i64 = 10_957;

fn date_trunc<'c>(arguments: &mut [Option<Value<'c>>]) -> Result<Value<'c>> {
    const NAME: &str = "$dateTrunc";
    let [Some(date), Some(unit), bin, timezone, week] = arguments else {
        return Err(wrong_arity());
    };
    let Some(offset) = Offset::of(timezone.as_ref())? else {
        return Ok(Value::NULL);
    };
    let is_bin_null = bin.as_ref().is_some_and(Value::is_nullish);
    if date.is_nullish() || unit.is_nullish() || is_bin_null {
        return Ok(Value::NULL);
    }
    let unit = Unit::of(NAME, unit)?;
    let Some(first) = start_of_week(NAME, week.as_ref(), unit)? else {
        return Ok(Value::NULL);
    };
    let millis = to_millis(date)
        .ok()
        .flatten()
        .ok_or_else(|| not_a_date(NAME, "date", 5_439_012, date))?;
    let bin = match bin {
        None => 1,
        Some(bin) => bin
            .as_number()
            .and_then(Number::to_i64_exact)
            .ok_or_else(|| {
                location(
                    5_439_017,
                    format!("{NAME} requires 'binSize' to be a 64-bit integer"),
                )
            })
            .and_then(|bin| {
                if bin > 0 {
                    Ok(bin)
                } else {
                    Err(location(
                        5_439_018,
                        format!("{NAME} requires 'binSize' to be greater than 0, but got {bin}"),
                    ))
                }
            })?,
    };
    let local = offset.local(millis);
    let truncated = match unit {
        Unit::Months(months) => {
            let parts = Parts::of(local);
            bin.checked_mul(months).and_then(|bin| {
                let index = (parts.year - 2000) * 12 + parts.month - 1;
                let start = index.div_euclid(bin).checked_mul(bin)?;
                let year = 2000 + start.div_euclid(12);
                let month = start.rem_euclid(12) + 1;
                if year.unsigned_abs() > 300_000_000 {
                    return None;
                }
                days_from_carrying(year, month, 1).checked_mul(DAY_MS)
            })
        }
        Unit::Millis(length) => {
            let reference_day = if unit == WEEK {
                // The first such day of the week from the reference on.
                REFERENCE_DAY + (first - (REFERENCE_DAY + 3)).rem_euclid(7)
            } else {
                REFERENCE_DAY
            };
            let reference = reference_day * DAY_MS;
            bin.checked_mul(length).and_then(|bin| {
                local
                    .checked_sub(reference)?
                    .div_euclid(bin)
                    .checked_mul(bin)?
                    .checked_add(reference)
            })
        }
    };
    truncated
        .and_then(|local| local.checked_sub(offset.millis))
        .map(|millis| DateTime::from_millis(millis).into())
        .ok_or_else(|| overflow(NAME))
}
