//! Register (KMIP 1.4, section 4.3; 2.1, section 6.1.41).

use kmip::SecretBytes;

use crate::{NewSymmetricKey, Result, Session};

impl Session {
    /// Gives the server a symmetric key that was made here, and returns its unique identifier. The key is
    /// Pre-Active. A lost answer is recovered as for [`Session::create_symmetric_key`].
    ///
    /// # Errors
    /// `Configuration`, if the material is not of `key.bits` bits; otherwise as for Create.
    pub async fn register_symmetric_key(
        &mut self,
        key: &NewSymmetricKey,
        material: &SecretBytes,
    ) -> Result<String> {
        todo!()
    }
}
