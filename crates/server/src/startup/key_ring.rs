//! The keystore as the storage layer sees it: a ring of data keys.

use std::sync::Arc;

use keystore::{Cipher, KeyState, Keystore, PreviousCopy};
use storage::Encryption as StorageEncryption;
use storage::keys::{DataCipher, DataKeyState, DataKeys, KeyError, KeyLocked, KeyRing};
use zeroize::Zeroizing;

use crate::emit;
use crate::encryption::Encryption;
use crate::log::events;

/// What the storage layer is opened with: the keys of the keystore, or none.
pub fn storage_encryption(encryption: Option<&Arc<Encryption>>) -> StorageEncryption {
    match encryption {
        Some(encryption) => StorageEncryption::Keys(Arc::new(Ring(Arc::clone(encryption)))),
        None => StorageEncryption::None,
    }
}

struct Ring(Arc<Encryption>);

impl Ring {
    fn keystore(&self) -> &Arc<Keystore> {
        self.0.keystore()
    }

    fn keys(&self, tree: keystore::TreeId) -> Arc<dyn DataKeys> {
        Arc::new(TreeKeys {
            keystore: Arc::clone(self.keystore()),
            tree,
        })
    }
}

impl KeyRing for Ring {
    fn create(&self, tree: storage::TreeId) -> Result<Arc<dyn DataKeys>, KeyError> {
        let tree = keystore::TreeId(tree.0);
        self.keystore().create_data_key(tree)?;
        Ok(self.keys(tree))
    }

    fn lookup(&self, tree: storage::TreeId) -> Result<Option<Arc<dyn DataKeys>>, KeyError> {
        let tree = keystore::TreeId(tree.0);
        // A database whose own master key cannot be used: the error says why.
        self.0.permit_tree(tree)?;
        if let Err(locked) = self.keystore().check_unlocked(tree) {
            let reason = locked.to_string();
            return Err(KeyLocked { reason }.into());
        }
        let known = self.keystore().active_key_id(tree).is_some();
        Ok(known.then(|| self.keys(tree)))
    }

    fn rotate(&self, tree: storage::TreeId) -> Result<u32, KeyError> {
        let tree = keystore::TreeId(tree.0);
        self.0.permit_tree(tree)?;
        let (id, _) = self.keystore().rotate_data_key(tree)?;
        Ok(id)
    }

    fn retire(&self, tree: storage::TreeId, id: u32) -> Result<(), KeyError> {
        let tree = keystore::TreeId(tree.0);
        Ok(self.keystore().retire_data_key(tree, id)?)
    }

    fn destroy(&self, tree: storage::TreeId) -> Result<(), KeyError> {
        let tree = keystore::TreeId(tree.0);
        if self.keystore().destroy_data_key(tree)? == PreviousCopy::Removed {
            emit!(events::PREVIOUS_REMOVED, %tree);
        }
        Ok(())
    }

    fn trees(&self) -> Result<Vec<storage::TreeId>, KeyError> {
        let trees = self.keystore().tree_ids();
        Ok(trees
            .into_iter()
            .map(|tree| storage::TreeId(tree.0))
            .collect())
    }
}

/// The keys of one tree, as they are at each moment: a key that is added or destroyed later is seen.
struct TreeKeys {
    keystore: Arc<Keystore>,
    tree: keystore::TreeId,
}

impl DataKeys for TreeKeys {
    fn cipher(&self) -> DataCipher {
        match self.keystore.cipher() {
            Cipher::XChaCha20Poly1305 => DataCipher::XChaCha20Poly1305,
            _ => DataCipher::Aes256Gcm,
        }
    }

    fn active(&self) -> u32 {
        // Key ids begin at 1: 0 is a key that there never was.
        self.keystore.active_key_id(self.tree).unwrap_or(0)
    }

    fn state(&self, id: u32) -> DataKeyState {
        match self.keystore.key_state(self.tree, id) {
            Some(KeyState::Active) => DataKeyState::Active,
            Some(_) => DataKeyState::DecryptOnly,
            None => DataKeyState::Unknown,
        }
    }

    fn key(&self, id: u32) -> Option<Zeroizing<[u8; 32]>> {
        // The trait has no room for an error: of a tree that is locked meanwhile the keys are not there.
        let (_, key) = self.keystore.data_key(self.tree, id).ok().flatten()?;
        Some(Zeroizing::new(*key.expose()))
    }
}

#[cfg(test)]
mod tests {
    use keystore::{Cipher, MasterKey, MasterKeyRef};
    use uuid::Uuid;

    use super::*;

    #[test]
    fn the_ring_follows_the_keystore() {
        let dbpath = tempfile::tempdir().unwrap();
        let master = MasterKey::from_slice(&[1; 32]).unwrap();
        let (key, cipher) = (MasterKeyRef::key_file(1), Cipher::Aes256Gcm);
        let keystore = Keystore::create(dbpath.path(), Uuid::new_v4(), cipher, key, &master);
        let keystore = Arc::new(keystore.unwrap());
        let encryption = Encryption::new(Arc::clone(&keystore), None);
        let StorageEncryption::Keys(ring) = storage_encryption(Some(&encryption)) else {
            panic!("no keys");
        };
        let (ours, theirs) = (keystore::TreeId([7; 16]), storage::TreeId([7; 16]));

        assert!(ring.lookup(theirs).unwrap().is_none());
        let keys = ring.create(theirs).unwrap();
        let (first, (_, stored)) = (keys.active(), keystore.data_key(ours, 1).unwrap().unwrap());
        assert_eq!(*keys.key(first).unwrap(), *stored.expose());
        assert_eq!(keys.state(first), DataKeyState::Active);
        assert_eq!(ring.trees().unwrap(), [theirs]);
        assert_eq!(ring.lookup(theirs).unwrap().unwrap().active(), first);

        assert_eq!(ring.rotate(theirs).unwrap(), 2);
        assert_eq!(keystore.active_key_id(ours), Some(2));
        assert_eq!(keys.active(), 2);
        assert_eq!(keys.state(first), DataKeyState::DecryptOnly);

        let own = MasterKey::from_slice(&[2; 32]).unwrap();
        keystore
            .set_tree_master_key(ours, MasterKeyRef::key_file(1), &own)
            .unwrap();
        assert_eq!(keys.active(), 2);
        keystore.lock_tree(ours).unwrap();
        let refused = ring.lookup(theirs).map(drop).unwrap_err().to_string();
        assert!(refused.contains("is locked"), "{refused}");
        assert!(keys.key(2).is_none());
        assert_eq!(keys.state(2), DataKeyState::Active);
        assert_eq!(ring.trees().unwrap(), [theirs], "it is not forgotten");

        let refused = ring.retire(theirs, 2).unwrap_err().to_string();
        assert!(
            refused.contains("new data is written under it"),
            "{refused}"
        );
        ring.retire(theirs, first).unwrap();
        assert_eq!(keys.state(first), DataKeyState::Unknown);
        assert_eq!(keys.active(), 2);

        ring.destroy(theirs).unwrap();
        assert!(ring.lookup(theirs).unwrap().is_none());
        assert_eq!(keys.state(2), DataKeyState::Unknown);
        assert!(keys.key(2).is_none());
        assert!(!storage_encryption(None).is_on());
    }
}
