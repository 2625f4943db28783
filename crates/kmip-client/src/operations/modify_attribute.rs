//! Modify Attribute (KMIP 1.4, section 4.15; 2.1, section 6.1.32).

use kmip::operations::ModifyAttributeRequest;
use kmip::registry::Operation;
use kmip::{Attribute, AttributeValue};

use super::attribute_change::has;
use crate::{Error, ErrorKind, Result, Session};

impl Session {
    /// Changes an attribute that an object has. `current` says which instance, where there may be several; 1.x knows
    /// instances by an index, which is looked up. A lost answer is recovered by looking for the new value.
    ///
    /// # Errors
    /// `Configuration` if `current` is another attribute, or the session's version lacks the attribute; `NotFound` if
    /// there is no such object, or (1.x) no such instance; `Refused`, and what can happen to a connection.
    pub async fn modify_attribute(
        &mut self,
        unique_identifier: &str,
        current: Option<&AttributeValue>,
        new: AttributeValue,
    ) -> Result<()> {
        let name = new.attribute_name();
        if let Some(current) = current
            && current.attribute_name() != name
        {
            let message = format!("{} cannot become {name}", current.attribute_name());
            return Err(Error::new(ErrorKind::Configuration, message));
        }
        self.ensure_connected().await?;
        let mut request = ModifyAttributeRequest {
            unique_identifier: Some(unique_identifier.into()),
            current_attribute: None,
            attribute: new.clone().into(),
        };
        match current {
            Some(current) if self.version.has_typed_attributes() => {
                request.current_attribute = Some(current.clone().into());
            }
            Some(current) => {
                let index = self
                    .index_of(unique_identifier, current, Operation::ModifyAttribute)
                    .await?;
                request.attribute = Attribute {
                    index: Some(index),
                    value: new.clone(),
                };
            }
            None => {}
        }
        self.change(request, unique_identifier, &name, |instances| {
            has(instances, &new) && current.is_none_or(|old| *old == new || !has(instances, old))
        })
        .await
    }
}
