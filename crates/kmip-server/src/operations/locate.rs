//! Locate (KMIP 1.4, section 4.9; 2.1, section 6.1.29).

use kmip::operations::{LocateRequest, LocateResponse};
use kmip::registry::{ResultReason, StorageStatusMask};
use kmip::{AttributeValue, Attributes, DateTime};

use crate::batch::Context;
use crate::failure::Failure;
use crate::object::Object;

pub(super) fn locate(
    context: &mut Context<'_>,
    request: LocateRequest,
) -> Result<LocateResponse, Failure> {
    if request.object_group_member.is_some() {
        return Err(Failure::new(
            ResultReason::FeatureNotSupported,
            "members of groups are not told apart by this server",
        ));
    }
    let mask = request
        .storage_status_mask
        .unwrap_or(StorageStatusMask::OnLineStorage);
    // Destroyed objects are found by those who ask for them.
    let destroyed_too = mask.contains(StorageStatusMask::DestroyedStorage)
        || request.attributes.state().is_some()
        || request.attributes.destroy_date().is_some();
    let on_line = mask.contains(StorageStatusMask::OnLineStorage);
    let found = context.objects.find(context.owner, |object| {
        let is_there = if object.is_destroyed() {
            destroyed_too
        } else {
            on_line
        };
        is_there && matches(object, &request.attributes)
    });
    let skip = count(request.offset_items, "Offset Items")?.unwrap_or(0);
    let most = count(request.maximum_items, "Maximum Items")?.unwrap_or(usize::MAX);
    let located_items = i32::try_from(found.len()).unwrap_or(i32::MAX);
    let unique_identifiers: Vec<String> = found
        .iter()
        .skip(skip)
        .take(most)
        .map(|object| object.identifier.clone())
        .collect();
    match unique_identifiers.as_slice() {
        [only] => context.yields(only),
        _ => context.yields_nothing(),
    }
    Ok(LocateResponse {
        located_items: Some(located_items),
        unique_identifiers: unique_identifiers.into_iter().map(Into::into).collect(),
    })
}

fn count(value: Option<i32>, what: &str) -> Result<Option<usize>, Failure> {
    value
        .map(|value| {
            usize::try_from(value).map_err(|_| Failure::invalid(format!("{what} is negative")))
        })
        .transpose()
}

/// Whether the object has all of the attributes. A date is a point in time if it is there once, and a range if it is
/// there twice.
fn matches(object: &Object, wanted: &Attributes) -> bool {
    wanted.iter().all(|attribute| {
        let name = attribute.value.attribute_name();
        if let Some(date) = date(&attribute.value) {
            let bounds: Vec<DateTime> = wanted
                .iter()
                .filter(|other| other.value.attribute_name() == name)
                .filter_map(|other| self::date(&other.value))
                .collect();
            let (from, to) = match bounds.as_slice() {
                [a, b] => (*a.min(b), *a.max(b)),
                _ => (date, date),
            };
            return object
                .current_attributes()
                .filter(|own| own.value.attribute_name() == name)
                .filter_map(|own| self::date(&own.value))
                .any(|own| from <= own && own <= to);
        }
        has(object, &attribute.value)
    })
}

fn has(object: &Object, value: &AttributeValue) -> bool {
    object
        .current_attributes()
        .any(|own| match (&own.value, value) {
            // All bits that are asked for; there may be more.
            (
                AttributeValue::CryptographicUsageMask(own),
                AttributeValue::CryptographicUsageMask(wanted),
            ) => own.contains(*wanted),
            (own, wanted) => own == wanted,
        })
}

fn date(value: &AttributeValue) -> Option<DateTime> {
    use AttributeValue as V;
    match value {
        V::InitialDate(date)
        | V::ActivationDate(date)
        | V::ProcessStartDate(date)
        | V::ProtectStopDate(date)
        | V::DeactivationDate(date)
        | V::DestroyDate(date)
        | V::CompromiseOccurrenceDate(date)
        | V::CompromiseDate(date)
        | V::ArchiveDate(date)
        | V::LastChangeDate(date)
        | V::OriginalCreationDate(date) => Some(*date),
        _ => None,
    }
}
