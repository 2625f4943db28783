//! Which values of which attributes objects are found by.

use aws_lc_rs::digest::{Context, SHA256};
use kmip::registry::Tag;
use kmip::structures::ApplicationSpecificInformation;
use kmip::ttlv::{Buffer, Newer, Writer};
use kmip::{Attribute, AttributeName, AttributeValue, Attributes, DateTime, ProtocolVersion};

use super::Digest;
use crate::object::{Object, is_gone};

/// What an object is found by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Term {
    /// An attribute with its value.
    Equal(Digest),
    /// A date: the attribute's tag, and seconds since 1970.
    Date(u32, i64),
}

/// How an attribute can be searched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Indexed {
    /// By its value.
    Value,
    /// By a range of dates.
    Date(DateTime),
    /// Not at all: it has too few values to tell objects apart, or a meaning that no index knows.
    No,
}

/// How this attribute can be searched for.
pub(crate) fn indexed(value: &AttributeValue) -> Indexed {
    use AttributeValue as V;
    if let Some(date) = date(value) {
        return Indexed::Date(date);
    }
    match value {
        // The key of the object itself.
        V::UniqueIdentifier(_)
        // Compared bit by bit.
        | V::CryptographicUsageMask(_) | V::ProtectionStorageMask(_)
        // Of two values, most objects have the same.
        | V::Fresh(_) | V::KeyValuePresent(_) | V::Sensitive(_) | V::AlwaysSensitive(_) | V::Extractable(_)
        | V::NeverExtractable(_) | V::QuantumSafe(_) | V::RotateAutomatic(_) | V::RotateLatest(_)
        // Change with each use, or are never searched for.
        | V::LeaseTime(_) | V::UsageLimits(_) | V::RandomNumberGenerator(_)
        // Have no place in an object.
        | V::Named { .. } | V::Tagged(_) => Indexed::No,
        _ => Indexed::Value,
    }
}

/// What an object with this attribute is found by.
pub(super) fn terms(value: &AttributeValue) -> impl Iterator<Item = Term> {
    let (first, second) = match indexed(value) {
        Indexed::No => (None, None),
        Indexed::Date(date) => (tag(value).map(|tag| Term::Date(tag, date.0)), None),
        Indexed::Value => (
            equal(value).map(Term::Equal),
            // Whoever gives the name space alone finds all of its data.
            name_space(value).as_ref().and_then(equal).map(Term::Equal),
        ),
    };
    first.into_iter().chain(second)
}

/// The digest of an attribute with its value: the same for two that are equal. `None` if no version can express it.
pub(crate) fn equal(value: &AttributeValue) -> Option<Digest> {
    let version = if is_gone(value) {
        ProtocolVersion::V1_4
    } else {
        ProtocolVersion::V2_1
    };
    // No message: values that 2.x has no more are found, too.
    let mut writer = Writer::new(Buffer::new(), version, Newer::Keep);
    let only = Attributes::from_iter([Attribute::from(value.clone())]);
    kmip::codec::Field::put(&only, Tag::TemplateAttribute, &mut writer);
    let bytes = writer.finish().ok()?;
    Some(digest(&[bytes.as_slice()]))
}

/// The tag of a standard attribute.
fn tag(value: &AttributeValue) -> Option<u32> {
    match value.attribute_name() {
        AttributeName::Standard(tag) => Some(tag.0),
        _ => None,
    }
}

fn name_space(value: &AttributeValue) -> Option<AttributeValue> {
    match value {
        AttributeValue::ApplicationSpecificInformation(information)
            if information.application_data.is_some() =>
        {
            Some(AttributeValue::ApplicationSpecificInformation(
                ApplicationSpecificInformation {
                    application_data: None,
                    ..information.clone()
                },
            ))
        }
        _ => None,
    }
}

pub(super) fn digest(parts: &[&[u8]]) -> Digest {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(part);
    }
    let mut digest = Digest::default();
    for (to, from) in digest.iter_mut().zip(context.finish().as_ref()) {
        *to = *from;
    }
    digest
}

/// The date of an attribute that is one.
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

/// Where an object is, as Storage Status Mask has it (KMIP 1.4, section 9.1.3.3.2). Every object is found by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Storage {
    OnLine,
    Archival,
    Destroyed,
}

impl Storage {
    pub(crate) const ALL: [Self; 3] = [Self::OnLine, Self::Archival, Self::Destroyed];

    pub(crate) fn of(object: &Object) -> Self {
        if object.is_destroyed() {
            Self::Destroyed
        } else if object.is_archived() {
            Self::Archival
        } else {
            Self::OnLine
        }
    }

    pub(crate) fn digest(self) -> Digest {
        let which: &[u8] = match self {
            Self::OnLine => b"on-line",
            Self::Archival => b"archival",
            Self::Destroyed => b"destroyed",
        };
        // No attribute's encoding begins so.
        digest(&[b"storage status: ", which])
    }
}

#[cfg(test)]
mod tests {
    use kmip::Name;
    use kmip::registry::State;

    use super::*;

    #[test]
    fn equal_values_have_equal_digests_and_others_others() {
        let values = [
            AttributeValue::Name(Name::text("a")),
            AttributeValue::Name(Name::text("b")),
            AttributeValue::ObjectGroup("a".to_owned()),
            AttributeValue::OperationPolicyName("a".to_owned()),
            AttributeValue::State(State::Active),
            Attribute::vendor("x", "a", "b").value,
            Attribute::vendor("x", "ab", "").value,
        ];
        for (n, one) in values.iter().enumerate() {
            assert!(equal(one).is_some(), "{one:?}");
            for (m, other) in values.iter().enumerate() {
                assert_eq!(equal(one) == equal(other), n == m, "{one:?} {other:?}");
            }
        }
    }

    #[test]
    fn a_name_space_finds_its_data() {
        let information = |data: Option<&str>| {
            AttributeValue::ApplicationSpecificInformation(ApplicationSpecificInformation {
                application_namespace: "app".to_owned(),
                application_data: data.map(str::to_owned),
            })
        };
        let with: Vec<Term> = terms(&information(Some("data"))).collect();
        let without: Vec<Term> = terms(&information(None)).collect();
        assert_eq!(with.len(), 2);
        assert_eq!(without.len(), 1);
        assert!(with.contains(&without[0]));
    }
}
