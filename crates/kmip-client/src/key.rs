//! Symmetric keys: what is asked for and what comes back.

use kmip::SecretBytes;
use kmip::registry::{CryptographicAlgorithm, CryptographicUsageMask};

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
