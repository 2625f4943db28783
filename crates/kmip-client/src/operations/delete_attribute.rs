//! Delete Attribute (KMIP 1.4, section 4.16; 2.1, section 6.1.14).

use kmip::operations::DeleteAttributeRequest;
use kmip::registry::Operation;
use kmip::{AttributeName, AttributeValue};

use super::attribute_change::has;
use crate::{Result, Session};

impl Session {
    /// Takes an attribute from an object, with all its instances. In 1.x, which knows no other way, one after
    /// another: an error may leave some of them.
    ///
    /// # Errors
    /// `NotFound`, `Refused` (the object does not have it, or needs it), and what can happen to a connection.
    pub async fn delete_attribute(
        &mut self,
        unique_identifier: &str,
        name: AttributeName,
    ) -> Result<()> {
        self.ensure_connected().await?;
        if !self.version.has_typed_attributes() {
            let instances = self.instances(unique_identifier, &name).await?;
            // A server that does not tell them may know better what to say.
            if let [_, _, ..] = instances.as_slice() {
                for instance in &instances {
                    self.delete_attribute_value(unique_identifier, &instance.value)
                        .await?;
                }
                return Ok(());
            }
        }
        let request = DeleteAttributeRequest {
            unique_identifier: Some(unique_identifier.into()),
            attribute_name: Some(name.clone()),
            ..DeleteAttributeRequest::default()
        };
        self.change(request, unique_identifier, &name, <[_]>::is_empty)
            .await
    }

    /// Takes the instance of an attribute with this value from an object; 1.x knows instances by an index, which is
    /// looked up.
    ///
    /// # Errors
    /// As for [`Session::delete_attribute`]; `NotFound` also if there is no such instance (1.x).
    pub async fn delete_attribute_value(
        &mut self,
        unique_identifier: &str,
        value: &AttributeValue,
    ) -> Result<()> {
        self.ensure_connected().await?;
        let name = value.attribute_name();
        let mut request = DeleteAttributeRequest {
            unique_identifier: Some(unique_identifier.into()),
            ..DeleteAttributeRequest::default()
        };
        if self.version.has_typed_attributes() {
            request.current_attribute = Some(value.clone().into());
        } else {
            let index = self
                .index_of(unique_identifier, value, Operation::DeleteAttribute)
                .await?;
            request.attribute_name = Some(name.clone());
            request.attribute_index = Some(index);
        }
        self.change(request, unique_identifier, &name, |instances| {
            !has(instances, value)
        })
        .await
    }
}
