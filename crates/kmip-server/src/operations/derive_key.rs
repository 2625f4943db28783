//! Derive Key (KMIP 1.4, section 4.6; 2.1, section 6.1.15).

use std::sync::Arc;

use kmip::objects::{KeyBlock, SecretData, SymmetricKey};
use kmip::operations::{DeriveKeyRequest, DeriveKeyResponse};
use kmip::registry::{
    CryptographicUsageMask, DerivationMethod, LinkType, ObjectType, SecretDataType,
};
use kmip::{AttributeValue, ManagedObject};
use zeroize::Zeroizing;

use super::create_key_pair::link;
use super::new_object::{self, Origin};
use crate::batch::Context;
use crate::clock::now;
use crate::crypto::{MOST_DERIVED_BYTES, derive};
use crate::failure::Failure;
use crate::object::Object;
use crate::templates;
use crate::usage::{self, Purpose};

/// To how many derived keys the key that they come from leads.
const MOST_LINKS: usize = 1_000;

pub(super) fn derive_key(
    context: &mut Context<'_>,
    request: DeriveKeyRequest,
) -> Result<DeriveKeyResponse, Failure> {
    let mut bases: Vec<Arc<Object>> = Vec::new();
    for identifier in request.unique_identifiers {
        let identifier = context.identifier(Some(identifier))?;
        let base = context.on_line(&identifier)?;
        usage::check(
            &base,
            Purpose::Protect,
            CryptographicUsageMask::DeriveKey,
            now(),
        )?;
        bases.push(base);
    }
    let first = bases
        .first()
        .ok_or_else(|| Failure::missing("the object to derive from"))?;
    let attributes = templates::resolve(context, request.attributes)?;
    let bits = attributes
        .cryptographic_length()
        .ok_or_else(|| Failure::missing("the Cryptographic Length"))?;
    let length = usize::try_from(bits / 8)
        .ok()
        .filter(|length| bits % 8 == 0 && (1..=MOST_DERIVED_BYTES).contains(length))
        .ok_or_else(|| Failure::invalid(format!("the Cryptographic Length is {bits}")))?;
    let mut data = Zeroizing::new(Vec::new());
    for part in &request.derivation_parameters.derivation_data {
        data.extend_from_slice(part.expose());
    }
    for other in bases.iter().skip(1) {
        data.extend_from_slice(secret(other)?);
    }
    if request.derivation_method == DerivationMethod::HASH && !data.is_empty() {
        return Err(Failure::invalid(
            "the method HASH hashes the key: there is no Derivation Data with it",
        ));
    }
    let turn = match (
        request.derivation_method,
        request.derivation_parameters.iteration_count,
    ) {
        (DerivationMethod::PBKDF2, Some(count)) => {
            let costs = context.costs;
            Some(costs.turn_for_iterations(count, context.deadline)?)
        }
        _ => None,
    };
    let mut material = derive(
        request.derivation_method,
        &request.derivation_parameters,
        first.attributes.cryptographic_algorithm().copied(),
        secret(first)?,
        &data,
        length,
    )?;
    drop(turn);
    let material = std::mem::take(&mut *material);
    let value: ManagedObject = match request.object_type {
        ObjectType::SymmetricKey => {
            let algorithm = *attributes
                .cryptographic_algorithm()
                .ok_or_else(|| Failure::missing("the Cryptographic Algorithm"))?;
            SymmetricKey {
                key_block: KeyBlock::raw(algorithm, material),
            }
            .into()
        }
        ObjectType::SecretData => SecretData {
            secret_data_type: SecretDataType::Seed,
            key_block: KeyBlock::secret(material),
        }
        .into(),
        other => {
            return Err(Failure::invalid(format!("a {other} cannot be derived")));
        }
    };
    let mut new = new_object::make(context, &attributes, value, Origin::Created)?;
    // It does not come from the generator, but from another object.
    new.remove(&kmip::registry::Tag::RandomNumberGenerator.into());
    for base in &bases {
        new.add(link(LinkType::DerivationBaseObjectLink, &base.identifier));
    }
    let identifier = new.identifier.clone();
    context.transact(|transaction| {
        for base in &bases {
            transaction.change(&base.identifier, |base| {
                usage::spend(base, length)?;
                // The links lead there and back, as long as there are not too many to keep.
                let links = base.attributes.iter().filter(|own| is_link(&own.value));
                if links.count() < MOST_LINKS {
                    base.add(link(LinkType::DerivedKeyLink, &identifier));
                    base.touch();
                }
                Ok(())
            })?;
        }
        transaction.insert(new);
        Ok(())
    })?;
    context.yields(&identifier);
    Ok(DeriveKeyResponse {
        unique_identifier: identifier.into(),
        attributes: None,
    })
}

fn is_link(value: &AttributeValue) -> bool {
    matches!(value, AttributeValue::Link(_))
}

/// The bytes of a symmetric key or secret.
fn secret(object: &Object) -> Result<&[u8], Failure> {
    match &object.value {
        Some(value @ (ManagedObject::SymmetricKey(_) | ManagedObject::SecretData(_))) => value
            .key_block()
            .filter(|block| block.key_wrapping_data.is_none())
            .and_then(|block| block.key_bytes())
            .map(kmip::SecretBytes::expose)
            .ok_or_else(|| Failure::invalid("the key is wrapped, or not here")),
        _ => Err(Failure::invalid(
            "only symmetric keys and secret data are derived from",
        )),
    }
}
