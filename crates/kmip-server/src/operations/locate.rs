//! Locate (KMIP 1.4, section 4.9; 2.1, section 6.1.29).

use std::sync::Arc;

use kmip::operations::{LocateRequest, LocateResponse};
use kmip::registry::{ObjectGroupMember, StorageStatusMask};
use kmip::{AttributeName, AttributeValue, Attributes, DateTime};

use crate::batch::Context;
use crate::failure::Failure;
use crate::object::Object;

pub(super) fn locate(
    context: &mut Context<'_>,
    request: LocateRequest,
) -> Result<LocateResponse, Failure> {
    let wanted = Wanted::new(&request.attributes);
    let mask = request
        .storage_status_mask
        .unwrap_or(StorageStatusMask::OnLineStorage);
    // Destroyed objects are found by those who ask for them.
    let destroyed_too = mask.contains(StorageStatusMask::DestroyedStorage)
        || request.attributes.state().is_some()
        || request.attributes.destroy_date().is_some();
    let archived_too = mask.contains(StorageStatusMask::ArchivalStorage)
        || request.attributes.archive_date().is_some();
    let on_line = mask.contains(StorageStatusMask::OnLineStorage);
    let fresh_only = request.object_group_member == Some(ObjectGroupMember::GroupMemberFresh);
    let is_wanted = |object: &Object| {
        let is_there = if object.is_destroyed() {
            destroyed_too
        } else if object.is_archived() {
            archived_too
        } else {
            on_line
        };
        is_there
            && (!fresh_only || object.attributes.fresh() == Some(&true))
            && wanted.matches(object)
    };
    let mut found = match request.attributes.name() {
        Some(name) => context
            .objects
            .find_named(context.owner, &name.value, is_wanted),
        None => context.objects.find(context.owner, is_wanted),
    };
    if fresh_only {
        // First made, first handed out.
        found.reverse();
    }
    if request.object_group_member == Some(ObjectGroupMember::GroupMemberDefault) {
        found = default_member(context, &request.attributes, &found)?;
    }
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

/// The default member of the group that is asked for: its members take turns.
fn default_member(
    context: &Context<'_>,
    attributes: &Attributes,
    members: &[Arc<Object>],
) -> Result<Vec<Arc<Object>>, Failure> {
    let group = attributes
        .object_group()
        .ok_or_else(|| Failure::missing("the Object Group"))?;
    let next = context.objects.next_default(context.owner, group, members);
    Ok(next.into_iter().collect())
}

fn count(value: Option<i32>, what: &str) -> Result<Option<usize>, Failure> {
    value
        .map(|value| {
            usize::try_from(value).map_err(|_| Failure::invalid(format!("{what} is negative")))
        })
        .transpose()
}

/// What the objects must have: worked out once, and then compared with each.
struct Wanted<'a> {
    values: Vec<&'a AttributeValue>,
    /// A date that is there once is a point in time; one that is there twice, a range.
    dates: Vec<(AttributeName, DateTime, DateTime)>,
}

impl<'a> Wanted<'a> {
    fn new(attributes: &'a Attributes) -> Self {
        let mut wanted = Self {
            values: Vec::new(),
            dates: Vec::new(),
        };
        for attribute in attributes {
            let Some(date) = date(&attribute.value) else {
                wanted.values.push(&attribute.value);
                continue;
            };
            let name = attribute.value.attribute_name();
            match wanted.dates.iter_mut().find(|(other, ..)| *other == name) {
                Some((_, from, to)) => {
                    *from = date.min(*from);
                    *to = date.max(*to);
                }
                None => wanted.dates.push((name, date, date)),
            }
        }
        wanted
    }

    fn matches(&self, object: &Object) -> bool {
        self.values.iter().all(|value| has(object, value))
            && self.dates.iter().all(|(name, from, to)| {
                object
                    .attributes
                    .iter()
                    .filter(|own| own.value.attribute_name() == *name)
                    .filter_map(|own| date(&own.value))
                    .any(|own| *from <= own && own <= *to)
            })
    }
}

/// Whether the object has an attribute that matches the one asked for.
fn has(object: &Object, value: &AttributeValue) -> bool {
    use AttributeValue as V;
    match value {
        V::State(wanted) => return object.state() == *wanted,
        // An object without the attribute has its key.
        V::KeyValuePresent(true) => {
            return object.attributes.key_value_present() != Some(&false);
        }
        _ => {}
    }
    object
        .attributes
        .iter()
        .any(|own| match (&own.value, value) {
            // All bits that are asked for; there may be more.
            (V::CryptographicUsageMask(own), V::CryptographicUsageMask(wanted)) => {
                own.contains(*wanted)
            }
            // What is not said may be anything.
            (V::ApplicationSpecificInformation(own), V::ApplicationSpecificInformation(wanted))
                if wanted.application_data.is_none() =>
            {
                own.application_namespace == wanted.application_namespace
            }
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
        | V::OriginalCreationDate(date)
        | V::RotateDate(date) => Some(*date),
        _ => None,
    }
}
