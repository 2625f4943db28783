//! Keys on elliptic curves and ECDSA, by AWS-LC.

use aws_lc_rs::encoding::{AsBigEndian, AsDer, EcPrivateKeyBin, EcPrivateKeyRfc5915Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    self, EcdsaKeyPair, EcdsaSigningAlgorithm, EcdsaVerificationAlgorithm, KeyPair,
    UnparsedPublicKey,
};
use kmip::registry::{HashingAlgorithm, RecommendedCurve};
use x509_parser::prelude::FromDer;
use x509_parser::x509::SubjectPublicKeyInfo;
use zeroize::Zeroizing;

use super::unsupported;
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

    fn signing(self, hash: HashingAlgorithm) -> Option<&'static EcdsaSigningAlgorithm> {
        use HashingAlgorithm as H;
        Some(match (self, hash) {
            (Self::P256, H::SHA_256) => &signature::ECDSA_P256_SHA256_ASN1_SIGNING,
            (Self::P384, H::SHA_384) => &signature::ECDSA_P384_SHA384_ASN1_SIGNING,
            (Self::P521, H::SHA_224) => &signature::ECDSA_P521_SHA224_ASN1_SIGNING,
            (Self::P521, H::SHA_256) => &signature::ECDSA_P521_SHA256_ASN1_SIGNING,
            (Self::P521, H::SHA_384) => &signature::ECDSA_P521_SHA384_ASN1_SIGNING,
            (Self::P521, H::SHA_512) => &signature::ECDSA_P521_SHA512_ASN1_SIGNING,
            (Self::P256K1, H::SHA_256) => &signature::ECDSA_P256K1_SHA256_ASN1_SIGNING,
            _ => return None,
        })
    }

    fn verification(self, hash: HashingAlgorithm) -> Option<&'static EcdsaVerificationAlgorithm> {
        use HashingAlgorithm as H;
        Some(match (self, hash) {
            (Self::P256, H::SHA_1) => &signature::ECDSA_P256_SHA1_ASN1,
            (Self::P256, H::SHA_256) => &signature::ECDSA_P256_SHA256_ASN1,
            (Self::P256, H::SHA_384) => &signature::ECDSA_P256_SHA384_ASN1,
            (Self::P256, H::SHA_512) => &signature::ECDSA_P256_SHA512_ASN1,
            (Self::P384, H::SHA_256) => &signature::ECDSA_P384_SHA256_ASN1,
            (Self::P384, H::SHA_384) => &signature::ECDSA_P384_SHA384_ASN1,
            (Self::P384, H::SHA_512) => &signature::ECDSA_P384_SHA512_ASN1,
            (Self::P521, H::SHA_224) => &signature::ECDSA_P521_SHA224_ASN1,
            (Self::P521, H::SHA_256) => &signature::ECDSA_P521_SHA256_ASN1,
            (Self::P521, H::SHA_384) => &signature::ECDSA_P521_SHA384_ASN1,
            (Self::P521, H::SHA_512) => &signature::ECDSA_P521_SHA512_ASN1,
            (Self::P256K1, H::SHA_256) => &signature::ECDSA_P256K1_SHA256_ASN1,
            _ => return None,
        })
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

    /// An ECDSA signature of the data, in ASN.1.
    pub(super) fn sign(&self, hash: HashingAlgorithm, data: &[u8]) -> Result<Vec<u8>, Failure> {
        let algorithm = self.curve.signing(hash).ok_or_else(|| self.no_such(hash))?;
        self.pair(algorithm)
            .and_then(|pair| pair.sign(&SystemRandom::new(), data).ok())
            .map(|signature| signature.as_ref().to_vec())
            .ok_or_else(|| Failure::cryptographic("the signature cannot be made"))
    }

    fn no_such(&self, hash: HashingAlgorithm) -> Failure {
        unsupported(format!(
            "ECDSA on {:?} with {hash} is not supported",
            self.curve
        ))
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
        sequence(&[&algorithm, &tagged(0x03, &bits)])
    }

    /// Whether it is an ECDSA signature of the data.
    pub(super) fn verify(
        &self,
        hash: HashingAlgorithm,
        data: &[u8],
        signature: &[u8],
    ) -> Result<bool, Failure> {
        let algorithm = self.curve.verification(hash).ok_or_else(|| {
            unsupported(format!(
                "ECDSA on {:?} with {hash} is not supported",
                self.curve
            ))
        })?;
        Ok(UnparsedPublicKey::new(algorithm, &self.point)
            .verify(data, signature)
            .is_ok())
    }
}

/// A value in DER.
fn tagged(tag: u8, value: &[u8]) -> Vec<u8> {
    let mut der = vec![tag];
    let length = value.len().to_be_bytes();
    let zeros = length.iter().take_while(|byte| **byte == 0).count();
    let length = length.get(zeros..).unwrap_or_default();
    match length {
        [short] if *short < 0x80 => der.push(*short),
        [] => der.push(0),
        long => {
            der.push(0x80 | u8::try_from(long.len()).unwrap_or(0));
            der.extend_from_slice(long);
        }
    }
    der.extend_from_slice(value);
    der
}

fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    tagged(0x30, &parts.concat())
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
            let hash = curve.usual_hash();
            let signature = key.sign(hash, b"data").unwrap();
            assert!(public.verify(hash, b"data", &signature).unwrap());
            assert!(!public.verify(hash, b"other", &signature).unwrap());
        }
    }
}
