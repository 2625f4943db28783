//! Register (KMIP 1.4, section 4.3; 2.1, section 6.1.47).

use kmip::SecretBytes;
use kmip::objects::{KeyBlock, SymmetricKey};
use kmip::operations::RegisterRequest;
use kmip::registry::ObjectType;

use super::named::{Sought, attributes};
use crate::{Error, ErrorKind, NewSymmetricKey, Result, Session};

impl Session {
    /// Gives the server a symmetric key that was made here, and returns its unique identifier. The
    /// key is Pre-Active. The Name must be one that nothing else has: a lost answer is recovered by it, as for
    /// [`Session::register`].
    ///
    /// # Errors
    /// `Configuration`, if the material is not of `key.bits` bits; otherwise as for [`Session::register`].
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
        let key_block = KeyBlock::raw(key.algorithm, material.clone());
        let request = RegisterRequest {
            object_type: ObjectType::SymmetricKey,
            attributes: attributes(key),
            object: SymmetricKey { key_block }.into(),
            protection_storage_masks: None,
        };
        self.register(request, Some(&[])).await
    }

    /// Gives the server an object of any type with whatever attributes, and returns its unique identifier. A lost answer is
    /// recovered as for [`Session::create`]; an object that is found by its Name is read back and must be this one.
    ///
    /// # Errors
    /// As for [`Session::create`]; `AmbiguousName` also if the Name leads to another object.
    pub async fn register(
        &mut self,
        request: RegisterRequest,
        namesakes: Option<&[String]>,
    ) -> Result<String> {
        let object = request.object.clone();
        let sought = Sought {
            object_type: request.object_type,
            name: request.attributes.names().next().cloned(),
            namesakes,
            object: Some(&object),
        };
        self.make(request, |response| response.unique_identifier, &sought)
            .await
    }
}
