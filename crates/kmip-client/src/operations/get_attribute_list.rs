//! Get Attribute List (KMIP 1.4, section 4.13; 2.1, section 6.1.22).

use kmip::AttributeName;
use kmip::operations::GetAttributeListRequest;
use kmip::registry::Operation;

use crate::{Result, Session};

impl Session {
    /// The names of the attributes that an object has, in the server's order.
    ///
    /// # Errors
    /// `NotFound`, `Refused`, `Protocol` for another object than the one asked for, and what can happen to a
    /// connection.
    pub async fn get_attribute_list(
        &mut self,
        unique_identifier: &str,
    ) -> Result<Vec<AttributeName>> {
        let request = GetAttributeListRequest {
            unique_identifier: Some(unique_identifier.into()),
        };
        let response = self.call(request).await?;
        self.same_object(
            &response.unique_identifier,
            unique_identifier,
            Operation::GetAttributeList,
        )?;
        Ok(response.attribute_names)
    }
}
