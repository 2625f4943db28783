//! Signatures, and encryption with RSA (PKCS #1: PSS, OAEP, and the older paddings), as Cryptographic Parameters
//! ask for them.

use kmip::registry::{
    CryptographicAlgorithm, DigitalSignatureAlgorithm, HashingAlgorithm, PaddingMethod,
};
use kmip::structures::CryptographicParameters;
use rsa::oaep::Oaep;
use rsa::pkcs1v15::{Pkcs1v15Encrypt, Pkcs1v15Sign};
use rsa::pkcs8::PrivateKeyInfoRef;
use rsa::pss::Pss;
use sha1::Sha1;
use sha2::{Sha224, Sha256, Sha384, Sha512, Sha512_224, Sha512_256};
use sha3::{Sha3_224, Sha3_256, Sha3_384, Sha3_512};
use zeroize::Zeroizing;

use super::ec::{Curve, EcPrivateKey};
use super::hash::{digest_bytes, hash};
use super::keys::{PrivateKey, PublicKey};
use super::{Plain, unsupported};
use crate::failure::Failure;

/// Names the type of a hash, of those that the older versions have.
macro_rules! with_sha {
    ($algorithm:expr, $hash:ident => $body:expr) => {
        match $algorithm {
            HashingAlgorithm::SHA_1 => {
                type $hash = Sha1;
                $body
            }
            HashingAlgorithm::SHA_224 => {
                type $hash = Sha224;
                $body
            }
            HashingAlgorithm::SHA_256 => {
                type $hash = Sha256;
                $body
            }
            HashingAlgorithm::SHA_384 => {
                type $hash = Sha384;
                $body
            }
            HashingAlgorithm::SHA_512 => {
                type $hash = Sha512;
                $body
            }
            other => {
                return Err(unsupported(format!("RSA with {other} is not supported")));
            }
        }
    };
}

/// Names the type of any hash.
macro_rules! with_hash {
    ($algorithm:expr, $hash:ident => $body:expr) => {
        match $algorithm {
            HashingAlgorithm::SHA_512_224 => {
                type $hash = Sha512_224;
                $body
            }
            HashingAlgorithm::SHA_512_256 => {
                type $hash = Sha512_256;
                $body
            }
            HashingAlgorithm::SHA3_224 => {
                type $hash = Sha3_224;
                $body
            }
            HashingAlgorithm::SHA3_256 => {
                type $hash = Sha3_256;
                $body
            }
            HashingAlgorithm::SHA3_384 => {
                type $hash = Sha3_384;
                $body
            }
            HashingAlgorithm::SHA3_512 => {
                type $hash = Sha3_512;
                $body
            }
            older => with_sha!(older, $hash => $body),
        }
    };
}

/// What is signed.
pub(crate) enum Signed<'a> {
    Data(&'a [u8]),
    /// Its hash, made by the client.
    Digest(&'a [u8]),
}

impl Signed<'_> {
    fn digest(&self, algorithm: HashingAlgorithm) -> Result<Vec<u8>, Failure> {
        match self {
            Self::Data(data) => hash(algorithm, data),
            Self::Digest(digest) => {
                let expected = digest_bytes(algorithm)?;
                if digest.len() != expected {
                    return Err(Failure::invalid(format!(
                        "the Digested Data has {} bytes, a digest of {algorithm} has {expected}",
                        digest.len()
                    )));
                }
                Ok(digest.to_vec())
            }
        }
    }
}

/// The scheme of an RSA signature.
struct Scheme {
    hash: HashingAlgorithm,
    is_pss: bool,
    salt: Option<usize>,
}

/// What a Digital Signature Algorithm means: its hash, and whether it is PKCS #1 v1.5.
fn of_algorithm(algorithm: DigitalSignatureAlgorithm) -> Option<(HashingAlgorithm, bool)> {
    use DigitalSignatureAlgorithm as D;
    use HashingAlgorithm as H;
    Some(match algorithm {
        D::SHA_1WithRSAEncryption => (H::SHA_1, true),
        D::SHA_224WithRSAEncryption => (H::SHA_224, true),
        D::SHA_256WithRSAEncryption => (H::SHA_256, true),
        D::SHA_384WithRSAEncryption => (H::SHA_384, true),
        D::SHA_512WithRSAEncryption => (H::SHA_512, true),
        D::SHA3_256WithRSAEncryption => (H::SHA3_256, true),
        D::SHA3_384WithRSAEncryption => (H::SHA3_384, true),
        D::SHA3_512WithRSAEncryption => (H::SHA3_512, true),
        D::ECDSAWithSHA_1 => (H::SHA_1, false),
        D::ECDSAWithSHA224 => (H::SHA_224, false),
        D::ECDSAWithSHA256 => (H::SHA_256, false),
        D::ECDSAWithSHA384 => (H::SHA_384, false),
        D::ECDSAWithSHA512 => (H::SHA_512, false),
        _ => return None,
    })
}

fn rsa_scheme(parameters: &CryptographicParameters) -> Result<Scheme, Failure> {
    let said = parameters.digital_signature_algorithm;
    let by_algorithm = said.and_then(of_algorithm).filter(|(_, is_rsa)| *is_rsa);
    let is_pss = match (said, parameters.padding_method) {
        (Some(DigitalSignatureAlgorithm::RSASSA_PSS), _) | (_, Some(PaddingMethod::PSS)) => true,
        (_, Some(PaddingMethod::PKCS1V1_5)) => false,
        _ if by_algorithm.is_some() => false,
        (_, Some(other)) => {
            return Err(unsupported(format!("the padding {other} does not sign")));
        }
        (_, None) => return Err(Failure::missing("the Padding Method")),
    };
    let hash = parameters
        .hashing_algorithm
        .or(by_algorithm.map(|(hash, _)| hash))
        .ok_or_else(|| Failure::missing("the Hashing Algorithm"))?;
    let salt = parameters.salt_length;
    Ok(Scheme {
        hash,
        is_pss,
        salt: salt.and_then(|salt| usize::try_from(salt).ok()),
    })
}

fn ecdsa_hash(parameters: &CryptographicParameters, curve: Curve) -> HashingAlgorithm {
    let by_algorithm = parameters
        .digital_signature_algorithm
        .and_then(of_algorithm);
    parameters
        .hashing_algorithm
        .or(by_algorithm.map(|(hash, _)| hash))
        .unwrap_or(curve.usual_hash())
}

/// Signs.
pub(crate) fn sign(
    key: &PrivateKey,
    parameters: &CryptographicParameters,
    signed: &Signed<'_>,
) -> Result<Vec<u8>, Failure> {
    let key = match key {
        PrivateKey::Ec(key) => {
            let hash = ecdsa_hash(parameters, key.curve);
            if hash == HashingAlgorithm::SHA_1 {
                return Err(unsupported(
                    "ECDSA signatures with SHA-1 are verified, but no more made",
                ));
            }
            return key.sign(&signed.digest(hash)?);
        }
        PrivateKey::Rsa(key) => key,
    };
    let scheme = rsa_scheme(parameters)?;
    let digest = signed.digest(scheme.hash)?;
    with_hash!(scheme.hash, H => {
        if scheme.is_pss {
            let mut pss = Pss::<H>::new();
            pss.salt_len = scheme.salt.or(pss.salt_len);
            key.sign(pss, &digest)
        } else {
            key.sign(Pkcs1v15Sign::new::<H>(), &digest)
        }
    })
    .map_err(|_| Failure::cryptographic("the signature cannot be made"))
}

/// Whether it is a signature of that.
pub(crate) fn verify(
    key: &PublicKey,
    parameters: &CryptographicParameters,
    signed: &Signed<'_>,
    signature: &[u8],
) -> Result<bool, Failure> {
    let key = match key {
        PublicKey::Ec(key) => {
            let hash = ecdsa_hash(parameters, key.curve);
            return Ok(key.verify(&signed.digest(hash)?, signature));
        }
        PublicKey::Rsa(key) => key,
    };
    let scheme = rsa_scheme(parameters)?;
    let digest = signed.digest(scheme.hash)?;
    Ok(with_hash!(scheme.hash, H => {
        if scheme.is_pss {
            let mut pss = Pss::<H>::new();
            // Without a length, the one that the signature itself has.
            pss.salt_len = scheme.salt;
            key.verify(pss, &digest, signature)
        } else {
            key.verify(Pkcs1v15Sign::new::<H>(), &digest, signature)
        }
    })
    .is_ok())
}

/// The hashes of OAEP: SHA-1 unless the parameters say otherwise.
fn oaep_hashes(parameters: &CryptographicParameters) -> (HashingAlgorithm, HashingAlgorithm) {
    let or_sha_1 = |hash: Option<HashingAlgorithm>| hash.unwrap_or(HashingAlgorithm::SHA_1);
    (
        or_sha_1(parameters.hashing_algorithm),
        or_sha_1(parameters.mask_generator_hashing_algorithm),
    )
}

fn label(parameters: &CryptographicParameters) -> Box<[u8]> {
    let label = parameters.p_source.as_ref();
    label
        .map(|label| label.0.clone().into())
        .unwrap_or_default()
}

/// Encrypts with an RSA key.
pub(crate) fn encrypt(
    key: &PublicKey,
    parameters: &CryptographicParameters,
    data: &[u8],
) -> Result<Vec<u8>, Failure> {
    let PublicKey::Rsa(key) = key else {
        return Err(unsupported("keys on elliptic curves do not encrypt"));
    };
    let mut random = SystemRng;
    match parameters.padding_method {
        Some(PaddingMethod::OAEP) => {
            let (of_label, of_mask) = oaep_hashes(parameters);
            with_sha!(of_label, H => with_sha!(of_mask, M => {
                let padding = Oaep::<H, M>::new_with_mgf_hash_and_label(label(parameters));
                key.encrypt(&mut random, padding, data)
            }))
        }
        Some(PaddingMethod::PKCS1V1_5) => key.encrypt(&mut random, Pkcs1v15Encrypt, data),
        other => return Err(no_padding(other)),
    }
    .map_err(|_| Failure::cryptographic("the data is too long for the key"))
}

/// Decrypts with an RSA key.
pub(crate) fn decrypt(
    key: &PrivateKey,
    parameters: &CryptographicParameters,
    data: &[u8],
) -> Result<Plain, Failure> {
    let PrivateKey::Rsa(key) = key else {
        return Err(unsupported("keys on elliptic curves do not decrypt"));
    };
    match parameters.padding_method {
        Some(PaddingMethod::OAEP) => {
            let (of_label, of_mask) = oaep_hashes(parameters);
            with_sha!(of_label, H => with_sha!(of_mask, M => {
                let padding = Oaep::<H, M>::new_with_mgf_hash_and_label(label(parameters));
                key.decrypt(padding, data)
            }))
        }
        Some(PaddingMethod::PKCS1V1_5) => key.decrypt(Pkcs1v15Encrypt, data),
        other => return Err(no_padding(other)),
    }
    .map(Zeroizing::new)
    .map_err(|_| Failure::cryptographic("the data cannot be decrypted with this key"))
}

fn no_padding(padding: Option<PaddingMethod>) -> Failure {
    match padding {
        None => Failure::missing("the Padding Method"),
        Some(other) => unsupported(format!("RSA with the padding {other} is not supported")),
    }
}

/// The operating system's random numbers.
struct SystemRng;

impl rsa::rand_core::TryRng for SystemRng {
    type Error = getrandom::Error;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        getrandom::u32()
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        getrandom::u64()
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
        getrandom::fill(bytes)
    }
}

impl rsa::rand_core::TryCryptoRng for SystemRng {}

/// A new key pair in the formats that the server keeps: PKCS #1 for RSA, SEC 1 and X.509 for curves.
pub(crate) struct NewKeyPair {
    pub(crate) private: Plain,
    pub(crate) public: Vec<u8>,
}

/// Makes a key pair: RSA of 2048, 3072, 4096 or 8192 bits by AWS-LC, which makes none of 1024. Whether the length is
/// allowed is the caller's business.
pub(crate) fn new_rsa(bits: i32) -> Result<NewKeyPair, Failure> {
    use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
    use aws_lc_rs::rsa::{KeyPair, KeySize};
    use aws_lc_rs::signature::KeyPair as _;
    let size = match bits {
        2048 => KeySize::Rsa2048,
        3072 => KeySize::Rsa3072,
        4096 => KeySize::Rsa4096,
        8192 => KeySize::Rsa8192,
        1024 => return new_weak_rsa(),
        _ => {
            return Err(Failure::invalid(format!(
                "{} keys of {bits} bits are not made",
                CryptographicAlgorithm::RSA
            )));
        }
    };
    let failed = || Failure::cryptographic("the key pair cannot be made");
    let pair = KeyPair::generate(size).map_err(|_| failed())?;
    let pkcs8: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| failed())?;
    let info = PrivateKeyInfoRef::try_from(pkcs8.as_ref()).map_err(|_| failed())?;
    Ok(NewKeyPair {
        private: Zeroizing::new(info.private_key.as_bytes().to_vec()),
        public: pair.public_key().as_ref().to_vec(),
    })
}

/// Makes a key pair of RSA with 1024 bits.
fn new_weak_rsa() -> Result<NewKeyPair, Failure> {
    use rsa::pkcs1::{EncodeRsaPrivateKey, EncodeRsaPublicKey};
    let failed = || Failure::cryptographic("the key pair cannot be made");
    let private = rsa::PrivateKey::new(&mut SystemRng, 1024).map_err(|_| failed())?;
    let public = private.as_public_key().to_pkcs1_der();
    Ok(NewKeyPair {
        private: private
            .to_pkcs1_der()
            .map(|der| Zeroizing::new(der.as_bytes().to_vec()))
            .map_err(|_| failed())?,
        public: public.map_err(|_| failed())?.as_bytes().to_vec(),
    })
}

/// Makes a key pair on a curve.
pub(crate) fn new_ec(curve: Curve) -> Result<NewKeyPair, Failure> {
    let key = EcPrivateKey::generate(curve)?;
    Ok(NewKeyPair {
        private: key.to_sec1(),
        public: key.public().to_spki(),
    })
}

#[cfg(test)]
mod tests {
    use kmip::objects::KeyBlock;
    use kmip::registry::KeyFormatType;

    use super::*;

    fn pair() -> (PrivateKey, PublicKey) {
        let pair = new_rsa(2048).unwrap();
        let block = |format, der: &[u8]| KeyBlock {
            key_format_type: format,
            ..KeyBlock::raw(CryptographicAlgorithm::RSA, der)
        };
        let private = PrivateKey::read(&block(KeyFormatType::PKCS_1, &pair.private)).unwrap();
        let public = PublicKey::read(&block(KeyFormatType::PKCS_1, &pair.public)).unwrap();
        for format in [
            KeyFormatType::PKCS_8,
            KeyFormatType::TransparentRSAPrivateKey,
        ] {
            let material = private.write(format).unwrap();
            let again = super::super::keys::with_material(
                &block(KeyFormatType::PKCS_1, &pair.private),
                format,
                material,
            );
            let again = PrivateKey::read(&again).unwrap();
            let KeyMaterial::Bytes(der) = again.write(KeyFormatType::PKCS_1).unwrap() else {
                panic!()
            };
            assert_eq!(der.expose(), pair.private.as_slice());
        }
        (private, public)
    }

    use kmip::KeyMaterial;

    #[test]
    fn rsa() {
        let (private, public) = pair();
        for (padding, hash) in [
            (PaddingMethod::PSS, HashingAlgorithm::SHA_256),
            (PaddingMethod::PSS, HashingAlgorithm::SHA_1),
            (PaddingMethod::PKCS1V1_5, HashingAlgorithm::SHA_512),
            (PaddingMethod::PSS, HashingAlgorithm::SHA3_224),
            (PaddingMethod::PKCS1V1_5, HashingAlgorithm::SHA3_512),
            (PaddingMethod::PSS, HashingAlgorithm::SHA_512_224),
        ] {
            let parameters = CryptographicParameters {
                padding_method: Some(padding),
                hashing_algorithm: Some(hash),
                ..CryptographicParameters::default()
            };
            let signature = sign(&private, &parameters, &Signed::Data(b"data")).unwrap();
            let digest = super::hash(hash, b"data").unwrap();
            for (signed, expected) in [
                (Signed::Data(b"data"), true),
                (Signed::Digest(&digest), true),
                (Signed::Data(b"other"), false),
            ] {
                assert_eq!(
                    verify(&public, &parameters, &signed, &signature).unwrap(),
                    expected
                );
            }
        }
        let parameters = CryptographicParameters {
            padding_method: Some(PaddingMethod::PSS),
            hashing_algorithm: Some(HashingAlgorithm::SHA_256),
            ..CryptographicParameters::default()
        };
        // Another hash's digest is no digest of this one.
        assert!(sign(&private, &parameters, &Signed::Digest(&[0; 20])).is_err());
        for (padding, hash, mask) in [
            (
                PaddingMethod::OAEP,
                HashingAlgorithm::SHA_384,
                HashingAlgorithm::SHA_256,
            ),
            (
                PaddingMethod::PKCS1V1_5,
                HashingAlgorithm::SHA_1,
                HashingAlgorithm::SHA_1,
            ),
        ] {
            let parameters = CryptographicParameters {
                padding_method: Some(padding),
                hashing_algorithm: Some(hash),
                mask_generator_hashing_algorithm: Some(mask),
                p_source: Some(kmip::Bytes(b"label".to_vec())),
                ..CryptographicParameters::default()
            };
            let data = encrypt(&public, &parameters, b"clear").unwrap();
            assert_eq!(*decrypt(&private, &parameters, &data).unwrap(), b"clear");
        }
        assert!(new_rsa(1000).is_err());
        let weak = new_rsa(1024).unwrap();
        let block = KeyBlock {
            key_format_type: KeyFormatType::PKCS_1,
            ..KeyBlock::raw(CryptographicAlgorithm::RSA, weak.private.as_slice())
        };
        assert!(PrivateKey::read(&block).is_ok());
    }
}
