//! The master key on a KMIP server (`security.kmip`).
//!
//! Nothing here decides what is asked for; start-up and rotation do. This module finds, creates and
//! fetches keys, and tells apart what can be wrong with them.

mod announced;
mod error;
mod fetch;
mod find;
mod life_cycle;
mod open;
mod tour;
mod wrap;

use kmip_client::{Client, ObjectAttributes, Session};

pub use announced::{Announced, is_another_key};
pub use error::{KmipKeyError, is_definite_refusal};
pub use find::NotThere;
pub use wrap::WrapContext;

use crate::error::Error;
use crate::format::{MasterKeyRef, WrappedMasterKey};
use crate::memory::MasterKey;

/// A master key, and what the server says about it.
#[derive(Debug)]
pub struct Fetched {
    /// The key: the server's own, or, with `wrapOnServer`, the one that it unwrapped.
    pub key: MasterKey,
    /// The attributes of the server's key.
    pub attributes: ObjectAttributes,
    /// What the server has to unwrap each time; `None` if its own key was fetched.
    pub wrapped: Option<WrappedMasterKey>,
}

impl Fetched {
    /// What a keystore says about the key. `name` is the Name by which it may be given as well.
    ///
    /// # Errors
    /// [`Error::TooLong`].
    pub fn reference(&self, generation: u32, name: Option<String>) -> Result<MasterKeyRef, Error> {
        let identifier = self.attributes.unique_identifier.clone();
        let key = MasterKeyRef::kmip(generation, name, Some(identifier))?;
        Ok(key.with_wrapped(self.wrapped.clone()))
    }
}

/// Keys on KMIP servers, over one connection at a time.
pub struct KmipKeys {
    client: Client,
    session: Session,
    activate_keys: bool,
    wrap_on_server: bool,
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
            wrap_on_server: false,
        })
    }

    /// Uses a connection that there is already.
    #[must_use]
    pub fn over(session: Session, activate_keys: bool) -> KmipKeys {
        KmipKeys {
            client: session.client().clone(),
            session,
            activate_keys,
            wrap_on_server: false,
        }
    }

    /// Whether keys that are taken into use from now on never leave the server (`security.kmip.wrapOnServer`). At
    /// first they do. How a key that is in use is opened does not depend on it: its [`MasterKeyRef`] says that.
    #[must_use]
    pub fn with_wrap_on_server(mut self, wrap_on_server: bool) -> KmipKeys {
        self.wrap_on_server = wrap_on_server;
        self
    }

    /// Whether keys that are taken into use never leave the server.
    pub fn wraps_on_server(&self) -> bool {
        self.wrap_on_server
    }

    /// The connection that is in use.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// The connection that is in use, for an operation that has nothing to do with master keys.
    pub fn session_mut(&mut self) -> &mut Session {
        &mut self.session
    }

    /// Takes a key that was found into use as a master key: fetches it, or, with `wrapOnServer`, has the server
    /// wrap a new key with it.
    ///
    /// # Errors
    /// As [`KmipKeys::fetch_found`] or [`KmipKeys::wrap_new`].
    pub async fn take_into_use(
        &mut self,
        attributes: ObjectAttributes,
        context: &WrapContext,
    ) -> Result<Fetched, KmipKeyError> {
        match self.wrap_on_server {
            true => self.wrap_new(attributes, context).await,
            false => self.fetch_found(attributes).await,
        }
    }

    fn server(&self) -> String {
        self.session.server().to_string()
    }
}
