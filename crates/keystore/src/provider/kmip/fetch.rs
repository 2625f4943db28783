//! Fetching keys.

use kmip::registry::{CryptographicAlgorithm, ObjectType};
use kmip_client::{ErrorKind, ObjectAttributes};
use uuid::Uuid;

use super::announced::is_another_key;
use super::find::{NotThere, is_active};
use super::{Fetched, KmipKeyError, KmipKeys, WrapContext};
use crate::format::MasterKeyRef;
use crate::memory::{KEY_LEN, MasterKey};
use crate::tree_id::TreeId;

impl KmipKeys {
    /// Fetches a key by its unique identifier, after looking at what it is and, with `activate_keys`,
    /// at its state. A server of the list that does not have it is passed over.
    ///
    /// # Errors
    /// [`KmipKeyError::NotFound`], [`KmipKeyError::NotActive`], [`KmipKeyError::Unusable`], and those of
    /// the client.
    pub async fn fetch(&mut self, identifier: &str) -> Result<Fetched, KmipKeyError> {
        let attributes = self.find_identifier(identifier).await?;
        self.fetch_found(attributes).await
    }

    /// Gets the master key that a keystore names: fetches it, or has the server unwrap it. `tree` is the tree whose
    /// own it is, `None` for the dbpath's.
    ///
    /// # Errors
    /// As [`KmipKeys::fetch`]; [`KmipKeyError::NotUnwrapped`].
    pub async fn open_key(
        &mut self,
        key: &MasterKeyRef,
        dbpath_id: Uuid,
        tree: Option<TreeId>,
    ) -> Result<Fetched, KmipKeyError> {
        let attributes = self.find_saved(key).await?;
        self.check_state(&attributes)?;
        self.open_found(attributes, key, dbpath_id, tree).await
    }

    /// As [`KmipKeys::open_key`], whatever the key's state: for a key that is about to be replaced. (A server
    /// may nevertheless refuse to decrypt with a key that is not Active.)
    ///
    /// # Errors
    /// As [`KmipKeys::open_key`], without [`KmipKeyError::NotActive`].
    pub async fn open_key_in_any_state(
        &mut self,
        key: &MasterKeyRef,
        dbpath_id: Uuid,
        tree: Option<TreeId>,
    ) -> Result<Fetched, KmipKeyError> {
        let attributes = self.find_saved(key).await?;
        self.open_found(attributes, key, dbpath_id, tree).await
    }

    async fn open_found(
        &mut self,
        attributes: ObjectAttributes,
        key: &MasterKeyRef,
        dbpath_id: Uuid,
        tree: Option<TreeId>,
    ) -> Result<Fetched, KmipKeyError> {
        let Some(wrapped) = key.wrapped() else {
            return self.fetch_material(attributes).await;
        };
        self.check_kind(&attributes)?;
        let context = WrapContext {
            dbpath_id,
            tree,
            generation: key.generation,
        };
        let identifier = &attributes.unique_identifier;
        Ok(Fetched {
            key: self.unwrap(identifier, wrapped, &context).await?,
            attributes,
            wrapped: Some(wrapped.clone()),
        })
    }

    /// Connects to the server that has the key that a keystore names, whatever the key's state.
    ///
    /// # Errors
    /// [`KmipKeyError::NotFound`]; those of the client.
    pub(crate) async fn locate_saved(&mut self, key: &MasterKeyRef) -> Result<(), KmipKeyError> {
        self.find_saved(key).await.map(drop)
    }

    async fn find_saved(&mut self, key: &MasterKeyRef) -> Result<ObjectAttributes, KmipKeyError> {
        match (&key.identifier, &key.name) {
            (Some(identifier), name) => {
                let found = self.find_identifier(identifier).await?;
                match is_another_key(&found, name.as_deref()) {
                    true => Ok(self.find_named(found, name.as_deref()).await),
                    false => Ok(found),
                }
            }
            // No keystore of ours lacks it; whoever wrote this one can only be asked by Name.
            (None, name) => {
                let name = name.as_deref().unwrap_or_default();
                let found = self.find(name).await?;
                found.map_err(|not_there| not_there.error(name))
            }
        }
    }

    async fn find_identifier(
        &mut self,
        identifier: &str,
    ) -> Result<ObjectAttributes, KmipKeyError> {
        match self.find(identifier).await? {
            // Only the key itself: a Name that happens to be the same text is another key.
            Ok(attributes) if attributes.unique_identifier == identifier => Ok(attributes),
            Ok(_) => Err(NotThere(vec![self.server()]).error(identifier)),
            Err(not_there) => Err(not_there.error(identifier)),
        }
    }

    /// Fetches a key that was found.
    ///
    /// # Errors
    /// As [`KmipKeys::fetch`].
    pub async fn fetch_found(
        &mut self,
        attributes: ObjectAttributes,
    ) -> Result<Fetched, KmipKeyError> {
        self.check_state(&attributes)?;
        self.fetch_material(attributes).await
    }

    async fn fetch_material(
        &mut self,
        attributes: ObjectAttributes,
    ) -> Result<Fetched, KmipKeyError> {
        self.check_kind(&attributes)?;
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
        Ok(Fetched {
            key,
            attributes,
            wrapped: None,
        })
    }

    /// Looks at what the server says a key is, before it is fetched.
    pub(super) fn check_kind(&self, attributes: &ObjectAttributes) -> Result<(), KmipKeyError> {
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
        Ok(())
    }

    /// Looks at the state that the server says a key is in.
    pub(super) fn check_state(&self, attributes: &ObjectAttributes) -> Result<(), KmipKeyError> {
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

    pub(super) fn unusable(&self, attributes: &ObjectAttributes, got: String) -> KmipKeyError {
        KmipKeyError::Unusable {
            key: attributes.unique_identifier.clone(),
            server: self.server(),
            got,
        }
    }
}
