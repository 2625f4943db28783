//! Looking at the keys of databases that are open.

use std::collections::BTreeMap;

use keystore::TreeMasterKey;
use keystore::provider::kmip::is_another_key;
use kmip::registry::State;
use storage::Store;

use super::super::Encryption;
use super::super::look::{Outcome, look};
use crate::emit;
use crate::log::events;

impl Encryption {
    /// Looks at the master keys of the databases that are unlocked, and locks those whose key is no longer
    /// Active, or gone, whatever `onKeyStateLoss` says. A KMIP server that cannot be reached locks nothing.
    pub(super) async fn look_at_own_keys(&self, store: &Store) {
        let mut by_key = BTreeMap::<String, Vec<TreeMasterKey>>::new();
        for own in self.keystore.tree_master_keys() {
            if let Some(identifier) = own.key.identifier.clone()
                && own.is_unlocked
                && !self.own.is_locked(own.tree)
            {
                by_key.entry(identifier).or_default().push(own);
            }
        }
        let Some(client) = self.kmip_client().filter(|_| !by_key.is_empty()) else {
            return;
        };
        // One connection for those that are as they should be, which is nearly always all of them.
        let mut session = client.connect().await.ok();
        let (mut unknown, mut last_error) = (0_usize, String::new());
        for (identifier, trees) in by_key {
            let seen = match &mut session {
                Some(session) => session.get_attributes(&identifier).await.ok(),
                None => None,
            };
            // We gave it to one of them if to any: the others have it by its identifier.
            let name = trees.first().and_then(|own| own.key.name.as_deref());
            let is_active = seen.is_some_and(|seen| {
                seen.state == Some(State::Active) && !is_another_key(&seen, name)
            });
            let outcome = match is_active {
                true => Outcome::Active,
                false => look(client, &identifier, name).await.outcome,
            };
            match outcome {
                Outcome::Active => {
                    for own in trees {
                        self.own.unlocked(own.tree, Some("Active".to_owned()));
                    }
                }
                Outcome::Lost(lost) => {
                    for own in trees {
                        let (reason, state) = (lost.to_string(), lost.state().to_owned());
                        self.lock(store, &own, &reason, Some(state)).await;
                    }
                }
                Outcome::Unknown(error) => {
                    unknown += 1;
                    last_error = error;
                }
            }
        }
        if unknown > 0 {
            emit!(
                events::OWN_KEYS_UNKNOWN,
                keys = unknown,
                error = last_error.as_str()
            );
        }
    }

    /// Closes a database and forgets its data keys.
    async fn lock(&self, store: &Store, own: &TreeMasterKey, reason: &str, state: Option<String>) {
        let _changing = self.own.changing.lock().await;
        // Put under another key meanwhile: what was seen is no longer of interest.
        let now = self.keystore.tree_master_key(own.tree).ok().flatten();
        if now.is_none_or(|now| now.key != own.key) {
            return;
        }
        // In this order: from here on nobody opens it; closing it needs the keys for what is in memory.
        self.note_locked(own, reason, state);
        if let Some(name) = store.name_of(storage::TreeId(own.tree.0))
            && let Err(error) = store.close_database(&name).await
        {
            emit!(events::DATABASE_NOT_CLOSED, tree = %own.tree, %error);
        }
        // `UnknownTree`: it was dropped.
        let _ = self.keystore.lock_tree(own.tree);
    }
}
