//! Finding keys.

use kmip::registry::State;
use kmip_client::{ErrorKind, ObjectAttributes};

use super::{KmipKeyError, KmipKeys};

impl KmipKeys {
    /// Finds the key that an operator means: by unique identifier, then by Name, on the server in use
    /// and then on the others of the list. `None` if no server has it.
    ///
    /// # Errors
    /// [`KmipKeyError::Ambiguous`] if the Name does not say which of several keys is meant: exactly one
    /// must be Active, or, where the state does not matter, be there at all.
    pub async fn find(
        &mut self,
        key: &str,
    ) -> Result<Result<ObjectAttributes, NotThere>, KmipKeyError> {
        if let Some(found) = self.find_here(key).await? {
            return Ok(Ok(found));
        }
        let mut asked = NotThere(vec![self.server()]);
        let here = self.session.server().clone();
        let servers = self.client.config().servers.clone();
        for server in servers.iter().filter(|server| **server != here) {
            match self.client.connect_to(server).await {
                Ok(session) => {
                    let before = std::mem::replace(&mut self.session, session);
                    if let Some(found) = self.find_here(key).await? {
                        return Ok(Ok(found));
                    }
                    self.session = before;
                    asked.0.push(server.to_string());
                }
                Err(error) => asked
                    .0
                    .push(format!("{server} (not asked: {})", error.message())),
            }
        }
        Ok(Err(asked))
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

fn may_be_absent(kind: &ErrorKind) -> bool {
    matches!(kind, ErrorKind::NotFound | ErrorKind::Refused { .. })
}
