//! Locate (KMIP 1.4, section 4.9; 2.1, section 6.1.29).

use kmip::operations::LocateRequest;
use kmip::registry::{ObjectType, Operation};
use kmip::{AttributeValue, Attributes, Name};

use crate::{Error, ErrorKind, ObjectAttributes, Result, Session};

/// More hits than this for one name, and the server has not looked at the name at all.
const MAX_HITS: usize = 1_000;

impl Session {
    /// The symmetric keys with this Name, with their attributes. Names need not be unique on a
    /// server, so there may be several. Each hit is verified with Get Attributes: some servers return every object for
    /// what they cannot search.
    ///
    /// # Errors
    /// `Refused`; `Protocol` if the server returns over 1,000 objects for one name; and what can happen to a
    /// connection. No hit is an empty list, not an error.
    pub async fn locate_by_name(&mut self, name: &str) -> Result<Vec<ObjectAttributes>> {
        let request = LocateRequest {
            attributes: Attributes::new()
                .with(AttributeValue::ObjectType(ObjectType::SymmetricKey))
                .with(AttributeValue::Name(Name::text(name))),
            ..LocateRequest::default()
        };
        let hits = match self.call(request).await {
            Ok(response) => response.unique_identifiers,
            // How some servers say "none".
            Err(error) if *error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        if hits.len() > MAX_HITS {
            let message = format!(
                "{} objects for one name: it does not search by name",
                hits.len()
            );
            let error = Error::new(ErrorKind::Protocol, message);
            return Err(self.at_here(error, Operation::Locate));
        }
        let mut found = Vec::new();
        for hit in hits.iter().filter_map(|hit| hit.as_str()) {
            match self.get_attributes(hit).await {
                Ok(attributes) if attributes.is_symmetric_key_named(name) => found.push(attributes),
                Ok(_) => {}
                // Destroyed meanwhile.
                Err(error) if *error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }
}
