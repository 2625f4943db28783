//! Create Key Pair (KMIP 1.4, section 4.2; 2.1, section 6.1.9).

use kmip::objects::{KeyBlock, KeyMaterial, KeyValue, PrivateKey, PublicKey, WrappedOrPlain};
use kmip::operations::{CreateKeyPairRequest, CreateKeyPairResponse};
use kmip::registry::{CryptographicAlgorithm, KeyFormatType, LinkType, ResultReason};
use kmip::structures::Link;
use kmip::{AttributeValue, Attributes, SecretBytes};

use super::new_object::{self, Origin};
use crate::attribute_rules::is_multi_valued;
use crate::batch::Context;
use crate::crypto::{Curve, new_ec, new_rsa};
use crate::failure::Failure;
use crate::object::Object;
use crate::templates;

pub(super) fn create_key_pair(
    context: &mut Context<'_>,
    request: CreateKeyPairRequest,
) -> Result<CreateKeyPairResponse, Failure> {
    let resolved = |attributes: Option<Attributes>| {
        templates::resolve(context, attributes.unwrap_or_default())
    };
    let common = resolved(request.common_attributes)?;
    let private = over(resolved(request.private_key_attributes)?, &common);
    let public = over(resolved(request.public_key_attributes)?, &common);
    let (private, public) = make_pair(context, private, public)?;
    let (private_id, public_id) = (private.identifier.clone(), public.identifier.clone());
    context.transact(|transaction| {
        transaction.insert(private);
        transaction.insert(public);
        Ok(())
    })?;
    context.yields_pair(&private_id, &public_id);
    Ok(CreateKeyPairResponse {
        private_key_unique_identifier: private_id.into(),
        public_key_unique_identifier: public_id.into(),
        private_key_attributes: None,
        public_key_attributes: None,
    })
}

/// The attributes, and those of `others` that they do not have.
pub(super) fn over(mut attributes: Attributes, others: &Attributes) -> Attributes {
    for other in others {
        let name = other.value.attribute_name();
        let is_there = match is_multi_valued(&name) {
            true => attributes.iter().any(|own| own.value == other.value),
            false => attributes.get(&name).is_some(),
        };
        if !is_there {
            attributes.push(other.value.clone());
        }
    }
    attributes
}

/// A new key pair with these attributes, linked.
pub(super) fn make_pair(
    context: &Context<'_>,
    mut private: Attributes,
    mut public: Attributes,
) -> Result<(Object, Object), Failure> {
    let algorithm = *private
        .cryptographic_algorithm()
        .or(public.cryptographic_algorithm())
        .ok_or_else(|| Failure::missing("the Cryptographic Algorithm"))?;
    let bits = private
        .cryptographic_length()
        .or(public.cryptographic_length())
        .copied();
    if private.quantum_safe() == Some(&true) || public.quantum_safe() == Some(&true) {
        return Err(Failure::new(
            ResultReason::GeneralFailure,
            format!("{algorithm} is not quantum safe"),
        ));
    }
    let (pair, formats, bits) = match algorithm {
        CryptographicAlgorithm::RSA => {
            let bits = bits.ok_or_else(|| Failure::missing("the Cryptographic Length"))?;
            context.costs.check_rsa(bits)?;
            let _turn = context.costs.turn(context.deadline)?;
            (
                new_rsa(bits)?,
                (KeyFormatType::PKCS_1, KeyFormatType::PKCS_1),
                bits,
            )
        }
        CryptographicAlgorithm::EC
        | CryptographicAlgorithm::ECDSA
        | CryptographicAlgorithm::ECDH => {
            let curve = curve(&private, &public, bits)?;
            let formats = (KeyFormatType::ECPrivateKey, KeyFormatType::X_509);
            (new_ec(curve)?, formats, curve.bits())
        }
        other => {
            return Err(Failure::invalid(format!(
                "{other} key pairs are not supported"
            )));
        }
    };
    for attributes in [&mut private, &mut public] {
        let known = std::mem::take(attributes);
        *attributes = over(
            known,
            &Attributes::new()
                .with(AttributeValue::CryptographicAlgorithm(algorithm))
                .with(AttributeValue::CryptographicLength(bits)),
        );
    }
    let block = |format, material: SecretBytes| KeyBlock {
        key_format_type: format,
        key_compression_type: None,
        key_value: Some(WrappedOrPlain::Plain(KeyValue {
            key_material: KeyMaterial::Bytes(material),
            attributes: Attributes::new(),
        })),
        cryptographic_algorithm: Some(algorithm),
        cryptographic_length: Some(bits),
        key_wrapping_data: None,
    };
    let mut material = pair.private;
    let private_key = PrivateKey {
        key_block: block(formats.0, std::mem::take(&mut *material).into()),
    };
    let public_key = PublicKey {
        key_block: block(formats.1, pair.public.into()),
    };
    let origin = Origin::Created;
    let mut private = new_object::make(context, &private, private_key.into(), origin)?;
    let mut public = new_object::make(context, &public, public_key.into(), origin)?;
    private.add(link(LinkType::PublicKeyLink, &public.identifier));
    public.add(link(LinkType::PrivateKeyLink, &private.identifier));
    Ok((private, public))
}

pub(super) fn link(link_type: LinkType, identifier: &str) -> AttributeValue {
    AttributeValue::Link(Link {
        link_type,
        linked_object_identifier: identifier.into(),
    })
}

/// The curve that the attributes name, or the usual one of that length.
fn curve(private: &Attributes, public: &Attributes, bits: Option<i32>) -> Result<Curve, Failure> {
    let named = private
        .cryptographic_domain_parameters()
        .or(public.cryptographic_domain_parameters())
        .and_then(|parameters| parameters.recommended_curve);
    let curve = match (named, bits) {
        (Some(named), _) => Curve::of(named),
        (None, Some(bits)) => Curve::of_bits(bits),
        (None, None) => return Err(Failure::missing("the Recommended Curve")),
    };
    curve
        .filter(|curve| bits.is_none_or(|bits| bits == curve.bits()))
        .ok_or_else(|| {
            Failure::invalid(
                "the curve is not supported: expected P-256, P-384, P-521 or secp256k1",
            )
        })
}
