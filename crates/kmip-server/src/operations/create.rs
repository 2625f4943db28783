//! Create (KMIP 1.4, section 4.1; 2.1, section 6.1.8).

use kmip::objects::{KeyBlock, SymmetricKey};
use kmip::operations::{CreateRequest, CreateResponse};
use kmip::registry::{CryptographicAlgorithm, ObjectType, ResultReason};

use super::new_object;
use crate::batch::Context;
use crate::failure::Failure;

pub(super) fn create(
    context: &mut Context<'_>,
    request: CreateRequest,
) -> Result<CreateResponse, Failure> {
    if request.object_type != ObjectType::SymmetricKey {
        return Err(Failure::invalid("only symmetric keys can be created"));
    }
    let attributes = &request.attributes;
    let algorithm = *attributes
        .cryptographic_algorithm()
        .ok_or_else(|| Failure::missing("the Cryptographic Algorithm"))?;
    let bits = *attributes
        .cryptographic_length()
        .ok_or_else(|| Failure::missing("the Cryptographic Length"))?;
    if attributes.cryptographic_usage_mask().is_none() {
        return Err(Failure::missing("the Cryptographic Usage Mask"));
    }
    if !is_possible(algorithm, bits) {
        return Err(Failure::invalid(format!(
            "{algorithm} keys of {bits} bits are not supported"
        )));
    }
    let mut material = vec![0; usize::try_from(bits / 8).unwrap_or_default()];
    getrandom::fill(&mut material).map_err(|_| {
        Failure::new(
            ResultReason::CryptographicFailure,
            "there are no random numbers",
        )
    })?;
    let key_block = KeyBlock::raw(algorithm, material);
    let unique_identifier =
        new_object::keep(context, attributes, SymmetricKey { key_block }.into())?;
    Ok(CreateResponse {
        object_type: ObjectType::SymmetricKey,
        unique_identifier,
        attributes: None,
    })
}

/// Algorithms for which any random bytes of that length are a key.
fn is_possible(algorithm: CryptographicAlgorithm, bits: i32) -> bool {
    use CryptographicAlgorithm as A;
    match algorithm {
        A::AES => matches!(bits, 128 | 192 | 256),
        A::ChaCha20 | A::ChaCha20Poly1305 => bits == 256,
        A::HMAC_SHA1 | A::HMAC_SHA224 | A::HMAC_SHA256 | A::HMAC_SHA384 | A::HMAC_SHA512 => {
            (112..=8192).contains(&bits) && bits % 8 == 0
        }
        _ => false,
    }
}
