//! Who may set which attribute, and how often an object may have it (the tables of KMIP 1.4, section 3; of 2.1,
//! section 4).

use kmip::registry::Tag;
use kmip::{AttributeName, AttributeValue, Attributes};

use crate::failure::Failure;

/// Attributes that the server alone sets.
const SET_BY_SERVER: &[Tag] = &[
    Tag::UniqueIdentifier,
    Tag::ObjectType,
    Tag::State,
    Tag::Digest,
    Tag::InitialDate,
    Tag::DestroyDate,
    Tag::CompromiseDate,
    Tag::CompromiseOccurrenceDate,
    Tag::RevocationReason,
    Tag::ArchiveDate,
    Tag::LastChangeDate,
    Tag::LeaseTime,
    Tag::AlwaysSensitive,
    Tag::NeverExtractable,
    Tag::ShortUniqueIdentifier,
];

/// Attributes that clients set once, with the object, and never change.
const FIXED: &[Tag] = &[
    Tag::CryptographicAlgorithm,
    Tag::CryptographicLength,
    Tag::CryptographicDomainParameters,
    Tag::CertificateType,
    Tag::CertificateLength,
    Tag::Fresh,
    Tag::OriginalCreationDate,
    Tag::RandomNumberGenerator,
];

/// Attributes of which an object may have several.
const MULTI_VALUED: &[Tag] = &[
    Tag::Name,
    Tag::CryptographicParameters,
    Tag::Digest,
    Tag::Link,
    Tag::ObjectGroup,
    Tag::ApplicationSpecificInformation,
    Tag::AlternativeName,
    Tag::KeyValueLocation,
];

/// Whether an object may have several of it. Attributes that are not in the standard may.
pub(crate) fn is_multi_valued(name: &AttributeName) -> bool {
    match name {
        AttributeName::Standard(tag) => MULTI_VALUED.contains(tag),
        _ => true,
    }
}

/// Whether a client may set it when it makes an object.
pub(crate) fn check_new(attributes: &Attributes) -> Result<(), Failure> {
    for (n, attribute) in attributes.iter().enumerate() {
        check_known(&attribute.value)?;
        let name = attribute.value.attribute_name();
        if let AttributeName::Standard(tag) = name
            && SET_BY_SERVER.contains(&tag)
        {
            return Err(Failure::invalid(format!("{name} is set by the server")));
        }
        let repeated = || {
            attributes
                .iter()
                .take(n)
                .any(|other| other.value.attribute_name() == name)
        };
        if !is_multi_valued(&name) && repeated() {
            return Err(Failure::invalid(format!("{name} is there more than once")));
        }
    }
    if !attributes.templates().is_empty() {
        return Err(Failure::new(
            kmip::registry::ResultReason::FeatureNotSupported,
            "templates are not supported",
        ));
    }
    Ok(())
}

/// Whether a client may change, add or delete it later.
pub(crate) fn check_change(name: &AttributeName) -> Result<(), Failure> {
    match name {
        AttributeName::Standard(tag) if SET_BY_SERVER.contains(tag) || FIXED.contains(tag) => {
            Err(Failure::wrong_state(format!("{name} cannot be changed")))
        }
        _ => Ok(()),
    }
}

/// An attribute that is neither in the standard nor a vendor's has no meaning and no place.
pub(crate) fn check_known(value: &AttributeValue) -> Result<(), Failure> {
    match value {
        AttributeValue::Named { .. } | AttributeValue::Tagged(_) => Err(Failure::invalid(format!(
            "there is no attribute {}",
            value.attribute_name()
        ))),
        _ => Ok(()),
    }
}
