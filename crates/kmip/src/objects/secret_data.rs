//! Secret Data (KMIP 2.1, section 2.7).

use super::KeyBlock;
use crate::registry::SecretDataType;

structure! {
    /// A secret that is no key, such as a password or a seed.
    pub struct SecretData {
        /// What it is.
        secret_data_type: SecretDataType = SecretDataType,
        /// The secret.
        key_block: KeyBlock = KeyBlock,
    }
}
