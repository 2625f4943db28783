//! Get Attributes (KMIP 1.4, section 4.12; 2.1, section 6.1.23).

use crate::{ObjectAttributes, Result, Session};

impl Session {
    /// Reads the attributes of [`ObjectAttributes`]; those that the server does not have stay empty.
    ///
    /// # Errors
    /// `NotFound`, `Refused`, and what can happen to a connection.
    pub async fn get_attributes(&mut self, unique_identifier: &str) -> Result<ObjectAttributes> {
        todo!()
    }
}
