//! Re-key (KMIP 1.4, section 4.4; 2.1, section 6.1.42).

use kmip::operations::ReKeyRequest;
use kmip::registry::{LinkType, Operation, Tag};
use kmip::{AttributeValue, Interval};
use tracing::info;

use super::named::{is_over, until};
use crate::{Error, ErrorKind, Result, Session};

impl Session {
    /// Has the server make a key that replaces another, and returns the new one's unique identifier. The new key takes the
    /// Name of the old one over and is linked with it; it becomes active `offset_secs` after the old one did or, without
    /// an offset, as the server has it. Nothing that the old key has encrypted is touched.
    ///
    /// A lost answer is recovered by the link from the old key to the one that replaces it. Servers that keep no links
    /// leave it unknown whether there is a new key: the error says so.
    ///
    /// # Errors
    /// `NotFound`, `Refused` (many servers do not have the operation), and what can happen to a connection.
    pub async fn re_key(
        &mut self,
        unique_identifier: &str,
        offset_secs: Option<u32>,
    ) -> Result<String> {
        // It may have been replaced before: only another replacement is that of this call.
        let before = match self.replacement_of(unique_identifier).await {
            Ok(before) => Some(before),
            // Whoever may not look may be allowed to replace.
            Err(error) if matches!(error.kind(), ErrorKind::Refused { .. }) => None,
            Err(error) => return Err(error),
        };
        let request = ReKeyRequest {
            unique_identifier: Some(unique_identifier.into()),
            offset: offset_secs.map(Interval),
            ..ReKeyRequest::default()
        };
        let mut is_repeated = false;
        loop {
            let error = match self.send_re_key(&request, unique_identifier).await {
                Err(error) if error.outcome_is_unknown() => error,
                answer => return answer,
            };
            let unsure = |why: &str| {
                error.clone().with_hint(&format!(
                    "; the answer was lost, and it is not known whether there is a new key{why}: look at the Links of \
                     {unique_identifier}"
                ))
            };
            let Some(before) = &before else {
                return Err(unsure(""));
            };
            let end = self.end_of_looking();
            match until(end, self.replacement_of(unique_identifier)).await {
                Ok(Some(new)) if before.as_ref() != Some(&new) => {
                    info!(
                        identifier = new, server = %self.server(),
                        "the answer to ReKey was lost; the new key was found by the link of the old one"
                    );
                    return Ok(new);
                }
                // Where a key has had no link before, its absence now proves nothing: the server may keep none.
                Ok(Some(_)) if is_over(&error) && !is_repeated => is_repeated = true,
                Ok(_) => return Err(unsure("")),
                Err(_) => return Err(unsure(" (the server cannot be asked now)")),
            }
        }
    }

    async fn send_re_key(&mut self, request: &ReKeyRequest, old: &str) -> Result<String> {
        let response = self.call_once(request.clone()).await?;
        let new = self.identifier(response.unique_identifier, Operation::ReKey)?;
        if new == old {
            let error = Error::new(ErrorKind::Protocol, "the new key has the old identifier");
            return Err(self.at_here(error, Operation::ReKey).after_sending());
        }
        Ok(new)
    }

    /// The key that replaces this one, if the server says so.
    async fn replacement_of(&mut self, unique_identifier: &str) -> Result<Option<String>> {
        // With one that every key has: there are servers that do not answer when they have nothing to return.
        let names = [Tag::Link.into(), Tag::ObjectType.into()];
        let attributes = self.read_attributes(unique_identifier, &names).await?;
        Ok(attributes
            .iter()
            .find_map(|attribute| match &attribute.value {
                AttributeValue::Link(link) if link.link_type == LinkType::ReplacementObjectLink => {
                    link.linked_object_identifier.as_str().map(str::to_owned)
                }
                _ => None,
            }))
    }
}
