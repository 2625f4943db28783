//! Key Material (KMIP 1.4, section 2.1.7; 2.1, section 3): bytes, or a structure of numbers.

use crate::codec::{BigInteger, Value};
use crate::error::DecodeError;
use crate::registry::{KeyFormatType, RecommendedCurve, Tag};
use crate::secret::{SecretBytes, SecretItems};
use crate::ttlv::{Element, ItemType, Writer};

structure! {
    /// A symmetric key as a structure.
    pub struct TransparentSymmetricKey {
        /// The key.
        key: SecretBytes = Key,
    }
}

structure! {
    /// A DSA private key.
    pub struct TransparentDsaPrivateKey {
        /// The modulus.
        p: BigInteger = P,
        /// The order of the subgroup.
        q: BigInteger = Q,
        /// The generator.
        g: BigInteger = G,
        /// The private number.
        x: BigInteger = X,
    }
}

structure! {
    /// A DSA public key.
    pub struct TransparentDsaPublicKey {
        /// The modulus.
        p: BigInteger = P,
        /// The order of the subgroup.
        q: BigInteger = Q,
        /// The generator.
        g: BigInteger = G,
        /// The public number.
        y: BigInteger = Y,
    }
}

structure! {
    /// An RSA private key.
    pub struct TransparentRsaPrivateKey {
        /// The modulus.
        modulus: BigInteger = Modulus,
        /// The private exponent.
        private_exponent: Option<BigInteger> = PrivateExponent,
        /// The public exponent.
        public_exponent: Option<BigInteger> = PublicExponent,
        /// The first prime.
        p: Option<BigInteger> = P,
        /// The second prime.
        q: Option<BigInteger> = Q,
        /// The private exponent modulo p - 1.
        prime_exponent_p: Option<BigInteger> = PrimeExponentP,
        /// The private exponent modulo q - 1.
        prime_exponent_q: Option<BigInteger> = PrimeExponentQ,
        /// The inverse of q modulo p.
        crt_coefficient: Option<BigInteger> = CRTCoefficient,
    }
}

structure! {
    /// An RSA public key.
    pub struct TransparentRsaPublicKey {
        /// The modulus.
        modulus: BigInteger = Modulus,
        /// The public exponent.
        public_exponent: BigInteger = PublicExponent,
    }
}

structure! {
    /// A Diffie-Hellman private key.
    pub struct TransparentDhPrivateKey {
        /// The modulus.
        p: BigInteger = P,
        /// The order of the subgroup.
        q: Option<BigInteger> = Q,
        /// The generator.
        g: BigInteger = G,
        /// The cofactor.
        j: Option<BigInteger> = J,
        /// The private number.
        x: BigInteger = X,
    }
}

structure! {
    /// A Diffie-Hellman public key.
    pub struct TransparentDhPublicKey {
        /// The modulus.
        p: BigInteger = P,
        /// The order of the subgroup.
        q: Option<BigInteger> = Q,
        /// The generator.
        g: BigInteger = G,
        /// The cofactor.
        j: Option<BigInteger> = J,
        /// The public number.
        y: BigInteger = Y,
    }
}

structure! {
    /// A private key on an elliptic curve.
    pub struct TransparentEcPrivateKey {
        /// The curve.
        recommended_curve: RecommendedCurve = RecommendedCurve,
        /// The private number.
        d: BigInteger = D,
    }
}

structure! {
    /// A public key on an elliptic curve.
    pub struct TransparentEcPublicKey {
        /// The curve.
        recommended_curve: RecommendedCurve = RecommendedCurve,
        /// The public point.
        q_string: SecretBytes = QString,
    }
}

macro_rules! key_material {
    ($( $(#[$meta:meta])* $variant:ident = $($format:ident)|+; )*) => {
        /// The material of a key: wiped when dropped, never printed, its secrets compared in constant time.
        ///
        /// What it looks like is said by the Key Format Type beside it.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum KeyMaterial {
            /// Bytes: Raw, Opaque, PKCS#1, PKCS#8, X.509, EC Private Key, PKCS#12, or an extension's format.
            Bytes(SecretBytes),
            $( $(#[$meta])* $variant($variant), )*
            /// A structure of a format that is not known.
            Structure(SecretItems),
        }

        impl KeyMaterial {
            pub(super) fn decode(element: &Element<'_>, format: KeyFormatType) -> Result<Self, DecodeError> {
                if element.item_type() != ItemType::Structure {
                    return Ok(Self::Bytes(element.bytes()?.into()));
                }
                match format {
                    $( $( KeyFormatType::$format )|+ => Value::decode(element).map(Self::$variant), )*
                    _ => Value::decode(element).map(Self::Structure),
                }
            }

            pub(super) fn write(&self, writer: &mut Writer) {
                let tag = Tag::KeyMaterial;
                match self {
                    Self::Bytes(bytes) => writer.secret_bytes(tag, bytes),
                    $( Self::$variant(key) => key.encode(tag, writer), )*
                    Self::Structure(items) => items.encode(tag, writer),
                }
            }
        }
    };
}

key_material! {
    /// Transparent Symmetric Key.
    TransparentSymmetricKey = TransparentSymmetricKey;
    /// Transparent DSA Private Key.
    TransparentDsaPrivateKey = TransparentDSAPrivateKey;
    /// Transparent DSA Public Key.
    TransparentDsaPublicKey = TransparentDSAPublicKey;
    /// Transparent RSA Private Key.
    TransparentRsaPrivateKey = TransparentRSAPrivateKey;
    /// Transparent RSA Public Key.
    TransparentRsaPublicKey = TransparentRSAPublicKey;
    /// Transparent DH Private Key.
    TransparentDhPrivateKey = TransparentDHPrivateKey;
    /// Transparent DH Public Key.
    TransparentDhPublicKey = TransparentDHPublicKey;
    /// Transparent EC Private Key; before 1.3 one each for ECDSA, ECDH and ECMQV.
    TransparentEcPrivateKey = TransparentECPrivateKey | TransparentECDSAPrivateKey | TransparentECDHPrivateKey
        | TransparentECMQVPrivateKey;
    /// Transparent EC Public Key; before 1.3 one each for ECDSA, ECDH and ECMQV.
    TransparentEcPublicKey = TransparentECPublicKey | TransparentECDSAPublicKey | TransparentECDHPublicKey
        | TransparentECMQVPublicKey;
}

impl From<SecretBytes> for KeyMaterial {
    fn from(bytes: SecretBytes) -> Self {
        Self::Bytes(bytes)
    }
}
