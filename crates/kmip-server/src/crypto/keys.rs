//! Asymmetric keys out of key blocks, and into them: the formats PKCS #1, PKCS #8, X.509, SEC 1 and the transparent
//! ones (KMIP 1.4, section 2.1.7; 2.1, section 3).

use kmip::codec::BigInteger;
use kmip::objects::{
    KeyBlock, KeyMaterial, KeyValue, TransparentEcPrivateKey, TransparentEcPublicKey,
    TransparentRsaPrivateKey, TransparentRsaPublicKey, WrappedOrPlain,
};
use kmip::registry::{KeyFormatType, ResultReason};
use kmip::{Attributes, SecretBytes};
use rsa::BoxedUint;
use rsa::pkcs1::{
    DecodeRsaPrivateKey, DecodeRsaPublicKey, EncodeRsaPrivateKey, EncodeRsaPublicKey,
};
use rsa::pkcs8::{DecodePrivateKey, DecodePublicKey, EncodePrivateKey, EncodePublicKey};
use rsa::traits::{PrivateKeyParts, PublicKeyParts};

use super::ec::{EcPrivateKey, EcPublicKey};
use crate::failure::Failure;

/// The private half of a key pair.
pub(crate) enum PrivateKey {
    Rsa(Box<rsa::PrivateKey>),
    Ec(EcPrivateKey),
}

/// The public half of a key pair.
pub(crate) enum PublicKey {
    Rsa(rsa::PublicKey),
    Ec(EcPublicKey),
}

fn material(block: &KeyBlock) -> Result<&KeyMaterial, Failure> {
    match &block.key_value {
        Some(WrappedOrPlain::Plain(KeyValue {
            key_material: KeyMaterial::Bytes(der),
            ..
        })) if der.len() > MOST_BYTES => Err(unreadable()),
        Some(WrappedOrPlain::Plain(value)) => Ok(&value.key_material),
        Some(WrappedOrPlain::Wrapped(_)) => Err(Failure::invalid("the key is wrapped")),
        None => Err(Failure::new(
            ResultReason::KeyValueNotPresent,
            "the server does not have the key itself",
        )),
    }
}

fn unreadable() -> Failure {
    Failure::invalid("the key cannot be read in its Key Format Type")
}

/// A key that takes longer than this in DER, or one of whose numbers does, is nobody's: arithmetic with it would take
/// minutes.
const MOST_BYTES: usize = 16 << 10;

fn number(integer: &BigInteger) -> Result<BoxedUint, Failure> {
    let bytes = integer.0.expose();
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    match bytes.get(zeros..).unwrap_or_default() {
        [] => Ok(BoxedUint::from(0_u64)),
        long if long.len() > MOST_BYTES / 8 => Err(unreadable()),
        bytes => Ok(BoxedUint::from_be_slice_vartime(bytes)),
    }
}

/// The number with a leading zero where the first bit would make it negative.
fn integer(bytes: &[u8]) -> BigInteger {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let bytes = bytes.get(zeros..).unwrap_or_default();
    let mut all = Vec::with_capacity(bytes.len() + 1);
    if bytes.first().is_none_or(|first| *first >= 0x80) {
        all.push(0);
    }
    all.extend_from_slice(bytes);
    BigInteger(all.into())
}

fn uint(number: &BoxedUint) -> BigInteger {
    let bytes = zeroize::Zeroizing::new(number.to_be_bytes().into_vec());
    integer(&bytes)
}

impl PrivateKey {
    pub(crate) fn read(block: &KeyBlock) -> Result<Self, Failure> {
        match material(block)? {
            KeyMaterial::Bytes(bytes) => {
                let der = bytes.expose();
                let rsa = match block.key_format_type {
                    KeyFormatType::PKCS_1 => rsa::PrivateKey::from_pkcs1_der(der).ok(),
                    KeyFormatType::PKCS_8 => rsa::PrivateKey::from_pkcs8_der(der).ok(),
                    _ => None,
                };
                match rsa {
                    Some(key) => Ok(Self::Rsa(Box::new(key))),
                    None => EcPrivateKey::from_der(der)
                        .map(Self::Ec)
                        .ok_or_else(unreadable),
                }
            }
            KeyMaterial::TransparentRsaPrivateKey(key) => transparent_rsa(key),
            KeyMaterial::TransparentEcPrivateKey(key) => {
                EcPrivateKey::from_number(key.recommended_curve, key.d.0.expose())
                    .map(Self::Ec)
                    .ok_or_else(unreadable)
            }
            _ => Err(unreadable()),
        }
    }

    /// The key in this format.
    pub(crate) fn write(&self, format: KeyFormatType) -> Result<KeyMaterial, Failure> {
        use KeyFormatType as F;
        let cannot = || cannot_write(format);
        Ok(match (self, format) {
            (Self::Rsa(key), F::PKCS_1) => {
                bytes(key.to_pkcs1_der().map_err(|_| cannot())?.as_bytes())
            }
            (Self::Rsa(key), F::PKCS_8) => {
                bytes(key.to_pkcs8_der().map_err(|_| cannot())?.as_bytes())
            }
            (Self::Rsa(key), F::TransparentRSAPrivateKey) => {
                let prime = |n: usize| key.primes().get(n).map(|prime| uint(prime));
                KeyMaterial::TransparentRsaPrivateKey(TransparentRsaPrivateKey {
                    modulus: integer(&key.n_bytes()),
                    private_exponent: Some(uint(key.d())),
                    public_exponent: Some(integer(&key.e_bytes())),
                    p: prime(0),
                    q: prime(1),
                    prime_exponent_p: key.dp().map(uint),
                    prime_exponent_q: key.dq().map(uint),
                    crt_coefficient: key.crt_coefficient().as_ref().map(uint),
                })
            }
            (Self::Ec(key), F::ECPrivateKey) => bytes(&key.to_sec1()),
            (Self::Ec(key), F::PKCS_8) => bytes(&key.to_pkcs8()),
            (
                Self::Ec(key),
                F::TransparentECPrivateKey
                | F::TransparentECDSAPrivateKey
                | F::TransparentECDHPrivateKey,
            ) => KeyMaterial::TransparentEcPrivateKey(TransparentEcPrivateKey {
                recommended_curve: key.curve.recommended(),
                d: integer(&key.number),
            }),
            _ => return Err(cannot()),
        })
    }
}

fn transparent_rsa(key: &TransparentRsaPrivateKey) -> Result<PrivateKey, Failure> {
    let read = |integer: &Option<BigInteger>| integer.as_ref().map(number).transpose();
    let modulus = number(&key.modulus)?;
    let (exponent, private) = (read(&key.public_exponent)?, read(&key.private_exponent)?);
    let (p, q) = (read(&key.p)?, read(&key.q)?);
    let private = match (private, p, q, exponent) {
        (Some(d), p, q, Some(e)) => {
            let primes = p.into_iter().chain(q).collect();
            rsa::PrivateKey::from_components(modulus, e, d, primes)
        }
        (None, Some(p), Some(q), Some(e)) => rsa::PrivateKey::from_p_q(p, q, e),
        _ => {
            return Err(Failure::missing(
                "the Private Exponent or the Public Exponent",
            ));
        }
    };
    private
        .map(|key| PrivateKey::Rsa(Box::new(key)))
        .map_err(|_| unreadable())
}

impl PublicKey {
    pub(crate) fn read(block: &KeyBlock) -> Result<Self, Failure> {
        match material(block)? {
            KeyMaterial::Bytes(bytes) => Self::from_der(block.key_format_type, bytes.expose()),
            KeyMaterial::TransparentRsaPublicKey(key) => {
                rsa::PublicKey::new(number(&key.modulus)?, number(&key.public_exponent)?)
                    .map(Self::Rsa)
                    .map_err(|_| unreadable())
            }
            KeyMaterial::TransparentEcPublicKey(key) => {
                EcPublicKey::from_point(key.recommended_curve, key.q_string.expose())
                    .map(Self::Ec)
                    .ok_or_else(unreadable)
            }
            _ => Err(unreadable()),
        }
    }

    /// Out of DER: PKCS #1 or a Subject Public Key Info.
    pub(crate) fn from_der(format: KeyFormatType, der: &[u8]) -> Result<Self, Failure> {
        let rsa = match format {
            KeyFormatType::PKCS_1 => rsa::PublicKey::from_pkcs1_der(der).ok(),
            _ => rsa::PublicKey::from_public_key_der(der).ok(),
        };
        match rsa {
            Some(key) => Ok(Self::Rsa(key)),
            None => EcPublicKey::from_spki(der)
                .map(Self::Ec)
                .ok_or_else(unreadable),
        }
    }

    /// The key in this format.
    pub(crate) fn write(&self, format: KeyFormatType) -> Result<KeyMaterial, Failure> {
        use KeyFormatType as F;
        let cannot = || cannot_write(format);
        Ok(match (self, format) {
            (Self::Rsa(key), F::PKCS_1) => {
                bytes(key.to_pkcs1_der().map_err(|_| cannot())?.as_bytes())
            }
            (Self::Rsa(key), F::X_509) => {
                bytes(key.to_public_key_der().map_err(|_| cannot())?.as_bytes())
            }
            (Self::Rsa(key), F::TransparentRSAPublicKey) => {
                KeyMaterial::TransparentRsaPublicKey(TransparentRsaPublicKey {
                    modulus: integer(&key.n_bytes()),
                    public_exponent: integer(&key.e_bytes()),
                })
            }
            (Self::Ec(key), F::X_509) => bytes(&key.to_spki()),
            (
                Self::Ec(key),
                F::TransparentECPublicKey
                | F::TransparentECDSAPublicKey
                | F::TransparentECDHPublicKey,
            ) => KeyMaterial::TransparentEcPublicKey(TransparentEcPublicKey {
                recommended_curve: key.curve.recommended(),
                q_string: key.point.as_slice().into(),
            }),
            _ => return Err(cannot()),
        })
    }
}

fn bytes(der: &[u8]) -> KeyMaterial {
    KeyMaterial::Bytes(SecretBytes::from(der))
}

fn cannot_write(format: KeyFormatType) -> Failure {
    Failure::new(
        ResultReason::KeyFormatTypeNotSupported,
        format!("the object cannot be returned in the format {format}"),
    )
}

/// The block with its key in another format.
pub(crate) fn with_material(
    block: &KeyBlock,
    format: KeyFormatType,
    key_material: KeyMaterial,
) -> KeyBlock {
    KeyBlock {
        key_format_type: format,
        key_compression_type: None,
        key_value: Some(WrappedOrPlain::Plain(KeyValue {
            key_material,
            attributes: Attributes::new(),
        })),
        ..block.clone()
    }
}
