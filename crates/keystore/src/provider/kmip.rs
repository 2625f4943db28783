//! The master key on a KMIP server (`security.kmip`).
//!
//! Nothing here decides what is asked for; start-up and rotation do. This module finds, creates and
//! fetches keys, and tells apart what can be wrong with them.

use kmip::registry::{CryptographicAlgorithm, ObjectType, Operation, State};
use kmip_client::{Client, ErrorKind, NewSymmetricKey, ObjectAttributes, Session};

use crate::failpoint;
use crate::memory::{KEY_LEN, MasterKey};

/// Why there is no master key. Each message names the key and the server.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KmipKeyError {
    /// The connection, or the server, failed.
    #[error(transparent)]
    Client(#[from] kmip_client::Error),
    /// No server has the key.
    #[error(
        "there is no key with the unique identifier or Name {key} on the KMIP server {servers}, \
         or the client certificate may not see it"
    )]
    NotFound {
        /// The identifier or Name that was looked for.
        key: String,
        /// The servers that were asked, and those that could not be.
        servers: String,
    },
    /// Several keys have the Name.
    #[error(
        "{count} keys on the KMIP server {server} have the Name {name}: give the unique identifier of the one \
         that is meant ({identifiers})"
    )]
    Ambiguous {
        /// The Name.
        name: String,
        /// The server.
        server: String,
        /// How many keys.
        count: usize,
        /// The unique identifiers of some of them.
        identifiers: String,
    },
    /// The key is not Active, and only Active keys may be used.
    #[error(
        "the key {key} on the KMIP server {server} is in the state {state}, and activateKeys asks for Active keys: \
         activate it there, or start with activateKeys off"
    )]
    NotActive {
        /// The key.
        key: String,
        /// The server.
        server: String,
        /// The key's state.
        state: String,
    },
    /// The object is no key that can be a master key.
    #[error(
        "the object {key} on the KMIP server {server} cannot be a master key: it is {got}, and must be a \
         symmetric AES key of 256 bits in raw form"
    )]
    Unusable {
        /// The object.
        key: String,
        /// The server.
        server: String,
        /// What it is.
        got: String,
    },
    /// The server says that it does not offer an operation that is needed.
    #[error(
        "the KMIP server {server} does not offer {operations} to the client certificate: permit it there, or \
         use a key that exists (keyIdentifier)"
    )]
    NotOffered {
        /// The server.
        server: String,
        /// The operations.
        operations: String,
    },
}

/// A master key, and what the server says about it.
#[derive(Debug)]
pub struct Fetched {
    /// The key.
    pub key: MasterKey,
    /// Its attributes.
    pub attributes: ObjectAttributes,
}

/// Keys on KMIP servers, over one connection at a time.
pub struct KmipKeys {
    client: Client,
    session: Session,
    activate_keys: bool,
}

impl KmipKeys {
    /// Connects to the first server that works. With `activate_keys`, keys that are created are
    /// activated, and keys that are not Active are refused.
    ///
    /// # Errors
    /// Those of [`Client::connect`]. Nothing was created or changed.
    pub async fn connect(client: Client, activate_keys: bool) -> Result<KmipKeys, KmipKeyError> {
        let session = client.connect().await?;
        Ok(KmipKeys {
            client,
            session,
            activate_keys,
        })
    }

    /// The connection that is in use.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Looks whether the server says that it does not let us create and fetch keys, so that it is known
    /// before one is created. A server that does not answer the question is given the benefit
    /// of the doubt.
    ///
    /// # Errors
    /// [`KmipKeyError::NotOffered`].
    pub async fn check_can_create(&mut self) -> Result<(), KmipKeyError> {
        let offered = match self.session.query().await {
            Ok(information) => information.operations,
            Err(error) => {
                tracing::debug!(%error, "The KMIP server does not say what it offers");
                return Ok(());
            }
        };
        let mut needed = vec![Operation::Create, Operation::Get, Operation::GetAttributes];
        if self.activate_keys {
            needed.push(Operation::Activate);
        }
        needed.retain(|operation| !offered.contains(operation));
        if offered.is_empty() || needed.is_empty() {
            return Ok(());
        }
        let operations: Vec<_> = needed.iter().map(ToString::to_string).collect();
        Err(KmipKeyError::NotOffered {
            server: self.server(),
            operations: operations.join(", "),
        })
    }

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

    /// Finds a key that we created ourselves under a Name of our own, after an interrupted start. Should there
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
                    "A key of an interrupted start is not needed and may be destroyed"
                );
            }
        }
        Ok(hits.into_iter().next())
    }

    /// Creates a 256-bit AES key under a Name that nothing else has, and returns its unique identifier.
    /// It is Pre-Active: see [`KmipKeys::activate_created`].
    ///
    /// # Errors
    /// Those of the client. [`is_definite_refusal`] tells whether a key may exist nevertheless.
    pub async fn create(&mut self, name: &str) -> Result<String, KmipKeyError> {
        failpoint::hit("kmip.before_create");
        let identifier = self
            .session
            .create_symmetric_key(&NewSymmetricKey::aes256(name))
            .await?;
        failpoint::hit("kmip.created");
        Ok(identifier)
    }

    /// Activates a key that was created here, unless `activateKeys` is off. May be repeated.
    ///
    /// # Errors
    /// Those of the client.
    pub async fn activate_created(&mut self, identifier: &str) -> Result<(), KmipKeyError> {
        if self.activate_keys {
            self.session.activate(identifier).await?;
            failpoint::hit("kmip.activated");
        }
        Ok(())
    }

    /// Fetches a key by its unique identifier, after looking at what it is and, with `activate_keys`,
    /// at its state. A server of the list that does not have it is passed over.
    ///
    /// # Errors
    /// [`KmipKeyError::NotFound`], [`KmipKeyError::NotActive`], [`KmipKeyError::Unusable`], and those of
    /// the client.
    pub async fn fetch(&mut self, identifier: &str) -> Result<Fetched, KmipKeyError> {
        let attributes = match self.find(identifier).await? {
            // Only the key itself: a Name that happens to be the same text is another key.
            Ok(attributes) if attributes.unique_identifier == identifier => attributes,
            Ok(_) => {
                return Err(KmipKeyError::NotFound {
                    key: identifier.to_owned(),
                    servers: self.server(),
                });
            }
            Err(NotThere(servers)) => {
                return Err(KmipKeyError::NotFound {
                    key: identifier.to_owned(),
                    servers: servers.join(", "),
                });
            }
        };
        self.fetch_found(attributes).await
    }

    /// Fetches a key that was found.
    ///
    /// # Errors
    /// As [`KmipKeys::fetch`].
    pub async fn fetch_found(
        &mut self,
        attributes: ObjectAttributes,
    ) -> Result<Fetched, KmipKeyError> {
        self.check(&attributes)?;
        let identifier = &attributes.unique_identifier;
        let fetched = match self.session.get_symmetric_key(identifier).await {
            Ok(fetched) => fetched,
            Err(error) if *error.kind() == ErrorKind::UnusableKey => {
                return Err(self.unusable(&attributes, error.message().to_owned()));
            }
            Err(error) => return Err(error.into()),
        };
        if let Some(algorithm) = fetched.algorithm
            && algorithm != CryptographicAlgorithm::AES
        {
            return Err(self.unusable(&attributes, format!("a key for {algorithm}")));
        }
        let material = fetched.material.expose();
        let key = MasterKey::from_slice(material).ok_or_else(|| {
            self.unusable(&attributes, format!("a key of {} bits", material.len() * 8))
        })?;
        Ok(Fetched { key, attributes })
    }

    /// Looks at what the server says about a key, before it is fetched.
    fn check(&self, attributes: &ObjectAttributes) -> Result<(), KmipKeyError> {
        if let Some(kind) = attributes.object_type
            && kind != ObjectType::SymmetricKey
        {
            return Err(self.unusable(attributes, format!("an object of the type {kind}")));
        }
        if let Some(algorithm) = attributes.algorithm
            && algorithm != CryptographicAlgorithm::AES
        {
            return Err(self.unusable(attributes, format!("a key for {algorithm}")));
        }
        if let Some(bits) = attributes.bits
            && usize::try_from(bits) != Ok(KEY_LEN * 8)
        {
            return Err(self.unusable(attributes, format!("a key of {bits} bits")));
        }
        if self.activate_keys && !is_active(attributes) {
            return Err(KmipKeyError::NotActive {
                key: attributes.unique_identifier.clone(),
                server: self.server(),
                state: attributes
                    .state
                    .map_or_else(|| "unknown".to_owned(), |state| state.to_string()),
            });
        }
        Ok(())
    }

    fn unusable(&self, attributes: &ObjectAttributes, got: String) -> KmipKeyError {
        KmipKeyError::Unusable {
            key: attributes.unique_identifier.clone(),
            server: self.server(),
            got,
        }
    }

    fn server(&self) -> String {
        self.session.server().to_string()
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

/// Whether the server said no, so that nothing was created, as opposed to an answer that is missing.
pub fn is_definite_refusal(error: &KmipKeyError) -> bool {
    match error {
        KmipKeyError::Client(error) => {
            matches!(
                error.kind(),
                ErrorKind::Refused { .. } | ErrorKind::AuthenticationFailed
            ) && !error.outcome_is_unknown()
        }
        _ => false,
    }
}

fn is_active(attributes: &ObjectAttributes) -> bool {
    attributes.state == Some(State::Active)
}

fn may_be_absent(kind: &ErrorKind) -> bool {
    matches!(kind, ErrorKind::NotFound | ErrorKind::Refused { .. })
}
