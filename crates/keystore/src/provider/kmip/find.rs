//! Finding keys.

use kmip::registry::State;
use kmip_client::{ErrorKind, ObjectAttributes};

use super::{KmipKeyError, KmipKeys};

impl KmipKeys {
    /// Finds the key that an operator means: by unique identifier, then by Name, on the server in use
    /// and then on the others of the list. A server that fails does not keep the next one from being asked. Where the key
    /// is found, that server is in use from then on; otherwise the one of before is.
    ///
    /// # Errors
    /// [`KmipKeyError::Ambiguous`] if the Name does not say which of several keys is meant: exactly one
    /// must be Active, or, where the state does not matter, be there at all. Those of the client if the server in use
    /// could not tell and no other has the key.
    pub async fn find(
        &mut self,
        key: &str,
    ) -> Result<Result<ObjectAttributes, NotThere>, KmipKeyError> {
        let mut tour = self.tour();
        while self.go_on(&mut tour).await {
            match self.find_here(key).await {
                Ok(Some(found)) => return Ok(Ok(found)),
                Ok(None) => tour.absent(self),
                Err(KmipKeyError::Client(error)) => tour.failed(self, error),
                Err(error) => {
                    // What it says is said by its error; nobody looks for another key because of it.
                    let _ = self.come_home(tour);
                    return Err(error);
                }
            }
        }
        self.come_home(tour).map(Err)
    }

    /// Finds a key by its unique identifier alone: a Name that happens to be the same text is another key.
    pub(super) async fn find_identifier(
        &mut self,
        identifier: &str,
    ) -> Result<ObjectAttributes, KmipKeyError> {
        let mut tour = self.tour();
        match self.go_on_to_holder(identifier, &mut tour).await {
            Some(found) => Ok(found),
            None => Err(self.come_home(tour)?.error(identifier)),
        }
    }

    async fn find_here(&mut self, key: &str) -> Result<Option<ObjectAttributes>, KmipKeyError> {
        match self.session.get_attributes(key).await {
            Ok(attributes) => return Ok(Some(attributes)),
            // Servers refuse in their own ways what cannot be an identifier, a Name for instance.
            Err(error) if may_be_absent(error.kind()) => {}
            Err(error) => return Err(error.into()),
        }
        let hits = self.session.locate_by_name(key).await?;
        let active: Vec<_> = hits.iter().filter(|hit| is_active(hit)).collect();
        let candidates = match active.is_empty() {
            true => hits.iter().collect(),
            false => active,
        };
        match candidates.as_slice() {
            [] => Ok(None),
            [only] => Ok(Some(ObjectAttributes::clone(only))),
            several => {
                let identifiers: Vec<_> = several
                    .iter()
                    .take(4)
                    .map(|hit| hit.unique_identifier.as_str())
                    .collect();
                Err(KmipKeyError::Ambiguous {
                    name: key.to_owned(),
                    server: self.server(),
                    count: several.len(),
                    identifiers: identifiers.join(", "),
                })
            }
        }
    }

    /// Finds a key that we created ourselves under a Name of our own, after an interrupted start or rotation. Should there
    /// be several, any will do, as nothing was encrypted under them: the first usable one is taken.
    ///
    /// # Errors
    /// Those of the client.
    pub async fn find_announced(
        &mut self,
        name: &str,
    ) -> Result<Option<ObjectAttributes>, KmipKeyError> {
        let mut hits = self.session.locate_by_name(name).await?;
        hits.retain(|hit| is_active(hit) || matches!(hit.state, None | Some(State::PreActive)));
        hits.sort_by(|a, b| {
            (is_active(b), &a.unique_identifier).cmp(&(is_active(a), &b.unique_identifier))
        });
        if let [_, others @ ..] = hits.as_slice() {
            for other in others {
                tracing::warn!(
                    identifier = other.unique_identifier,
                    name,
                    "A key of an interrupted start or rotation is not needed and may be destroyed"
                );
            }
        }
        Ok(hits.into_iter().next())
    }

    /// What the server in use says about a key that was just found or made there.
    pub(crate) async fn attributes(
        &mut self,
        identifier: &str,
    ) -> Result<ObjectAttributes, KmipKeyError> {
        Ok(self.session.get_attributes(identifier).await?)
    }

    /// Whether a key on the server in use has this Name, whatever its state.
    ///
    /// # Errors
    /// Those of the client.
    pub(crate) async fn is_name_taken(&mut self, name: &str) -> Result<bool, KmipKeyError> {
        Ok(!self.session.locate_by_name(name).await?.is_empty())
    }
}

/// The servers that do not have a key, and those that could not be asked.
#[derive(Debug)]
pub struct NotThere(pub Vec<String>);

impl NotThere {
    /// The error for the key that was looked for.
    pub fn error(self, key: &str) -> KmipKeyError {
        KmipKeyError::NotFound {
            key: key.to_owned(),
            servers: self.0.join(", "),
        }
    }
}

pub(super) fn is_active(attributes: &ObjectAttributes) -> bool {
    attributes.state == Some(State::Active)
}

pub(super) fn may_be_absent(kind: &ErrorKind) -> bool {
    matches!(kind, ErrorKind::NotFound | ErrorKind::Refused { .. })
}
