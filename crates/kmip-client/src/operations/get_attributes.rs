//! Get Attributes (KMIP 1.4, section 4.12; 2.1, section 6.1.21).

use kmip::operations::GetAttributesRequest;
use kmip::registry::{Operation, Tag};

use crate::{Error, ErrorKind, ObjectAttributes, Result, Session};

/// What is asked for. By name, since "all" is slow on servers with many, and some leave things out of it.
const WANTED: [Tag; 10] = [
    Tag::Name,
    Tag::ObjectType,
    Tag::State,
    Tag::CryptographicAlgorithm,
    Tag::CryptographicLength,
    Tag::CryptographicUsageMask,
    Tag::InitialDate,
    Tag::ActivationDate,
    Tag::DeactivationDate,
    Tag::DestroyDate,
];

impl Session {
    /// Reads the attributes of [`ObjectAttributes`]; those that the server does not have stay empty.
    ///
    /// # Errors
    /// `NotFound`, `Refused`, `Protocol` for another object than the one asked for, and what can happen to a
    /// connection.
    pub async fn get_attributes(&mut self, unique_identifier: &str) -> Result<ObjectAttributes> {
        let request = GetAttributesRequest {
            unique_identifier: Some(unique_identifier.into()),
            attribute_names: WANTED.into_iter().map(Into::into).collect(),
        };
        let response = self.call(request).await?;
        if response.unique_identifier.as_str() != Some(unique_identifier) {
            let message = format!(
                "asked for {unique_identifier}, got {}",
                response.unique_identifier
            );
            let error = Error::new(ErrorKind::Protocol, message);
            return Err(self.at_here(error, Operation::GetAttributes));
        }
        Ok(ObjectAttributes::new(
            unique_identifier,
            &response.attributes,
        ))
    }
}
