//! What all operations that make objects have in common: a new object with the attributes that the server sets.

use kmip::registry::{ObjectType, ProtectionStorageMask, RNGAlgorithm, State};
use kmip::structures::{RNGParameters, UsageLimits};
use kmip::{AttributeValue, Attributes, Bytes, Interval, ManagedObject};

use crate::attribute_rules::check_new;
use crate::batch::Context;
use crate::clock::now;
use crate::crypto::random;
use crate::failure::Failure;
use crate::object::Object;
use crate::{certificate, digest};

/// How long a client should use an object without asking again, in seconds.
pub(super) const LEASE_SECONDS: u32 = 3600;

/// Where an object comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// The server has made it.
    Created,
    /// A client has given it.
    Registered,
}

/// A new object of the client's. `attributes` are the client's.
pub(super) fn make(
    context: &Context<'_>,
    attributes: &Attributes,
    value: ManagedObject,
    origin: Origin,
) -> Result<Object, Failure> {
    check_new(attributes)?;
    let identifier = new_identifier()?;
    let mut object = Object {
        identifier: identifier.clone(),
        owner: context.owner.clone(),
        sequence: context.objects.next_sequence(),
        attributes: Attributes::new()
            .with(AttributeValue::UniqueIdentifier(identifier.into()))
            .with(AttributeValue::ObjectType(value.object_type())),
        value: None,
    };
    for attribute in attributes {
        object.attributes.push(normal(attribute.value.clone()));
    }
    set_by_server(&mut object, &value, origin)?;
    object.value = Some(value);
    Ok(object)
}

/// Keeps a new object of the client's, and returns its identifier.
pub(super) fn keep(
    context: &mut Context<'_>,
    attributes: &Attributes,
    value: ManagedObject,
    origin: Origin,
) -> Result<String, Failure> {
    let object = make(context, attributes, value, origin)?;
    let identifier = object.identifier.clone();
    context.insert(object)?;
    context.yields(&identifier);
    Ok(identifier)
}

/// An attribute as the server keeps it: a count that is not given is the total.
pub(super) fn normal(value: AttributeValue) -> AttributeValue {
    match value {
        AttributeValue::UsageLimits(limits) => AttributeValue::UsageLimits(UsageLimits {
            count: limits.count.or(Some(limits.total)),
            ..limits
        }),
        other => other,
    }
}

/// The attributes that the server sets on what has none of them yet.
pub(super) fn set_by_server(
    object: &mut Object,
    value: &ManagedObject,
    origin: Origin,
) -> Result<(), Failure> {
    use AttributeValue as V;
    let now = now();
    let kind = value.object_type();
    if kind == ObjectType::Template {
        object.set_new(V::InitialDate(now));
        object.set_new(V::LastChangeDate(now));
        object.set_new(V::LeaseTime(Interval(LEASE_SECONDS)));
        object.set_new(V::Fresh(true));
        return Ok(());
    }
    if let ManagedObject::Certificate(certificate) = value {
        for value in certificate::attributes(certificate)? {
            object.set_new(value);
        }
    }
    if let ManagedObject::OpaqueObject(opaque) = value {
        object.set_new(V::OpaqueDataType(opaque.opaque_data_type));
    }
    // An opaque object and a certificate have states too since 1.0, except that nothing else can be done with them.
    object.set_new(V::State(State::PreActive));
    object.set_new(V::InitialDate(now));
    object.set_new(V::LastChangeDate(now));
    object.set_new(V::LeaseTime(Interval(LEASE_SECONDS)));
    object.set_new(V::Fresh(true));
    if let Some(digest) = digest::of(value) {
        object.set_new(V::Digest(digest));
    }
    if origin == Origin::Created {
        object.set_new(V::OriginalCreationDate(now));
        object.set_new(V::RandomNumberGenerator(generator()));
    }
    object.set_new(V::ShortUniqueIdentifier(Bytes(random(8)?.to_vec())));
    object.set_new(V::ProtectionStorageMask(ProtectionStorageMask::Software));
    if let Some(block) = value.key_block() {
        object.set_new(V::KeyFormatType(block.key_format_type));
        if block.key_value.is_none() {
            object.set_new(V::KeyValuePresent(false));
        }
        object.set_new(V::Sensitive(false));
        object.set_new(V::Extractable(true));
        let sensitive = object.attributes.sensitive() == Some(&true);
        let extractable = object.attributes.extractable() == Some(&true);
        object.set_new(V::AlwaysSensitive(sensitive));
        object.set_new(V::NeverExtractable(!extractable));
    }
    Ok(())
}

/// The generator that the server's keys come from: that of the operating system, whose construction varies.
pub(super) fn generator() -> RNGParameters {
    RNGParameters {
        rng_algorithm: RNGAlgorithm::Unspecified,
        cryptographic_algorithm: None,
        cryptographic_length: None,
        hashing_algorithm: None,
        drbg_algorithm: None,
        recommended_curve: None,
        fips186_variation: None,
        prediction_resistance: None,
    }
}

/// A random UUID (RFC 9562, version 4): also a file name, so nothing but hexadecimal digits and hyphens.
fn new_identifier() -> Result<String, Failure> {
    let random: [u8; 16] = random(16)?.as_slice().try_into().unwrap_or_default();
    let bits = u128::from_be_bytes(random);
    let bits = (bits & !(0xf000 << 64) & !(0xc000 << 48)) | (0x4000 << 64) | (0x8000 << 48);
    Ok(format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        bits >> 96,
        (bits >> 80) & 0xffff,
        (bits >> 64) & 0xffff,
        (bits >> 48) & 0xffff,
        bits & 0xffff_ffff_ffff
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers() {
        let identifier = new_identifier().unwrap();
        let groups: Vec<usize> = identifier.split('-').map(str::len).collect();
        assert_eq!(groups, [8, 4, 4, 4, 12], "{identifier}");
        assert_eq!(&identifier[14..15], "4", "{identifier}");
        assert!("89ab".contains(&identifier[19..20]), "{identifier}");
        assert_ne!(new_identifier().unwrap(), identifier);
    }
}
