//! Activate (KMIP 1.4, section 4.19; 2.1, section 6.1.1).

use crate::{Result, Session};

impl Session {
    /// Makes a Pre-Active key Active. A key that is Active already is left as it is and no error, so this may be
    /// repeated.
    ///
    /// # Errors
    /// `NotFound`, `Refused` (a key in any other state), and what can happen to a connection.
    pub async fn activate(&mut self, unique_identifier: &str) -> Result<()> {
        todo!()
    }
}
