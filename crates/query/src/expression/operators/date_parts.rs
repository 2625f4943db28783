//! The parts of a date: `$year`, `$month`, `$dayOfMonth`, `$hour`, `$minute`, `$second`,
//! `$millisecond`, `$dayOfWeek`, `$dayOfYear`, `$week`, `$isoWeek`, `$isoWeekYear`,
//! `$isoDayOfWeek`; all at once: `$dateToParts`.

use bson::RawDocumentBuf;
use bson::raw::{CStr, RawBsonRef, cstr};

use super::date_text::{Offset, to_millis};
use super::{Definition, Field, Table, argument, location, optional, required, wrong_arity};
use crate::Result;
use crate::expression::calendar::Parts;
use crate::expression::{EvalContext, Expr, Operator, Scope, Value, fields};

/// Defines an operator for a part.
macro_rules! part {
    ($name:literal, $of:expr) => {
        (
            $name,
            Definition::Custom(|name, value, scope| parse(name, value, scope, $of)),
        )
    };
}

pub(super) const TABLE: Table = &[
    part!("$year", |parts| parts.year),
    part!("$month", |parts| parts.month),
    part!("$dayOfMonth", |parts| parts.day),
    part!("$hour", |parts| parts.hour),
    part!("$minute", |parts| parts.minute),
    part!("$second", |parts| parts.second),
    part!("$millisecond", |parts| parts.millisecond),
    part!("$dayOfWeek", Parts::day_of_week),
    part!("$dayOfYear", Parts::day_of_year),
    part!("$week", Parts::week),
    part!("$isoDayOfWeek", Parts::iso_day_of_week),
    part!("$isoWeek", Parts::iso_week),
    part!("$isoWeekYear", Parts::iso_week_year),
    (
        "$dateToParts",
        Definition::Named {
            fields: &[
                required("date", 40522),
                optional("timezone"),
                optional("iso8601"),
            ],
            not_object: 40524,
            unknown: 40520,
            eval: date_to_parts,
        },
    ),
];

#[derive(Debug)]
struct DatePart {
    part: fn(&Parts) -> i64,
    /// A year of weeks is a long, all else an int.
    is_long: bool,
    date: Expr,
    timezone: Option<Expr>,
}

const FIELDS: &[Field] = &[required("date", 40539), optional("timezone")];

/// `{ $year: date }` or `{ $year: { date: …, timezone: … } }`
fn parse(
    name: &'static str,
    value: RawBsonRef<'_>,
    scope: Scope<'_>,
    part: fn(&Parts) -> i64,
) -> Result<Expr> {
    let is_named = match value {
        RawBsonRef::Document(document) => !fields(document)
            .next()
            .is_some_and(|(name, _)| name.as_str().starts_with('$')),
        _ => false,
    };
    let (date, timezone) = if is_named {
        let mut arguments = argument::named(name, value, scope, FIELDS, 40539, 40535)?.into_iter();
        let date = arguments.next().flatten().ok_or_else(wrong_arity)?;
        (date, arguments.next().flatten())
    } else if matches!(value, RawBsonRef::Array(_)) {
        let [date] = argument::exactly(name, value, scope)
            .map_err(|error| location(40536, error.message))?;
        (date, None)
    } else {
        (Expr::parse_in(value, scope)?, None)
    };
    Ok(DatePart {
        part,
        is_long: name == "$isoWeekYear",
        date,
        timezone,
    }
    .into())
}

impl Operator for DatePart {
    fn eval<'c>(&'c self, context: &EvalContext<'c>) -> Result<Value<'c>> {
        let date = self.date.eval(context)?;
        let timezone = self
            .timezone
            .as_ref()
            .map(|timezone| timezone.eval(context))
            .transpose()?;
        let Some(offset) = Offset::of(timezone.as_ref())? else {
            return Ok(Value::NULL);
        };
        let Some(millis) = to_millis(&date)? else {
            return Ok(Value::NULL);
        };
        let value = (self.part)(&Parts::of(offset.local(millis)));
        Ok(if self.is_long {
            value.into()
        } else {
            int(value)
        })
    }

    fn visit<'e>(&'e self, visit: &mut dyn FnMut(&'e Expr)) {
        visit(&self.date);
        self.timezone.iter().for_each(visit);
    }
}

/// An int; a long for the years that no int holds.
fn int<'c>(value: i64) -> Value<'c> {
    i32::try_from(value).map_or_else(|_| value.into(), Value::from)
}

fn date_to_parts<'c>(arguments: &mut [Option<Value<'c>>]) -> Result<Value<'c>> {
    let [Some(date), timezone, iso] = arguments else {
        return Err(wrong_arity());
    };
    let is_iso = match iso.as_ref().map(Value::as_bson) {
        None => false,
        Some(None | Some(RawBsonRef::Null | RawBsonRef::Undefined)) => return Ok(Value::NULL),
        Some(Some(RawBsonRef::Boolean(value))) => value,
        Some(Some(other)) => {
            return Err(location(
                40521,
                format!(
                    "iso8601 must evaluate to a bool, found {}",
                    document::types::type_name(&other)
                ),
            ));
        }
    };
    let (Some(offset), Some(millis)) = (Offset::of(timezone.as_ref())?, to_millis(date)?) else {
        return Ok(Value::NULL);
    };
    let parts = Parts::of(offset.local(millis));
    let mut result = RawDocumentBuf::new();
    let mut add = |name: &CStr, value: i64| result.append(name, int(value).as_bson_or_null());
    if is_iso {
        add(cstr!("isoWeekYear"), parts.iso_week_year());
        add(cstr!("isoWeek"), parts.iso_week());
        add(cstr!("isoDayOfWeek"), parts.iso_day_of_week());
    } else {
        add(cstr!("year"), parts.year);
        add(cstr!("month"), parts.month);
        add(cstr!("day"), parts.day);
    }
    add(cstr!("hour"), parts.hour);
    add(cstr!("minute"), parts.minute);
    add(cstr!("second"), parts.second);
    add(cstr!("millisecond"), parts.millisecond);
    Ok(result.into())
}
