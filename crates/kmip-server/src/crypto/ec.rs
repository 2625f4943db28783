//! Keys on elliptic curves and ECDSA, by AWS-LC.

use aws_lc_rs::digest::{self, Digest};
use aws_lc_rs::encoding::{AsBigEndian, AsDer, EcPrivateKeyBin, EcPrivateKeyRfc5915Der};
use aws_lc_rs::signature::{
    self, EcdsaKeyPair, EcdsaSigningAlgorithm, EcdsaVerificationAlgorithm, KeyPair,
    UnparsedPublicKey,
};
use kmip::registry::{HashingAlgorithm, RecommendedCurve};
use x509_parser::prelude::FromDer;
use x509_parser::x509::SubjectPublicKeyInfo;
use zeroize::Zeroizing;

use super::der::{sequence, tagged};
use crate::failure::Failure;

/// The curves that AWS-LC signs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Curve {
    P256,
    P384,
    P521,
    P256K1,
}

const CURVES: [Curve; 4] = [Curve::P256, Curve::P384, Curve::P521, Curve::P256K1];

impl Curve {
    pub(crate) fn of(curve: RecommendedCurve) -> Option<Self> {
        CURVES.into_iter().find(|ours| ours.recommended() == curve)
    }

    /// The curve of keys of this length.
    pub(crate) fn of_bits(bits: i32) -> Option<Self> {
        CURVES.into_iter().find(|ours| ours.bits() == bits)
    }

    pub(crate) fn recommended(self) -> RecommendedCurve {
        match self {
            Self::P256 => RecommendedCurve::P_256,
            Self::P384 => RecommendedCurve::P_384,
            Self::P521 => RecommendedCurve::P_521,
            Self::P256K1 => RecommendedCurve::SECP256K1,
        }
    }

    pub(crate) fn bits(self) -> i32 {
        match self {
            Self::P256 | Self::P256K1 => 256,
            Self::P384 => 384,
            Self::P521 => 521,
        }
    }

    /// The hash that goes with the curve.
    pub(crate) fn usual_hash(self) -> HashingAlgorithm {
        match self {
            Self::P256 | Self::P256K1 => HashingAlgorithm::SHA_256,
            Self::P384 => HashingAlgorithm::SHA_384,
            Self::P521 => HashingAlgorithm::SHA_512,
        }
    }

    fn number_bytes(self) -> usize {
        match self {
            Self::P256 | Self::P256K1 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }

    fn oid(self) -> (&'static str, &'static [u8]) {
        match self {
            Self::P256 => (
                "1.2.840.10045.3.1.7",
                &[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7],
            ),
            Self::P384 => ("1.3.132.0.34", &[0x2b, 0x81, 4, 0, 0x22]),
            Self::P521 => ("1.3.132.0.35", &[0x2b, 0x81, 4, 0, 0x23]),
            Self::P256K1 => ("1.3.132.0.10", &[0x2b, 0x81, 4, 0, 0x0a]),
        }
    }

    /// Any algorithm on the curve: for reading and making keys.
    fn any(self) -> &'static EcdsaSigningAlgorithm {
        match self {
            Self::P256 => &signature::ECDSA_P256_SHA256_ASN1_SIGNING,
            Self::P384 => &signature::ECDSA_P384_SHA384_ASN1_SIGNING,
            Self::P521 => &signature::ECDSA_P521_SHA512_ASN1_SIGNING,
            Self::P256K1 => &signature::ECDSA_P256K1_SHA256_ASN1_SIGNING,
        }
    }

    /// What AWS-LC verifies with, and the hash that this stands for.
    fn verification(self) -> &'static EcdsaVerificationAlgorithm {
        match self {
            Self::P256 => &signature::ECDSA_P256_SHA256_ASN1,
            Self::P384 => &signature::ECDSA_P384_SHA384_ASN1,
            Self::P521 => &signature::ECDSA_P521_SHA512_ASN1,
            Self::P256K1 => &signature::ECDSA_P256K1_SHA256_ASN1,
        }
    }

    /// The digest as ECDSA takes it on this curve, whatever hash it comes from: the number that its first bits are,
    /// no more of them than the order of the curve has (FIPS 186-5, section 6.4.1). AWS-LC signs digests of one
    /// length on each curve, and a number with zeros before it is the same number.
    fn number_of(self, digest: &[u8]) -> Option<Digest> {
        let algorithm = match self {
            Self::P256 | Self::P256K1 => &digest::SHA256,
            Self::P384 => &digest::SHA384,
            // No hash is as long as its order.
            Self::P521 => &digest::SHA512,
        };
        let mut number = [0_u8; digest::MAX_OUTPUT_LEN];
        let number = number.get_mut(..algorithm.output_len())?;
        let used = digest.get(..number.len()).unwrap_or(digest);
        let zeros = number.len().checked_sub(used.len())?;
        number.get_mut(zeros..)?.copy_from_slice(used);
        Digest::import_less_safe(number, algorithm).ok()
    }
}

/// A private key.
pub(crate) struct EcPrivateKey {
    pub(crate) curve: Curve,
    /// The private number, in as many bytes as the curve's order has.
    pub(crate) number: Zeroizing<Vec<u8>>,
    /// The public point, uncompressed.
    pub(crate) point: Vec<u8>,
}

/// A public key.
pub(crate) struct EcPublicKey {
    pub(crate) curve: Curve,
    /// The public point, uncompressed or compressed.
    pub(crate) point: Vec<u8>,
}

impl EcPrivateKey {
    pub(crate) fn generate(curve: Curve) -> Result<Self, Failure> {
        EcdsaKeyPair::generate(curve.any())
            .ok()
            .and_then(|pair| Self::of_pair(curve, &pair))
            .ok_or_else(|| Failure::cryptographic("the key pair cannot be made"))
    }

    fn of_pair(curve: Curve, pair: &EcdsaKeyPair) -> Option<Self> {
        let number: EcPrivateKeyBin<'_> = pair.private_key().as_be_bytes().ok()?;
        Some(Self {
            curve,
            number: Zeroizing::new(number.as_ref().to_vec()),
            point: pair.public_key().as_ref().to_vec(),
        })
    }

    /// Out of SEC 1 or PKCS #8.
    pub(crate) fn from_der(der: &[u8]) -> Option<Self> {
        CURVES.into_iter().find_map(|curve| {
            let pair = EcdsaKeyPair::from_private_key_der(curve.any(), der).ok()?;
            Self::of_pair(curve, &pair)
        })
    }

    pub(crate) fn from_number(curve: RecommendedCurve, number: &[u8]) -> Option<Self> {
        let curve = Curve::of(curve)?;
        let zeros = number.iter().take_while(|byte| **byte == 0).count();
        let number = number.get(zeros..)?;
        let missing = curve.number_bytes().checked_sub(number.len())?;
        let mut padded = Zeroizing::new(vec![0; missing]);
        padded.extend_from_slice(number);
        let sec1 = sequence(&[&[0x02, 1, 1], &tagged(0x04, &padded)]);
        let pair = EcdsaKeyPair::from_private_key_der(curve.any(), &sec1).ok()?;
        Self::of_pair(curve, &pair)
    }

    fn pair(&self, algorithm: &'static EcdsaSigningAlgorithm) -> Option<EcdsaKeyPair> {
        EcdsaKeyPair::from_private_key_and_public_key(algorithm, &self.number, &self.point).ok()
    }

    pub(crate) fn to_sec1(&self) -> Zeroizing<Vec<u8>> {
        let der = self.pair(self.curve.any()).and_then(|pair| {
            let der: EcPrivateKeyRfc5915Der<'_> = pair.private_key().as_der().ok()?;
            Some(der.as_ref().to_vec())
        });
        Zeroizing::new(der.unwrap_or_default())
    }

    pub(crate) fn to_pkcs8(&self) -> Zeroizing<Vec<u8>> {
        let der = self
            .pair(self.curve.any())
            .and_then(|pair| pair.to_pkcs8v1().ok())
            .map(|document| document.as_ref().to_vec());
        Zeroizing::new(der.unwrap_or_default())
    }

    pub(crate) fn public(&self) -> EcPublicKey {
        EcPublicKey {
            curve: self.curve,
            point: self.point.clone(),
        }
    }

    /// An ECDSA signature of what has this digest, in ASN.1.
    pub(super) fn sign(&self, digest: &[u8]) -> Result<Vec<u8>, Failure> {
        let sign = || {
            let number = self.curve.number_of(digest)?;
            let signature = self.pair(self.curve.any())?.sign_digest(&number).ok()?;
            Some(signature.as_ref().to_vec())
        };
        sign().ok_or_else(|| Failure::cryptographic("the signature cannot be made"))
    }
}

impl EcPublicKey {
    pub(crate) fn from_point(curve: RecommendedCurve, point: &[u8]) -> Option<Self> {
        Some(Self {
            curve: Curve::of(curve)?,
            point: point.to_vec(),
        })
    }

    /// Out of a Subject Public Key Info.
    pub(crate) fn from_spki(der: &[u8]) -> Option<Self> {
        let (_, info) = SubjectPublicKeyInfo::from_der(der).ok()?;
        let oid = info
            .algorithm
            .parameters
            .as_ref()?
            .as_oid()
            .ok()?
            .to_id_string();
        let curve = CURVES.into_iter().find(|curve| curve.oid().0 == oid)?;
        Some(Self {
            curve,
            point: info.subject_public_key.data.to_vec(),
        })
    }

    pub(crate) fn to_spki(&self) -> Vec<u8> {
        let key_type = tagged(0x06, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1]);
        let algorithm = sequence(&[&key_type, &tagged(0x06, self.curve.oid().1)]);
        let mut bits = vec![0];
        bits.extend_from_slice(&self.point);
        sequence(&[&algorithm, &tagged(0x03, &bits)]).to_vec()
    }

    /// Whether it is an ECDSA signature of what has this digest.
    pub(super) fn verify(&self, digest: &[u8], signature: &[u8]) -> bool {
        self.curve.number_of(digest).is_some_and(|number| {
            UnparsedPublicKey::new(self.curve.verification(), &self.point)
                .verify_digest(&number, signature)
                .is_ok()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_curve_in_every_format() {
        for curve in CURVES {
            let key = EcPrivateKey::generate(curve).unwrap();
            for der in [key.to_sec1(), key.to_pkcs8()] {
                let again = EcPrivateKey::from_der(&der).unwrap();
                assert_eq!((again.curve, &*again.number), (curve, &*key.number));
            }
            let again = EcPrivateKey::from_number(curve.recommended(), &key.number).unwrap();
            assert_eq!(again.point, key.point, "{curve:?}");
            let public = EcPublicKey::from_spki(&key.public().to_spki()).unwrap();
            assert_eq!((public.curve, &public.point), (curve, &key.point));
        }
    }

    use HashingAlgorithm as H;

    const HASHES: [HashingAlgorithm; 11] = [
        H::SHA_1,
        H::SHA_224,
        H::SHA_256,
        H::SHA_384,
        H::SHA_512,
        H::SHA_512_224,
        H::SHA_512_256,
        H::SHA3_224,
        H::SHA3_256,
        H::SHA3_384,
        H::SHA3_512,
    ];

    #[test]
    fn every_hash_on_every_curve() {
        for curve in CURVES {
            let key = EcPrivateKey::generate(curve).unwrap();
            let public = key.public();
            for hash in HASHES {
                let digest = crate::crypto::hash(hash, b"data").unwrap();
                let other = crate::crypto::hash(hash, b"other").unwrap();
                let signature = key.sign(&digest).unwrap();
                assert!(public.verify(&digest, &signature), "{curve:?} {hash}");
                assert!(!public.verify(&other, &signature), "{curve:?} {hash}");
            }
        }
    }

    /// What AWS-LC makes when it hashes by itself, with each pair of curve and hash that it has.
    #[test]
    fn the_same_as_when_the_library_hashes() {
        use signature::*;
        let random = aws_lc_rs::rand::SystemRandom::new();
        let signing: [(Curve, HashingAlgorithm, &'static EcdsaSigningAlgorithm); 9] = [
            (Curve::P256, H::SHA_256, &ECDSA_P256_SHA256_ASN1_SIGNING),
            (Curve::P384, H::SHA_384, &ECDSA_P384_SHA384_ASN1_SIGNING),
            (Curve::P384, H::SHA3_384, &ECDSA_P384_SHA3_384_ASN1_SIGNING),
            (Curve::P521, H::SHA_224, &ECDSA_P521_SHA224_ASN1_SIGNING),
            (Curve::P521, H::SHA_256, &ECDSA_P521_SHA256_ASN1_SIGNING),
            (Curve::P521, H::SHA_384, &ECDSA_P521_SHA384_ASN1_SIGNING),
            (Curve::P521, H::SHA3_512, &ECDSA_P521_SHA3_512_ASN1_SIGNING),
            (Curve::P256K1, H::SHA_256, &ECDSA_P256K1_SHA256_ASN1_SIGNING),
            (
                Curve::P256K1,
                H::SHA3_256,
                &ECDSA_P256K1_SHA3_256_ASN1_SIGNING,
            ),
        ];
        for (curve, hash, algorithm) in signing {
            let key = EcPrivateKey::generate(curve).unwrap();
            let signature = key.pair(algorithm).unwrap().sign(&random, b"data").unwrap();
            let digest = crate::crypto::hash(hash, b"data").unwrap();
            assert!(
                key.public().verify(&digest, signature.as_ref()),
                "{curve:?} {hash}"
            );
        }
        let verification: [(Curve, HashingAlgorithm, &'static EcdsaVerificationAlgorithm); 8] = [
            (Curve::P256, H::SHA_1, &ECDSA_P256_SHA1_ASN1),
            (Curve::P256, H::SHA_384, &ECDSA_P256_SHA384_ASN1),
            (Curve::P256, H::SHA_512, &ECDSA_P256_SHA512_ASN1),
            (Curve::P384, H::SHA_256, &ECDSA_P384_SHA256_ASN1),
            (Curve::P384, H::SHA_512, &ECDSA_P384_SHA512_ASN1),
            (Curve::P521, H::SHA_1, &ECDSA_P521_SHA1_ASN1),
            (Curve::P521, H::SHA_512, &ECDSA_P521_SHA512_ASN1),
            (Curve::P256K1, H::SHA3_256, &ECDSA_P256K1_SHA3_256_ASN1),
        ];
        for (curve, hash, algorithm) in verification {
            let key = EcPrivateKey::generate(curve).unwrap();
            let digest = crate::crypto::hash(hash, b"data").unwrap();
            let signature = key.sign(&digest).unwrap();
            UnparsedPublicKey::new(algorithm, &key.point)
                .verify(b"data", &signature)
                .unwrap();
        }
    }
}
