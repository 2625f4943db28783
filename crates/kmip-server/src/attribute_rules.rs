//! The rules of the attributes, in one table: who may set which, whether it may be changed or deleted later, and how
//! often an object may have it (the rules tables of KMIP 1.4, section 3; of 2.1, section 4).

use kmip::registry::{ResultReason, Tag};
use kmip::{AttributeName, AttributeValue, Attributes};

use crate::failure::Failure;

/// Who sets an attribute, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    /// The server alone.
    Server,
    /// The client, with the object; it never changes.
    Once,
    /// The client, whenever it likes; it cannot be deleted.
    Kept,
    /// The client, whenever it likes.
    Client,
}

/// The table: attribute, who sets it, whether there may be several. What is not in it is a client's.
const RULES: &[(Tag, Who, bool)] = &[
    (Tag::UniqueIdentifier, Who::Server, false),
    (Tag::ShortUniqueIdentifier, Who::Server, false),
    (Tag::Name, Who::Client, true),
    (Tag::ObjectType, Who::Server, false),
    (Tag::CryptographicAlgorithm, Who::Once, false),
    (Tag::CryptographicLength, Who::Once, false),
    (Tag::CryptographicParameters, Who::Client, true),
    (Tag::CryptographicDomainParameters, Who::Once, false),
    (Tag::CertificateType, Who::Once, false),
    (Tag::CertificateLength, Who::Once, false),
    (Tag::X_509CertificateIdentifier, Who::Server, false),
    (Tag::X_509CertificateSubject, Who::Server, false),
    (Tag::X_509CertificateIssuer, Who::Server, false),
    (Tag::CertificateIdentifier, Who::Server, false),
    (Tag::CertificateSubject, Who::Server, false),
    (Tag::CertificateIssuer, Who::Server, false),
    (Tag::DigitalSignatureAlgorithm, Who::Once, false),
    (Tag::Digest, Who::Server, true),
    (Tag::OperationPolicyName, Who::Kept, false),
    (Tag::CryptographicUsageMask, Who::Once, false),
    (Tag::LeaseTime, Who::Server, false),
    (Tag::UsageLimits, Who::Client, false),
    (Tag::State, Who::Server, false),
    (Tag::InitialDate, Who::Server, false),
    (Tag::ActivationDate, Who::Kept, false),
    (Tag::ProcessStartDate, Who::Kept, false),
    (Tag::ProtectStopDate, Who::Kept, false),
    (Tag::DeactivationDate, Who::Kept, false),
    (Tag::DestroyDate, Who::Server, false),
    (Tag::CompromiseOccurrenceDate, Who::Server, false),
    (Tag::CompromiseDate, Who::Server, false),
    (Tag::RevocationReason, Who::Server, false),
    (Tag::ArchiveDate, Who::Server, false),
    (Tag::ObjectGroup, Who::Client, true),
    (Tag::Fresh, Who::Once, false),
    (Tag::Link, Who::Client, true),
    (Tag::ApplicationSpecificInformation, Who::Client, true),
    (Tag::ContactInformation, Who::Client, false),
    (Tag::LastChangeDate, Who::Server, false),
    (Tag::AlternativeName, Who::Client, true),
    (Tag::KeyValuePresent, Who::Server, false),
    (Tag::KeyValueLocation, Who::Client, true),
    (Tag::OriginalCreationDate, Who::Once, false),
    (Tag::RandomNumberGenerator, Who::Once, false),
    (Tag::PKCS_12FriendlyName, Who::Client, false),
    (Tag::Description, Who::Client, false),
    (Tag::Comment, Who::Client, false),
    (Tag::Sensitive, Who::Kept, false),
    (Tag::AlwaysSensitive, Who::Server, false),
    (Tag::Extractable, Who::Kept, false),
    (Tag::NeverExtractable, Who::Server, false),
    (Tag::KeyFormatType, Who::Server, false),
    (Tag::NISTKeyType, Who::Once, false),
    (Tag::OpaqueDataType, Who::Once, false),
    (Tag::ObjectGroupMember, Who::Server, false),
    (Tag::ProtectionStorageMask, Who::Server, false),
    (Tag::ProtectionLevel, Who::Client, false),
    (Tag::ProtectionPeriod, Who::Client, false),
    (Tag::QuantumSafe, Who::Once, false),
    (Tag::RotateInterval, Who::Client, false),
    (Tag::RotateAutomatic, Who::Client, false),
    (Tag::RotateOffset, Who::Client, false),
    (Tag::RotateName, Who::Client, false),
    (Tag::RotateDate, Who::Server, false),
    (Tag::RotateGeneration, Who::Server, false),
    (Tag::RotateLatest, Who::Server, false),
];

fn rule(name: &AttributeName) -> (Who, bool) {
    match name {
        AttributeName::Standard(tag) => RULES
            .iter()
            .find(|(of, ..)| of == tag)
            .map_or((Who::Client, false), |(_, who, many)| (*who, *many)),
        // Attributes that are not in the standard are the client's, except those of the server's own name space.
        AttributeName::Vendor { vendor, .. } if vendor == "y" => (Who::Server, true),
        _ => (Who::Client, true),
    }
}

/// Whether an object may have several of it. Attributes that are not in the standard may.
pub(crate) fn is_multi_valued(name: &AttributeName) -> bool {
    rule(name).1
}

/// Whether a client may set them when it makes an object.
pub(crate) fn check_new(attributes: &Attributes) -> Result<(), Failure> {
    for attribute in attributes {
        check_known(&attribute.value)?;
        let name = attribute.value.attribute_name();
        if rule(&name).0 == Who::Server {
            return Err(Failure::invalid(format!("{name} is set by the server")));
        }
    }
    check_repeated(attributes)
}

/// Whether an attribute that an object can have but once is there but once.
pub(crate) fn check_repeated(attributes: &Attributes) -> Result<(), Failure> {
    for (n, attribute) in attributes.iter().enumerate() {
        let name = attribute.value.attribute_name();
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
    Ok(())
}

/// Whether a client may change or add it later.
pub(crate) fn check_change(name: &AttributeName) -> Result<(), Failure> {
    match rule(name).0 {
        Who::Server | Who::Once => Err(Failure::wrong_state(format!("{name} cannot be changed"))),
        Who::Kept | Who::Client => Ok(()),
    }
}

/// Whether a client may delete it.
pub(crate) fn check_delete(name: &AttributeName) -> Result<(), Failure> {
    match rule(name).0 {
        Who::Client => Ok(()),
        _ => Err(Failure::wrong_state(format!("{name} cannot be deleted"))),
    }
}

/// An attribute that is neither in the standard nor a vendor's has no meaning and no place.
pub(crate) fn check_known(value: &AttributeValue) -> Result<(), Failure> {
    match value {
        AttributeValue::Named { .. } | AttributeValue::Tagged(_) => Err(Failure::new(
            ResultReason::InvalidField,
            format!("there is no attribute {}", value.attribute_name()),
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_attribute_has_one_rule() {
        for (n, (tag, ..)) in RULES.iter().enumerate() {
            assert!(!RULES[..n].iter().any(|(other, ..)| other == tag), "{tag}");
        }
    }

    #[test]
    fn who_may_do_what() {
        let name = |tag| AttributeName::Standard(tag);
        for (tag, changes, deletes) in [
            (Tag::State, false, false),
            (Tag::CryptographicLength, false, false),
            (Tag::ActivationDate, true, false),
            (Tag::Name, true, true),
        ] {
            assert_eq!(check_change(&name(tag)).is_ok(), changes, "{tag}");
            assert_eq!(check_delete(&name(tag)).is_ok(), deletes, "{tag}");
        }
        assert!(check_change(&AttributeName::from_1_x("x-Purpose")).is_ok());
        assert!(check_change(&AttributeName::from_1_x("y-Purpose")).is_err());
        assert!(is_multi_valued(&name(Tag::Link)));
        assert!(!is_multi_valued(&name(Tag::ContactInformation)));
    }
}
