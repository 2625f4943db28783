//! Putting a database under a master key of its own, under another one, or back under the server's.

use std::sync::Arc;

use keystore::provider::kmip::{KmipKeys, WrapContext};
use keystore::{Keystore, MasterKeyRef, TreeId, TreeMasterKey, failpoint};
use kmip_client::ObjectAttributes;

use super::super::Encryption;
use super::super::error::KeyChangeError;
use super::super::rotation::finish;
use crate::emit;
use crate::log::events;

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
        let (found, _) = found(&mut keys, given).await?;
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
        let mut keys = None;
        let new = match &to {
            DatabaseKey::Default => {
                let keystore = Arc::clone(&self.keystore);
                blocking(move || {
                    keystore.clear_tree_master_key(tree)?;
                    Ok(())
                })
                .await?;
                self.own.forget(tree);
                None
            }
            DatabaseKey::Given(_) | DatabaseKey::Next => {
                let connected = keys.insert(self.connect().await?);
                let generation = own
                    .as_ref()
                    .map_or(1, |own| own.key.generation.saturating_add(1));
                let (found, name) = match &to {
                    DatabaseKey::Given(given) => found(connected, given).await?,
                    _ if own.is_none() => return Err(KeyChangeError::NoOwnKey),
                    _ => self.created(connected, tree, generation).await?,
                };
                check_is_another(own.as_ref(), &found, connected)?;
                Some(self.take(connected, tree, generation, found, name).await?)
            }
        };
        let old = own.map(|own| own.key);
        emit!(
            events::DATABASE_KEY_CHANGED,
            tree = %tree,
            oldKeyId = identifier(old.as_ref()),
            newKeyId = identifier(new.as_ref())
        );
        let old_revoked = match (revoke_old, &old) {
            (true, Some(old)) => {
                if keys.is_none() {
                    keys = Some(self.connect().await?);
                }
                match &mut keys {
                    Some(keys) => Some(self.revoke(keys, old).await),
                    None => None,
                }
            }
            _ => None,
        };
        Ok(ChangedKey {
            old,
            new,
            old_revoked,
        })
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

    /// A key that is created for a tree; or the one that was, by an attempt that did not come to its end.
    async fn created(
        &self,
        keys: &mut KmipKeys,
        tree: TreeId,
        generation: u32,
    ) -> Result<(ObjectAttributes, Option<String>), KeyChangeError> {
        let dbpath_id = self.keystore.info().dbpath_id;
        let name = format!("strongroom/{dbpath_id}/{tree}/{generation}");
        let before = keys.find_announced(&name).await?;
        let created = match before {
            Some(found) => {
                emit!(
                    events::KEY_FOUND_AGAIN,
                    keyId = found.unique_identifier,
                    name
                );
                found.unique_identifier
            }
            None => {
                keys.check_can_create().await?;
                let created = keys.create(&name).await?;
                emit!(events::KEY_CREATED, keyId = created, name);
                created
            }
        };
        let interrupted = |source| KeyChangeError::Interrupted {
            name: name.clone(),
            source,
        };
        keys.activate_created(&created).await.map_err(interrupted)?;
        match keys.find(&created).await.map_err(interrupted)? {
            Ok(found) => Ok((found, Some(name))),
            Err(not_there) => Err(interrupted(not_there.error(&created))),
        }
    }

    /// Puts a tree under the key that was found.
    async fn take(
        &self,
        keys: &mut KmipKeys,
        tree: TreeId,
        generation: u32,
        found: ObjectAttributes,
        name: Option<String>,
    ) -> Result<MasterKeyRef, KeyChangeError> {
        let state = found.state.map(|state| state.to_string());
        let context = WrapContext {
            dbpath_id: self.keystore.info().dbpath_id,
            tree: Some(tree),
            generation,
        };
        let fetched = keys.take_into_use(found, &context).await?;
        let key = fetched.reference(generation, name)?;
        failpoint::hit("tree.fetched");
        let (keystore, reference) = (Arc::clone(&self.keystore), key.clone());
        blocking(move || put_under(&keystore, tree, reference, &fetched.key)).await?;
        failpoint::hit("tree.done");
        self.own.unlocked(tree, state);
        Ok(key)
    }
}

fn put_under(
    keystore: &Keystore,
    tree: TreeId,
    key: MasterKeyRef,
    master: &keystore::MasterKey,
) -> Result<(), keystore::Error> {
    // It has the same data keys under the master key of before: whoever has that could go on reading.
    // First, so that it is gone whenever the tree is under its new key.
    keystore.remove_previous()?;
    failpoint::hit("tree.previous_removed");
    keystore.set_tree_master_key(tree, key, master)
}

async fn found(
    keys: &mut KmipKeys,
    given: &str,
) -> Result<(ObjectAttributes, Option<String>), KeyChangeError> {
    match keys.find(given).await? {
        Ok(found) => {
            let name = Some(given).filter(|given| *given != found.unique_identifier);
            let name = name.map(str::to_owned);
            Ok((found, name))
        }
        Err(not_there) => Err(not_there.error(given).into()),
    }
}

fn check_is_another(
    own: Option<&TreeMasterKey>,
    found: &ObjectAttributes,
    keys: &KmipKeys,
) -> Result<(), KeyChangeError> {
    let Some(own) = own else {
        return Ok(());
    };
    let is_same = own.key.identifier.as_ref() == Some(&found.unique_identifier)
        && own.key.is_wrapped_on_server() == keys.wraps_on_server();
    match is_same {
        true => Err(KeyChangeError::SameKey {
            key: own.key.to_string(),
        }),
        false => Ok(()),
    }
}

fn identifier(key: Option<&MasterKeyRef>) -> &str {
    key.and_then(|key| key.identifier.as_deref())
        .unwrap_or("that of the server")
}

/// Runs what waits for a disk where that is allowed.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, keystore::Error> + Send + 'static,
) -> Result<T, keystore::Error> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(stopped) => Err(keystore::Error::Io {
                operation: "write",
                path: keystore::FILE_NAME.into(),
                source: std::io::Error::other(stopped),
            }),
        },
    }
}
