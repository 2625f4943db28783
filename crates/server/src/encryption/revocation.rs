//! Revoking master keys of before, at a rotation or at any later time.

use std::sync::Arc;

use keystore::MasterKeyRef;
use keystore::provider::kmip::KmipKeys;
use keystore::rotation::{self, Revoked};

use super::Encryption;
use super::error::KeyChangeError;
use super::rotation::finish;
use crate::emit;
use crate::log::events;

impl Encryption {
    /// Revokes a key that was a master key of this dbpath or of a database of it (`revokeMasterKey`). `key` is its unique
    /// identifier or a Name. Refused while something of this server needs it; `keystore.previous` does not count with
    /// `remove_previous`, and is removed.
    ///
    /// # Errors
    /// [`KeyChangeError`].
    pub async fn revoke_master_key(
        self: &Arc<Self>,
        key: String,
        remove_previous: bool,
    ) -> Result<Revoked, KeyChangeError> {
        // A client that hangs up does not stop it half-way.
        finish({
            let encryption = Arc::clone(self);
            async move {
                let mut keys = encryption.connect().await?;
                let revoked =
                    rotation::revoke(&encryption.keystore, &mut keys, &key, remove_previous);
                let revoked = revoked.await?;
                emit!(events::KEY_REVOKED, keyId = revoked.identifier.as_str());
                Ok(revoked)
            }
        })
        .await
    }

    /// Revokes a key of before. The rotation is done: what fails is told, and is no error.
    pub(super) async fn revoke(
        &self,
        keys: &mut KmipKeys,
        old: &MasterKeyRef,
    ) -> Result<(), String> {
        let identifier = old.identifier.as_deref().unwrap_or_default();
        let revoked = rotation::revoke_old(&self.keystore, keys, old).await;
        if let Err(error) = revoked {
            emit!(events::KEY_NOT_REVOKED, keyId = identifier, %error);
            return Err(error.to_string());
        }
        emit!(events::KEY_REVOKED, keyId = identifier);
        // It opens with that key only: a copy of the data keys that nobody should open any more.
        if let Err(error) = self.remove_previous_under(identifier) {
            emit!(events::PREVIOUS_NOT_REMOVED, keyId = identifier, %error);
        }
        Ok(())
    }

    fn remove_previous_under(&self, identifier: &str) -> Result<(), keystore::Error> {
        if self.keystore.is_previous_under(identifier)? {
            self.keystore.remove_previous()?;
        }
        Ok(())
    }
}
