//! Putting a database under a master key of its own, under another one, or back under the server's.

use std::sync::Arc;

use keystore::provider::kmip::KmipKeys;
use keystore::rotation::{self, RotationError, TreeTarget};
use keystore::{MasterKeyRef, TreeId, TreeMasterKey};

use super::super::Encryption;
use super::super::error::KeyChangeError;
use super::super::rotation::finish;
use crate::emit;
use crate::log::events;
use crate::startup;

/// The master key that a database is to come under.
#[derive(Clone, Debug)]
pub enum DatabaseKey {
    /// A key on the KMIP server: unique identifier, or a Name that only one (Active) key has.
    Given(String),
    /// A key that is created on the KMIP server, in place of the one that the database has of its own.
    Next,
    /// That of the server.
    Default,
}

/// A database that is under another master key now.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ChangedKey {
    /// The key of its own that it had.
    pub old: Option<MasterKeyRef>,
    /// The key of its own that it has.
    pub new: Option<MasterKeyRef>,
    /// Whether the old key is revoked, or why it is not; `None` if that was not asked for.
    pub old_revoked: Option<Result<(), String>>,
}

impl Encryption {
    /// Puts the data keys of a database under another master key. The data is not touched. With
    /// `revoke_old`, the key of its own that it had is revoked afterwards.
    ///
    /// # Errors
    /// [`KeyChangeError`].
    pub async fn change_database_key(
        self: &Arc<Self>,
        tree: TreeId,
        to: DatabaseKey,
        revoke_old: bool,
    ) -> Result<ChangedKey, KeyChangeError> {
        finish({
            let encryption = Arc::clone(self);
            async move { encryption.change_now(tree, to, revoke_old).await }
        })
        .await
    }

    /// Whether a key is there and may be used: for whoever has something to prepare before it is.
    ///
    /// # Errors
    /// [`KeyChangeError`].
    pub async fn try_key(&self, given: &str) -> Result<(), KeyChangeError> {
        let mut keys = self.connect().await?;
        let found = match keys.find(given).await? {
            Ok(found) => found,
            Err(not_there) => return Err(not_there.error(given).into()),
        };
        match keys.wraps_on_server() {
            true => keys.check_can_wrap().await?,
            false => drop(keys.fetch_found(found).await?),
        }
        Ok(())
    }

    async fn change_now(
        &self,
        tree: TreeId,
        to: DatabaseKey,
        revoke_old: bool,
    ) -> Result<ChangedKey, KeyChangeError> {
        let _changing = self.own.changing.lock().await;
        let own = self.keystore.tree_master_key(tree)?;
        // Before anything is asked of the KMIP server: without its keys it cannot be put under others.
        self.keystore.check_unlocked(tree)?;
        if let (true, Some(own)) = (revoke_old, &own) {
            self.check_nobody_else(own)?;
        }
        let mut connected = match &to {
            DatabaseKey::Next if own.is_none() => return Err(KeyChangeError::NoOwnKey),
            DatabaseKey::Given(_) | DatabaseKey::Next => Some(self.connect().await?),
            // Whether the KMIP server can be reached does not matter for it.
            DatabaseKey::Default => None,
        };
        let target = match (&to, &mut connected) {
            (DatabaseKey::Given(key), Some(keys)) => TreeTarget::KmipKey { keys, key },
            (DatabaseKey::Next, Some(keys)) => TreeTarget::NewKmipKey(keys),
            _ => TreeTarget::Default,
        };
        let changed = rotation::set_tree_key(&self.keystore, tree, target)
            .await
            .map_err(of_tree)?;
        match &changed.new {
            Some(_) => {
                let state = changed.attributes.as_ref().and_then(|seen| seen.state);
                self.own
                    .unlocked(tree, state.map(|state| state.to_string()));
            }
            None => self.own.forget(tree),
        }
        if let (Some(origin), Some(new)) = (changed.origin, &changed.new) {
            startup::log_origin(origin, new);
        }
        emit!(
            events::DATABASE_KEY_CHANGED,
            tree = %tree,
            oldKeyId = identifier(changed.old.as_ref()),
            newKeyId = identifier(changed.new.as_ref())
        );
        if let Some(left) = &changed.not_needed {
            startup::log_not_needed(left);
        }
        let old_revoked = match (revoke_old, &changed.old) {
            (true, Some(old)) => Some(self.revoke_with(connected, old).await),
            _ => None,
        };
        Ok(ChangedKey {
            old: changed.old,
            new: changed.new,
            old_revoked,
        })
    }

    /// Revokes a key of before. The change is done: a KMIP server that is away does not undo it, and is told.
    async fn revoke_with(
        &self,
        connected: Option<KmipKeys>,
        old: &MasterKeyRef,
    ) -> Result<(), String> {
        let connected = match connected {
            Some(keys) => Ok(keys),
            None => self.connect().await,
        };
        match connected {
            Ok(mut keys) => self.revoke(&mut keys, old).await,
            Err(error) => {
                emit!(events::KEY_NOT_REVOKED, keyId = identifier(Some(old)), %error);
                Err(error.to_string())
            }
        }
    }

    /// Refuses to revoke a key that something else is under.
    fn check_nobody_else(&self, own: &TreeMasterKey) -> Result<(), KeyChangeError> {
        let is_it = |key: &MasterKeyRef| key.identifier == own.key.identifier;
        let by = if is_it(&self.keystore.master_key()) {
            "the server has".to_owned()
        } else {
            let others = self.keystore.tree_master_keys();
            let others = others
                .iter()
                .filter(|other| other.tree != own.tree && is_it(&other.key));
            match others.count() {
                0 => return Ok(()),
                1 => "another database has".to_owned(),
                count => format!("{count} other databases have"),
            }
        };
        Err(KeyChangeError::StillNeeded {
            key: own.key.identifier.clone().unwrap_or_default(),
            by,
        })
    }
}

/// The errors of a change, in the words of a database's key.
fn of_tree(error: RotationError) -> KeyChangeError {
    match error {
        RotationError::NothingToRotate { key } => KeyChangeError::SameKey { key },
        error => error.into(),
    }
}

fn identifier(key: Option<&MasterKeyRef>) -> &str {
    key.and_then(|key| key.identifier.as_deref())
        .unwrap_or("that of the server")
}
