//! Create (KMIP 1.4, section 4.1; 2.1, section 6.1.8).

use crate::{NewSymmetricKey, Result, Session};

impl Session {
    /// Has the server make a symmetric key, and returns its unique identifier. The key is Pre-Active.
    ///
    /// If the answer is lost, the server is asked for a key of that Name: when it is there, its identifier is
    /// returned; when it is not and the connection had broken, Create is sent once more; after a time-out, it is
    /// not, since the server may still be at work. So the Name must be one that nothing else has.
    ///
    /// # Errors
    /// `Refused`; `Timeout`, when it is not known whether the key will come to exist (under its Name).
    pub async fn create_symmetric_key(&mut self, key: &NewSymmetricKey) -> Result<String> {
        todo!()
    }
}
