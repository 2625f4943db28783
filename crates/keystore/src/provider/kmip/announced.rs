//! Looking for keys by the Names that we gave them, on every server that may have them.

use kmip_client::ObjectAttributes;

use super::{KmipKeyError, KmipKeys};

/// What became of a key that was announced.
#[derive(Debug)]
#[non_exhaustive]
pub enum Announced {
    /// It was created and can be used; the connection is to the server that has it.
    Found(ObjectAttributes),
    /// A key has its Name and cannot be used: somebody has revoked or destroyed it.
    Unusable,
    /// No server of the list has it: it was not created.
    Nowhere,
    /// None of those that answer has it. These do not answer, and it may have been created there.
    Unknown(Vec<String>),
}

/// How the Names of our own making begin.
const OURS: &str = "strongroom/";

/// Whether an object that has the unique identifier of a key is another one: the key has a Name of our own making, and
/// the object has other Names. Two servers of a list may give the same identifier to different keys.
pub fn is_another_key(found: &ObjectAttributes, name: Option<&str>) -> bool {
    has_other_names(found, name.filter(|name| name.starts_with(OURS)))
}

/// Whether an object has Names, and none of them is this one.
pub(super) fn has_other_names(found: &ObjectAttributes, name: Option<&str>) -> bool {
    name.is_some_and(|name| !found.names.is_empty() && !found.names.iter().any(|it| it == name))
}

impl KmipKeys {
    /// Looks for a key that we announced, and perhaps created, under a Name of our own: on the server in use, and
    /// then on the others of the list, since that server may be another one than the interrupted attempt had.
    ///
    /// # Errors
    /// Those of the client, for the server in use.
    pub async fn look_for_announced(&mut self, name: &str) -> Result<Announced, KmipKeyError> {
        if let Some(found) = self.find_announced(name).await? {
            return Ok(Announced::Found(found));
        }
        let mut is_taken = self.is_name_taken(name).await?;
        let mut not_asked = Vec::new();
        let here = self.session.server().clone();
        let servers = self.client.config().servers.clone();
        for server in servers.iter().filter(|server| **server != here) {
            match self.client.connect_to(server).await {
                Ok(session) => {
                    let before = std::mem::replace(&mut self.session, session);
                    match self.find_announced(name).await {
                        Ok(Some(found)) => return Ok(Announced::Found(found)),
                        Ok(None) => is_taken |= self.is_name_taken(name).await.unwrap_or(true),
                        Err(error) => not_asked.push(format!("{server} ({error})")),
                    }
                    self.session = before;
                }
                Err(error) => not_asked.push(format!("{server} ({})", error.message())),
            }
        }
        Ok(match (is_taken, not_asked.is_empty()) {
            (true, _) => Announced::Unusable,
            (false, true) => Announced::Nowhere,
            (false, false) => Announced::Unknown(not_asked),
        })
    }
}
