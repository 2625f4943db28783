//! What Re-key and Re-key Key Pair have in common: which attributes a replacement takes over (the tables of KMIP 1.4,
//! sections 4.4 and 4.5; 2.1, sections 6.1.42 and 6.1.43).

use kmip::registry::{LinkType, Tag};
use kmip::structures::UsageLimits;
use kmip::{AttributeName, AttributeValue, Attributes, DateTime, Interval};

use super::create_key_pair::{link, over};
use crate::clock::now;
use crate::failure::Failure;
use crate::object::Object;

/// What a replacement gets anew, or has not.
const NOT_TAKEN_OVER: &[Tag] = &[
    Tag::UniqueIdentifier,
    Tag::ShortUniqueIdentifier,
    Tag::ObjectType,
    Tag::State,
    Tag::Digest,
    Tag::InitialDate,
    Tag::DestroyDate,
    Tag::CompromiseOccurrenceDate,
    Tag::CompromiseDate,
    Tag::RevocationReason,
    Tag::ArchiveDate,
    Tag::LastChangeDate,
    Tag::LeaseTime,
    Tag::Link,
    Tag::Fresh,
    Tag::OriginalCreationDate,
    Tag::RandomNumberGenerator,
    Tag::AlwaysSensitive,
    Tag::NeverExtractable,
    Tag::KeyFormatType,
    Tag::KeyValuePresent,
    Tag::KeyValueLocation,
    Tag::ProtectionStorageMask,
    Tag::RotateDate,
    Tag::RotateGeneration,
    Tag::RotateLatest,
];

/// The attributes of the key that replaces `old`.
pub(super) fn attributes(
    old: &Object,
    offset: Option<Interval>,
    asked_for: Attributes,
) -> Result<Attributes, Failure> {
    if old.is_destroyed() {
        return Err(Failure::wrong_state("the object has been destroyed"));
    }
    // Without an offset the dates stay what they are; with one all move with the Activation Date.
    let activation = old.attributes.activation_date().copied();
    let shift = offset.map(|offset| {
        let new = now().0.saturating_add(offset.0.into());
        (
            new,
            activation.map(|old| new.saturating_sub(old.0)).unwrap_or(0),
        )
    });
    let moved = |date: DateTime| DateTime(date.0.saturating_add(shift.map_or(0, |(_, by)| by)));
    let mut taken = Attributes::new();
    for attribute in &old.attributes {
        if let AttributeName::Standard(tag) = attribute.value.attribute_name()
            && NOT_TAKEN_OVER.contains(&tag)
        {
            continue;
        }
        taken.push(match attribute.value.clone() {
            AttributeValue::ActivationDate(date) => AttributeValue::ActivationDate(moved(date)),
            AttributeValue::ProcessStartDate(date) => AttributeValue::ProcessStartDate(moved(date)),
            AttributeValue::ProtectStopDate(date) => AttributeValue::ProtectStopDate(moved(date)),
            AttributeValue::DeactivationDate(date) => AttributeValue::DeactivationDate(moved(date)),
            AttributeValue::UsageLimits(limits) => AttributeValue::UsageLimits(UsageLimits {
                count: Some(limits.total),
                ..limits
            }),
            other => other,
        });
    }
    if let (Some((new, _)), None) = (shift, activation) {
        taken.push(AttributeValue::ActivationDate(DateTime(new)));
    }
    // What the request says goes before; names and the like come on top of those taken over.
    let multi: Attributes = asked_for
        .iter()
        .filter(|attribute| {
            crate::attribute_rules::is_multi_valued(&attribute.value.attribute_name())
        })
        .cloned()
        .collect();
    let single: Attributes = asked_for
        .iter()
        .filter(|attribute| !multi.iter().any(|other| other == *attribute))
        .cloned()
        .collect();
    Ok(over(over(single, &taken), &multi))
}

/// What changes about the key that is replaced: its names go with the replacement.
pub(super) fn retire(old: &mut Object, new: &str) {
    old.remove(&Tag::Name.into());
    let kept = old
        .attributes
        .iter()
        .filter(|attribute| {
            !matches!(&attribute.value, AttributeValue::Link(link)
                if link.link_type == LinkType::ReplacementObjectLink)
        })
        .cloned()
        .collect();
    old.attributes = kept;
    old.add(link(LinkType::ReplacementObjectLink, new));
    old.touch();
}
