//! Register (KMIP 1.4, section 4.3; 2.1, section 6.1.47).

use kmip::SecretBytes;
use kmip::objects::{KeyBlock, SymmetricKey};
use kmip::operations::RegisterRequest;
use kmip::registry::{ObjectType, Operation};

use super::named::{Lost, attributes, recover};
use crate::{Error, ErrorKind, NewSymmetricKey, Result, Session};

impl Session {
    /// Gives the server a symmetric key that was made here, and returns its unique identifier. The
    /// key is Pre-Active. A lost answer is recovered as for [`Session::create_symmetric_key`]; a key
    /// that is found by its Name is read back and must be this one.
    ///
    /// # Errors
    /// `Configuration`, if the material is not of `key.bits` bits; `AmbiguousName`, if the Name leads to another key;
    /// otherwise as for Create.
    pub async fn register_symmetric_key(
        &mut self,
        key: &NewSymmetricKey,
        material: &SecretBytes,
    ) -> Result<String> {
        if u32::try_from(material.len().saturating_mul(8)) != Ok(key.bits) {
            return Err(Error::new(
                ErrorKind::Configuration,
                format!(
                    "a key of {} bytes cannot be one of {} bits",
                    material.len(),
                    key.bits
                ),
            ));
        }
        let error = match self.send_register(key, material).await {
            Err(error) => error,
            registered => return registered,
        };
        match recover(self, key, error, Operation::Register).await? {
            Lost::Done(identifier) => {
                let found = self.get_symmetric_key(&identifier).await?;
                if found.material == *material {
                    return Ok(identifier);
                }
                let message = format!(
                    "the answer was lost, and the name \"{}\" belongs to another key, {identifier}",
                    key.name
                );
                Err(self.at_here(
                    Error::new(ErrorKind::AmbiguousName, message),
                    Operation::Register,
                ))
            }
            Lost::NotDone => self.send_register(key, material).await,
        }
    }

    async fn send_register(
        &mut self,
        key: &NewSymmetricKey,
        material: &SecretBytes,
    ) -> Result<String> {
        let key_block = KeyBlock::raw(key.algorithm, material.clone());
        let request = RegisterRequest {
            object_type: ObjectType::SymmetricKey,
            attributes: attributes(key),
            object: SymmetricKey { key_block }.into(),
            protection_storage_masks: None,
        };
        let response = self.call_once(request).await?;
        self.identifier(response.unique_identifier, Operation::Register)
    }
}
