//! Set Attribute (KMIP 2.1, section 6.1.50), and what comes to the same without it.

use kmip::operations::{ModifyAttributeRequest, SetAttributeRequest};
use kmip::registry::{Operation, ResultReason};
use kmip::{Attribute, AttributeValue};

use super::attribute_change::has;
use crate::{Error, ErrorKind, Result, Session};

impl Session {
    /// Gives an attribute that an object has once at most a value, whether it had one or not: with Set Attribute in 2.x,
    /// with Modify Attribute or Add Attribute in 1.x, and at servers that have no Set Attribute, or not for this one. May
    /// be repeated.
    ///
    /// # Errors
    /// `Configuration` if the object has several instances (see [`Session::modify_attribute`]), or the session's
    /// version lacks the attribute; `NotFound`, `Refused`, and what can happen to a connection.
    pub async fn set_attribute(
        &mut self,
        unique_identifier: &str,
        value: AttributeValue,
    ) -> Result<()> {
        self.ensure_connected().await?;
        let is_typed = self.version.has_typed_attributes();
        if is_typed {
            let request = SetAttributeRequest {
                unique_identifier: Some(unique_identifier.into()),
                attribute: value.clone().into(),
            };
            match self.call(request).await {
                Err(error) if is_not_for_set(&error) => {}
                answer => return answer.map(drop),
            }
        }
        let name = value.attribute_name();
        match self.instances(unique_identifier, &name).await?.as_slice() {
            [] => self.add_attribute(unique_identifier, value).await,
            [only] if only.value == value => Ok(()),
            [only] => {
                let request = ModifyAttributeRequest {
                    unique_identifier: Some(unique_identifier.into()),
                    current_attribute: is_typed.then(|| only.value.clone().into()),
                    attribute: Attribute {
                        index: only.index.filter(|_| !is_typed),
                        value: value.clone(),
                    },
                };
                self.change(request, unique_identifier, &name, |instances| {
                    has(instances, &value)
                })
                .await
            }
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

/// Whether Modify Attribute may do what Set Attribute does not: it is not offered, or not for this attribute.
fn is_not_for_set(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Refused {
            reason: Some(ResultReason::OperationNotSupported | ResultReason::MultiValuedAttribute),
            ..
        }
    )
}
