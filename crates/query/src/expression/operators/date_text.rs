//! Dates as text and back, and time zones: what the date operators share.
//!
//! Time zones are UTC and fixed offsets; the Olson database (`Europe/Berlin`) is not supported.

use bson::raw::RawBsonRef;
use document::types::type_name;

use super::location;
use crate::expression::Value;
use crate::expression::calendar::{
    self, DAY_MS, HOUR_MS, MINUTE_MS, Parts, days_from_civil, iso_week_start,
};
use crate::{Error, Result};

/// Milliseconds since 1970 of a date, an ObjectId or a timestamp; None of null.
///
/// # Errors
/// 16006 for other types.
pub(super) fn to_millis(value: &Value<'_>) -> Result<Option<i64>> {
    Ok(match value.as_bson() {
        None | Some(RawBsonRef::Null | RawBsonRef::Undefined) => None,
        Some(RawBsonRef::DateTime(date)) => Some(date.timestamp_millis()),
        Some(RawBsonRef::ObjectId(id)) => Some(id.timestamp().timestamp_millis()),
        Some(RawBsonRef::Timestamp(timestamp)) => Some(i64::from(timestamp.time) * 1000),
        Some(other) => {
            return Err(location(
                16006,
                format!("can't convert from BSON type {} to Date", type_name(&other)),
            ));
        }
    })
}

/// What a time zone adds to UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Offset {
    pub(super) millis: i64,
}

impl Offset {
    pub(super) const UTC: Self = Self { millis: 0 };

    /// The offset of an optional argument; None if it is there and null.
    pub(super) fn of(argument: Option<&Value<'_>>) -> Result<Option<Self>> {
        let Some(value) = argument else {
            return Ok(Some(Self::UTC));
        };
        if value.is_nullish() {
            return Ok(None);
        }
        let text = value.as_str().ok_or_else(|| {
            location(
                40517,
                format!(
                    "timezone must evaluate to a string, found {}",
                    value.type_name()
                ),
            )
        })?;
        Self::parse(text).map(Some).ok_or_else(|| {
            location(
                40485,
                format!(
                    "unrecognized time zone identifier: \"{text}\". Supported are UTC, GMT and \
                     offsets such as +05:30"
                ),
            )
        })
    }

    fn parse(text: &str) -> Option<Self> {
        if matches!(text, "UTC" | "GMT" | "Z" | "Etc/UTC" | "Etc/GMT") {
            return Some(Self::UTC);
        }
        let mut cursor = Cursor { text };
        let offset = cursor.offset()?;
        cursor.text.is_empty().then_some(offset)
    }

    /// The local time of a moment, as if it were UTC.
    pub(super) const fn local(self, millis: i64) -> i64 {
        millis.saturating_add(self.millis)
    }

    /// `+hhmm`
    fn digits(self) -> String {
        let minutes = self.millis.abs() / MINUTE_MS;
        let sign = if self.millis < 0 { '-' } else { '+' };
        format!("{sign}{:02}{:02}", minutes / 60, minutes % 60)
    }
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// The three letters of a month's name.
fn abbreviated(month: &str) -> &str {
    month.get(..3).unwrap_or(month)
}

fn month_name(month: i64) -> &'static str {
    usize::try_from(month - 1)
        .ok()
        .and_then(|index| MONTHS.get(index))
        .copied()
        .unwrap_or("")
}

/// Writes a moment as `format` says.
///
/// # Errors
/// 18535 for a lone `%` at the end, 18536 for an unknown specifier, 18537 for a year that has not
/// four digits.
pub(super) fn write(format: &str, millis: i64, offset: Offset) -> Result<String> {
    let parts = Parts::of(offset.local(millis));
    if !(0..=9999).contains(&parts.year) {
        return Err(location(
            18537,
            format!(
                "$dateToString is only defined on year 0-9999, tried to use year {}",
                parts.year
            ),
        ));
    }
    let mut text = String::with_capacity(format.len() + 16);
    let mut rest = format.chars();
    while let Some(c) = rest.next() {
        if c != '%' {
            text.push(c);
            continue;
        }
        let specifier = rest
            .next()
            .ok_or_else(|| location(18535, "Unmatched '%' at end of format string"))?;
        let number = |value: i64, width: usize| format!("{value:0width$}");
        text.push_str(&match specifier {
            'Y' => number(parts.year, 4),
            'm' => number(parts.month, 2),
            'd' => number(parts.day, 2),
            'H' => number(parts.hour, 2),
            'M' => number(parts.minute, 2),
            'S' => number(parts.second, 2),
            'L' => number(parts.millisecond, 3),
            'j' => number(parts.day_of_year(), 3),
            'w' => number(parts.day_of_week(), 1),
            'u' => number(parts.iso_day_of_week(), 1),
            'U' => number(parts.week(), 2),
            'V' => number(parts.iso_week(), 2),
            'G' => number(parts.iso_week_year(), 4),
            'b' => abbreviated(month_name(parts.month)).to_owned(),
            'B' => month_name(parts.month).to_owned(),
            'z' => offset.digits(),
            'Z' => (offset.millis / MINUTE_MS).to_string(),
            '%' => "%".to_owned(),
            other => {
                return Err(location(
                    18536,
                    format!("Invalid format character '%{other}' in format string"),
                ));
            }
        });
    }
    Ok(text)
}

/// What a text says of a moment.
#[derive(Debug, Default)]
struct Fields {
    year: Option<i64>,
    month: Option<i64>,
    day: Option<i64>,
    day_of_year: Option<i64>,
    iso_year: Option<i64>,
    iso_week: Option<i64>,
    iso_day: Option<i64>,
    hour: i64,
    minute: i64,
    second: i64,
    millisecond: i64,
    offset: Option<Offset>,
}

impl Fields {
    fn to_millis(&self, zone: Option<Offset>) -> std::result::Result<i64, &'static str> {
        let in_range = |value: i64, range: std::ops::RangeInclusive<i64>| {
            if range.contains(&value) {
                Ok(value)
            } else {
                Err("a part is out of its range")
            }
        };
        let days = match (self.year, self.iso_year) {
            (Some(_), Some(_)) => return Err("it mixes ISO weeks with a year"),
            (None, None) => return Err("it has no year"),
            (None, Some(iso_year)) => {
                let week = in_range(self.iso_week.unwrap_or(1), 1..=53)?;
                let day = in_range(self.iso_day.unwrap_or(1), 1..=7)?;
                iso_week_start(iso_year, week) + day - 1
            }
            (Some(year), None) => match self.day_of_year {
                Some(day) => days_from_civil(year, 1, in_range(day, 1..=366)?),
                None => {
                    let month = in_range(self.month.unwrap_or(1), 1..=12)?;
                    let last = calendar::days_in_month(year, month);
                    days_from_civil(year, month, in_range(self.day.unwrap_or(1), 1..=last)?)
                }
            },
        };
        let local = days * DAY_MS
            + in_range(self.hour, 0..=24)? * HOUR_MS
            + in_range(self.minute, 0..=59)? * MINUTE_MS
            + in_range(self.second, 0..=60)? * 1000
            + in_range(self.millisecond, 0..=999)?;
        let offset = match (self.offset, zone) {
            (Some(_), Some(_)) => return Err("it has a time zone, and another one is given"),
            (offset, zone) => offset.or(zone).unwrap_or(Offset::UTC),
        };
        Ok(local - offset.millis)
    }
}

/// Reads a text from left to right.
struct Cursor<'t> {
    text: &'t str,
}

impl Cursor<'_> {
    fn take(&mut self, c: char) -> bool {
        match self.text.strip_prefix(c) {
            Some(rest) => {
                self.text = rest;
                true
            }
            None => false,
        }
    }

    /// A number of `min` to `max` digits.
    fn number(&mut self, min: usize, max: usize) -> Option<i64> {
        let digits = self
            .text
            .bytes()
            .take(max)
            .take_while(u8::is_ascii_digit)
            .count();
        if digits < min {
            return None;
        }
        let (number, rest) = self.text.split_at_checked(digits)?;
        self.text = rest;
        number.parse().ok()
    }

    fn word(&mut self, word: &str) -> bool {
        match self.text.split_at_checked(word.len()) {
            Some((head, rest)) if head.eq_ignore_ascii_case(word) => {
                self.text = rest;
                true
            }
            _ => false,
        }
    }

    /// `+hh`, `+hhmm`, `+hh:mm`
    fn offset(&mut self) -> Option<Offset> {
        let sign = if self.take('+') {
            1
        } else if self.take('-') {
            -1
        } else {
            return None;
        };
        let hours = self.number(2, 2)?;
        let minutes = if self.take(':') {
            self.number(2, 2)?
        } else {
            self.number(2, 2).unwrap_or(0)
        };
        let is_zone = hours <= 23 && minutes <= 59;
        is_zone.then_some(Offset {
            millis: sign * (hours * HOUR_MS + minutes * MINUTE_MS),
        })
    }

    /// `.123`, of which three digits count.
    fn fraction(&mut self) -> Option<i64> {
        let digits = self.text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) = self.text.split_at_checked(digits)?;
        self.text = rest;
        let millis = number.get(..3.min(digits))?;
        let value: i64 = millis.parse().ok()?;
        Some(value * [100, 10, 1].get(millis.len().checked_sub(1)?)?)
    }
}

/// Reads a moment from an ISO 8601 text: a date, with or without a time, with or without a zone.
pub(crate) fn read_iso(text: &str, zone: Option<ZoneArgument>) -> Result<i64> {
    iso_fields(text.trim())
        .ok_or("it is not an ISO 8601 date")
        .and_then(|fields| fields.to_millis(zone.map(|zone| zone.0)))
        .map_err(conversion_failure)
}

/// The zone that an operator was given beside the text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ZoneArgument(pub(super) Offset);

fn iso_fields(text: &str) -> Option<Fields> {
    let mut cursor = Cursor { text };
    let mut fields = Fields {
        year: Some(cursor.number(4, 4)?),
        ..Fields::default()
    };
    let is_dashed = cursor.take('-');
    fields.month = Some(cursor.number(2, 2)?);
    if is_dashed && !cursor.take('-') {
        return cursor.text.is_empty().then_some(fields);
    }
    fields.day = Some(cursor.number(2, 2)?);
    if cursor.text.is_empty() {
        return Some(fields);
    }
    if cursor.take('T') || cursor.take('t') || cursor.take(' ') {
        fields.hour = cursor.number(2, 2)?;
        let is_colon = cursor.take(':');
        fields.minute = cursor.number(2, 2)?;
        if cursor.take(':') || !is_colon && cursor.text.starts_with(|c: char| c.is_ascii_digit()) {
            fields.second = cursor.number(2, 2)?;
            if cursor.take('.') {
                fields.millisecond = cursor.fraction()?;
            }
        }
        while cursor.take(' ') {}
    }
    if cursor.take('Z') || cursor.take('z') || cursor.word("UTC") || cursor.word("GMT") {
        fields.offset = Some(Offset::UTC);
    } else if !cursor.text.is_empty() {
        fields.offset = Some(cursor.offset()?);
    }
    cursor.text.is_empty().then_some(fields)
}

/// Reads a moment from a text in `format`.
pub(super) fn read(format: &str, text: &str, zone: Option<ZoneArgument>) -> Result<i64> {
    let mut cursor = Cursor { text };
    let mut fields = Fields::default();
    let mut specifiers = format.chars();
    while let Some(c) = specifiers.next() {
        if c != '%' {
            if !cursor.take(c) {
                return Err(conversion_failure("it does not match the format"));
            }
            continue;
        }
        let specifier = specifiers
            .next()
            .ok_or_else(|| location(18535, "Unmatched '%' at end of format string"))?;
        let read = match specifier {
            'Y' => set(&mut fields.year, cursor.number(4, 4)),
            'm' => set(&mut fields.month, cursor.number(1, 2)),
            'd' => set(&mut fields.day, cursor.number(1, 2)),
            'j' => set(&mut fields.day_of_year, cursor.number(1, 3)),
            'G' => set(&mut fields.iso_year, cursor.number(4, 4)),
            'V' => set(&mut fields.iso_week, cursor.number(1, 2)),
            'u' => set(&mut fields.iso_day, cursor.number(1, 1)),
            'H' => cursor.number(1, 2).map(|value| fields.hour = value),
            'M' => cursor.number(1, 2).map(|value| fields.minute = value),
            'S' => cursor.number(1, 2).map(|value| fields.second = value),
            'L' => cursor.fraction().map(|value| fields.millisecond = value),
            'z' => {
                let offset = if cursor.take('Z') || cursor.word("UTC") || cursor.word("GMT") {
                    Some(Offset::UTC)
                } else {
                    cursor.offset()
                };
                offset.map(|offset| fields.offset = Some(offset))
            }
            'Z' => minutes(&mut cursor).map(|offset| fields.offset = Some(offset)),
            'b' | 'B' => (1..).zip(MONTHS).find_map(|(month, name)| {
                let name = if specifier == 'b' {
                    abbreviated(name)
                } else {
                    name
                };
                cursor.word(name).then(|| fields.month = Some(month))
            }),
            '%' => cursor.take('%').then_some(()),
            other => {
                return Err(location(
                    18536,
                    format!("Invalid format character '%{other}' in format string"),
                ));
            }
        };
        read.ok_or_else(|| conversion_failure("it does not match the format"))?;
    }
    if !cursor.text.is_empty() {
        return Err(conversion_failure("it has trailing data"));
    }
    fields
        .to_millis(zone.map(|zone| zone.0))
        .map_err(conversion_failure)
}

fn set(field: &mut Option<i64>, value: Option<i64>) -> Option<()> {
    *field = Some(value?);
    Some(())
}

/// `+60`: an offset in minutes.
fn minutes(cursor: &mut Cursor<'_>) -> Option<Offset> {
    let sign = if cursor.take('+') {
        1
    } else if cursor.take('-') {
        -1
    } else {
        return None;
    };
    let minutes = cursor.number(1, 4)?;
    (minutes < 24 * 60).then_some(Offset {
        millis: sign * minutes * MINUTE_MS,
    })
}

fn conversion_failure(why: &str) -> Error {
    Error::new(
        document::ErrorCode::ConversionFailure,
        format!("Error parsing date string: {why}"),
    )
}
