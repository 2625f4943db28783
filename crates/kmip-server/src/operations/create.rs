//! Create (KMIP 1.4, section 4.1; 2.1, section 6.1.8).

use kmip::Attributes;
use kmip::objects::{KeyBlock, SymmetricKey};
use kmip::operations::{CreateRequest, CreateResponse};
use kmip::registry::{CryptographicAlgorithm, ObjectType, ResultReason};

use super::new_object::{self, Origin};
use crate::batch::Context;
use crate::crypto::{Plain, random};
use crate::failure::Failure;
use crate::templates;

pub(super) fn create(
    context: &mut Context<'_>,
    request: CreateRequest,
) -> Result<CreateResponse, Failure> {
    if request.object_type != ObjectType::SymmetricKey {
        return Err(Failure::invalid("only symmetric keys can be created"));
    }
    let attributes = templates::resolve(context, request.attributes)?;
    let (algorithm, bits) = wanted(&attributes)?;
    let key = SymmetricKey {
        key_block: new_key(algorithm, bits)?,
    };
    let identifier = new_object::keep(context, &attributes, key.into(), Origin::Created)?;
    Ok(CreateResponse {
        object_type: ObjectType::SymmetricKey,
        unique_identifier: identifier.into(),
        attributes: None,
    })
}

/// What key the attributes ask for.
fn wanted(attributes: &Attributes) -> Result<(CryptographicAlgorithm, i32), Failure> {
    let algorithm = *attributes
        .cryptographic_algorithm()
        .ok_or_else(|| Failure::missing("the Cryptographic Algorithm"))?;
    let bits = *attributes
        .cryptographic_length()
        .ok_or_else(|| Failure::missing("the Cryptographic Length"))?;
    // A key without Cryptographic Usage Mask can be made, as in the published cases, and be used for nothing here.
    if attributes.quantum_safe() == Some(&true) && bits < 256 {
        return Err(Failure::new(
            ResultReason::GeneralFailure,
            format!("{algorithm} keys of {bits} bits are not quantum safe"),
        ));
    }
    Ok((algorithm, bits))
}

/// A new symmetric key.
pub(super) fn new_key(algorithm: CryptographicAlgorithm, bits: i32) -> Result<KeyBlock, Failure> {
    let bytes = key_bytes(algorithm, bits).ok_or_else(|| {
        Failure::invalid(format!("{algorithm} keys of {bits} bits are not supported"))
    })?;
    let mut material = random(bytes)?;
    if matches!(
        algorithm,
        CryptographicAlgorithm::DES3 | CryptographicAlgorithm::DES
    ) {
        set_parity(&mut material);
    }
    Ok(KeyBlock {
        cryptographic_length: Some(bits),
        ..KeyBlock::raw(algorithm, std::mem::take(&mut *material))
    })
}

/// How many bytes a key has; `None` if there are no such keys, or not any random bytes are one.
fn key_bytes(algorithm: CryptographicAlgorithm, bits: i32) -> Option<usize> {
    use CryptographicAlgorithm as A;
    let whole = usize::try_from(bits / 8)
        .ok()
        .filter(|_| bits % 8 == 0 && bits > 0)?;
    let is_possible = match algorithm {
        A::AES | A::Camellia | A::Twofish | A::ARIA => matches!(bits, 128 | 192 | 256),
        A::ChaCha20 | A::ChaCha20Poly1305 | A::Poly1305 => bits == 256,
        // Every eighth bit is parity: it is stored, but not counted.
        A::DES3 => {
            return [(112, 16), (128, 16), (168, 24), (192, 24)]
                .into_iter()
                .find_map(|(length, bytes)| (length == bits).then_some(bytes));
        }
        A::DES => return matches!(bits, 56 | 64).then_some(8),
        A::SKIPJACK => bits == 80,
        A::IDEA | A::SEED | A::SM4 => bits == 128,
        A::CAST5 | A::RC4 => (40..=128).contains(&bits),
        A::Blowfish => (32..=448).contains(&bits),
        A::HMAC_SHA1
        | A::HMAC_SHA224
        | A::HMAC_SHA256
        | A::HMAC_SHA384
        | A::HMAC_SHA512
        | A::HMAC_MD5 => (112..=8192).contains(&bits),
        _ => false,
    };
    is_possible.then_some(whole)
}

/// Makes the number of bits in each byte odd.
fn set_parity(key: &mut Plain) {
    for byte in key.iter_mut() {
        if byte.count_ones() % 2 == 0 {
            *byte ^= 1;
        }
    }
}
