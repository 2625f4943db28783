//! Creating, activating and revoking keys.

use kmip::registry::{Operation, RevocationReasonCode};
use kmip_client::NewSymmetricKey;

use super::{KmipKeyError, KmipKeys};
use crate::failpoint;

impl KmipKeys {
    /// Looks whether the server says that it does not let us create keys and use them, so that it is known
    /// before one is created. A server that does not answer the question is given the benefit
    /// of the doubt.
    ///
    /// # Errors
    /// [`KmipKeyError::NotOffered`].
    pub async fn check_can_create(&mut self) -> Result<(), KmipKeyError> {
        let remedy = "permit it there, or use a key that exists (keyIdentifier)";
        if self.wrap_on_server {
            self.check_can_wrap().await?;
            let needed = [
                Operation::Create,
                Operation::GetAttributes,
                Operation::Activate,
            ];
            return self.check_offered(&needed, remedy).await;
        }
        let mut needed = vec![Operation::Create, Operation::Get, Operation::GetAttributes];
        if self.activate_keys {
            needed.push(Operation::Activate);
        }
        self.check_offered(&needed, remedy).await
    }

    pub(super) async fn check_offered(
        &mut self,
        needed: &[Operation],
        remedy: &'static str,
    ) -> Result<(), KmipKeyError> {
        let offered = match self.session.query().await {
            Ok(information) => information.operations,
            Err(error) => {
                tracing::debug!(%error, "The KMIP server does not say what it offers");
                return Ok(());
            }
        };
        let missing = needed.iter().filter(|needed| !offered.contains(needed));
        let operations: Vec<_> = missing.map(ToString::to_string).collect();
        if offered.is_empty() || operations.is_empty() {
            return Ok(());
        }
        Err(KmipKeyError::NotOffered {
            server: self.server(),
            operations: operations.join(", "),
            remedy,
        })
    }

    /// Creates a 256-bit AES key under a Name that nothing else has, and returns its unique identifier.
    /// It is Pre-Active: see [`KmipKeys::activate_created`].
    ///
    /// # Errors
    /// Those of the client. [`is_definite_refusal`](super::is_definite_refusal) tells whether a key may exist nevertheless.
    pub async fn create(&mut self, name: &str) -> Result<String, KmipKeyError> {
        failpoint::hit("kmip.before_create");
        let identifier = self
            .session
            .create_symmetric_key(&NewSymmetricKey::aes256(name))
            .await?;
        failpoint::hit("kmip.created");
        Ok(identifier)
    }

    /// Activates a key that was created here, unless `activateKeys` is off; for `wrapOnServer` always, since no
    /// server encrypts with a key that is not Active. May be repeated.
    ///
    /// # Errors
    /// Those of the client.
    pub async fn activate_created(&mut self, identifier: &str) -> Result<(), KmipKeyError> {
        if self.activate_keys || self.wrap_on_server {
            self.session.activate(identifier).await?;
            failpoint::hit("kmip.activated");
        }
        Ok(())
    }

    /// Revokes a key that another has taken the place of: it is Deactivated. A key that is so already is no error.
    ///
    /// # Errors
    /// Those of the client.
    pub async fn revoke_superseded(&mut self, identifier: &str) -> Result<(), KmipKeyError> {
        let message = "another master key has taken its place";
        let reason = RevocationReasonCode::Superseded;
        failpoint::hit("kmip.before_revoke");
        self.session
            .revoke(identifier, reason, Some(message))
            .await?;
        failpoint::hit("kmip.revoked");
        Ok(())
    }

    /// Removes a key that was created here a moment ago and turned out to be of no use. Tries only: it has
    /// a Name by which it can be found.
    pub(crate) async fn discard(&mut self, identifier: &str) {
        let message = "it was not taken into use";
        let reason = RevocationReasonCode::CessationOfOperation;
        // A key that was never activated need not, and on some servers cannot, be revoked.
        if let Err(error) = self.session.revoke(identifier, reason, Some(message)).await {
            tracing::debug!(%error, identifier, "The unused key cannot be revoked");
        }
        if let Err(error) = self.session.destroy(identifier).await {
            tracing::warn!(%error, identifier, "The key is not needed and may be destroyed");
        }
    }
}
