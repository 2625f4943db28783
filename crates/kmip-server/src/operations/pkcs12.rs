//! A private key as Get returns it in the format PKCS #12 (KMIP 1.4, sections 3.35 and 4.11; 2.1, section 6.1.20):
//! with the certificates that its links lead to, under the password that another link leads to.

use kmip::objects::{KeyBlock, WrappedOrPlain};
use kmip::registry::{CertificateType, KeyFormatType, LinkType, ResultReason};
use kmip::{KeyMaterial, ManagedObject, SecretBytes};

use crate::batch::Context;
use crate::crypto::{PrivateKey, pkcs12};
use crate::failure::Failure;
use crate::object::Object;

/// How many certificates a chain may have.
const MOST_CERTIFICATES: usize = 16;

/// The key's block in that format.
pub(super) fn block(context: &Context<'_>, object: &Object) -> Result<KeyBlock, Failure> {
    let block = match &object.value {
        Some(ManagedObject::PrivateKey(key)) => &key.key_block,
        _ => return Err(not_so("only a private key is returned so")),
    };
    if block.key_wrapping_data.is_some() {
        return Err(not_so("the key is wrapped"));
    }
    let key = PrivateKey::read(block)?.write(KeyFormatType::PKCS_8)?;
    let KeyMaterial::Bytes(key) = key else {
        return Err(not_so("the key has no such form"));
    };
    let password = password(context, object)?;
    let chain = chain(context, object)?;
    let chain: Vec<&[u8]> = chain.iter().map(Vec::as_slice).collect();
    let name = object.attributes.pkcs_12_friendly_name();
    let _turn = context.costs.turn(context.deadline)?;
    let mut made = pkcs12(key.expose(), &chain, name.map(String::as_str), &password)?;
    Ok(KeyBlock {
        key_format_type: KeyFormatType::PKCS_12,
        key_compression_type: None,
        // Encrypted as a whole, so its algorithm and length are not said outside.
        key_value: Some(WrappedOrPlain::Wrapped(SecretBytes::from(std::mem::take(
            &mut *made,
        )))),
        cryptographic_algorithm: None,
        cryptographic_length: None,
        key_wrapping_data: None,
    })
}

fn not_so(why: &str) -> Failure {
    Failure::new(
        ResultReason::KeyFormatTypeNotSupported,
        format!("the object cannot be returned in the format PKCS_12: {why}"),
    )
}

fn password(context: &Context<'_>, object: &Object) -> Result<zeroize::Zeroizing<String>, Failure> {
    let identifier = object
        .linked(LinkType::PKCS_12PasswordLink)
        .ok_or_else(|| not_so("it has no PKCS#12 Password Link"))?;
    let password = context.on_line(&context.identifier(Some(identifier.into()))?)?;
    let bytes = match &password.value {
        Some(ManagedObject::SecretData(secret)) => secret.key_block.key_bytes(),
        _ => None,
    };
    let text = bytes.and_then(|bytes| std::str::from_utf8(bytes.expose()).ok());
    text.map(|text| zeroize::Zeroizing::new(text.to_owned()))
        .ok_or_else(|| not_so("its PKCS#12 Password Link leads to no password"))
}

/// The certificates: the key's own, the one above it, and so on.
fn chain(context: &Context<'_>, object: &Object) -> Result<Vec<Vec<u8>>, Failure> {
    let mut chain = Vec::new();
    let mut known = Vec::new();
    let mut next = object.linked(LinkType::PKCS_12CertificateLink);
    while let Some(identifier) = next {
        if known.contains(&identifier) || chain.len() >= MOST_CERTIFICATES {
            return Err(not_so(
                "its PKCS#12 Certificate Links go in a circle, or too far",
            ));
        }
        let certificate = context.on_line(&context.identifier(Some(identifier.clone().into()))?)?;
        match &certificate.value {
            Some(ManagedObject::Certificate(value))
                if value.certificate_type == CertificateType::X_509 =>
            {
                chain.push(value.certificate_value.0.clone());
            }
            _ => return Err(not_so("a PKCS#12 Certificate Link leads to no certificate")),
        }
        next = certificate.linked(LinkType::PKCS_12CertificateLink);
        known.push(identifier);
    }
    if chain.is_empty() {
        return Err(not_so("it has no PKCS#12 Certificate Link"));
    }
    Ok(chain)
}
