//! What Add, Modify and Delete Attribute have in common: a change that is made once, also when its answer gets lost.

use kmip::operations::Request;
use kmip::registry::{Operation, Tag};
use kmip::{Attribute, AttributeName, AttributeValue};

use super::named::{is_over, until};
use crate::{Error, ErrorKind, Result, Session};

impl Session {
    /// Sends a change of an attribute. When the answer is lost, the attribute is looked at: a change that has been made
    /// is not made again, and one that may yet come neither.
    pub(super) async fn change<Q: Request + Clone>(
        &mut self,
        request: Q,
        unique_identifier: &str,
        name: &AttributeName,
        is_made: impl Fn(&[Attribute]) -> bool,
    ) -> Result<()> {
        let mut is_repeated = false;
        loop {
            let error = match self.call_once(request.clone()).await {
                Ok(_) => return Ok(()),
                Err(error) if error.outcome_is_unknown() => error,
                Err(error) => return Err(error),
            };
            let end = self.end_of_looking();
            let instances = until(end, self.instances(unique_identifier, name));
            let unsure = |why: &str| {
                error.clone().with_hint(&format!(
                    "; the answer was lost, and it is not known whether the change was made{why}: look at the \
                     attribute {name} of {unique_identifier}"
                ))
            };
            match instances.await {
                Ok(instances) if is_made(&instances) => return Ok(()),
                Ok(_) if is_over(&error) && !is_repeated => is_repeated = true,
                Ok(_) => return Err(unsure(" or will be")),
                Err(_) => return Err(unsure(" (the server cannot be asked now)")),
            }
        }
    }

    /// The instances of an attribute that an object has. Some servers return others as well.
    pub(super) async fn instances(
        &mut self,
        unique_identifier: &str,
        name: &AttributeName,
    ) -> Result<Vec<Attribute>> {
        // With one that every object has: PyKMIP does not answer at all, in 2.0, when it has nothing to return.
        let names = [name.clone(), Tag::ObjectType.into()];
        let attributes = self.read_attributes(unique_identifier, &names).await?;
        Ok(attributes
            .iter()
            .filter(|attribute| attribute.value.attribute_name() == *name)
            .cloned()
            .collect())
    }

    /// The index by which 1.x knows the instance with this value.
    pub(super) async fn index_of(
        &mut self,
        unique_identifier: &str,
        value: &AttributeValue,
        operation: Operation,
    ) -> Result<i32> {
        let name = value.attribute_name();
        let instances = self.instances(unique_identifier, &name).await?;
        (0..)
            .zip(&instances)
            .find(|(_, instance)| instance.value == *value)
            .map(|(place, instance)| instance.index.unwrap_or(place))
            .ok_or_else(|| {
                let message =
                    format!("{unique_identifier} has no attribute {name} with the value given");
                self.at_here(Error::new(ErrorKind::NotFound, message), operation)
            })
    }
}

/// Whether one of the instances has this value.
pub(super) fn has(instances: &[Attribute], value: &AttributeValue) -> bool {
    instances.iter().any(|instance| instance.value == *value)
}
