//! Get (KMIP 1.4, section 4.11; 2.1, section 6.1.22).

use crate::{NewSymmetricKey, Result, Session, SymmetricKey};

impl Session {
    /// Reads a symmetric key: in clear, in the format Raw (Transparent Symmetric Key is understood as well).
    /// Its state is not looked at: servers hand out keys in every state, and whoever decrypts old data needs that;
    /// see [`Session::get_attributes`].
    ///
    /// # Errors
    /// `NotFound`; `UnusableKey` for another kind of object, a wrapped key, another format, a key whose
    /// length is not what the server says it is, or another object than the one asked for.
    pub async fn get_symmetric_key(&mut self, unique_identifier: &str) -> Result<SymmetricKey> {
        todo!()
    }
}
