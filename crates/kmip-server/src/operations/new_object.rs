//! What Create and Register have in common: a new object with the attributes that the server sets.

use aws_lc_rs::digest::{SHA256, digest};
use kmip::registry::{HashingAlgorithm, KeyFormatType, State};
use kmip::structures::Digest;
use kmip::{AttributeValue, Attributes, Bytes, ManagedObject, UniqueIdentifier};

use crate::attribute_rules::check_new;
use crate::batch::Context;
use crate::clock::now;
use crate::failure::Failure;
use crate::object::Object;

/// Keeps a new object of the client's, and returns its identifier. `attributes` are the client's.
pub(super) fn keep(
    context: &mut Context<'_>,
    attributes: &Attributes,
    value: ManagedObject,
) -> Result<UniqueIdentifier, Failure> {
    check_new(attributes)?;
    let now = now();
    let identifier = new_identifier()?;
    let mut all = Attributes::new()
        .with(AttributeValue::UniqueIdentifier(identifier.as_str().into()))
        .with(AttributeValue::ObjectType(value.object_type()));
    for attribute in attributes {
        all.push(attribute.value.clone());
    }
    all.push(AttributeValue::State(State::PreActive));
    all.push(AttributeValue::InitialDate(now));
    all.push(AttributeValue::LastChangeDate(now));
    if let Some(digest) = digest_of(&value) {
        all.push(AttributeValue::Digest(digest));
    }
    let object = Object {
        identifier,
        owner: context.owner.clone(),
        attributes: all,
        value: Some(value),
    };
    let object = context.objects.insert(object)?;
    context.yields(&object.identifier);
    Ok(object.identifier.as_str().into())
}

/// SHA-256 over the key as it is returned in its format (KMIP 1.4, section 3.17).
fn digest_of(value: &ManagedObject) -> Option<Digest> {
    let block = value.key_block()?;
    if block.key_wrapping_data.is_some() || block.key_format_type != KeyFormatType::Raw {
        return None;
    }
    let material = block.key_bytes()?;
    Some(Digest {
        hashing_algorithm: HashingAlgorithm::SHA_256,
        digest_value: Some(Bytes(digest(&SHA256, material.expose()).as_ref().to_vec())),
        key_format_type: Some(block.key_format_type),
    })
}

/// A random UUID (RFC 9562, version 4): also a file name, so nothing but hexadecimal digits and hyphens.
fn new_identifier() -> Result<String, Failure> {
    let mut random = [0_u8; 16];
    getrandom::fill(&mut random).map_err(|_| {
        Failure::new(
            kmip::registry::ResultReason::GeneralFailure,
            "there are no random numbers",
        )
    })?;
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
