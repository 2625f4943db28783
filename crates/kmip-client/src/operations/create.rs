//! Create (KMIP 1.4, section 4.1; 2.1, section 6.1.8).

use kmip::operations::CreateRequest;
use kmip::registry::{ObjectType, Operation};

use super::named::{Lost, attributes, recover};
use crate::{NewSymmetricKey, Result, Session};

impl Session {
    /// Has the server make a symmetric key, and returns its unique identifier. The key is
    /// Pre-Active.
    ///
    /// If the answer is lost, the server is asked for a key of that Name: when it is there, its
    /// identifier is returned; when it is not and the connection had broken, Create is sent once
    /// more; after a time-out it is not, since the server may still be at work. So the Name must be
    /// one that nothing else has.
    ///
    /// # Errors
    /// `Refused`; `Timeout`, when it is not known whether the key will come to exist (under its
    /// Name); and what can happen to a connection.
    pub async fn create_symmetric_key(&mut self, key: &NewSymmetricKey) -> Result<String> {
        let error = match self.send_create(key).await {
            Err(error) => error,
            created => return created,
        };
        match recover(self, key, error, Operation::Create).await? {
            Lost::Done(identifier) => Ok(identifier),
            Lost::NotDone => self.send_create(key).await,
        }
    }

    async fn send_create(&mut self, key: &NewSymmetricKey) -> Result<String> {
        let request = CreateRequest {
            object_type: ObjectType::SymmetricKey,
            attributes: attributes(key),
            protection_storage_masks: None,
        };
        let response = self.call_once(request).await?;
        self.identifier(response.unique_identifier, Operation::Create)
    }
}
