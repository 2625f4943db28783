//! Symmetric keys: what is asked for and what comes back.

use kmip::objects::WrappedOrPlain;
use kmip::registry::{CryptographicAlgorithm, CryptographicUsageMask};
use kmip::{ManagedObject, SecretBytes};

/// A symmetric key that does not exist yet.
#[derive(Clone, Debug)]
pub struct NewSymmetricKey {
    /// Its Name attribute. Must not be in use: a lost answer is recovered by it.
    pub name: String,
    /// Default AES.
    pub algorithm: CryptographicAlgorithm,
    /// Its length, in bits.
    pub bits: u32,
    /// Default Encrypt and Decrypt.
    pub usage: CryptographicUsageMask,
}

impl NewSymmetricKey {
    /// An AES key of 256 bits for encryption and decryption.
    pub fn aes256(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            algorithm: CryptographicAlgorithm::AES,
            bits: 256,
            usage: CryptographicUsageMask::Encrypt | CryptographicUsageMask::Decrypt,
        }
    }
}

/// A symmetric key with its material. The material is wiped when dropped and never shown.
#[derive(Clone, Debug)]
pub struct SymmetricKey {
    /// The identifier that the server gave it.
    pub unique_identifier: String,
    /// `None` if the server does not say; it is checked if it does.
    pub algorithm: Option<CryptographicAlgorithm>,
    /// The key itself.
    pub material: SecretBytes,
}

impl SymmetricKey {
    /// The key's length, in bits: that of the material.
    pub fn bits(&self) -> usize {
        self.material.len() * 8
    }
}

/// The bytes of an object, whatever its type; of a wrapped key, as they are wrapped. `None` for a key that is a structure
/// of numbers, and for one that came without them.
pub fn material(object: &ManagedObject) -> Option<SecretBytes> {
    match object {
        ManagedObject::Certificate(certificate) => {
            Some(certificate.certificate_value.0.as_slice().into())
        }
        ManagedObject::CertificateRequest(request) => {
            Some(request.certificate_request_value.0.as_slice().into())
        }
        ManagedObject::OpaqueObject(object) => Some(object.opaque_data_value.clone()),
        object => {
            let block = object.key_block()?;
            match &block.key_value {
                Some(WrappedOrPlain::Wrapped(bytes)) => Some(bytes.clone()),
                _ => block.key_bytes().cloned(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_material() {
        let key = SymmetricKey {
            unique_identifier: "id-1".to_owned(),
            algorithm: None,
            material: SecretBytes::from(&[0xAB; 32]),
        };
        for text in [format!("{key:?}"), format!("{key:#?}")] {
            assert!(text.contains("id-1"), "{text}");
            assert!(
                !text.contains("171") && !text.to_lowercase().contains("ab, "),
                "{text}"
            );
            assert!(!text.to_lowercase().contains("abab"), "{text}");
        }
        assert_eq!(key.bits(), 256);
    }
}
