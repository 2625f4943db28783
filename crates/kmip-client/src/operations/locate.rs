//! Locate (KMIP 1.4, section 4.9; 2.1, section 6.1.32).

use crate::{ObjectAttributes, Result, Session};

impl Session {
    /// The symmetric keys with this Name, with their attributes. Names need not be unique on a server, so there may be
    /// several. Each hit is verified with Get Attributes: some servers return every object for what they
    /// cannot search.
    ///
    /// # Errors
    /// `Refused`, and what can happen to a connection. No hit is an empty list, not an error.
    pub async fn locate_by_name(&mut self, name: &str) -> Result<Vec<ObjectAttributes>> {
        todo!()
    }
}
