//! Changing the master key while the server runs.

use std::sync::Arc;

use keystore::MasterKeyRef;
use keystore::provider::kmip::KmipKeys;
use keystore::rotation::{self, Rotated, Target};

use super::Encryption;
use super::error::KeyChangeError;
use crate::startup;

/// A rotation that is done.
#[derive(Debug)]
#[non_exhaustive]
pub struct Rotation {
    /// Old and new key.
    pub rotated: Rotated,
    /// Whether the old key is revoked, or why it is not; `None` if that was not asked for.
    pub old_revoked: Option<Result<(), String>>,
}

impl Encryption {
    /// A connection to the KMIP servers that the server was started with.
    ///
    /// # Errors
    /// [`KeyChangeError::NoKmipServer`]; [`KeyChangeError::Kmip`].
    pub(super) async fn connect(&self) -> Result<KmipKeys, KeyChangeError> {
        let kmip = self.kmip.as_ref().ok_or(KeyChangeError::NoKmipServer)?;
        let keys = KmipKeys::connect(kmip.client.clone(), kmip.activate_keys).await?;
        Ok(keys.with_wrap_on_server(kmip.wrap_on_server))
    }

    /// Puts the keystore under another master key: one that is created (`None`), or one that is there
    /// (unique identifier, or Name). The data is not touched. With `revoke_old`, the key of before is
    /// revoked afterwards; that is refused at once if something else of this server is under it.
    ///
    /// # Errors
    /// [`KeyChangeError`].
    pub async fn rotate(
        self: &Arc<Self>,
        identifier: Option<String>,
        revoke_old: bool,
    ) -> Result<Rotation, KeyChangeError> {
        // A client that hangs up does not stop it half-way.
        finish({
            let encryption = Arc::clone(self);
            async move { encryption.rotate_now(identifier, revoke_old).await }
        })
        .await
    }

    async fn rotate_now(
        &self,
        identifier: Option<String>,
        revoke_old: bool,
    ) -> Result<Rotation, KeyChangeError> {
        if revoke_old {
            let old = self.keystore.master_key();
            self.check_only_master(&old)?;
        }
        let mut keys = self.connect().await?;
        let target = match &identifier {
            None => Target::NewKmipKey(&mut keys),
            Some(key) => Target::KmipKey {
                keys: &mut keys,
                key,
            },
        };
        let rotated = rotation::rotate(&self.keystore, target).await?;
        startup::log_rotation(&rotated);
        // Before the old key is revoked: nobody looks after that one any more.
        self.master_key_changed();
        let old_revoked = match revoke_old {
            true => Some(self.revoke(&mut keys, &rotated.old).await),
            false => None,
        };
        Ok(Rotation {
            rotated,
            old_revoked,
        })
    }

    /// Refuses to revoke a key that a database has as a master key of its own.
    fn check_only_master(&self, old: &MasterKeyRef) -> Result<(), KeyChangeError> {
        let others = self.keystore.tree_master_keys();
        let count = others
            .iter()
            .filter(|own| own.key.identifier == old.identifier)
            .count();
        if count == 0 {
            return Ok(());
        }
        Err(KeyChangeError::StillNeeded {
            key: old.identifier.clone().unwrap_or_default(),
            by: match count {
                1 => "a database has".to_owned(),
                count => format!("{count} databases have"),
            },
        })
    }
}

/// Runs what is to be finished whether or not somebody waits for it.
pub(super) async fn finish<T: Send + 'static>(
    work: impl Future<Output = Result<T, KeyChangeError>> + Send + 'static,
) -> Result<T, KeyChangeError> {
    match tokio::spawn(work).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(stopped) => Err(keystore::Error::Io {
                operation: "change",
                path: keystore::FILE_NAME.into(),
                source: std::io::Error::other(stopped),
            }
            .into()),
        },
    }
}
