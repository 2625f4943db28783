//! Fetching keys.

use kmip::registry::{CryptographicAlgorithm, ObjectType};
use kmip_client::{ErrorKind, ObjectAttributes};

use super::find::is_active;
use super::{Fetched, KmipKeyError, KmipKeys};
use crate::memory::{KEY_LEN, MasterKey};

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

    pub(super) async fn fetch_material(
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
