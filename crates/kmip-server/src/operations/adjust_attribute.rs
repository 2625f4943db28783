//! Adjust Attribute (KMIP 2.1, section 6.1.3). Of 2.0.

use kmip::operations::{AdjustAttributeRequest, AdjustAttributeResponse};
use kmip::registry::{AdjustmentType, ResultReason};
use kmip::ttlv::ItemValue;
use kmip::{Attribute, AttributeValue, DateTime, Interval};

use crate::attribute_rules::check_change;
use crate::batch::Context;
use crate::failure::Failure;

pub(super) fn adjust_attribute(
    context: &mut Context<'_>,
    request: AdjustAttributeRequest,
) -> Result<AdjustAttributeResponse, Failure> {
    let identifier = context.identifier(request.unique_identifier)?;
    let name = request.attribute_reference;
    check_change(&name)?;
    let by = match request.adjustment_value {
        None => 1,
        Some(ItemValue::Integer(by)) => i64::from(by),
        Some(ItemValue::LongInteger(by)) => by,
        Some(ItemValue::Interval(by)) => i64::from(by),
        Some(_) => return Err(wrong_type()),
    };
    let adjust = |value: i64| {
        match request.adjustment_type {
            AdjustmentType::Increment => value.checked_add(by),
            AdjustmentType::Decrement => value.checked_sub(by),
            AdjustmentType::Negate => value.checked_neg(),
            AdjustmentType::Other(_) => None,
        }
        .ok_or_else(|| Failure::new(ResultReason::NumericRange, "the result is out of range"))
    };
    context.change(&identifier, |object| {
        let current = object.attributes.get(&name);
        let current = current.ok_or_else(|| {
            Failure::new(
                ResultReason::AttributeNotFound,
                format!("the object has no {name}"),
            )
        })?;
        let mut instances = object.attributes.iter();
        let is_it = |own: &&Attribute| own.value.attribute_name() == name;
        if instances.by_ref().filter(is_it).nth(1).is_some() {
            return Err(Failure::new(
                ResultReason::MultiValuedAttribute,
                format!("the object has several {name}: modify one"),
            ));
        }
        let value = adjusted(&current.value, &adjust)?;
        object.check_dates(&value)?;
        object.set(value.clone());
        object.follow(&value);
        object.touch();
        Ok(())
    })?;
    context.yields(&identifier);
    Ok(AdjustAttributeResponse {
        unique_identifier: identifier.into(),
    })
}

/// The value after the adjustment, in its own type.
fn adjusted(
    value: &AttributeValue,
    adjust: &impl Fn(i64) -> Result<i64, Failure>,
) -> Result<AttributeValue, Failure> {
    use AttributeValue as V;
    let date = |value: &DateTime| adjust(value.0).map(DateTime);
    Ok(match value {
        V::ActivationDate(value) => V::ActivationDate(date(value)?),
        V::DeactivationDate(value) => V::DeactivationDate(date(value)?),
        V::ProcessStartDate(value) => V::ProcessStartDate(date(value)?),
        V::ProtectStopDate(value) => V::ProtectStopDate(date(value)?),
        V::ProtectionPeriod(value) => V::ProtectionPeriod(interval(*value, adjust)?),
        V::RotateInterval(value) => V::RotateInterval(interval(*value, adjust)?),
        V::RotateOffset(value) => V::RotateOffset(interval(*value, adjust)?),
        V::Sensitive(value) => V::Sensitive(!value),
        V::Extractable(value) => V::Extractable(!value),
        V::RotateAutomatic(value) => V::RotateAutomatic(!value),
        V::Vendor {
            vendor,
            name,
            value,
        } => V::Vendor {
            vendor: vendor.clone(),
            name: name.clone(),
            value: match value {
                ItemValue::Integer(value) => ItemValue::Integer(narrow(adjust((*value).into())?)?),
                ItemValue::LongInteger(value) => ItemValue::LongInteger(adjust(*value)?),
                ItemValue::Interval(value) => {
                    ItemValue::Interval(narrow(adjust((*value).into())?)?)
                }
                ItemValue::Boolean(value) => ItemValue::Boolean(!value),
                _ => return Err(wrong_type()),
            },
        },
        _ => return Err(wrong_type()),
    })
}

fn interval(
    value: Interval,
    adjust: &impl Fn(i64) -> Result<i64, Failure>,
) -> Result<Interval, Failure> {
    narrow(adjust(value.0.into())?).map(Interval)
}

fn narrow<T: TryFrom<i64>>(value: i64) -> Result<T, Failure> {
    T::try_from(value)
        .map_err(|_| Failure::new(ResultReason::NumericRange, "the result is out of range"))
}

fn wrong_type() -> Failure {
    Failure::new(
        ResultReason::InvalidDataType,
        "the attribute is not a number",
    )
}
