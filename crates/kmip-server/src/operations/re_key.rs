//! Re-key (KMIP 1.4, section 4.4; 2.1, section 6.1.42).

use kmip::objects::SymmetricKey;
use kmip::operations::{ReKeyRequest, ReKeyResponse};
use kmip::registry::{LinkType, ObjectType};

use super::create::new_key;
use super::create_key_pair::link;
use super::new_object::{self, Origin};
use super::replacement;
use crate::batch::Context;
use crate::failure::Failure;
use crate::templates;

pub(super) fn re_key(
    context: &mut Context<'_>,
    request: ReKeyRequest,
) -> Result<ReKeyResponse, Failure> {
    let identifier = context.identifier(request.unique_identifier)?;
    let old = context.on_line(&identifier)?;
    if old.attributes.object_type() != Some(&ObjectType::SymmetricKey) {
        return Err(Failure::invalid("only symmetric keys are re-keyed"));
    }
    let asked_for = templates::resolve(context, request.attributes.unwrap_or_default())?;
    let attributes = replacement::attributes(&old, request.offset, asked_for)?;
    let (Some(algorithm), Some(bits)) = (
        attributes.cryptographic_algorithm(),
        attributes.cryptographic_length(),
    ) else {
        return Err(Failure::invalid("the key has no algorithm or no length"));
    };
    let key = SymmetricKey {
        key_block: new_key(*algorithm, *bits)?,
    };
    let mut new = new_object::make(context, &attributes, key.into(), Origin::Created)?;
    new.add(link(LinkType::ReplacedObjectLink, &identifier));
    let new_identifier = new.identifier.clone();
    context.transact(|transaction| {
        transaction.change(&identifier, |old| {
            replacement::retire(old, &new_identifier);
            Ok(())
        })?;
        transaction.insert(new);
        Ok(())
    })?;
    context.yields(&new_identifier);
    Ok(ReKeyResponse {
        unique_identifier: new_identifier.into(),
        attributes: None,
    })
}
