//! Fetching the master keys that databases have of their own.

use keystore::provider::kmip::{KmipKeyError, KmipKeys};
use keystore::{TreeId, TreeLineage, TreeMasterKey};

use super::super::Encryption;
use super::super::error::is_connection_lost;
use super::News;
use crate::emit;
use crate::log::events;

impl Encryption {
    /// Fetches the master keys of all databases that have one of their own. What cannot be had locks its
    /// database; nothing of it is an error of the server.
    pub(crate) async fn unlock_all(&self, keys: Option<&mut KmipKeys>) {
        let _changing = self.own.changing.lock().await;
        let locked = self.locked_trees();
        if !locked.is_empty() {
            self.unlock(keys, locked).await;
        }
    }

    /// Tries again for those that are locked. Whether any still is.
    pub(super) async fn unlock_again(&self) -> bool {
        let _changing = self.own.changing.lock().await;
        let locked = self.locked_trees();
        if locked.is_empty() {
            return false;
        }
        match self.connect().await {
            Ok(mut keys) => self.unlock(Some(&mut keys), locked).await,
            Err(error) => {
                let reason = error.to_string();
                for own in &locked {
                    self.note_locked(own, &reason, None);
                }
            }
        }
        !self.locked_trees().is_empty()
    }

    /// The trees whose data keys are not at hand, or may not be used.
    pub(super) fn locked_trees(&self) -> Vec<TreeMasterKey> {
        let mut own = self.keystore.tree_master_keys();
        own.retain(|own| !own.is_unlocked || self.own.is_locked(own.tree));
        own
    }

    async fn unlock(&self, keys: Option<&mut KmipKeys>, trees: Vec<TreeMasterKey>) {
        let Some(keys) = keys else {
            for own in &trees {
                let reason = "the server was started without a KMIP server (security.kmip)";
                self.note_locked(own, reason, None);
            }
            return;
        };
        let dbpath_id = self.keystore.info().dbpath_id;
        let mut unreachable: Option<String> = None;
        for own in &trees {
            // Nobody waits for the time-out of each of a thousand keys.
            if let Some(reason) = &unreachable {
                self.note_locked(own, reason, None);
                continue;
            }
            match keys.open_key(&own.key, dbpath_id, Some(own.tree)).await {
                Ok(fetched) => {
                    let state = fetched.attributes.state.map(|state| state.to_string());
                    match self.keystore.unlock_tree(own.tree, &fetched.key) {
                        Ok(()) => self.note_unlocked(own, state),
                        Err(error) => self.note_locked(own, &error.to_string(), state),
                    }
                }
                Err(error) => {
                    let state = match &error {
                        KmipKeyError::NotActive { state, .. } => Some(state.clone()),
                        KmipKeyError::NotFound { .. } => Some("Gone".to_owned()),
                        _ => None,
                    };
                    let reason = error.to_string();
                    self.note_locked(own, &reason, state);
                    if is_connection_lost(&error) {
                        unreachable = Some(reason);
                    }
                }
            }
        }
    }

    fn note_unlocked(&self, own: &TreeMasterKey, state: Option<String>) {
        let was_locked = self.own.unlocked(own.tree, state);
        if was_locked {
            emit!(events::DATABASE_UNLOCKED, tree = %own.tree, masterKey = %own.key);
        }
    }

    pub(super) fn note_locked(&self, own: &TreeMasterKey, reason: &str, state: Option<String>) {
        let told = format!(
            "its data keys are under a master key of its own ({}), which cannot be used: {reason}. It is tried \
             again by itself",
            own.key
        );
        let news = self.own.locked(own.tree, told, state);
        if news.is_some() {
            emit!(
                events::DATABASE_LOCKED,
                tree = %own.tree,
                masterKey = %own.key,
                error = reason
            );
        }
        if news == Some(News::Locked) {
            self.own.changed.notify_one();
        }
    }

    /// The master keys of a tree, for when it is no more; `None` for a tree that is not known.
    pub(crate) fn keys_of(&self, tree: TreeId) -> Option<KeysOfTree> {
        let lineage = self.keystore.tree_lineage(tree).ok()?;
        let own = self.keystore.tree_master_key(tree).ok()?;
        Some(KeysOfTree { lineage, own })
    }

    /// A tree is no more: says which of its master keys are not needed any longer.
    pub(crate) fn tree_dropped(&self, keys: KeysOfTree) {
        let tree = keys.lineage.tree;
        self.own.forget(tree);
        if let Some(own) = keys.own {
            emit!(
                events::OWN_KEY_NOT_NEEDED,
                tree = %tree,
                keyId = own.key.identifier.as_deref().unwrap_or_default(),
                masterKey = %own.key
            );
        }
        // Nobody looks for it any more.
        if let Some(name) = keys.lineage.pending.and_then(|pending| pending.name) {
            emit!(events::KEY_NOT_NEEDED, tree = %tree, keyId = "not looked for", name);
        }
    }
}

/// The master keys of a tree.
#[derive(Debug)]
pub(crate) struct KeysOfTree {
    lineage: TreeLineage,
    own: Option<TreeMasterKey>,
}
