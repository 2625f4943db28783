//! Get Attributes (KMIP 1.4, section 4.12; 2.1, section 6.1.21).

use kmip::operations::GetAttributesRequest;
use kmip::registry::{Operation, Tag};
use kmip::{AttributeName, Attributes};

use crate::{ObjectAttributes, Result, Session};

/// What [`ObjectAttributes`] is made of. By name, since "all" is slow on servers with many, and some leave things out of
/// it.
pub(super) const WANTED: [Tag; 11] = [
    Tag::Name,
    Tag::ObjectGroup,
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
        let names: Vec<AttributeName> = WANTED.into_iter().map(Into::into).collect();
        let attributes = self.read_attributes(unique_identifier, &names).await?;
        Ok(ObjectAttributes::new(unique_identifier, &attributes))
    }

    /// Reads these attributes of an object, or all of them if no name is given. Servers leave out what the object does not
    /// have, and PyKMIP what it does not know.
    ///
    /// # Errors
    /// As for [`Session::get_attributes`]; `Configuration` for an attribute that the session's version lacks.
    pub async fn read_attributes(
        &mut self,
        unique_identifier: &str,
        names: &[AttributeName],
    ) -> Result<Attributes> {
        let request = GetAttributesRequest {
            unique_identifier: Some(unique_identifier.into()),
            attribute_names: names.to_vec(),
        };
        let response = self.call(request).await?;
        self.same_object(
            &response.unique_identifier,
            unique_identifier,
            Operation::GetAttributes,
        )?;
        Ok(response.attributes)
    }
}
