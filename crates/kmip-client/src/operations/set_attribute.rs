//! Set Attribute (KMIP 2.1, section 6.1.50), and what comes to the same in 1.x.

use kmip::AttributeValue;
use kmip::operations::SetAttributeRequest;
use kmip::registry::Operation;

use crate::{Error, ErrorKind, Result, Session};

impl Session {
    /// Gives an attribute that an object has once at most a value, whether it had one or not: with Set Attribute in 2.x,
    /// with Modify Attribute or Add Attribute in 1.x. May be repeated.
    ///
    /// # Errors
    /// `Configuration` if the object has several instances (1.x: see [`Session::modify_attribute`]), or the session's
    /// version lacks the attribute; `NotFound`, `Refused`, and what can happen to a connection.
    pub async fn set_attribute(
        &mut self,
        unique_identifier: &str,
        value: AttributeValue,
    ) -> Result<()> {
        self.ensure_connected().await?;
        if self.version.has_typed_attributes() {
            let request = SetAttributeRequest {
                unique_identifier: Some(unique_identifier.into()),
                attribute: value.into(),
            };
            return self.call(request).await.map(drop);
        }
        let name = value.attribute_name();
        match self.instances(unique_identifier, &name).await?.as_slice() {
            [] => self.add_attribute(unique_identifier, value).await,
            [only] if only.value == value => Ok(()),
            [_] => self.modify_attribute(unique_identifier, None, value).await,
            several => {
                let message = format!(
                    "{unique_identifier} has {} attributes {name}: say which one to change",
                    several.len()
                );
                let error = Error::new(ErrorKind::Configuration, message);
                Err(self.at_here(error, Operation::ModifyAttribute))
            }
        }
    }
}
