//! Add Attribute (KMIP 1.4, section 4.14; 2.1, section 6.1.2).

use kmip::AttributeValue;
use kmip::operations::AddAttributeRequest;

use super::attribute_change::has;
use crate::{Result, Session};

impl Session {
    /// Gives an object one more attribute: a first one, or another instance where there may be several. A lost answer is
    /// recovered by looking for the value.
    ///
    /// # Errors
    /// `Configuration` if the session's version lacks the attribute; `NotFound`, `Refused`, and what can happen to a
    /// connection.
    pub async fn add_attribute(
        &mut self,
        unique_identifier: &str,
        value: AttributeValue,
    ) -> Result<()> {
        let request = AddAttributeRequest {
            unique_identifier: Some(unique_identifier.into()),
            attribute: value.clone().into(),
        };
        self.change(
            request,
            unique_identifier,
            &value.attribute_name(),
            |instances| has(instances, &value),
        )
        .await
    }
}
