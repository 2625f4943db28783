//! Re-key Key Pair (KMIP 1.4, section 4.5; 2.1, section 6.1.43). Of 1.1.

use kmip::operations::{ReKeyKeyPairRequest, ReKeyKeyPairResponse};
use kmip::registry::{LinkType, ObjectType};

use super::create_key_pair::{link, make_pair, over};
use super::replacement;
use crate::batch::Context;
use crate::failure::Failure;
use crate::templates;

pub(super) fn re_key_key_pair(
    context: &mut Context<'_>,
    request: ReKeyKeyPairRequest,
) -> Result<ReKeyKeyPairResponse, Failure> {
    let private_id = context.identifier(request.private_key_unique_identifier)?;
    let old_private = context.on_line(&private_id)?;
    if old_private.attributes.object_type() != Some(&ObjectType::PrivateKey) {
        return Err(Failure::invalid("the object is not a private key"));
    }
    let public_id = old_private
        .linked(LinkType::PublicKeyLink)
        .ok_or_else(|| Failure::invalid("the private key has no link to its public key"))?;
    let old_public = context.on_line(&public_id)?;
    let resolved = |attributes: Option<kmip::Attributes>| {
        templates::resolve(context, attributes.unwrap_or_default())
    };
    let common = resolved(request.common_attributes)?;
    let private = over(resolved(request.private_key_attributes)?, &common);
    let public = over(resolved(request.public_key_attributes)?, &common);
    let private = replacement::attributes(&old_private, request.offset, private)?;
    let public = replacement::attributes(&old_public, request.offset, public)?;
    let (mut private, mut public) = make_pair(context, private, public)?;
    private.add(link(LinkType::ReplacedObjectLink, &private_id));
    public.add(link(LinkType::ReplacedObjectLink, &public_id));
    let (new_private, new_public) = (private.identifier.clone(), public.identifier.clone());
    context.transact(|transaction| {
        for (old, new) in [(&private_id, &new_private), (&public_id, &new_public)] {
            transaction.change(old, |old| {
                replacement::retire(old, new);
                Ok(())
            })?;
        }
        transaction.insert(private);
        transaction.insert(public);
        Ok(())
    })?;
    context.yields_pair(&new_private, &new_public);
    Ok(ReKeyKeyPairResponse {
        private_key_unique_identifier: new_private.into(),
        public_key_unique_identifier: new_public.into(),
        private_key_attributes: None,
        public_key_attributes: None,
    })
}
